import { describe, expect, it } from 'vitest';
import { DepthCurve, depthAt } from '../../../src/inspect/depth-curve.js';
import { bucketMsFor, peaksOf } from '../../../src/inspect/peaks.js';
import { EndPlacement } from '../../../src/inspect/placement.js';
import { PeakPyramid } from '../../../src/inspect/page/peak-pyramid.js';
import { toolRows } from '../../../src/inspect/page/span-lanes.js';
import { showLength, showMoment } from '../../../src/inspect/page/show-time.js';
import { panned, showing, tickStepMs, whole, within, zoomed } from '../../../src/inspect/page/view-window.js';
import type { ToolSpan } from '../../../src/inspect/index.js';
import { random } from '../../helpers/random.js';

describe('the curve of the depth', () => {
  it('keeps what it was given to a few ms, in far fewer points', () => {
    const chance = random();
    const curve = new DepthCurve();
    const given: [number, number][] = [];
    let depth = 0;
    for (let at = 0; at < 60_000; at += 20) {
      // Sound comes in heaps, and is heard steadily, with a jitter below what the curve cares for.
      if (at % 4_000 < 400) depth += 120;
      depth = Math.max(0, depth - 20);
      given.push([at, depth + chance.next() * 3]);
    }
    for (const [at, value] of given) curve.add(at, value);
    const series = curve.series();
    for (const [at, value] of given) expect(Math.abs(depthAt(series, at) - value), `seed ${chance.seed}, at ${at}`).toBeLessThan(11);
    expect(series.atMs.length, `seed ${chance.seed}`).toBeLessThan(given.length / 10);
  });

  it('keeps steps: two values at one moment', () => {
    const curve = new DepthCurve();
    for (const [at, value] of [[0, 0], [100, 0], [100, 500], [300, 300], [300, 0], [400, 0]] as const) curve.add(at, value);
    const series = curve.series();
    expect([99, 100, 200, 300, 399, 500].map((at) => depthAt(series, at))).toEqual([0, 500, 400, 0, 0, 0]);
    expect(depthAt(series, -5)).toBe(0);
  });
});

describe('sound that is told of when it has ended', () => {
  it('lies without the jitter of the telling', () => {
    const placement = new EndPlacement();
    expect([20, 65, 65, 80].map((toldMs) => placement.place(20, toldMs).fromMs)).toEqual([0, 20, 40, 60]);
  });

  it('begins anew after a pause, and never lies upon itself', () => {
    const placement = new EndPlacement();
    placement.place(20, 20);
    expect(placement.place(20, 1_020)).toEqual({ fromMs: 1_000, toMs: 1_020 });
    expect(placement.place(400, 1_021)).toEqual({ fromMs: 1_020, toMs: 1_420 });
  });
});

describe('peaks', () => {
  it('are the lowest and the highest of each bucket, and sound beyond the call is left out', () => {
    const samples = Int16Array.of(256, -512, 0, 1024, 2560, -32768, 32767, 5120);
    const peaks = peaksOf([{ trackSample: 0, samples: 8, fromMs: 1_000, toMs: 1_016 }], samples, 1_000, 12, 4);
    expect([...peaks]).toEqual([-2, 1, 0, 4, -128, 10]);
  });

  it('of an hour are no more than can be carried', () => {
    expect(bucketMsFor(10_000)).toBe(2);
    expect(bucketMsFor(3_600_000)).toBe(20);
    expect(3_600_000 / bucketMsFor(3_600_000)).toBeLessThanOrEqual(200_000);
    expect(100 * 3_600_000 / bucketMsFor(100 * 3_600_000)).toBeLessThanOrEqual(200_000);
  });

  it('a coarser level shows the same as the finest one', () => {
    const chance = random();
    const peaks = Int8Array.from({ length: 40_000 }, (_, index) => (index % 2 === 0 ? -chance.int(0, 128) : chance.int(0, 128)));
    const pyramid = new PeakPyramid(peaks, 2);
    const found = { low: 0, high: 0 };
    for (let round = 0; round < 200; round += 1) {
      const fromBucket = chance.int(0, 300) * 64;
      const count = 64 * chance.int(1, 12);
      pyramid.between(fromBucket * 2, (fromBucket + count) * 2, found);
      const expected = peaks.subarray(fromBucket * 2, (fromBucket + count) * 2);
      expect([found.low, found.high], `seed ${chance.seed}`).toEqual([Math.min(0, ...expected), Math.max(0, ...expected)]);
    }
  });
});

describe('the window', () => {
  const bounds = { startMs: 1_000, endMs: 11_000 };

  it('is zoomed around the cursor, which stays where it is', () => {
    const view = zoomed(whole(bounds), 0.5, 3_500, bounds);
    expect(view).toEqual({ fromMs: 2_250, toMs: 7_250 });
    expect((3_500 - view.fromMs) / 5_000).toBe((3_500 - 1_000) / 10_000);
  });

  it('never leaves the call, and never becomes too narrow to be drawn', () => {
    expect(zoomed(whole(bounds), 3, 5_000, bounds)).toEqual(whole(bounds));
    expect(panned({ fromMs: 9_000, toMs: 10_000 }, 5_000, bounds)).toEqual({ fromMs: 10_000, toMs: 11_000 });
    const tight = zoomed({ fromMs: 2_000, toMs: 2_050 }, 0.01, 2_010, bounds);
    expect(tight.toMs - tight.fromMs).toBe(40);
    expect(within({ fromMs: -50, toMs: 100_000 }, bounds)).toEqual(whole(bounds));
  });

  it('moves only when the cursor has left it', () => {
    const view = { fromMs: 2_000, toMs: 4_000 };
    expect(showing(view, 3_999, bounds)).toBe(view);
    expect(showing(view, 4_100, bounds)).toEqual({ fromMs: 3_900, toMs: 5_900 });
    expect(showing(view, 1_100, bounds)).toEqual({ fromMs: 1_000, toMs: 3_000 });
  });

  it('has marks at round distances', () => {
    expect([tickStepMs(9_000, 12), tickStepMs(3_600_000, 12), tickStepMs(50, 12)]).toEqual([1_000, 300_000, 5]);
  });
});

describe('words for times', () => {
  it('a moment, a length', () => {
    expect([showMoment(0), showMoment(8_580), showMoment(61_005, 1), showMoment(3_723_400), showMoment(59_999.9, 0)]).toEqual(['0:00.000', '0:08.580', '1:01.0', '1:02:03.400', '1:00']);
    expect([showLength(0.4), showLength(640), showLength(3_570), showLength(12_190), showLength(724_000), showLength(3_725_000)]).toEqual(['0 ms', '640 ms', '3.57 s', '12.2 s', '12 min 4 s', '1 h 2 min']);
  });
});

it('tools that run beside each other stand below each other', () => {
  const span = (fromMs: number, toMs: number): ToolSpan => ({ fromMs, toMs }) as ToolSpan;
  expect(toolRows([span(0, 100), span(50, 80), span(90, 95), span(100, 200)])).toEqual([0, 1, 1, 0]);
});
