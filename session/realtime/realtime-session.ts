import { silenceByte } from '../../audio/index.js';
import type { PlaybackReport } from '../../audio/index.js';
import { GuardrailRunner } from '../agent/guardrail-runner.js';
import { readHandoffArguments } from '../agent/handoff.js';
import type { RealtimeAgent } from '../agent/realtime-agent.js';
import { ToolRunner } from '../agent/tool-runner.js';
import type { ToolSettled } from '../agent/tool-runner.js';
import { errorText } from '../error-text.js';
import { InvalidStateError, ToolError, TransportError, assertNever } from '../errors.js';
import type { HistoryItem, NewHistoryItem } from '../events/history-item.js';
import type { CallCost, SessionUsage } from '../events/usage.js';
import type { EventInfo, SessionEvent, SessionEventBody, SessionEventMap } from '../events/session-event.js';
import type { Clock, Timer } from '../ports/clock.js';
import { silentLogger } from '../ports/logger.js';
import type { Logger } from '../ports/logger.js';
import type { ModelContentPart, RealtimeModel, ResponseRequest } from '../ports/model.js';
import { anomalyPolicy } from '../state/anomaly-state.js';
import type { BargeInCounts } from '../state/barge-in-policy.js';
import { contextTokens } from '../state/context-budget.js';
import { createContext } from '../state/context-state.js';
import { historyItems } from '../state/history.js';
import { planEdits } from '../state/history-diff.js';
import type { SessionEffect } from '../state/session-effect.js';
import type { SessionInput, TimerName } from '../state/session-input.js';
import { sayRequest } from '../state/say-request.js';
import { createSessionState } from '../state/session-state.js';
import { createSpending } from '../state/spending-state.js';
import type { SessionState } from '../state/session-state.js';
import { step } from '../state/step.js';
import { EventOutlet } from './event-outlet.js';
import { AgentRoster, hasTool } from './agent-roster.js';
import { HandoffDesk } from './handoff-desk.js';
import { modelConfig, toolLimits } from './session-options.js';
import type { ConnectOptions, HandoffOutcome, MessageOptions, RealtimeSessionOptions, RespondOptions, SessionLifeState, UpdateAgentOptions } from './session-options.js';
import { connectionPolicy } from './connection-options.js';
import { failurePolicy } from './failure-options.js';
import { greetingPolicy } from './greeting-options.js';
import { ModelConnections } from './model-connections.js';
import { ResponseHandles } from './response-handle.js';
import type { ResponseHandle } from './response-handle.js';
import type { SessionRecorder } from './session-recorder.js';
import { SharedHealth } from './shared-health.js';

const MAX_CONTEXT_KEYS = 64;
const MAX_PENDING_EDITS = 4_096;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A conversation between a person and a realtime speech model. It takes microphone audio and text, runs the agent's tools, and tells everything
 * that happens as events. What it decides is decided by the pure {@link step}; this class performs the effects.
 *
 * A session is over when it is closed, when the signal of `connect` aborts, or when its connection is lost and cannot be made again. Until then a
 * lost connection is replaced: the conversation, running tools and the microphone's audio survive it, and `state` stays `open`.
 */
export class RealtimeSession implements AsyncDisposable, AsyncIterable<SessionEvent> {
  readonly sessionId: string;
  readonly #guardrails: GuardrailRunner;
  readonly #roster = new AgentRoster();
  readonly #handoffs: HandoffDesk;
  readonly #label: string;
  readonly #connections: ModelConnections;
  readonly #health: SharedHealth;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metadata: Readonly<Record<string, string>> | undefined;
  readonly #tools: ToolRunner;
  readonly #summarise: NonNullable<RealtimeSessionOptions['context']>['summarise'];
  readonly #handles = new ResponseHandles((handleId) => this.#dispatch({ type: 'withdraw', handleId }));
  readonly #outlet: EventOutlet;
  #recorder: SessionRecorder | undefined;
  readonly #timers = new Map<TimerName, Timer>();
  readonly #life = new AbortController();
  readonly #finished: Promise<void>;
  readonly #inbox: SessionInput[] = [];
  #resolveFinished: () => void = () => {};
  #agent: RealtimeAgent;
  #state: SessionState;
  #lifeState: SessionLifeState = 'idle';
  #stepping = false;
  #muted = false;
  #nowMs = 0;
  #opening: Promise<void> | undefined;
  #ready: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  constructor(agent: RealtimeAgent, options: RealtimeSessionOptions) {
    this.sessionId = options.sessionId ?? globalThis.crypto.randomUUID();
    this.#agent = agent;
    this.#clock = options.clock;
    this.#logger = (options.logger ?? silentLogger).child({ sessionId: this.sessionId });
    this.#metadata = options.metadata;
    this.#recorder = options.recorder;
    this.#tools = new ToolRunner({
      clock: options.clock,
      sessionId: this.sessionId,
      onProgress: (callId, progress) => this.#dispatch({ type: 'tool_progress', callId, progress }),
      onLate: (callId, settled) => this.#onLateResult(callId, settled),
    });
    this.#outlet = new EventOutlet((failure, type) => this.#onHandlerFailure(failure, type));
    this.#handoffs = new HandoffDesk({
      clock: options.clock,
      roster: this.#roster,
      life: this.#life,
      dispatch: (input) => this.#dispatch(input),
      onFailure: (error) => this.#emit({ type: 'error', error }),
    });
    this.#finished = new Promise((resolve) => (this.#resolveFinished = resolve));
    const profile = this.#roster.profile(agent);
    this.#guardrails = new GuardrailRunner(options.clock, options.guardrails ?? {}, this.#life);
    const models = Array.isArray(options.model) ? [...(options.model as readonly RealtimeModel[])] : [options.model as RealtimeModel];
    if (models.length === 0) throw new TypeError('A session needs a model.');
    this.#label = models.map((model) => model.label).join(', ');
    this.#connections = new ModelConnections(models, options.clock, (input) => this.#dispatch(input));
    const connection = connectionPolicy(models, options, this.sessionId);
    const config = modelConfig(profile, options.config);
    const failures = failurePolicy(options.onFailure, config.outputFormat);
    const anomalies = anomalyPolicy(options.anomalies);
    const policies = {
      agent: profile,
      connection,
      guardrails: this.#guardrails.policy,
      toolLimits: toolLimits(options.toolLimits),
      ...(options.greeting === undefined ? {} : { greeting: greetingPolicy(options.greeting) }),
      ...(options.bargeIn === undefined ? {} : { bargeIn: options.bargeIn }),
      ...(failures === undefined ? {} : { failures }),
      ...(anomalies === undefined ? {} : { anomalies }),
    };
    this.#state = createSessionState(config, options.playback ?? 'clock', policies);
    this.#state.spending = createSpending(options);
    this.#health = new SharedHealth(models, options.failover?.health, (modelIndex, restsUntilMs) => {
      if (this.#lifeState !== 'closed') this.#dispatch({ type: 'model_health', modelIndex, restsUntilMs });
    });
    const { summarise, ...budget } = options.context ?? { budgetTokens: 0 };
    this.#summarise = summarise;
    const written = JSON.stringify([this.#state.config.instructions, this.#state.config.tools]).length;
    if (options.context !== undefined) this.#state.context = createContext(budget, summarise !== undefined, written);
  }

  /** `idle` before `connect`, `connecting` until the model has confirmed the configuration, `open` (also while it reconnects), in the end `closed`. */
  get state(): SessionLifeState {
    return this.#lifeState;
  }

  /** The conversation in order. The array and its items are values: they do not change, a new array is given after a change. */
  get history(): readonly HistoryItem[] {
    return historyItems(this.#state.history);
  }

  /** How often the user spoke over the agent and what it turned out to be; a copy. */
  get bargeInCounts(): BargeInCounts {
    return { ...this.#state.bargeIn.counts };
  }

  /** What the speech model and the transcriber have used so far, as the model told it at the end of each response. A copy. */
  get usage(): SessionUsage {
    return structuredClone(this.#state.spending.tally.usage);
  }

  /** What the call has cost so far, and how much of it has no known price. A copy. */
  get cost(): CallCost {
    return structuredClone(this.#state.spending.tally.cost);
  }

  /**
   * The same as the option `recorder`, for a session that somebody else made: `recorder` sees everything from `connect()` on. Throws
   * `InvalidStateError` after `connect()` was called (what was not seen from the start cannot be played again), and `TypeError` for a second recorder.
   */
  record(recorder: SessionRecorder): void {
    if (this.#lifeState === 'closed') throw new InvalidStateError('SESSION_CLOSED', 'record() was called on a session that is over.', 'Make a new RealtimeSession.');
    if (this.#lifeState !== 'idle') throw new InvalidStateError('SESSION_ALREADY_CONNECTED', 'record() was called after connect().', 'Call record() first, or give the option recorder.');
    if (this.#recorder !== undefined) throw new TypeError('This session has a recorder already.');
    this.#recorder = recorder;
  }

  /**
   * Opens the connection and resolves when the model has confirmed the configuration. Rejects with a `TransportError` (`MODEL_UNREACHABLE`,
   * `MODEL_UNAUTHORIZED`, `CONNECT_TIMEOUT`, …), a `ProviderError` when the model refused the configuration, or `signal.reason`. After a
   * rejection the session is closed. Calls that overlap wait for the same opening, each with a signal of its own; one that comes later is refused.
   */
  async connect(options: ConnectOptions = {}): Promise<void> {
    const { signal, timeoutMs = CONNECT_TIMEOUT_MS } = options;
    if (this.#lifeState === 'closed') throw new InvalidStateError('SESSION_CLOSED', 'This session is over.', 'Make a new RealtimeSession.');
    if (this.#lifeState === 'open') throw new InvalidStateError('SESSION_ALREADY_CONNECTED', 'connect() was called a second time.');
    signal?.throwIfAborted();
    if (signal !== undefined) this.#endWith(signal);
    this.#opening ??= this.#open(timeoutMs);
    await this.#opening;
  }

  #endWith(signal: AbortSignal): void {
    const onAbort = (): void => this.#abandon(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#life.signal.addEventListener('abort', () => signal.removeEventListener('abort', onAbort), { once: true });
  }

  async #open(timeoutMs: number): Promise<void> {
    this.#lifeState = 'connecting';
    this.#logger.info('Connecting to the model.', { model: this.#label });
    const ready = new Promise<void>((resolve, reject) => (this.#ready = { resolve, reject }));
    const timer = this.#clock.after(timeoutMs, () =>
      this.#abandon(
        new TransportError('CONNECT_TIMEOUT', `The model was not ready within ${timeoutMs} ms.`, {
          stage: 'connect',
          retryable: true,
          hint: 'Check that the address is one of a realtime model and that the network lets WebSockets through, or raise timeoutMs.',
        }),
      ),
    );
    try {
      this.#health.join(this.#state.link.breakers, this.#life);
      this.#startRecording();
      this.#dispatch({ type: 'connect' });
      await ready;
    } finally {
      timer.cancel();
      this.#ready = undefined;
    }
  }

  /**
   * Microphone audio in the session's input format (PCM16 mono 24 kHz unless configured otherwise), any number of whole samples. The bytes are
   * borrowed until the call returns. What comes before the model is ready is kept, up to 6 s, and sent in order.
   */
  sendAudio(bytes: Uint8Array): void {
    this.#assertAlive('sendAudio');
    if (bytes.length === 0) return;
    const heard = this.#muted ? new Uint8Array(bytes.length).fill(silenceByte(this.#state.config.inputFormat.encoding)) : bytes;
    this.#dispatch({ type: 'microphone', bytes: heard, queuedBytes: this.#connections.bufferedBytes });
  }

  /**
   * A muted user stays in the conversation: what `sendAudio` takes becomes as much silence before anything hears or records it, so that the model's clock
   * goes on and a turn that has begun finds its end. At any time, also before `connect()`.
   */
  mute(muted = true): void {
    this.#muted = muted;
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** The user wrote something: it interrupts the agent and, unless `respond` is false, is answered; the handle is that of the answer. */
  sendMessage(text: string, options: MessageOptions = {}): ResponseHandle {
    this.#assertOpen('sendMessage');
    const content: ModelContentPart[] = text === '' ? [] : [{ type: 'input_text', text }];
    for (const image of options.images ?? []) content.push({ type: 'input_image', ...image });
    if (content.length === 0) throw new TypeError('A message needs a text or an image.');
    return this.#ask((handleId) => ({ type: 'message', content, respond: options.respond ?? true, handleId }));
  }

  /**
   * Asks the model to speak, with a payload of its own: now, or as soon as the model is free and the user is silent. Requests are answered one at
   * a time, in the order of their priority and then of the calls.
   */
  respond(request: ResponseRequest = {}, options: RespondOptions = {}): ResponseHandle {
    this.#assertOpen('respond');
    const { priority } = options;
    return this.#ask((handleId) => ({ type: 'respond', request, handleId, ...(priority === undefined ? {} : { priority }) }));
  }

  /** Has the agent speak these words. A model follows the instruction to repeat them closely, though no model promises it. */
  say(text: string, options: RespondOptions = {}): ResponseHandle {
    if (text.trim() === '') throw new TypeError('say() needs words.');
    return this.respond(sayRequest(text), options);
  }

  /** Ends the user's turn by hand, where the model does not detect turns, and asks for an answer. */
  commit(): ResponseHandle {
    this.#assertOpen('commit');
    return this.#ask((handleId) => ({ type: 'commit', handleId }));
  }

  /**
   * Hands the conversation over to `agent`, in the same way as an agent does by itself: its instructions and tools are given to the model and
   * confirmed, then it begins, once. What is being said is said to its end. Resolves with the outcome, never rejects; when the model refuses or
   * does not answer in 5 s, or a function of `options` throws, the old agent goes on. Calls that overlap are carried out in order, at most 8.
   */
  async updateAgent(agent: RealtimeAgent, options: UpdateAgentOptions = {}): Promise<HandoffOutcome> {
    this.#assertOpen('updateAgent');
    const { reason = '', entry = 'respond', carry = 'all', inputFilter } = options;
    return this.#handoffs.request({ how: { to: agent, entry, carry, inputFilter }, from: this.#agent, reason, summary: '', history: this.history });
  }

  /**
   * Edits the conversation: the list that is given, or that the function makes of the present one, is what the model shall have. Items are told
   * apart by `itemId`: those that are left out are deleted; those that are new, changed or moved are made anew with an id of their own. Give the
   * function where you can: it sees what was added since you looked. `history` follows as the model confirms; what it refuses or does not answer
   * within 10 s becomes an `error` event `HISTORY_EDIT_FAILED`. Throws `TypeError` for a list that cannot be made, and `RangeError` when thousands
   * of edits wait already.
   */
  updateHistory(items: readonly (HistoryItem | NewHistoryItem)[] | ((items: readonly HistoryItem[]) => readonly (HistoryItem | NewHistoryItem)[])): void {
    this.#assertOpen('updateHistory');
    const current = this.history;
    const target = [...(typeof items === 'function' ? items(current) : items)];
    planEdits(current, target, () => '');
    if (this.#state.edits.pending.size > MAX_PENDING_EDITS) throw new RangeError(`More than ${MAX_PENDING_EDITS} edits wait for the model.`);
    this.#dispatch({ type: 'update_history', items: target });
  }

  /**
   * Tells the model something under a key (the state of an order, say): a system message that takes the place of the one before, so that it
   * knows each key once and by its newest text. `null` takes it away. At most 64 keys.
   */
  setContext(key: string, text: string | null): void {
    this.#assertOpen('setContext');
    if (text === '') throw new TypeError('A context needs a text; null takes it away.');
    const { keyed } = this.#state.edits;
    if (text !== null && !keyed.has(key) && keyed.size >= MAX_CONTEXT_KEYS) throw new RangeError(`There are ${MAX_CONTEXT_KEYS} keys of context already.`);
    this.#dispatch({ type: 'set_context', key, text });
  }

  /** Keeps an item in the model's memory, however old it grows, or lets it go again. Keyed context is kept anyway. */
  pin(itemId: string, pinned = true): void {
    this.#assertAlive('pin');
    this.#dispatch({ type: 'pin', itemId, pinned });
  }

  /** How many tokens the conversation holds: what the model counted last, and an estimate of what came since. */
  get contextTokens(): number {
    return contextTokens(this.#state);
  }

  /** Stops the agent: what it was saying is cut at what was heard. Does nothing when it is silent. */
  interrupt(): void {
    this.#assertAlive('interrupt');
    this.#dispatch({ type: 'interrupt' });
  }

  /**
   * A person agrees to a call that waits ({@link SessionEventMap.tool_approval_required}): it runs, by the agent that made it. `always` agrees to all
   * further calls of this tool by this agent too. A decision about a call that does not wait, or no more, changes nothing.
   */
  approve(callId: string, options: { readonly always?: boolean } = {}): void {
    this.#assertAlive('approve');
    this.#dispatch({ type: 'tool_decision', callId, approve: true, always: options.always ?? false });
  }

  /** The opposite of {@link approve}: the call does not run, and the model is told, with the reason. */
  reject(callId: string, options: { readonly reason?: string; readonly always?: boolean } = {}): void {
    this.#assertAlive('reject');
    const { reason, always = false } = options;
    this.#dispatch({ type: 'tool_decision', callId, approve: false, always, ...(reason === undefined ? {} : { reason }) });
  }

  /** A listener tells how many samples of a part of an item it has played so far. Unknown items and late reports are ignored. */
  reportPlayback(report: PlaybackReport): void {
    if (this.#lifeState !== 'closed') this.#dispatch({ type: 'playback', report });
  }

  /** Somebody hears what is said from now on: a greeting that waits for that begins, as soon as the line is quiet. May be called twice. */
  listenerStarted(): void {
    this.#assertAlive('listenerStarted');
    this.#dispatch({ type: 'listener_started' });
  }

  /** Calls `handler` for each event of a type. A handler that throws becomes an `error` event. Returns a function that takes it off. */
  on<Type extends keyof SessionEventMap>(type: Type, handler: (event: SessionEventMap[Type]) => unknown): () => void {
    return this.#outlet.on(type, handler);
  }

  /**
   * All events from the first `next()` on. Each iteration has a queue of its own, of `capacity` events; a loop that falls behind by more than
   * that ends with `CHANNEL_FULL`.
   */
  events(options: { readonly capacity?: number } = {}): AsyncIterableIterator<SessionEvent> {
    return this.#outlet.events(options.capacity);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SessionEvent> {
    return this.events();
  }

  /** Ends the conversation: aborts tools, closes the connection, ends the streams of events. May be called twice; both wait for the same end. */
  async close(reason = 'closed'): Promise<void> {
    if (this.#lifeState === 'idle') this.#onFinished();
    else if (this.#lifeState === 'connecting') this.#abandon(new InvalidStateError('SESSION_CLOSED', 'The session was closed while it was connecting.'));
    else this.#dispatch({ type: 'close', reason });
    await this.#finished;
    await this.#connections.closed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // ---- the runtime: inputs in order, effects in order ----

  #startRecording(): void {
    const unixMs = this.#clock.unixMs?.();
    this.#recorder?.onStart({
      sessionId: this.sessionId,
      agentName: this.#agent.name,
      ...(this.#metadata === undefined ? {} : { metadata: this.#metadata }),
      model: this.#label,
      state: this.#state,
      nowMs: this.#clock.now(),
      ...(unixMs === undefined ? {} : { unixMs }),
    });
  }

  #ask(input: (handleId: string) => SessionInput): ResponseHandle {
    const handle = this.#handles.make();
    this.#dispatch(input(handle.id));
    return handle;
  }

  #dispatch(input: SessionInput): void {
    // An effect may cause an input (a handler that interrupts, say); it waits until the effects before it are done.
    if (this.#stepping) return void this.#inbox.push(input);
    this.#stepping = true;
    try {
      let next: SessionInput | undefined = input;
      while (next !== undefined) {
        this.#nowMs = this.#clock.now();
        this.#recorder?.onInput(next, this.#nowMs);
        const { state, effects } = step(this.#state, next, this.#nowMs);
        this.#state = state;
        for (const effect of effects) this.#perform(effect);
        next = this.#inbox.shift();
      }
    } finally {
      this.#stepping = false;
    }
  }

  #perform(effect: SessionEffect): void {
    switch (effect.type) {
      case 'emit':
        return this.#emit(effect.event, effect.agentName, true);
      case 'send':
        this.#recorder?.onCommand(effect.command, effect.attemptId, this.#nowMs);
        return this.#connections.send(effect.command, effect.attemptId);
      case 'open_connection':
        return this.#connections.open(effect.attemptId, effect.modelIndex);
      case 'use_connection':
        return this.#connections.use(effect.attemptId);
      case 'prepare_tool':
        this.#prepareTool(this.#roster.get(effect.agentId) ?? this.#agent, effect);
        return;
      case 'check_text':
        this.#checkText(effect);
        return;
      case 'use_agent':
        this.#agent = this.#roster.get(effect.agentId) ?? this.#agent;
        this.#logger.info('Another agent has the conversation.', { agentId: effect.agentId });
        return;
      case 'handoff_settled':
        return this.#handoffs.settle(effect.handoffId, effect.error);
      case 'run_tool':
        this.#runTool(effect.callId);
        return;
      case 'drop_tool':
        return this.#tools.drop(effect.callId);
      case 'abort_tools':
        return this.#tools.abortAll(effect.reason);
      case 'arm_timer':
        this.#timers.get(effect.timer)?.cancel();
        this.#timers.set(
          effect.timer,
          this.#clock.after(effect.delayMs, () => this.#dispatch({ type: 'timer', timer: effect.timer })),
        );
        return;
      case 'cancel_timer':
        this.#timers.get(effect.timer)?.cancel();
        this.#timers.delete(effect.timer);
        return;
      case 'summarise':
        void this.#sumUp(effect);
        return;
      case 'tell_handle':
        return this.#handles.tell(effect.handleId, effect.news);
      case 'recover_connection':
        this.#logger.warn('The model owes something and is mute.', { reason: effect.reason });
        return this.#dispatch({ type: 'recover', reason: effect.reason });
      case 'ready':
        this.#lifeState = 'open';
        this.#logger.info('The model is ready.');
        return this.#ready?.resolve();
      case 'connect_failed':
        return this.#abandon(effect.error);
      case 'close_connection':
        return this.#connections.close(effect.attemptId, effect.reason);
      case 'model_health':
        return this.#health.tell(effect.modelIndex, effect.restsUntilMs);
      case 'finished':
        return this.#onFinished();
      default:
        assertNever(effect);
    }
  }

  async #sumUp({ job, items, previous }: Extract<SessionEffect, { type: 'summarise' }>): Promise<void> {
    try {
      const text = await this.#summarise?.(items, { ...(previous === undefined ? {} : { previous }), signal: this.#life.signal });
      this.#dispatch({ type: 'summarised', job, text: text ?? '' });
    } catch (error) {
      this.#dispatch({ type: 'summarised', job, error });
    }
  }

  /** `decided`: by `step`, and not by the runtime itself. */
  #emit(body: SessionEventBody, agentName = this.#agent.name, decided = false): void {
    // What one step tells happened at one moment.
    const timestamp = this.#stepping ? this.#nowMs : this.#clock.now();
    const { sessionId } = this;
    const metadata = this.#metadata;
    const info: EventInfo = metadata === undefined ? { sessionId, agentName, timestamp } : { sessionId, agentName, timestamp, metadata };
    // Each body was made for this one event, fifty a second and more: it is completed, not copied.
    const event = Object.assign(body, { info }) as SessionEvent;
    this.#recorder?.onEvent(event, decided);
    if (event.type === 'error') this.#logger.warn('An error was reported.', { code: event.error.code, stage: event.error.stage, leg: event.error.leg });
    this.#outlet.emit(event);
  }

  #prepareTool(agent: RealtimeAgent, call: { callId: string; name: string; argumentsJson: string }): void {
    const { callId, name } = call;
    const handoff = agent.handoffs.find(({ definition }) => definition.name === name);
    if (handoff !== undefined) {
      void this.#handoffs.request({ how: handoff, from: this.#agent, ...readHandoffArguments(call.argumentsJson), history: this.history, callId });
      return;
    }
    const owner = hasTool(agent, name) ? undefined : this.#roster.ownerOf(name);
    const prepared = this.#tools.prepare(agent, call);
    if (prepared.ok || owner === undefined) return this.#dispatch({ type: 'tool_prepared', callId, ...prepared });
    this.#dispatch({ type: 'tool_prepared', callId, ok: false, problem: `${owner.name} had this tool and does not have this conversation. ${prepared.problem}` });
  }

  #runTool(callId: string): void {
    this.#tools.run(callId).then(
      (settled) => {
        if (this.#lifeState === 'closed') this.#onLateResult(callId, settled);
        else this.#dispatch({ type: 'tool_settled', callId, ...settled });
      },
      (error: unknown) => this.#emit({ type: 'error', error: new ToolError('TOOL_FAILED', 'A tool could not be run.', { cause: error, callId }) }),
    );
  }

  #onLateResult(callId: string, settled: ToolSettled): void {
    const { outcome, output, respond } = settled;
    if (this.#lifeState === 'closed') return this.#logger.info('A result came after the session was over; it was dropped.', { callId, outcome });
    this.#logger.info('A result came after its call was given up.', { callId, outcome });
    this.#dispatch({ type: 'tool_late', callId, outcome, output, ...(respond === undefined ? {} : { respond }) });
  }

  #checkText({ checkId, of, text, agentName, itemId, responseId }: Extract<SessionEffect, { type: 'check_text' }>): void {
    const session = this;
    const context = {
      agentName,
      itemId,
      ...(responseId === undefined ? {} : { responseId }),
      get history() {
        return session.history;
      },
    };
    void this.#guardrails.check({ of, text, context }).then((result) => this.#dispatch({ type: 'verdict', checkId, result }));
  }

  #onHandlerFailure(failure: ToolError, type: keyof SessionEventMap): void {
    this.#logger.error('A handler of the application threw.', { event: type });
    // An error handler that throws is not told of its own error.
    if (type !== 'error') this.#emit({ type: 'error', error: failure });
  }

  /** The session ends from outside the conversation: an abort, a time-out, a connection that could not be opened. */
  #abandon(error: unknown): void {
    const { name } = this.#state.connection;
    this.#ready?.reject(error);
    if (name === 'closed' || this.#lifeState === 'closed') return;
    const reason = error === undefined ? 'aborted' : errorText(error);
    this.#dispatch({ type: 'close', reason });
  }

  #onFinished(): void {
    if (this.#lifeState === 'closed') return;
    this.#lifeState = 'closed';
    this.#handoffs.close();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#life.abort(new InvalidStateError('SESSION_CLOSED', 'The session is over.'));
    this.#handles.settleAll();
    this.#outlet.close();
    this.#logger.info('The session is over.');
    this.#recorder?.onEnd(this.#clock.now());
    this.#resolveFinished();
  }

  #assertAlive(call: string): void {
    if (this.#lifeState === 'closed') throw new InvalidStateError('SESSION_CLOSED', `${call}() was called on a session that is over.`, 'Make a new RealtimeSession.');
    if (this.#lifeState === 'idle') throw new InvalidStateError('SESSION_NOT_CONNECTED', `${call}() was called before connect().`, 'Call connect() first.');
  }

  #assertOpen(call: string): void {
    this.#assertAlive(call);
    if (this.#lifeState !== 'open') throw new InvalidStateError('SESSION_NOT_CONNECTED', `${call}() was called before connect() resolved.`, 'Await connect() first.');
  }
}
