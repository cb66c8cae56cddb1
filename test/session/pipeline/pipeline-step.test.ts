import { describe, expect, it } from 'vitest';
import { PCM16_24K } from '../../../audio/index.js';
import { PipelineError, createPipelineState, pipelineStep } from '../../../session/index.js';
import type { PipelineInput, PipelinePolicy, PipelineState } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';

function policy(rng: Random): PipelinePolicy {
  return {
    turns: { by: rng.pick(['voice', 'recogniser', 'hand'] as const), silenceMs: 500, minSpeechMs: 100, preRollMs: 300, maxTurnMs: rng.pick([2_000, 60_000]) },
    ...(rng.next() < 0.8 ? { confirmMs: 300 } : {}),
    backChannels: ['mhm'],
    microphoneRate: 24_000,
    outputFormat: PCM16_24K,
    concurrency: rng.int(1, 4),
    aheadMs: rng.pick([200, 5_000]),
    playback: rng.pick(['clock', 'reported', 'taken'] as const),
    playbackTimeoutMs: 1_000,
  };
}

/** Any course of events, likely or not, in an order that no runtime would bring. */
function inputs(rng: Random, length: number): { input: PipelineInput; atMs: number }[] {
  let atMs = 0;
  let sample = 0;
  const turn = (): number => rng.int(1, 5);
  const error = new PipelineError('STAGE_FAILED', 'It failed.');
  return Array.from({ length }, () => {
    atMs += rng.int(0, 200);
    sample += 2_400;
    const input = rng.pick<() => PipelineInput>([
      () => ({ type: 'audio', samples: 2_400, transitions: rng.next() < 0.5 ? [] : [{ type: rng.pick(['start', 'end'] as const), sample: sample - rng.int(0, 2_400), decidedAt: sample }] }),
      () => ({ type: 'audio', samples: 2_400, transitions: [] }),
      () => ({ type: 'words', utterance: turn(), text: rng.pick(['', 'Yes.', 'Well well']), final: rng.next() < 0.6 }),
      () => ({ type: 'stream_speech_started' }),
      () => ({ type: 'stream_words', text: rng.pick(['mhm', 'Stop it']), final: rng.next() < 0.5 }),
      () => ({ type: 'stream_turn_ended' }),
      () => ({ type: 'answer_text', turn: turn(), delta: 'One. ', sentences: [{ text: 'One. ', spoken: 'One.' }], over: rng.next() < 0.3 }),
      () => ({ type: 'sound', turn: turn(), sentence: rng.int(0, 3), data: new Uint8Array(4_800), samples: 2_400 }),
      () => ({ type: 'sentence_spoken', turn: turn(), sentence: rng.int(0, 3) }),
      () => ({ type: 'taken', turn: turn(), sentence: rng.int(0, 3), samples: 2_400 }),
      () => ({ type: 'playback', report: { itemId: `turn_${turn()}`, contentIndex: rng.int(0, 3), samples: rng.int(0, 9_000) } }),
      () => ({ type: 'stage_failed', stage: rng.pick(['recognise', 'workflow', 'synthesise'] as const), of: rng.int(0, 5), error }),
      () => ({ type: 'text', text: 'Hi.' }),
      () => ({ type: 'start_turn' }),
      () => ({ type: 'end_turn' }),
      () => ({ type: 'interrupt' }),
      () => ({ type: 'greet' }),
      () => ({ type: 'timer', timer: rng.pick(['source', 'playback'] as const) }),
      ...(rng.next() < 0.02 ? [(): PipelineInput => ({ type: 'input_over' })] : []),
    ])();
    return { input, atMs };
  });
}

function effectsOf(state: PipelineState, recorded: readonly { input: PipelineInput; atMs: number }[]): string[] {
  return recorded.map(({ input, atMs }) => JSON.stringify(pipelineStep(state, input, atMs).effects, (_key, value: unknown) => (value instanceof Uint8Array ? value.length : value)));
}

describe('the step of a pipeline', () => {
  it('works on plain data, and gives the same effects for the same inputs at the same times', () => {
    const rng = random();
    for (let round = 0; round < 200; round += 1) {
      const rules = policy(rng);
      const recorded = inputs(rng, 120);
      const whole = effectsOf(createPipelineState(rules), recorded);
      const at = rng.int(0, recorded.length);
      const state = createPipelineState(rules);
      const before = effectsOf(state, recorded.slice(0, at));
      const after = effectsOf(structuredClone(state), recorded.slice(at));
      expect([...before, ...after], `seed ${rng.seed}, round ${round}`).toEqual(whole);
    }
  });

  it('pairs turns, and asks and tells the workflow once a turn, for any course of events', () => {
    const rng = random();
    for (let round = 0; round < 300; round += 1) {
      const state = createPipelineState(policy(rng));
      const faults: string[] = [];
      let open = 0;
      let asked = 0;
      let told = 0;
      let over = false;
      for (const { input, atMs } of [...inputs(rng, 150), { input: { type: 'interrupt' } as const, atMs: 1e6 }, { input: { type: 'end_turn' } as const, atMs: 1e6 }]) {
        for (const effect of pipelineStep(state, input, atMs).effects) {
          if (over && effect.type === 'emit') faults.push('told after the end');
          if (effect.type === 'start_answer' && effect.turn <= asked) faults.push(`asked twice for turn ${effect.turn}`);
          if (effect.type === 'start_answer') asked = effect.turn;
          if (effect.type === 'tell_heard' && effect.turn <= told) faults.push(`told twice of turn ${effect.turn}`);
          if (effect.type === 'tell_heard') told = effect.turn;
          if (effect.type !== 'emit' || effect.event.type !== 'voice_stream_event_lifecycle') continue;
          if (effect.event.event === 'turn_started' && open !== 0) faults.push(`turn ${effect.turn} starts in turn ${open}`);
          if (effect.event.event === 'turn_ended' && open !== effect.turn) faults.push(`turn ${effect.turn} ends in turn ${open}`);
          open = effect.event.event === 'turn_started' ? effect.turn : 0;
          over ||= effect.event.event === 'session_ended';
        }
      }
      expect(faults, `seed ${rng.seed}, round ${round}`).toEqual([]);
    }
  });
});
