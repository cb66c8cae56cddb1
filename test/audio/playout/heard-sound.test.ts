import { describe, expect, it } from 'vitest';
import { HeardSound, MULAW_8K } from '../../../audio/index.js';

/** 8 samples are 1 ms. */
const part = (itemId: string) => ({ responseId: 'r', itemId, contentIndex: 0, format: MULAW_8K });
const runsOf = (sound: HeardSound, endMs: number): (string | number)[][] => sound.runs(endMs).map(({ entry, fromSample, toSample, fromMs, toMs }) => [entry.itemId, fromSample / 8, toSample / 8, fromMs, toMs]);

describe('when each sample was heard, by the clock', () => {
  it('sound that comes while it is held begins with the listener', () => {
    const sound = new HeardSound(false);
    sound.send(part('a'), 800, 0);
    sound.pause(200);
    sound.send(part('b'), 800, 500);
    expect(runsOf(sound, 600)).toEqual([['a', 0, 100, 0, 100]]);
    sound.resume(1_000);
    expect(runsOf(sound, 5_000)).toEqual([['a', 0, 100, 0, 100], ['b', 0, 100, 1_000, 1_100]]);
  });

  it('what waits behind the part that is cut, or still comes of it, was never heard, and what comes afterwards begins at once', () => {
    const sound = new HeardSound(false);
    sound.send(part('a'), 8_000, 0);
    sound.send(part('b'), 8_000, 10);
    expect(sound.cut(300).map(({ entry, heardMs }) => [entry.itemId, heardMs])).toEqual([['a', 300], ['b', 0]]);
    sound.send(part('a'), 800, 350);
    sound.send(part('c'), 800, 400);
    expect(runsOf(sound, 5_000)).toEqual([['a', 0, 300, 0, 300], ['c', 0, 100, 400, 500]]);
  });
});

describe('when each sample was heard, by reports', () => {
  const reporting = (reports: readonly (readonly [samplesMs: number, atMs: number])[]): HeardSound => {
    const sound = new HeardSound(true);
    sound.send(part('a'), 8_000, 0);
    for (const [ms, atMs] of reports) sound.report({ itemId: 'a', contentIndex: 0, samples: ms * 8 }, atMs);
    return sound;
  };

  it('the last report is late by the rest of its slot, and a pause before it is one', () => {
    expect(runsOf(reporting([[40, 140], [80, 180], [90, 220]]), 5_000)).toEqual([['a', 0, 90, 100, 190]]);
    expect(runsOf(reporting([[40, 140], [80, 180], [90, 400]]), 5_000)).toEqual([['a', 0, 80, 100, 180], ['a', 80, 90, 390, 400]]);
  });

  it('a cut goes as far as the ledger carries the last report, or as far as the session says', () => {
    const carried = reporting([[40, 140], [80, 180]]);
    carried.cut(200);
    expect(runsOf(carried, 5_000)).toEqual([['a', 0, 100, 100, 200]]);
    const told = reporting([[40, 140], [80, 180]]);
    told.cut(200, { itemId: 'a', contentIndex: 0, heardMs: 93 });
    expect(runsOf(told, 5_000)).toEqual([['a', 0, 93, 100, 193]]);
  });

  it('a part that was passed over was heard just before the one that was told of', () => {
    const sound = new HeardSound(true);
    sound.send(part('a'), 400, 0);
    sound.send(part('b'), 8_000, 0);
    sound.report({ itemId: 'b', contentIndex: 0, samples: 160 }, 500);
    expect(runsOf(sound, 5_000)).toEqual([['a', 0, 50, 430, 480], ['b', 0, 20, 480, 500]]);
  });
});
