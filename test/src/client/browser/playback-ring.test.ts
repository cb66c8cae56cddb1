import { describe, expect, test } from 'vitest';
import { PlaybackRing } from '../../../../src/client/browser/playback-ring.js';
import type { PlayedReport } from '../../../../src/client/ports.js';

const RATE = 24_000;
const MS = 24;
const BLOCK = 128;
/** 1 kHz at half scale: its own steepest step from sample to sample at 24 kHz is 4277. */
const AMPLITUDE = 16_384;
const deviceRates = [16_000, 24_000, 44_100, 48_000];

function tone(samples: number, from = 0, hertz = 1000): Int16Array {
  return Int16Array.from({ length: samples }, (_, index) => Math.round(AMPLITUDE * Math.sin((2 * Math.PI * hertz * (from + index)) / RATE)));
}

/** Renders in the device's blocks, with something to be done before some of them. */
function render(ring: PlaybackRing, blocks: number, before: (block: number) => void = () => {}): Float32Array {
  const out = new Float32Array(blocks * BLOCK);
  for (let block = 0; block < blocks; block += 1) {
    before(block);
    ring.render(out.subarray(block * BLOCK, (block + 1) * BLOCK));
  }
  return out;
}

function maxStep(samples: Float32Array): number {
  let max = 0;
  for (let index = 1; index < samples.length; index += 1) max = Math.max(max, Math.abs((samples[index] ?? 0) - (samples[index - 1] ?? 0)));
  return max;
}

/** The steepest step that a 1 kHz tone at half scale has at this rate, and 20 % for a ramp on top of it. */
const allowedStep = (rate: number): number => 2 * 0.5 * Math.sin((Math.PI * 1000) / rate) * 1.2;
const lastSound = (samples: Float32Array): number => samples.findLastIndex((sample) => Math.abs(sample) > 0.0005);
const rms = (samples: Float32Array): number => Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);

/** Amplitude of one frequency. */
function goertzel(samples: Float32Array, hertz: number, rate: number): number {
  let real = 0;
  let imaginary = 0;
  samples.forEach((sample, index) => {
    real += sample * Math.cos((2 * Math.PI * hertz * index) / rate);
    imaginary += sample * Math.sin((2 * Math.PI * hertz * index) / rate);
  });
  return (2 * Math.hypot(real, imaginary)) / samples.length;
}

describe.each(deviceRates)('playing into a device of %i Hz', (rate) => {
  const blocksFor = (ms: number): number => Math.ceil((ms * rate) / 1000 / BLOCK);

  test('a tone of 1 kHz comes out as a tone of 1 kHz, with its level and its length', () => {
    const ring = new PlaybackRing({ outputRate: rate });
    ring.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(RATE) });
    ring.end(1, RATE);
    const out = render(ring, blocksFor(1100));
    const middle = out.subarray(Math.floor(rate * 0.2), Math.floor(rate * 0.2) + rate / 2);
    expect(goertzel(middle, 1000, rate)).toBeCloseTo(0.5, 2);
    expect(rms(middle)).toBeCloseTo(0.5 / Math.SQRT2, 2);
    expect(lastSound(out) / rate).toBeGreaterThan(0.99);
    expect(lastSound(out) / rate).toBeLessThan(1.02);
    expect(ring.underruns).toBe(0);
  });

  test('each sample is counted once, and the last report says that all were heard', () => {
    const ring = new PlaybackRing({ outputRate: rate });
    const reports: PlayedReport[] = [];
    for (let first = 0; first < RATE / 2; first += 1000) ring.play({ epoch: 0, item: 7, firstSample: first, samples: tone(1000, first) });
    ring.end(7, RATE / 2);
    render(ring, blocksFor(700), (block) => {
      const taken = ring.takeReports();
      // Never ahead of time: after n blocks no more than their length has been taken, but for one step of 2 ms.
      for (const report of taken) expect(report.samples).toBeLessThanOrEqual((block * BLOCK * RATE) / rate + 48);
      reports.push(...taken);
    });
    reports.push(...ring.takeReports());
    expect(reports.at(-1)).toEqual({ epoch: 0, item: 7, samples: RATE / 2, final: true });
    const counts = reports.map((report) => report.samples);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
  });

  test('chunk seams do not sound', () => {
    const ring = new PlaybackRing({ outputRate: rate });
    for (const [first, length] of [[0, 1919], [1919, 1], [1920, 777], [2697, 4503], [7200, 4800]] as const) ring.play({ epoch: 0, item: 1, firstSample: first, samples: tone(length, first) });
    ring.end(1, 12_000);
    expect(maxStep(render(ring, blocksFor(600)))).toBeLessThan(allowedStep(rate));
  });

  test('a clear is silent within 10 ms, without a click, at any moment', () => {
    for (let moment = 0; moment < 12; moment += 1) {
      const ring = new PlaybackRing({ outputRate: rate });
      ring.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(RATE * 2) });
      const at = blocksFor(200) + moment;
      const out = render(ring, at + blocksFor(100), (block) => block === at && ring.clear(1));
      const silentAfterMs = ((lastSound(out) + 1 - at * BLOCK) / rate) * 1000;
      expect(silentAfterMs, `cleared before block ${at}`).toBeLessThanOrEqual(10);
      expect(silentAfterMs).toBeGreaterThan(0);
      expect(maxStep(out), `cleared before block ${at}`).toBeLessThan(allowedStep(rate));
      const report = ring.takeReports().at(-1);
      expect(report).toMatchObject({ item: 1, epoch: 0, final: true });
      // Everything before the clear was counted, and nothing after it: within a block and a step of 2 ms.
      expect(Math.abs((report?.samples ?? 0) - (at * BLOCK * RATE) / rate)).toBeLessThanOrEqual(2 * 48 + 1);
    }
  });
});

describe('the start', () => {
  test('waits for 70 ms of audio', () => {
    const ring = new PlaybackRing({ outputRate: RATE });
    const out = render(ring, 40, (block) => {
      if (block < 4) ring.play({ epoch: 0, item: 1, firstSample: block * 20 * MS, samples: tone(20 * MS, block * 20 * MS) });
    });
    expect(out.findIndex((sample) => sample !== 0)).toBeGreaterThan(2 * BLOCK);
    expect(out.findIndex((sample) => sample !== 0)).toBeLessThan(5 * BLOCK);
  });

  test('does not wait when the whole item is there, nor longer than 150 ms', () => {
    const short = new PlaybackRing({ outputRate: RATE });
    short.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(10 * MS) });
    short.end(1, 10 * MS);
    expect(rms(render(short, 2))).toBeGreaterThan(0.1);

    const lonely = new PlaybackRing({ outputRate: RATE });
    lonely.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(10 * MS) });
    const out = render(lonely, 60);
    const startedMs = out.findIndex((sample) => sample !== 0) / MS;
    expect(startedMs).toBeGreaterThan(140);
    expect(startedMs).toBeLessThan(160);
  });
});

describe('running dry', () => {
  test('in the middle of an item is counted, does not click, and the rest is played', () => {
    const ring = new PlaybackRing({ outputRate: RATE });
    ring.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(100 * MS + 7) });
    const out = render(ring, 80, (block) => {
      if (block !== 40) return;
      ring.play({ epoch: 0, item: 1, firstSample: 100 * MS + 7, samples: tone(100 * MS, 100 * MS + 7) });
      ring.end(1, 200 * MS + 7);
    });
    expect(ring.underruns).toBe(1);
    expect(maxStep(out)).toBeLessThan(allowedStep(RATE));
    expect(ring.takeReports().at(-1)).toEqual({ epoch: 0, item: 1, samples: 200 * MS + 7, final: true });
  });

  test('at the end of an item is no underrun', () => {
    const ring = new PlaybackRing({ outputRate: RATE });
    ring.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(100 * MS + 5) });
    ring.end(1, 100 * MS + 5);
    expect(maxStep(render(ring, 40))).toBeLessThan(allowedStep(RATE));
    expect(ring.underruns).toBe(0);
  });
});

describe('epochs', () => {
  test('late frames of an old epoch stay silent; the next one is heard', () => {
    const ring = new PlaybackRing({ outputRate: RATE });
    ring.clear(1);
    ring.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(RATE) });
    expect(rms(render(ring, 50))).toBe(0);
    ring.play({ epoch: 1, item: 2, firstSample: 0, samples: tone(RATE) });
    expect(rms(render(ring, 50))).toBeGreaterThan(0.1);
  });

  test('a reset begins again at epoch 0', () => {
    const ring = new PlaybackRing({ outputRate: RATE });
    ring.clear(5);
    ring.reset();
    ring.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(RATE) });
    expect(rms(render(ring, 50))).toBeGreaterThan(0.1);
    expect(ring.takeLevel()).toBeGreaterThan(0.1);
    expect(ring.takeReports().at(-1)).toMatchObject({ epoch: 0, item: 1, final: false });
  });
});

describe.each(deviceRates)('a pause at %i Hz', (rate) => {
  const blocksFor = (ms: number): number => Math.ceil((ms * rate) / 1000 / BLOCK);

  test('is silent within 10 ms without a click, counts nothing, and goes on with the very next sample', () => {
    for (let moment = 0; moment < 12; moment += 1) {
      const ring = new PlaybackRing({ outputRate: rate });
      ring.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(RATE) });
      const [pauseAt, resumeAt] = [blocksFor(200) + moment, blocksFor(600)];
      let [heldAt, stillAt] = [-1, -1];
      const out = render(ring, blocksFor(1_700), (block) => {
        if (block === pauseAt) ring.pause('pause');
        if (block === pauseAt + 1) heldAt = ring.takeReports().at(-1)?.samples ?? -1;
        // What comes during the pause waits behind what is held.
        if (block === pauseAt + 20) ring.play({ epoch: 0, item: 1, firstSample: RATE, samples: tone(RATE / 5, RATE) });
        if (block === resumeAt) {
          stillAt = ring.takeReports().at(-1)?.samples ?? heldAt;
          ring.resume();
        }
      });
      const inPause = out.subarray(pauseAt * BLOCK, resumeAt * BLOCK);
      expect(((lastSound(inPause) + 1) / rate) * 1000, `paused before block ${pauseAt}`).toBeLessThanOrEqual(10);
      expect(Math.abs(heldAt - (pauseAt * BLOCK * RATE) / rate)).toBeLessThanOrEqual(2 * 48 + 1);
      expect(stillAt).toBe(heldAt);
      expect(maxStep(out), `paused before block ${pauseAt}`).toBeLessThan(allowedStep(rate));
      expect(ring.takeReports().at(-1)?.samples).toBe(RATE + RATE / 5);
      expect(ring.underruns).toBe(1);
    }
  });
});

describe('a pause', () => {
  test('loses and doubles no sample: what is played before and after it are neighbours', () => {
    const ring = new PlaybackRing({ outputRate: RATE });
    const ramp = Int16Array.from({ length: 30_000 }, (_, index) => index);
    ring.play({ epoch: 0, item: 1, firstSample: 0, samples: ramp });
    ring.end(1, ramp.length);
    const out = render(ring, 400, (block) => {
      if (block === 30) ring.pause('pause');
      if (block === 130) ring.resume();
    });
    const values = [...out].map((sample) => Math.round(sample * 32_768));
    const lastAt = values.indexOf(29_999);
    // The ramp's own samples, each one later by exactly the pause: a whole number of steps of 2 ms, about 100 blocks.
    const pause = lastAt - 29_999;
    expect(pause % 48).toBe(0);
    expect(Math.abs(pause - 100 * BLOCK)).toBeLessThanOrEqual(48);
    expect(values.slice(1_000, 29 * BLOCK)).toEqual([...ramp.subarray(1_000, 29 * BLOCK)]);
    const again = 130 * BLOCK + 200;
    expect(values.slice(again, lastAt)).toEqual([...ramp.subarray(again - pause, 29_999)]);
  });

  test('ends with a clear, and what comes after that starts as ever', () => {
    const ring = new PlaybackRing({ outputRate: RATE });
    ring.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(RATE) });
    render(ring, 40);
    ring.pause('pause');
    render(ring, 10);
    ring.clear(1);
    expect(ring.takeReports().at(-1)).toMatchObject({ item: 1, final: true });
    ring.play({ epoch: 1, item: 2, firstSample: 0, samples: tone(20 * MS) });
    expect(rms(render(ring, 10))).toBe(0);
    ring.play({ epoch: 1, item: 2, firstSample: 20 * MS, samples: tone(RATE, 20 * MS) });
    expect(rms(render(ring, 50))).toBeGreaterThan(0.1);
  });

  test('holds back a start too', () => {
    const ring = new PlaybackRing({ outputRate: RATE });
    ring.pause('pause');
    ring.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(RATE) });
    expect(rms(render(ring, 100))).toBe(0);
    ring.resume();
    expect(rms(render(ring, 10))).toBeGreaterThan(0.1);
  });

  test('as a duck plays on 12 dB softer, without a click, and counts', () => {
    const ring = new PlaybackRing({ outputRate: RATE });
    ring.play({ epoch: 0, item: 1, firstSample: 0, samples: tone(2 * RATE) });
    const out = render(ring, 300, (block) => {
      if (block === 100) ring.pause('duck');
      if (block === 200) ring.resume();
    });
    const level = (from: number): number => rms(out.subarray(from * BLOCK, (from + 50) * BLOCK));
    expect(20 * Math.log10(level(120) / level(40))).toBeCloseTo(-12, 1);
    expect(level(220)).toBeCloseTo(level(40), 3);
    expect(maxStep(out)).toBeLessThan(allowedStep(RATE));
    expect(ring.takeReports().at(-1)?.samples).toBeGreaterThanOrEqual(300 * BLOCK - 48);
  });
});
