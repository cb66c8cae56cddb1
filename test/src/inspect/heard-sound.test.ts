import { describe, expect, it } from 'vitest';
import { MULAW_8K } from '../../../audio/index.js';
import { agentSound } from '../../../src/inspect/heard-sound.js';
import { depthAt } from '../../../src/inspect/depth-curve.js';
import type { RecordingLine } from '../../../src/recording/index.js';

const event = (at: number, body: object): RecordingLine => ({ at, dir: 'out', leg: 'client', type: 'event', event: body }) as unknown as RecordingLine;
const report = (at: number, samples: number, itemId = 'item_1'): RecordingLine => ({ at, dir: 'in', leg: 'client', type: 'input', input: { type: 'playback', report: { itemId, contentIndex: 0, samples } } }) as unknown as RecordingLine;
/** `ms` of an item's sound, which stands in the track from `fromMs` on. */
const audio = (at: number, fromMs: number, ms: number, itemId = 'item_1', track = 'agent'): RecordingLine =>
  event(at, { type: 'audio', responseId: 'resp_1', itemId, contentIndex: 0, epoch: 0, chunk: { bytes: { $audio: track, at: fromMs * 8, bytes: ms * 8 }, format: MULAW_8K, firstSample: fromMs * 8 } });
const places = (lines: readonly RecordingLine[], source: 'clock' | 'reports' = 'clock', endMs = 10_000): number[][] => agentSound(lines, endMs, source).heard.map(({ trackSample, fromMs, toMs }) => [trackSample / 8, fromMs, toMs]);

describe('sound that is held while the caller may be interrupting', () => {
  const held = [audio(0, 0, 2_000), event(500, { type: 'audio_paused', how: 'pause', epoch: 0 })];

  it('goes on where it was held', () => {
    const lines = [...held, event(1_500, { type: 'audio_resumed', epoch: 0 })];
    expect(places(lines)).toEqual([[0, 0, 500], [500, 1_500, 3_000]]);
    const { depth } = agentSound(lines, 10_000, 'clock');
    expect([499, 1_000, 1_499, 2_000, 3_000].map((at) => Math.round(depthAt(depth, at)))).toEqual([1_501, 1_500, 1_500, 1_000, 0]);
  });

  it('was heard up to there when it is cut', () => {
    expect(places([...held, event(900, { type: 'audio_interrupted', epoch: 1, itemId: 'item_1' })])).toEqual([[0, 0, 500]]);
    expect(agentSound([...held, event(900, { type: 'audio_interrupted', epoch: 1, itemId: 'item_1' })], 10_000, 'clock').cuts).toEqual([{ unheardMs: 1_500, heardMs: 500 }]);
  });

  it('is not held when it is only made softer', () => {
    expect(places([audio(0, 0, 2_000), event(500, { type: 'audio_paused', how: 'duck', epoch: 0 }), event(900, { type: 'audio_resumed', epoch: 0 })])).toEqual([[0, 0, 2_000]]);
  });
});

describe('where sound was heard', () => {
  it('by the clock: one after the other, and no farther than the call goes', () => {
    expect(places([audio(100, 0, 300), audio(150, 300, 300), audio(2_000, 600, 400)], 'clock', 2_100)).toEqual([[0, 100, 700], [600, 2_000, 2_100]]);
  });

  it('by reports: up to the moment of each, without its jitter', () => {
    const lines = [audio(0, 0, 1_000), report(140, 320), report(195, 640), report(220, 960), report(800, 1_280)];
    // The last one came after a pause in which nothing was heard.
    expect(places(lines, 'reports')).toEqual([[0, 100, 220], [120, 760, 800]]);
  });

  it('a report of a later item says that the one before it was heard to its end', () => {
    const lines = [audio(0, 0, 100), event(1, { type: 'audio_end', itemId: 'item_1', contentIndex: 0 }), audio(2, 100, 200, 'item_2'), report(180, 480, 'item_1'), report(320, 960, 'item_2')];
    const { items } = agentSound(lines, 1_000, 'reports');
    expect(items.map(({ itemId, heardMs }) => [itemId, heardMs])).toEqual([['item_1', 100], ['item_2', 120]]);
  });

  it('sound that is not kept is counted, and cannot be drawn', () => {
    const { heard, items, received } = agentSound([audio(0, 0, 400, 'item_1', 'copy')], 1_000, 'clock');
    expect([heard, received]).toEqual([[], []]);
    expect(items).toMatchObject([{ heardMs: 400 }]);
  });

  it('as received it is squeezed to the next of it', () => {
    expect(agentSound([audio(0, 0, 400), audio(50, 400, 400), audio(2_000, 800, 400)], 5_000, 'clock').received.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([[0, 50], [50, 450], [2_000, 2_400]]);
  });
});
