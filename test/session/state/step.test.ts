import { describe, expect, it } from 'vitest';
import { PCM16_24K } from '../../../audio/index.js';
import { createSessionState, step } from '../../../session/index.js';
import type { BackgroundPolicy, ModelConfig, SessionInput, SessionState } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';
import { replyBegins, replyEnds, tone } from '../../helpers/session-harness.js';

const CONFIG: ModelConfig = { outputModality: 'audio', inputFormat: PCM16_24K, outputFormat: PCM16_24K, tools: [] };

const BACKGROUND: BackgroundPolicy = { acknowledge: 'wait', afterMs: 100, respond: false, fillers: [tone(100)], everyMs: 300, max: 2, late: 'announce' };

interface Recorded {
  readonly atMs: number;
  readonly input: SessionInput;
}

/** Any course of a conversation, legal or not. */
function conversation(rng: Random, length: number): Recorded[] {
  let atMs = 0;
  const id = (prefix: string): string => `${prefix}${rng.int(0, 4)}`;
  const recorded: Recorded[] = [
    { atMs, input: { type: 'connection_opened' } },
    { atMs, input: { type: 'model_session_configured' } },
  ];
  const add = (...inputs: SessionInput[]): void => void recorded.push(...inputs.map((input) => ({ atMs, input })));
  while (recorded.length < length) {
    atMs += rng.int(0, 300);
    const [responseId, itemId, callId] = [id('r'), id('a'), id('c')];
    const call = { type: 'function_call', id: `f${callId}`, callId, name: 'x', arguments: '{}', status: 'completed' } as const;
    rng.pick([
      () => add({ type: 'microphone', bytes: tone(20), queuedBytes: rng.int(0, 700_000) }),
      () => add({ type: 'message', content: [{ type: 'input_text', text: 'hi' }], respond: rng.next() < 0.8 }),
      () => add({ type: 'respond', request: {} }),
      () => add({ type: 'interrupt' }),
      () => add({ type: 'commit' }),
      () => add({ type: 'playback', report: { itemId, contentIndex: 0, samples: rng.int(0, 30_000) } }),
      () => add({ type: 'tool_settled', callId, outcome: 'ok', output: '1', durationMs: 5 }),
      () => add({ type: 'tool_prepared', callId, ok: true, plan: { agentName: 'A', needsApproval: rng.next() < 0.5, respond: rng.next() < 0.8, concurrency: 1, ...(rng.next() < 0.5 ? { background: BACKGROUND } : {}) } }),
      () => add({ type: 'output_item_added', responseId, outputIndex: 0, item: { type: 'mcp_call', id: `m${callId}`, serverLabel: 's', name: 'x', arguments: '' } }, { type: 'mcp_call_running', itemId: `m${callId}` }),
      () => add({ type: 'item_done', item: { type: 'mcp_call', id: `m${callId}`, serverLabel: 's', name: 'x', arguments: '{}', output: '1' } }),
      () => add({ type: 'item_done', item: { type: 'mcp_approval_request', id: callId, serverLabel: 's', name: 'x', arguments: '{}' } }),
      () => add({ type: 'tool_late', callId, outcome: 'ok', output: '1' }),
      () => add({ type: 'tool_prepared', callId, ok: false, problem: 'no' }),
      () => add({ type: 'tool_decision', callId, approve: rng.next() < 0.5, always: rng.next() < 0.1 }),
      () => add({ type: 'tool_progress', callId, progress: 'half' }),
      () => add({ type: 'timer', timer: rng.pick(['response_retry', 'watchdog', 'barge_in', 'tools']) }),
      () => add({ type: 'speech_started', itemId: id('u'), audioStartMs: atMs }),
      () => add({ type: 'speech_stopped', itemId: id('u'), audioEndMs: atMs }, { type: 'input_committed', itemId: id('u') }),
      () => add({ type: 'item_added', item: { type: 'message', id: id('u'), role: 'user', status: 'completed', content: [] }, previousItemId: rng.pick([null, id('a')]) }),
      () => add({ type: 'user_transcript', itemId: id('u'), contentIndex: 0, text: 'said', final: true }),
      () => add({ type: 'item_deleted', itemId }),
      () => add({ type: 'model_error', error: { code: rng.pick(['conversation_already_has_active_response', 'x']), message: 'm' }, eventId: `evt_${rng.int(1, 40)}` }),
      () => add(...replyBegins(responseId, itemId, 'some words', rng.int(0, 900), rng.pick([{ voicewire_request: `evt_${rng.int(1, 40)}` }, undefined]))),
      () => add(...replyEnds(responseId, itemId, 'some words', rng.pick(['completed', 'cancelled']))),
      () => add({ type: 'output_item_done', responseId, outputIndex: 0, item: call }, { type: 'response_done', responseId, status: 'completed', output: [call] }),
    ])();
  }
  return recorded;
}

function run(state: SessionState, recorded: readonly Recorded[]): string[] {
  return recorded.map(({ input, atMs }) => JSON.stringify(step(state, input, atMs).effects));
}

describe('step', () => {
  it('gives the same effects for the same inputs at the same times', () => {
    const rng = random();
    for (let round = 0; round < 150; round += 1) {
      const recorded = conversation(rng, 60);
      expect(run(createSessionState(CONFIG, 'clock'), recorded), `seed ${rng.seed}, round ${round}`).toEqual(run(createSessionState(CONFIG, 'clock'), recorded));
    }
  });

  it('works on plain data: a copy of the state, made at any point, goes on in the same way', () => {
    const rng = random();
    for (let round = 0; round < 150; round += 1) {
      const recorded = conversation(rng, 60);
      const at = rng.int(0, recorded.length);
      const state = createSessionState(CONFIG, 'reported', { bargeIn: { mode: rng.pick(['immediate', 'two-stage', 'auto'] as const), aboveEchoDb: rng.pick([0, 6]), warmUpMs: rng.pick([0, 200]) } });
      run(state, recorded.slice(0, at));
      const copy = structuredClone(state);
      expect(run(copy, recorded.slice(at)), `seed ${rng.seed}, round ${round}`).toEqual(run(state, recorded.slice(at)));
    }
  });

  it('has at most one response asked for at a time, and never throws, for any course of events', () => {
    const rng = random();
    for (let round = 0; round < 1_000; round += 1) {
      const state = createSessionState(CONFIG, 'clock', { bargeIn: { mode: rng.pick(['immediate', 'two-stage', 'half-duplex', 'off', 'auto'] as const) } });
      for (const { input, atMs } of conversation(rng, 80)) {
        const { effects } = step(state, input, atMs);
        const asked = effects.filter((effect) => effect.type === 'send' && effect.command.type === 'create_response').length;
        const where = `seed ${rng.seed}, round ${round}`;
        expect(asked, where).toBeLessThanOrEqual(1);
        if (asked === 1) expect(state.live.size, where).toBe(0);
      }
    }
  });

  it('says nothing after the session has ended', () => {
    const state = createSessionState(CONFIG, 'clock');
    step(state, { type: 'connection_opened' }, 0);
    step(state, { type: 'close', reason: 'done' }, 1);
    expect(step(state, { type: 'respond', request: {} }, 2).effects).toEqual([]);
    expect(step(state, { type: 'connection_closed', close: { code: 1000, reason: '', byUs: true } }, 2).effects).toEqual([]);
  });
});
