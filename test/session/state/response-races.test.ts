import { describe, expect, it } from 'vitest';
import { PCM16_24K } from '../../../audio/index.js';
import { createSessionState, step } from '../../../session/index.js';
import type { ModelConfig, ResponseResult, SessionEffect, SessionInput, TimerName } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';
import { SimulatedModel } from '../../helpers/simulated-model.js';
import type { SimulatedManners } from '../../helpers/simulated-model.js';
import { VirtualTime } from '../../helpers/virtual-time.js';

/** The agent greets before anything else happens: until a server has given metadata back, whose response it is, is a guess. */
const GREETING_MS = 4_000;
const TALK_MS = 12_000;
/** By then everything that is owed has come or was given up. */
const END_MS = 120_000;

interface Asked {
  readonly atMs: number;
  /** What `say` had it say; absent for a message. */
  readonly words?: string;
  withdrawn: boolean;
  /** When its handle was first told anything. */
  newsMs?: number;
  firstReasonMs?: number;
  done: ResponseResult[];
  /** The response that its handle was told of. */
  created?: { readonly responseId: string; readonly guessed: boolean };
}

interface Call {
  readonly asked: Map<string, Asked>;
  readonly model: SimulatedModel;
  readonly problems: string[];
  readonly recoveries: string[];
  /** The application stopped something: what had been asked for by then need not be said. */
  readonly stopped: boolean;
  /** The user or the application interrupted in any way. */
  readonly disturbed: boolean;
}

/** One call on virtual time: the application and the user do things at any moment, and so does the model. */
function call(rng: Random, manners: SimulatedManners, calm: boolean): Call {
  const time = new VirtualTime();
  const config: ModelConfig = {
    outputModality: 'audio',
    inputFormat: PCM16_24K,
    outputFormat: PCM16_24K,
    tools: [],
    turnDetection: { type: 'server_vad', interruptResponse: manners.stopsOnSpeech },
  };
  const state = createSessionState(config, 'clock', { bargeIn: { mode: 'immediate' } });
  const asked = new Map<string, Asked>();
  const [problems, recoveries]: [string[], string[]] = [[], []];
  const timers = new Map<TimerName, object>();
  const outstanding = new Set<string>();
  let [open, stopped, disturbed] = [true, false, false];

  function feed(input: SessionInput): void {
    if (input.type === 'model_error' && input.eventId !== undefined) outstanding.delete(input.eventId);
    if (input.type === 'response_created' && input.metadata?.['voicewire_request'] !== undefined) outstanding.delete(input.metadata['voicewire_request']);
    for (const effect of step(state, input, time.nowMs).effects) perform(effect);
  }

  function perform(effect: SessionEffect): void {
    switch (effect.type) {
      case 'send': {
        const { command } = effect;
        if (command.type === 'create_response') {
          if (state.live.size > 0) problems.push(`asked for a response at ${time.nowMs} while one was live`);
          if (manners.echoes && manners.namesRefused && !manners.faulty && outstanding.size > 0) problems.push(`asked for two responses at ${time.nowMs}`);
          outstanding.add(command.eventId);
        }
        return model.send(command);
      }
      case 'arm_timer': {
        const own = {};
        timers.set(effect.timer, own);
        return time.after(effect.delayMs, () => void (timers.get(effect.timer) === own && open && feed({ type: 'timer', timer: effect.timer })));
      }
      case 'cancel_timer':
        timers.delete(effect.timer);
        return;
      case 'prepare_tool':
        return time.after(1, () => feed({ type: 'tool_prepared', callId: effect.callId, ok: true, plan: { agentName: 'Ava', needsApproval: false, respond: true } }));
      case 'run_tool':
        return time.after(rng.int(1, 1_500), () => feed({ type: 'tool_settled', callId: effect.callId, outcome: 'ok', output: '1', durationMs: 1 }));
      case 'tell_handle': {
        const each = asked.get(effect.handleId);
        if (each === undefined) return void problems.push(`told ${effect.handleId}, which nobody has`);
        if (effect.news.name === 'done') each.done.push(effect.news.result);
        if (effect.news.name === 'created') each.created ??= effect.news;
        each.newsMs ??= time.nowMs;
        return;
      }
      case 'recover_connection':
        recoveries.push(effect.reason);
        return;
      case 'emit':
        if (effect.event.type === 'response_waiting') for (const id of effect.event.requestIds) reason(asked.get(id));
        // Where the model says not whose a response is, that one has begun is what there is to know.
        if (effect.event.type === 'agent_start' && !manners.echoes) for (const each of asked.values()) reason(each);
        return;
      default:
    }
  }

  function reason(each: Asked | undefined): void {
    if (each !== undefined) each.firstReasonMs ??= time.nowMs;
  }

  const model = new SimulatedModel(time, rng, manners, feed);
  feed({ type: 'connection_opened' });
  feed({ type: 'model_session_configured' });

  const ask = (words: string | undefined, input: (handleId: string) => SessionInput): void => {
    const handleId = `ask_${asked.size + 1}`;
    asked.set(handleId, { atMs: time.nowMs, ...(words === undefined ? {} : { words }), withdrawn: false, done: [] });
    feed(input(handleId));
  };
  const say = (): void => {
    const words = `say ${asked.size}`;
    ask(words, (handleId) => ({ type: 'respond', request: { instructions: words, toolChoice: 'none' }, handleId }));
  };
  const disturbances = [
    () => model.turn(),
    () => {
      // It interrupts: an answer to tools that had been asked for, and was refused, is not asked for again.
      stopped = true;
      ask(undefined, (handleId) => ({ type: 'message', content: [{ type: 'input_text', text: 'hi' }], respond: true, handleId }));
    },
    () => {
      stopped = true;
      feed({ type: 'interrupt' });
    },
    () => {
      const handleId = `ask_${rng.int(1, asked.size + 2)}`;
      const each = asked.get(handleId);
      if (each === undefined) return;
      each.withdrawn = true;
      stopped = true;
      feed({ type: 'withdraw', handleId });
    },
  ];
  say();
  for (let count = rng.int(2, 14); count > 0; count -= 1) {
    time.at(rng.int(GREETING_MS, TALK_MS), () => {
      if (calm || rng.next() < 0.5) return say();
      disturbed = true;
      rng.pick(disturbances)();
    });
  }
  if (manners.spontaneous) for (let count = rng.int(0, 4); count > 0; count -= 1) time.at(rng.int(GREETING_MS, TALK_MS), () => model.beginByItself());
  time.run(END_MS);
  open = false;

  if (state.live.size > 0 || state.wanted.length > 0 || state.request.name !== 'free') problems.push(`left ${state.live.size} live, ${state.wanted.length} wanted, ${state.request.name}`);
  if (state.watch.dueMs !== undefined) problems.push('a watchdog is armed though nothing is owed');
  return { asked, model, problems, recoveries, stopped, disturbed };
}

/** What must hold of every call. */
function check({ asked, model, problems, stopped, disturbed }: Call, manners: SimulatedManners, calm: boolean): string[] {
  const found = [...problems];
  for (const [handleId, each] of asked) {
    if (each.done.length !== 1) found.push(`${handleId} was settled ${each.done.length} times`);
    const [result] = each.done;
    const waitedMs = Math.min(each.firstReasonMs ?? END_MS, each.newsMs ?? END_MS) - each.atMs;
    if (waitedMs > 1_000) found.push(`${handleId} waited ${waitedMs} ms for a reason`);
    if (each.words === undefined || result === undefined) continue;
    const times = model.begun.filter((words) => words === each.words).length;
    const told = result.outcome === 'interrupted' || (result.outcome === 'cancelled' && each.withdrawn);
    // Where nothing says whose a response is, a handle may be told of another one, and not of its own end when that is interrupted.
    if (times === 0 && !told && !manners.faulty && (manners.echoes || !disturbed)) found.push(`${handleId} was lost: ${JSON.stringify(result)}`);
    if (times > 1 && !manners.faulty && manners.echoes) found.push(`${handleId} was said ${times} times`);
    if (calm && !manners.faulty && (times === 0 || result.outcome === 'interrupted' || result.outcome === 'cancelled')) found.push(`${handleId} was ${result.outcome}, and said ${times} times, though nobody disturbed`);
  }
  if (!manners.faulty && !stopped && model.unanswered.size > 0) found.push(`${model.unanswered.size} results of tools were never answered`);
  return found;
}

const GOOD: SimulatedManners = { echoes: true, namesRefused: true, stopsOnSpeech: true, spontaneous: true, faulty: false };

describe('responses, while the model begins its own at every possible point', () => {
  it.each<[string, number, SimulatedManners, boolean]>([
    ['a good server, and nobody disturbs', 2_000, GOOD, true],
    ['a good server', 3_000, GOOD, false],
    ['a server that goes on while the user speaks', 1_500, { ...GOOD, stopsOnSpeech: false }, false],
    ['a server that gives no metadata back', 1_500, { ...GOOD, echoes: false }, false],
    ['a server that gives no metadata back, and nobody disturbs', 1_000, { ...GOOD, echoes: false }, true],
    ['a server that does not say what it refuses', 1_000, { ...GOOD, namesRefused: false }, false],
    ['a server that loses requests, ends and whole responses', 1_500, { ...GOOD, faulty: true }, false],
  ])('are never two, none is lost, every handle is settled once, and no wait is without its reason: %s, %i seeds', { timeout: 60_000 }, (_server, rounds, manners, calm) => {
    const { seed } = random();
    let [refusals, recoveries] = [0, 0];
    for (let round = 0; round < rounds; round += 1) {
      const result = call(random(seed + round), manners, calm);
      refusals += result.model.refusals;
      recoveries += result.recoveries.length;
      expect(check(result, manners, calm), `seed ${seed + round}`).toEqual([]);
    }
    // The races are there: the model did refuse, and where it was mute, somebody was told.
    expect(refusals).toBeGreaterThan(rounds / 20);
    if (manners.faulty) expect(recoveries).toBeGreaterThan(0);
  });
});

describe('whose a response is, where the model does not say', () => {
  it('is a guess when two turns were closed before the model began: it may answer each', () => {
    const { asked } = call(random(375_172_846), { ...GOOD, echoes: false, spontaneous: false }, false);
    const { created, done } = asked.get('ask_4') ?? {};
    expect([created, done?.[0]?.responseId]).toEqual([{ name: 'created', responseId: 'r14', guessed: true }, 'r16']);
  });

  const silent: SimulatedManners = { ...GOOD, echoes: false, spontaneous: false };

  it.each<[string, SimulatedManners, boolean]>([
    ['is always known while nobody disturbs', silent, true],
    ['is known, or said to be a guess', silent, false],
    ['is known, or said to be a guess, also where the model begins what no turn explains', { ...silent, spontaneous: true }, false],
  ])('%s (1,500 seeds)', { timeout: 60_000 }, (_what, manners, calm) => {
    const { seed } = random();
    const told = { surely: 0, guessed: 0, wrongly: 0 };
    for (let round = 0; round < 1_500; round += 1) {
      const { asked, model } = call(random(seed + round), manners, calm);
      for (const [handleId, { words, created, done }] of asked) {
        const [result] = done;
        const of = created ?? result;
        if (words === undefined || of?.responseId === undefined) continue;
        const where = `seed ${seed + round}, ${handleId}`;
        // What was told surely stays. A guess does not, where the model refuses the request in the middle of the response that it had begun by itself.
        if (!manners.spontaneous && !of.guessed && result?.responseId !== undefined) expect([result.responseId, result.guessed === true], where).toEqual([of.responseId, false]);
        const isRight = model.begunAs.get(words)?.includes(of.responseId) ?? false;
        told[of.guessed ? 'guessed' : 'surely'] += 1;
        if (!of.guessed && !isRight) told.wrongly += 1;
        // A model that begins what nothing explains is known only after it has done so.
        if (!of.guessed && !manners.spontaneous) expect(isRight, where).toBe(true);
      }
    }
    expect(told.surely).toBeGreaterThan(told.guessed);
    expect(told.wrongly).toBeLessThanOrEqual(told.surely / 100);
    if (calm) expect(told.guessed).toBe(0);
    if (manners.spontaneous) expect(told.guessed).toBeGreaterThan(100);
  });
});
