import { PCM16_24K, msToBytes } from '../../audio/index.js';
import { createSessionState, step } from '../../session/index.js';
import type { AgentProfile, GuardrailPolicy, HandoffPlan, ModelCommand, ModelConfig, ModelFunctionTool, ModelInput, ModelItem, SessionEffect, SessionInput } from '../../session/index.js';
import type { WantedResponse } from '../../session/state/session-state.js';
import { random } from './random.js';
import type { Random } from './random.js';

/** A response as the far end knows it. */
export interface FarResponse {
  readonly responseId: string;
  /** The agent whose instructions the far end had when it began. */
  readonly owner: string;
  readonly byItself: boolean;
  /** The request that it is the answer to, if it was asked for. */
  readonly wish?: Wish;
  /** What it was asked to say, if anything. */
  readonly instructions: string;
  readonly startedAtMs: number;
}

/** What a response was asked for: first words of an agent that took over, an answer to tools, and so on; and since when it was wanted. */
export type Wish = Pick<WantedResponse, 'origin' | 'sinceMs'>;

export interface ToldEvent {
  readonly atMs: number;
  /** The number of the step that told it. */
  readonly step: number;
  readonly agentName: string;
  readonly event: Extract<SessionEffect, { type: 'emit' }>['event'];
}

export interface SimulatedCall {
  readonly rng: Random;
  readonly plans: HandoffPlan[];
  /** In the order of their ends. */
  readonly settled: Map<string, 'ok' | 'failed'>;
  readonly commands: { readonly atMs: number; readonly step: number; readonly command: ModelCommand }[];
  readonly responses: FarResponse[];
  /** The moments at which the user, the application, a tool or a failed hand-off gave the model something new. */
  readonly disturbances: number[];
  readonly events: ToldEvent[];
  /** Outputs that arrived at the far end, by call id. */
  readonly outputs: Map<string, number>;
  readonly calls: Set<string>;
  readonly problems: string[];
  readonly state: ReturnType<typeof createSessionState>;
}

const AGENTS = ['Ada', 'Ben', 'Cleo'] as const;
const CALM_MS = 60_000;

export function simulatedAgent(name: string): AgentProfile & { readonly tools: readonly ModelFunctionTool[] } {
  const tool = (toolName: string): ModelFunctionTool => ({ name: toolName, parameters: { type: 'object' } });
  return { agentId: name, name, instructions: name, tools: [tool(`work_of_${name}`), ...AGENTS.filter((other) => other !== name).map((other) => tool(`transfer_to_${other}`))] };
}

/**
 * One random call against a far end that keeps to the protocol: one response at a time, answers in order, a lag in each direction. The user
 * speaks over the agent, tools take their time, the application hands over too, and the far end refuses or ignores some configurations. It
 * goes on for `busyMs` and then comes to rest. With guardrails, checks take up to 900 ms; some trip and some fail.
 */
export function simulateCall(seed: number, busyMs = 20_000, guardrails?: GuardrailPolicy): SimulatedCall {
  const rng = random(seed);
  const config: ModelConfig = { outputModality: 'audio', inputFormat: PCM16_24K, outputFormat: PCM16_24K, instructions: 'Ada', tools: simulatedAgent('Ada').tools };
  const state = createSessionState(config, rng.pick(['clock', 'reported']), { agent: simulatedAgent('Ada'), ...(guardrails === undefined ? {} : { guardrails }) });
  const call: SimulatedCall = {
    rng,
    state,
    plans: [],
    settled: new Map(),
    commands: [],
    responses: [],
    disturbances: [],
    events: [],
    outputs: new Map(),
    calls: new Set(),
    problems: [],
  };
  const echoesMetadata = rng.next() < 0.8;
  const refuses = rng.pick([0, 0, 0.2, 0.5]);
  const ignores = rng.pick([0, 0, 0.1]);

  // ---- time ----
  let nowMs = 0;
  let order = 0;
  const agenda: { atMs: number; order: number; run: () => void }[] = [];
  const at = (delayMs: number, run: () => void): void => void agenda.push({ atMs: nowMs + delayMs, order: (order += 1), run });
  const lag = { up: rng.int(5, 80), down: rng.int(5, 80) };
  const jittered = (base: number, lastMs: { value: number }): number => {
    lastMs.value = Math.max(lastMs.value, nowMs + base + rng.int(0, 30));
    return lastMs.value - nowMs;
  };
  const lastUp = { value: 0 };
  const lastDown = { value: 0 };
  const say = (...inputs: ModelInput[]): void => {
    const delayMs = jittered(lag.down, lastDown);
    at(delayMs, () => inputs.forEach(input));
  };

  // ---- the session ----
  let agentName = 'Ada';
  let steps = 0;
  const wishes = new Map<string, Wish>();
  const timers = new Map<string, number>();
  function input(next: SessionInput): void {
    steps += 1;
    for (const effect of step(state, next, nowMs).effects) perform(effect);
  }
  function perform(effect: SessionEffect): void {
    switch (effect.type) {
      case 'send': {
        const { command } = effect;
        call.commands.push({ atMs: nowMs, step: steps, command });
        if (command.type === 'create_response' && state.request.name === 'requested') wishes.set(command.eventId, state.request.wanted);
        at(jittered(lag.up, lastUp), () => take(command));
        return;
      }
      case 'emit':
        call.events.push({ atMs: nowMs, step: steps, agentName: effect.agentName ?? agentName, event: effect.event });
        return;
      case 'use_agent':
        agentName = effect.agentId;
        return;
      case 'handoff_settled':
        if (call.settled.has(effect.handoffId)) call.problems.push(`${effect.handoffId} settled twice`);
        call.settled.set(effect.handoffId, effect.error === undefined ? 'ok' : 'failed');
        if (effect.error !== undefined) call.disturbances.push(nowMs);
        return;
      case 'check_text': {
        const { checkId } = effect;
        const fate = rng.int(0, 12);
        const failures = fate === 0 ? [{ name: 'rule', problem: 'broken' }] : [];
        return at(rng.int(0, 900), () => input({ type: 'verdict', checkId, result: { failures, ...(fate === 1 ? { trip: { name: 'rule', reason: 'It is.' } } : {}) } }));
      }
      case 'arm_timer': {
        const turn = (order += 1);
        timers.set(effect.timer, turn);
        at(effect.delayMs, () => timers.get(effect.timer) === turn && input({ type: 'timer', timer: effect.timer }));
        return;
      }
      case 'cancel_timer':
        timers.delete(effect.timer);
        return;
      case 'prepare_tool': {
        const target = AGENTS.find((name) => effect.name === `transfer_to_${name}`);
        const known = simulatedAgent(effect.agentId).tools.some((tool) => tool.type !== 'mcp' && tool.name === effect.name);
        if (!known) call.problems.push(`${effect.name} is not a tool of ${effect.agentId}`);
        if (target !== undefined) return at(rng.int(0, 200), () => handOver(target, effect.callId));
        return at(0, () => input({ type: 'tool_prepared', callId: effect.callId, ok: true, plan: { agentName: effect.agentId, needsApproval: false, respond: true } }));
      }
      case 'run_tool': {
        const durationMs = rng.int(0, 1_500);
        return at(durationMs, () => {
          call.disturbances.push(nowMs);
          input({ type: 'tool_settled', callId: effect.callId, outcome: 'ok', output: '1', durationMs });
        });
      }
      default:
        return;
    }
  }
  function handOver(target: string, callId?: string): void {
    const handoffId = `handoff_${call.plans.length + 1}`;
    const entry = rng.pick(['respond', 'silent', { say: `entry of ${handoffId}` }] as const);
    const drop = rng.next() < 0.3 ? [...state.history.drafts.keys()].filter(() => rng.next() < 0.5) : [];
    const plan: HandoffPlan = { handoffId, agent: simulatedAgent(target), reason: '', entry, drop, ...(callId === undefined ? {} : { call: { callId, durationMs: 1 } }) };
    call.plans.push(plan);
    input({ type: 'handoff', plan });
  }

  // ---- the far end ----
  let configured = 'Ada';
  let active: (FarResponse & { over: boolean; itemId: string }) | undefined;
  let count = 0;
  const items = new Map<string, ModelItem>();
  const id = (prefix: string): string => `${prefix}${(count += 1)}`;
  const put = (item: ModelItem): void => {
    items.set(item.id, item);
    say({ type: 'item_added', item }, { type: 'item_done', item });
  };
  function take(command: ModelCommand): void {
    switch (command.type) {
      case 'configure':
        if (command.config.inputFormat !== PCM16_24K || command.config.outputFormat !== PCM16_24K) call.problems.push('a configuration changed the formats');
        if (command.config.instructions !== configured && rng.next() < ignores) return;
        if (command.config.instructions !== configured && rng.next() < refuses) return say({ type: 'model_error', error: { code: 'invalid_value', message: 'no' }, eventId: command.eventId });
        configured = command.config.instructions ?? configured;
        return say({ type: 'model_session_configured' });
      case 'create_item': {
        const { item } = command;
        if (item.type === 'function_call_output') {
          call.outputs.set(item.callId, (call.outputs.get(item.callId) ?? 0) + 1);
          if (!call.calls.has(item.callId)) call.problems.push(`an output of ${item.callId}, which was never called`);
          return put({ type: 'function_call_output', id: item.id, callId: item.callId, output: item.output });
        }
        if (item.type === 'message') put({ type: 'message', id: item.id, role: item.role, status: 'completed', content: item.content });
        return;
      }
      case 'delete_item': {
        const item = items.get(command.itemId);
        if (item === undefined) return say({ type: 'model_error', error: { code: 'item_delete_invalid_item_id', message: 'no' }, eventId: command.eventId });
        items.delete(command.itemId);
        return say({ type: 'item_deleted', itemId: command.itemId });
      }
      case 'create_response':
        if (active !== undefined) return say({ type: 'model_error', error: { code: 'conversation_already_has_active_response', message: 'busy' }, eventId: command.eventId });
        return respond(wishes.get(command.eventId), command.request.instructions ?? '', echoesMetadata ? command.request.metadata : undefined);
      case 'cancel_response':
        if (active === undefined) return say({ type: 'model_error', error: { code: 'response_cancel_not_active', message: 'none' }, eventId: command.eventId });
        return stop('client_cancelled');
      default:
        return;
    }
  }
  function respond(wish: Wish | undefined, instructions: string, metadata?: Readonly<Record<string, string>>): void {
    const response = { responseId: id('resp'), itemId: id('a'), owner: configured, byItself: wish === undefined, ...(wish === undefined ? {} : { wish }), instructions, startedAtMs: nowMs, over: false };
    active = response;
    call.responses.push(response);
    const { responseId, itemId } = response;
    say({ type: 'response_created', responseId, ...(metadata === undefined ? {} : { metadata }) });
    const calling = nowMs < busyMs && instructions === '' ? rng.int(0, 4) : 0;
    const spoken = calling === 0 || rng.next() < 0.3;
    const still = (run: () => void): (() => void) => () => {
      if (!response.over) run();
    };
    let after = rng.int(20, 300);
    if (spoken) {
      const message = { type: 'message', id: itemId, role: 'assistant', status: 'in_progress', content: [] } as const;
      at(after, still(() => say({ type: 'output_item_added', responseId, outputIndex: 0, item: message }, { type: 'item_added', item: message })));
      for (let piece = rng.int(1, 5); piece > 0; piece -= 1) {
        after += rng.int(10, 120);
        at(after, still(() => say({ type: 'output_text_delta', of: 'audio', responseId, itemId, contentIndex: 0, delta: 'words ' }, { type: 'audio_delta', responseId, itemId, contentIndex: 0, bytes: new Uint8Array(msToBytes(PCM16_24K, 200)) })));
      }
    }
    const names = calling === 0 ? [] : Array.from({ length: calling === 3 ? 2 : 1 }, () => rng.pick(simulatedAgent(response.owner).tools).name);
    const output: ModelItem[] = [];
    for (const [index, name] of names.entries()) {
      after += rng.int(10, 100);
      const callId = id('call');
      at(after, still(() => {
        const item = { type: 'function_call', id: `f${callId}`, callId, name, arguments: '{}', status: 'completed' } as const;
        call.calls.add(callId);
        items.set(item.id, item);
        output.push(item);
        say(
          { type: 'output_item_added', responseId, outputIndex: index + 1, item: { ...item, arguments: '', status: 'in_progress' } },
          { type: 'arguments_done', responseId, itemId: item.id, callId, name, arguments: '{}' },
          { type: 'item_done', item },
          { type: 'output_item_done', responseId, outputIndex: index + 1, item },
        );
      }));
    }
    at(after + rng.int(10, 100), still(() => {
      response.over = true;
      active = undefined;
      const message: ModelItem = { type: 'message', id: itemId, role: 'assistant', status: 'completed', content: [{ type: 'output_audio', transcript: 'words' }] };
      if (spoken) items.set(itemId, message);
      if (spoken) say({ type: 'audio_done', responseId, itemId, contentIndex: 0 });
      say({ type: 'response_done', responseId, status: 'completed', output: spoken ? [message, ...output] : output });
    }));
  }
  function stop(reason: string): void {
    if (active === undefined) return;
    active.over = true;
    say({ type: 'response_done', responseId: active.responseId, status: 'cancelled', reason, output: [] });
    active = undefined;
  }
  let speaking = false;
  function speak(): void {
    if (speaking) return;
    speaking = true;
    const itemId = id('u');
    call.disturbances.push(nowMs);
    say({ type: 'speech_started', itemId, audioStartMs: nowMs });
    stop('turn_detected');
    at(rng.int(100, 1_500), () => {
      speaking = false;
      call.disturbances.push(nowMs);
      say({ type: 'speech_stopped', itemId, audioEndMs: nowMs }, { type: 'input_committed', itemId });
      put({ type: 'message', id: itemId, role: 'user', status: 'completed', content: [{ type: 'input_audio', transcript: null }] });
      if (active === undefined) return respond(undefined, '');
      say({ type: 'model_error', error: { code: 'conversation_already_has_active_response', message: 'busy' } });
    });
  }

  // ---- the course of the call ----
  input({ type: 'connection_opened' });
  for (let atMs = rng.int(0, 2_000); atMs < busyMs; atMs += rng.int(300, 4_000)) {
    at(
      atMs,
      rng.pick([
        speak,
        speak,
        () => handOver(rng.pick(AGENTS)),
        () => {
          call.disturbances.push(nowMs);
          input(rng.pick<SessionInput>([{ type: 'respond', request: {} }, { type: 'interrupt' }, { type: 'message', content: [{ type: 'input_text', text: 'hi' }], respond: true }]));
        },
      ]),
    );
  }
  while (agenda.length > 0 && nowMs < busyMs + CALM_MS) {
    let first = 0;
    for (let index = 1; index < agenda.length; index += 1) {
      const [best, other] = [agenda[first], agenda[index]];
      if (best !== undefined && other !== undefined && (other.atMs < best.atMs || (other.atMs === best.atMs && other.order < best.order))) first = index;
    }
    const [next] = agenda.splice(first, 1);
    if (next === undefined) break;
    nowMs = next.atMs;
    next.run();
  }
  const pairs = [...items.values()].flatMap((item) => (item.type === 'function_call' || item.type === 'function_call_output' ? [item] : []));
  for (const { callId, type } of pairs) {
    const whole = pairs.some((other) => other.callId === callId && other.type !== type);
    if (!whole && (type === 'function_call_output' || call.outputs.has(callId))) call.problems.push(`half of ${callId} was taken out`);
  }
  return call;
}
