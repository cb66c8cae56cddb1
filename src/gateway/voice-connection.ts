/**
 * One client socket and one conversation with the model. Opened by the gateway, it lives until the client, the model, a limit or the gateway
 * ends it, and then takes the other side down with it.
 *
 *     waiting ──start──▶ connecting ──model confirms──▶ talking
 *        │                   │                            │
 *        └───── any end: error or ended, close ───────────┴──▶ closed
 */
import { randomUUID } from 'node:crypto';
import { ProtocolError, RealtimeSession, SESSION_EVENT_TYPES, VoicewireError, assertNever } from '../../session/index.js';
import type { AnomalyOptions, BargeInOptions, Clock, ConnectionOptions, FailureOptions, GreetingOptions, Logger, RealtimeAgent, RealtimeModel, ResponseRequest, SessionEvent, SessionRecorder, Timer } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import {
  CLOSE,
  MAX_FRAME_SAMPLES,
  PROTOCOL_VERSION,
  SAMPLE_RATE,
  closeCodeFor,
  decodeAudioFrame,
  encodeAudioFrame,
  parseClientMessage,
  serializeMessage,
  toWireEvent,
} from '../protocol/voicewire/index.js';
import type { ClientMessage, GatewayMessage, ModelDescription } from '../protocol/voicewire/index.js';
import type { Transport } from '../transport/transport.js';
import { UnreadWatch } from '../transport/unread-watch.js';
import { AgentAudio } from './agent-audio.js';
import type { AgentAudioOutput } from './agent-audio.js';
import { RateLimit } from './limits.js';
import type { GatewayLimits } from './limits.js';

export interface GatewayTotals {
  readonly calls: number;
  readonly turns: number;
}

export interface VoiceConnectionOptions {
  readonly model: RealtimeModel | readonly RealtimeModel[];
  readonly connection?: ConnectionOptions;
  /** Called once, when the conversation starts. */
  readonly agent: () => RealtimeAgent;
  readonly describeModel: ModelDescription;
  /** Who begins; or the response to ask for when the model is ready; `false` waits for the caller. */
  readonly greeting: GreetingOptions | ResponseRequest | false;
  /** What a caller's voice does to the agent's. */
  readonly bargeIn?: BargeInOptions;
  readonly onFailure?: FailureOptions;
  readonly anomalies?: AnomalyOptions | boolean;
  readonly recorder?: (sessionId: string) => SessionRecorder | undefined;
  readonly limits: GatewayLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Counted up here: conversations that became ready, and turns of their callers, spoken or typed. */
  readonly totals: { calls: number; turns: number };
}

type State =
  | { readonly name: 'waiting' }
  | { readonly name: 'connecting'; readonly session: RealtimeSession; readonly audio: boolean; readonly early: EarlyMessage[] }
  | { readonly name: 'talking'; readonly session: RealtimeSession; readonly audio: boolean }
  | { readonly name: 'closed' };

/** How often the slow-reader limit is looked at. */
const WATCH_EVERY_MS = 500;
/** Frames of agent audio: short enough that `clear` never waits behind a long one, long enough to keep the message rate low. */
const AGENT_FRAME_SAMPLES = Math.min(MAX_FRAME_SAMPLES, SAMPLE_RATE / 10);
const PCM16_BYTES = 2;
/** Models write down what a caller said only when they are asked to; without it a client's transcript has one side. */
const CALLER_TRANSCRIPTION = { model: 'gpt-4o-mini-transcribe' };
/** A sound device's clock may run fast by some parts per thousand, and does so for the whole call. */
const DEVICE_CLOCK_TOLERANCE = 1.01;

export class VoiceConnection {
  /** Settles when the conversation is over and the socket is gone; never rejects. */
  readonly done: Promise<void>;
  readonly #transport: Transport;
  readonly #options: VoiceConnectionOptions;
  readonly #limits: GatewayLimits;
  readonly #sessionId = `sess_${randomUUID()}`;
  readonly #log: Logger;
  readonly #messageRate: RateLimit;
  readonly #audioRate: RateLimit;
  readonly #agentAudio: AgentAudio;
  readonly #unread: UnreadWatch;
  readonly #life = new AbortController();
  readonly #startedAtMs: number;
  #state: State = { name: 'waiting' };
  #confirmDone: () => void = () => {};
  #reportedDrops = 0;
  /** The last thing that the session said of its connection, or why it hangs up, for when it turns out to be the end. */
  #connectionError: VoicewireError | undefined;

  /** Takes the transport over and listens at once. */
  constructor(transport: Transport, options: VoiceConnectionOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#limits = options.limits;
    this.#log = options.logger.child({ sessionId: this.#sessionId });
    this.#startedAtMs = options.clock.now();
    const perSecond = this.#limits.maxMessagesPerSecond;
    this.#messageRate = new RateLimit(perSecond, perSecond * 2, this.#startedAtMs);
    this.#audioRate = new RateLimit(SAMPLE_RATE * DEVICE_CLOCK_TOLERANCE, samplesIn(this.#limits.audioBurstMs), this.#startedAtMs);
    this.#agentAudio = new AgentAudio({
      windowSamples: samplesIn(this.#limits.playoutWindowMs),
      frameSamples: AGENT_FRAME_SAMPLES,
      maxPendingSamples: samplesIn(this.#limits.maxPendingAudioMs),
    });
    this.#unread = new UnreadWatch({ maxUnreadBytes: this.#limits.maxBufferedBytes, slowReaderMs: this.#limits.slowReaderMs });
    this.done = new Promise((resolve) => {
      this.#confirmDone = resolve;
    });
    this.#timer(this.#limits.startTimeoutMs, () => this.#onStartTimeout());
    this.#watch();
    transport.listen({ onMessage: (data) => this.#onMessage(data), onClose: (close) => this.#onSocketClose(close.code) });
  }

  /** The gateway goes away: the client is told, the model let go. Resolves like {@link VoiceConnection.done}. */
  close(): Promise<void> {
    this.#fail(CLOSE.goingAway, new HostError('GATEWAY_CLOSING', 'The gateway is shutting down.', { hint: 'Connect again in a moment.', retryable: true }));
    return this.done;
  }

  // ---- from the client ----

  #onMessage(data: string | Uint8Array): void {
    if (this.#state.name === 'closed') return;
    try {
      if (!this.#messageRate.take(1, this.#options.clock.now())) throw tooFast(`more than ${this.#limits.maxMessagesPerSecond} messages a second`);
      if (typeof data === 'string') this.#onClientMessage(parseClientMessage(data));
      else this.#onMicrophone(data);
    } catch (error) {
      this.#onMessageError(error);
    }
  }

  #onMessageError(error: unknown): void {
    if (error instanceof ProtocolError) this.#fail(closeCodeFor(error), new HostError('CLIENT_BAD_MESSAGE', error.message, error.hint === undefined ? {} : { hint: error.hint }));
    else if (error instanceof HostError) this.#fail(CLOSE.policy, error);
    else this.#failInside(error);
  }

  #onClientMessage(message: ClientMessage): void {
    if (message.type === 'start') return this.#onStart(message.audio, message.client);
    const state = this.#state;
    if (state.name === 'waiting') throw notAllowed(`The first message is "start", not "${message.type}".`);
    if (message.type === 'end') return this.#end('client');
    if (state.name === 'connecting') {
      if (state.early.length >= MAX_EARLY_MESSAGES) throw tooFast(`more than ${MAX_EARLY_MESSAGES} messages before "ready"`);
      state.early.push(message);
    } else if (state.name === 'talking') this.#perform(state.session, message);
  }

  #onStart(audio: boolean, client: string): void {
    if (this.#state.name !== 'waiting') throw notAllowed('The conversation has started; "start" is sent once.');
    const agent = this.#options.agent();
    const recorder = this.#makeRecorder();
    const session = new RealtimeSession(agent, {
      ...this.#options.connection,
      model: this.#options.model,
      clock: this.#options.clock,
      logger: this.#log,
      sessionId: this.#sessionId,
      ...(this.#options.bargeIn === undefined ? {} : { bargeIn: this.#options.bargeIn }),
      ...(this.#options.onFailure === undefined ? {} : { onFailure: this.#options.onFailure }),
      ...(this.#options.anomalies === undefined ? {} : { anomalies: this.#options.anomalies }),
      ...(recorder === undefined ? {} : { recorder }),
      ...greetingFor(this.#options.greeting, audio),
      ...(audio ? { playback: 'reported' as const, config: { transcription: CALLER_TRANSCRIPTION } } : { config: { outputModality: 'text' as const } }),
    });
    const early: EarlyMessage[] = [];
    this.#state = { name: 'connecting', session, audio, early };
    this.#log.info('A conversation starts.', { client, audio });
    for (const type of SESSION_EVENT_TYPES) session.on(type, (event) => this.#onEvent(event));
    this.#timer(this.#limits.maxCallMs, () => this.#end('max_call_length'));
    this.#connect(session, agent.name, audio, early).catch((error: unknown) => this.#onMessageError(error));
  }

  #makeRecorder(): SessionRecorder | undefined {
    try {
      return this.#options.recorder?.(this.#sessionId);
    } catch (error) {
      this.#log.error('A conversation cannot be recorded.', { code: error instanceof VoicewireError ? error.code : 'unknown' });
      return undefined;
    }
  }

  async #connect(session: RealtimeSession, agent: string, audio: boolean, early: readonly EarlyMessage[]): Promise<void> {
    try {
      await session.connect({ signal: this.#life.signal, timeoutMs: this.#limits.modelTimeoutMs });
    } catch (error) {
      if (this.#state.name === 'connecting') this.#onModelRefused(error);
      return;
    }
    if (this.#state.name !== 'connecting') return;
    this.#state = { name: 'talking', session, audio };
    this.#options.totals.calls += 1;
    this.#send({ type: 'ready', protocol: PROTOCOL_VERSION, sessionId: this.#sessionId, agent, model: this.#options.describeModel, sampleRate: SAMPLE_RATE });
    const { greeting } = this.#options;
    // A client begins to play when it is told to be ready: from here on somebody listens.
    if (isGreeting(greeting)) session.listenerStarted();
    else if (greeting !== false) session.respond(greeting);
    for (const message of early) this.#perform(session, message);
  }

  #onModelRefused(error: unknown): void {
    // The operator's to mend, so it is said aloud: each caller would meet the same.
    if (error instanceof VoicewireError) this.#log.warn('The model cannot be reached or refused us.', { code: error.code });
    if (error instanceof VoicewireError) this.#fail(CLOSE.modelUnavailable, error);
    else this.#failInside(error);
  }

  #perform(session: RealtimeSession, message: EarlyMessage): void {
    switch (message.type) {
      case 'text':
        this.#options.totals.turns += 1;
        session.sendMessage(message.text);
        return;
      case 'playback':
        return this.#onPlayback(session, message);
      case 'interrupt':
        return session.interrupt();
      case 'commit':
        session.commit();
        return;
      default:
        return assertNever(message);
    }
  }

  #onPlayback(session: RealtimeSession, { item, epoch, samples }: Extract<ClientMessage, { type: 'playback' }>): void {
    const heard = this.#agentAudio.heard(item, epoch, samples);
    if (heard === 'unknown') throw notAllowed(`No item ${item} of epoch ${epoch} was announced.`);
    if (heard === undefined) return;
    session.reportPlayback(heard);
    this.#pump();
  }

  #onMicrophone(message: Uint8Array): void {
    const state = this.#state;
    if (state.name === 'waiting') throw notAllowed('Audio came before "start".');
    if (state.name === 'closed') return;
    if (!state.audio) throw notAllowed('Audio came from a client that said "audio": false.');
    const { pcm } = decodeAudioFrame(message, 'microphone');
    if (!this.#audioRate.take(pcm.byteLength / PCM16_BYTES, this.#options.clock.now())) throw tooFast(`audio more than ${this.#limits.audioBurstMs} ms ahead of real time`);
    state.session.sendAudio(pcm);
  }

  // ---- from the session ----

  #onEvent(event: SessionEvent): void {
    const state = this.#state;
    if (state.name !== 'connecting' && state.name !== 'talking') return;
    try {
      this.#onSessionEvent(event, state);
    } catch (error) {
      this.#failInside(error);
    }
  }

  #onSessionEvent(event: SessionEvent, state: Extract<State, { session: RealtimeSession }>): void {
    const withAudio = state.audio;
    if (event.type === 'input_committed') this.#options.totals.turns += 1;
    if (event.type === 'audio') {
      if (withAudio) this.#agentAudio.push(event);
    } else if (event.type === 'audio_end') {
      this.#agentAudio.end(event.itemId, event.contentIndex);
    } else if (event.type === 'audio_interrupted' && withAudio) {
      // First of all: nothing that is still here may be heard any more.
      this.#agentAudio.clear(event.epoch);
      this.#send({ type: 'clear', epoch: event.epoch });
    } else if (event.type === 'audio_paused' && withAudio) {
      this.#send({ type: 'pause', epoch: event.epoch, how: event.how });
    } else if (event.type === 'audio_resumed' && withAudio) {
      this.#send({ type: 'resume', epoch: event.epoch });
    }
    const forClient = toWireEvent(event);
    if (forClient !== undefined) this.#send({ type: 'event', event: forClient });
    this.#pump();
    this.#reportDrops(event);
    if (event.type === 'error' && (event.error.stage === 'transport' || event.error.stage === 'connect' || event.error.code === 'PROVIDER_SESSION_EXPIRED')) {
      this.#connectionError = event.error;
    }
    if (event.type === 'failure' && event.then === 'hangup') this.#connectionError = event.error;
    // While connecting, `connect` itself rejects and says more.
    if (event.type === 'connection' && event.connection.state === 'closed' && state.name === 'talking') this.#onModelLost(event.connection.code);
  }

  #onModelLost(code: number): void {
    const lost = new HostError('CONNECTION_LOST', `The connection to the model was lost (close code ${code}).`, { hint: 'Start a new conversation.', retryable: true });
    this.#fail(CLOSE.modelUnavailable, this.#connectionError ?? lost);
  }

  /** Sends what the window allows, unless the client reads too slowly already. */
  #pump(): void {
    if (this.#state.name !== 'talking' || this.#transport.bufferedBytes > this.#limits.maxBufferedBytes) return;
    for (const output of this.#agentAudio.take()) this.#sendAudioOutput(output);
  }

  #sendAudioOutput(output: AgentAudioOutput): void {
    if (output.type !== 'frame') return this.#send(output);
    const { item, epoch, firstSample, bytes } = output;
    this.#transport.send(encodeAudioFrame({ kind: 'agent', epoch, item, firstSample, pcm: bytes }));
  }

  #reportDrops({ info }: SessionEvent): void {
    const dropped = this.#agentAudio.droppedSamples;
    if (dropped === this.#reportedDrops) return;
    if (this.#reportedDrops === 0) this.#log.warn('Agent audio was dropped: the client does not play what waits for it.', { droppedSamples: dropped });
    this.#send({ type: 'event', event: { type: 'pressure', info, queue: 'agent_audio', state: 'dropped', dropped: dropped - this.#reportedDrops } });
    this.#reportedDrops = dropped;
  }

  // ---- limits ----

  #onStartTimeout(): void {
    if (this.#state.name !== 'waiting') return;
    this.#fail(CLOSE.policy, new HostError('START_TIMEOUT', `No "start" came within ${this.#limits.startTimeoutMs} ms.`, { hint: 'Send "start" as soon as the socket is open.' }));
  }

  #watch(): void {
    this.#timer(WATCH_EVERY_MS, () => {
      this.#pump();
      if (this.#readsTooSlowly()) return this.#cutSlowReader();
      this.#watch();
    });
  }

  #readsTooSlowly(): boolean {
    return this.#unread.isTooSlow(this.#transport.bufferedBytes, this.#options.clock.now());
  }

  /** The close frame waits behind everything that was not read; the transport cuts a peer that does not answer. */
  #cutSlowReader(): void {
    if (this.#state.name === 'closed') return;
    this.#log.warn('A client read too slowly.', { bufferedBytes: this.#transport.bufferedBytes });
    this.#finish(CLOSE.tryLater, 'CLIENT_TOO_SLOW');
  }

  // ---- the end ----

  #end(reason: string): void {
    if (this.#state.name === 'closed') return;
    this.#send({ type: 'ended', reason });
    this.#finish(CLOSE.ended, reason);
  }

  /** Tells the client why it cannot go on, and ends. */
  #fail(closeCode: number, error: VoicewireError): void {
    if (this.#state.name === 'closed') return;
    this.#send({ type: 'error', code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) });
    this.#finish(closeCode, error.code);
  }

  /** A fault of ours or of the application: its words stay in the log's cause, the client learns the fact. */
  #failInside(error: unknown): void {
    if (this.#state.name === 'closed') return;
    this.#log.error('A conversation failed inside the gateway.', { error: error instanceof Error ? error.name : typeof error });
    this.#send({ type: 'error', code: 'GATEWAY_FAILED', message: 'The gateway failed.', hint: 'Try again; its log says more.' });
    this.#finish(CLOSE.internal, 'GATEWAY_FAILED');
  }

  #onSocketClose(code: number): void {
    if (this.#state.name !== 'closed') this.#finish(code, 'client gone');
  }

  #finish(closeCode: number, reason: string): void {
    const state = this.#state;
    if (state.name === 'closed') return;
    this.#state = { name: 'closed' };
    this.#life.abort(new HostError('CONNECTION_LOST', 'The client is gone.'));
    this.#log.info('A conversation ended.', { closeCode, reason, durationMs: Math.round(this.#options.clock.now() - this.#startedAtMs) });
    const session = state.name === 'connecting' || state.name === 'talking' ? state.session : undefined;
    const ends = [this.#transport.close(closeCode, reason), session?.close(reason) ?? Promise.resolve()];
    void Promise.allSettled(ends).then(() => this.#confirmDone());
  }

  #send(message: GatewayMessage): void {
    this.#transport.send(serializeMessage(message));
    if (this.#readsTooSlowly()) this.#cutSlowReader();
  }

  /** A timer that ends with the connection. */
  #timer(delayMs: number, fire: () => void): void {
    const { signal } = this.#life;
    let timer: Timer | undefined;
    const onAbort = (): void => timer?.cancel();
    signal.addEventListener('abort', onAbort, { once: true });
    timer = this.#options.clock.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      if (!signal.aborted) fire();
    });
  }
}

/** What may be sent between `start` and `ready` and waits until the model is there; audio waits in the session. */
type EarlyMessage = Exclude<ClientMessage, { type: 'start' | 'end' }>;

const MAX_EARLY_MESSAGES = 32;

function isGreeting(greeting: VoiceConnectionOptions['greeting']): greeting is GreetingOptions {
  return greeting !== false && 'who' in greeting;
}

/** A clip is nothing for a client that hears nothing: it reads the words. */
function greetingFor(greeting: VoiceConnectionOptions['greeting'], audio: boolean): { readonly greeting?: GreetingOptions } {
  if (!isGreeting(greeting)) return {};
  const { audio: clip, ...words } = greeting;
  return { greeting: { ...words, ...(clip === undefined || !audio ? {} : { audio: clip }), waitForListener: true } };
}

function samplesIn(ms: number): number {
  return Math.round((ms * SAMPLE_RATE) / 1000);
}

function notAllowed(message: string): HostError {
  return new HostError('CLIENT_BAD_MESSAGE', message, { hint: 'docs/client-protocol.md says what may be sent when.' });
}

function tooFast(what: string): HostError {
  return new HostError('CLIENT_TOO_FAST', `The client sent ${what}.`, { hint: 'Send audio at the pace of the microphone.' });
}
