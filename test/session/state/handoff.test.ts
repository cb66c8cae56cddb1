import { describe, expect, it } from 'vitest';
import { MULAW_8K, PCM16_24K } from '../../../audio/index.js';
import { createSessionState, step } from '../../../session/index.js';
import type { AgentProfile, ModelConfig } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import { simulateCall } from '../../helpers/simulated-call.js';
import type { FarResponse, SimulatedCall } from '../../helpers/simulated-call.js';

const SEEDS = 1_000;

/** Every hand-off that took place, with the time until the next one (or the end). */
function handoffsOf({ events }: SimulatedCall): { atMs: number; untilMs: number; fromAgent: string; toAgent: string }[] {
  const found = events.flatMap(({ atMs, event }) => (event.type === 'handoff' ? [{ atMs, fromAgent: event.fromAgent, toAgent: event.toAgent }] : []));
  return found.map((each, index) => ({ ...each, untilMs: found[index + 1]?.atMs ?? Infinity }));
}

describe(`hand-offs, in ${SEEDS} random calls`, () => {
  const first = random().seed;
  const calls = Array.from({ length: SEEDS }, (_, index) => simulateCall(first + index));
  const each = (check: (call: SimulatedCall, where: string) => void): void => calls.forEach((call, index) => check(call, `TEST_SEED=${first + index}`));

  it('happen, fail, and meet interruptions and tools', () => {
    const outcomes = calls.flatMap(({ settled }) => [...settled.values()]);
    expect(outcomes.filter((outcome) => outcome === 'ok').length).toBeGreaterThan(SEEDS);
    expect(outcomes.filter((outcome) => outcome === 'failed').length).toBeGreaterThan(SEEDS / 10);
    expect(calls.flatMap(({ events }) => events).filter(({ event }) => event.type === 'audio_interrupted').length).toBeGreaterThan(SEEDS);
  });

  it('settle, each once, and leave nothing behind', () => {
    each(({ plans, settled, problems, state }, where) => {
      expect(problems, where).toEqual([]);
      expect([...settled.keys()].sort(), where).toEqual(plans.map(({ handoffId }) => handoffId).sort());
      expect(state.handoff.current, where).toBeUndefined();
      expect([state.wanted, state.request.name, state.live.size], where).toEqual([[], 'free', 0]);
    });
  });

  it('have one owner at any time: each takes over from the last one, and a response is whose instructions it was given under', () => {
    each((call, where) => {
      let owner = 'Ada';
      for (const { fromAgent, toAgent } of handoffsOf(call)) {
        expect(fromAgent, where).toBe(owner);
        owner = toAgent;
      }
      expect(call.state.agent.name, where).toBe(owner);
      let speaking: string | undefined;
      for (const { event, agentName } of call.events) {
        if (event.type === 'agent_start') {
          expect(speaking, where).toBeUndefined();
          speaking = event.responseId;
        }
        if (event.type === 'agent_end') speaking = undefined;
        if (!('responseId' in event) || event.responseId === undefined) continue;
        const far = call.responses.find(({ responseId }) => responseId === event.responseId);
        expect(agentName, `${where}, ${event.type} of ${event.responseId}`).toBe(far?.owner);
      }
    });
  });

  it('give one entry utterance: never two, the words that were given at most once; where nobody disturbs it comes, and nothing else is said', () => {
    let undisturbed = 0;
    each((call, where) => {
      for (const { handoffId, entry } of call.plans) {
        if (typeof entry !== 'object') continue;
        const said = call.responses.filter(({ instructions }) => instructions.endsWith(entry.say));
        expect(said.length, where).toBeLessThanOrEqual(call.settled.get(handoffId) === 'ok' ? 1 : 0);
      }
      const taken = [...call.settled].flatMap(([handoffId, outcome]) => (outcome === 'ok' ? call.plans.filter((plan) => plan.handoffId === handoffId) : []));
      handoffsOf(call).forEach(({ atMs, untilMs, toAgent }, index) => {
        const plan = taken[index];
        // An entry is wanted from the moment of the hand-off on; that tells it from every other request.
        const entries = call.responses.filter(({ wish }) => wish?.origin === 'entry' && wish.sinceMs === atMs);
        expect(entries.length, `${where}, ${plan?.handoffId}`).toBeLessThanOrEqual(plan?.entry === 'silent' ? 0 : 1);
        const quietUntilMs = atMs + 2_500;
        // The second before belongs to the transaction; what was asked in it is answered after it.
        // The next hand-off may be under way, and fail: while the model is being configured nobody speaks.
        const isConfiguring = call.commands.some(({ command, atMs: sentMs }) => command.type === 'configure' && sentMs > atMs && sentMs < quietUntilMs);
        if (plan === undefined || untilMs < quietUntilMs || isConfiguring || call.disturbances.some((disturbedMs) => disturbedMs > atMs - 3_000 && disturbedMs < quietUntilMs)) return;
        const began = call.responses.filter(({ startedAtMs, owner }) => startedAtMs > atMs && startedAtMs < quietUntilMs && owner === toAgent);
        const isEntry = (response: FarResponse): boolean => entries.includes(response);
        expect(began.filter(isEntry).length, `${where}, ${plan.handoffId}`).toBe(plan.entry === 'silent' ? 0 : 1);
        // What was wanted before the hand-off and waited through it is still owed, and so is the answer to a turn that ended before it. An entry
        // without words of its own is the answer to all that has been said: then only what the application asked for by itself is left.
        const isOwed = ({ wish }: FarResponse): boolean => {
          if (wish === undefined || wish.origin === 'entry') return false;
          return plan.entry === 'respond' ? wish.origin === 'application' && wish.sinceMs < atMs : wish.origin === 'turn' || wish.sinceMs < atMs;
        };
        const others = began.filter((response) => !isEntry(response) && !isOwed(response));
        expect(others, `${where}, ${plan.handoffId}`).toEqual([]);
        undisturbed += 1;
      });
    });
    expect(undisturbed).toBeGreaterThan(SEEDS / 10);
    expect(calls.flatMap(({ responses }) => responses).filter(({ instructions }) => instructions !== '').length).toBeGreaterThan(SEEDS / 10);
  });

  it('leave no call without its one output', () => {
    each(({ calls: called, outputs, state }, where) => {
      expect([...state.calls.keys()], where).toEqual([]);
      for (const [callId, count] of outputs) expect(count, `${where}, ${callId}`).toBe(1);
      // A call that was cut off before its arguments were whole has none, and is known as such.
      expect([...called].filter((callId) => !outputs.has(callId) && state.tools.ended.get(callId)?.arguments === '{}'), where).toEqual([]);
    });
  });

  it('ask for nothing while the model is being configured, and lose no time when it is done', () => {
    each(({ commands, events }, where) => {
      for (const { atMs } of events.filter(({ event }) => event.type === 'handoff')) {
        const configured = commands.findLast(({ command, atMs: sentMs }) => command.type === 'configure' && sentMs <= atMs && !(sentMs === atMs));
        if (configured === undefined) continue;
        // 2 x 80 ms of lag and 2 x 30 ms of jitter are the far end's; nothing is added.
        expect(atMs - configured.atMs, where).toBeLessThanOrEqual(220 + 60);
        const asked = commands.filter(({ command, atMs: sentMs }) => command.type === 'create_response' && sentMs > configured.atMs && sentMs < atMs);
        expect(asked, where).toEqual([]);
      }
    });
  });
});

describe('a change of agent', () => {
  it('carries the formats of the session in every configuration, for 5,000 random agents', () => {
    const rng = random();
    const config: ModelConfig = { outputModality: 'audio', inputFormat: MULAW_8K, outputFormat: PCM16_24K, voice: 'one', speed: 1.1, tools: [], turnDetection: { type: 'server_vad', silenceMs: 300 } };
    const state = createSessionState(config, 'clock');
    step(state, { type: 'connection_opened' }, 0);
    step(state, { type: 'model_session_configured' }, 0);
    for (let round = 0; round < 5_000; round += 1) {
      const some = <T extends object>(part: T): T | object => (rng.next() < 0.5 ? part : {});
      const agent = {
        agentId: `agent_${round}`,
        name: `Agent ${round}`,
        tools: Array.from({ length: rng.int(0, 4) }, (_, index) => ({ name: `tool_${index}`, parameters: {} })),
        ...some({ instructions: `be ${round}` }),
        ...some({ voice: rng.pick(['one', 'two']) }),
        // What no agent has by its type, but a careless caller may give.
        ...some({ inputFormat: PCM16_24K, outputFormat: MULAW_8K, turnDetection: null, speed: 3 }),
      } as AgentProfile;
      const { effects } = step(state, { type: 'handoff', plan: { handoffId: `h${round}`, agent, reason: '', entry: 'silent', drop: [] } }, round);
      const sent = effects.flatMap((effect) => (effect.type === 'send' ? [effect.command] : []));
      const where = `TEST_SEED=${rng.seed}, round ${round}`;
      expect(sent.map(({ type }) => type), where).toEqual(['configure']);
      const [configure] = sent;
      if (configure?.type !== 'configure') throw new Error(where);
      const { instructions, tools, voice, ...rest } = configure.config;
      expect(rest, where).toEqual({ outputModality: 'audio', inputFormat: MULAW_8K, outputFormat: PCM16_24K, speed: 1.1, turnDetection: { type: 'server_vad', silenceMs: 300 } });
      expect([instructions, tools, voice], where).toEqual([agent.instructions ?? '', agent.tools, agent.voice ?? state.config.voice]);
      const answer = rng.int(0, 3);
      if (answer === 0) step(state, { type: 'model_error', error: { code: 'invalid_value', message: 'no' }, eventId: configure.eventId }, round);
      else step(state, { type: 'model_session_configured' }, round);
    }
  });
});
