/** Sound that comes over an unsteady network, rendered offline: what is heard has no click, and what ran dry is counted. */
import { describe, expect, test } from 'vitest';
import { PlaybackRing } from '../../../../src/client/browser/playback-ring.js';
import { random } from '../../../helpers/random.js';
import type { Random } from '../../../helpers/random.js';

const RATE = 24_000;
const MS = 24;
/** What a device asks for at a time. */
const QUANTUM = 128;
const FADE_MS = 5;
/** As long as the gateway's. */
const FRAME_MS = 100;
const HERTZ = 1_000;

/** 1 kHz at half scale that goes on from item to item without a seam of its own. */
function tone(samples: number, from: number): Int16Array {
  return Int16Array.from({ length: samples }, (_, index) => Math.round(16_384 * Math.sin((2 * Math.PI * HERTZ * (from + index)) / RATE)));
}

interface Arrival {
  readonly atMs: number;
  readonly run: (ring: PlaybackRing) => void;
}

/** Traces of a network as they are met: how late a frame is, in ms. Frames come in order, so that what comes behind a late one is late too. */
const TRACES: Readonly<Record<string, (rng: Random) => (frame: number) => number>> = {
  'a cable: some ms of noise': (rng) => () => rng.next() * 8,
  'wireless: noise, and a beat every second': (rng) => (frame) => rng.next() * 25 + (frame % 10 === 9 ? 60 : 0),
  'a mobile network: bursts in which everything is late': (rng) => {
    let bad = false;
    return () => {
      bad = rng.next() < (bad ? 0.6 : 0.08);
      return bad ? 50 + rng.next() * 60 : rng.next() * 20;
    };
  },
  'a busy tab: frames handed over in clumps': (rng) => (frame) => (3 - (frame % 4)) * 25 + rng.next() * 5,
};

interface Call {
  readonly arrivals: readonly Arrival[];
  readonly injected: number;
  readonly samples: number;
  readonly endMs: number;
}

/**
 * Answers one after the other. The sender is `lead` ahead of real time, more than the trace is ever late; in some answers the network stops for longer
 * than that, once, and then hands over all that waited: one underrun each.
 */
function call(rng: Random, lateness: (frame: number) => number): Call {
  const arrivals: Arrival[] = [];
  const leadMs = 300;
  let [injected, samples, atMs, frame] = [0, 0, 0, 0];
  for (let item = 1; item <= 12; item += 1) {
    const frames = rng.int(12, 30);
    const stallAt = rng.next() < 0.5 ? rng.int(5, frames - 2) : Infinity;
    if (stallAt !== Infinity) injected += 1;
    let stuckUntilMs = 0;
    let lastMs = atMs;
    // What the sender is ahead by is sent in one go, and is late as one.
    const firstLateMs = lateness((frame += 1));
    const itemSamples = frames * FRAME_MS * MS - rng.int(0, FRAME_MS * MS - 1);
    for (let index = 0; index < frames; index += 1) {
      const sentMs = atMs + Math.max(0, index * FRAME_MS - leadMs);
      if (index === stallAt) stuckUntilMs = sentMs + leadMs + FRAME_MS + rng.int(60, 400);
      const lateMs = sentMs === atMs ? firstLateMs : lateness((frame += 1));
      lastMs = Math.max(lastMs, sentMs + lateMs, stuckUntilMs);
      const firstSample = index * FRAME_MS * MS;
      const length = Math.min(FRAME_MS * MS, itemSamples - firstSample);
      const from = samples + firstSample;
      arrivals.push({ atMs: lastMs, run: (ring) => ring.play({ epoch: 0, item, firstSample, samples: tone(length, from) }) });
    }
    arrivals.push({ atMs: lastMs, run: (ring) => ring.end(item, itemSamples) });
    samples += itemSamples;
    atMs = lastMs + frames * FRAME_MS + rng.int(300, 1_500);
  }
  return { arrivals, injected, samples, endMs: atMs };
}

/** Renders block by block; what has arrived by a block's moment is there for it. */
function render(ring: PlaybackRing, rate: number, { arrivals, endMs }: Call, before: (block: number) => void = () => {}): Float32Array {
  const blocks = Math.ceil((endMs * rate) / 1000 / QUANTUM);
  const out = new Float32Array(blocks * QUANTUM);
  let next = 0;
  for (let block = 0; block < blocks; block += 1) {
    while (next < arrivals.length && (arrivals[next] as Arrival).atMs <= (block * QUANTUM * 1000) / rate) (arrivals[next++] as Arrival).run(ring);
    before(block);
    ring.render(out.subarray(block * QUANTUM, (block + 1) * QUANTUM));
  }
  return out;
}

/** Steps from sample to sample that are steeper than the tone itself, with 20 % for a ramp upon it. */
function discontinuities(samples: Float32Array, rate: number): number {
  const allowed = 2 * 0.5 * Math.sin((Math.PI * HERTZ) / rate) * 1.2;
  let found = 0;
  for (let index = 1; index < samples.length; index += 1) if (Math.abs((samples[index] as number) - (samples[index - 1] as number)) > allowed) found += 1;
  return found;
}

describe.each(Object.keys(TRACES))('over %s', (name) => {
  const trace = TRACES[name] as (typeof TRACES)[string];

  test.each([24_000, 44_100, 48_000])('into a device of %i Hz: no discontinuity, each injected underrun counted and no other, every sample heard', (rate) => {
    const rng = random();
    const where = `TEST_SEED=${rng.seed}`;
    for (let round = 0; round < 2; round += 1) {
      const made = call(rng, trace(rng));
      const ring = new PlaybackRing({ outputRate: rate });
      const out = render(ring, rate, made);
      expect(ring.underruns, where).toBe(made.injected);
      expect(discontinuities(out, rate), where).toBe(0);
      const heard = ring.takeReports().filter(({ final }) => final).reduce((sum, { samples }) => sum + samples, 0);
      expect(heard, where).toBe(made.samples);
      expect(ring.droppedSamples, where).toBe(0);
    }
  });

  test.each([24_000, 44_100, 48_000])('into a device of %i Hz: a clear at any moment is silence after one quantum and the fade', (rate) => {
    const rng = random();
    let sounding = 0;
    for (let round = 0; round < 6; round += 1) {
      const made = call(rng, trace(rng));
      const ring = new PlaybackRing({ outputRate: rate });
      // Every other time while the first answer surely sounds.
      const clearMs = round % 2 === 0 ? rng.int(250, 450) : rng.int(450, Math.min(20_000, made.endMs - 200));
      const clearBlock = Math.floor((clearMs * rate) / 1000 / QUANTUM);
      const out = render(ring, rate, { ...made, endMs: clearMs + 400 }, (block) => block === clearBlock && ring.clear(1));
      const where = `TEST_SEED=${rng.seed}, cleared at ${clearMs} ms`;
      const after = out.subarray(clearBlock * QUANTUM);
      const silentAfterSamples = after.findLastIndex((sample) => Math.abs(sample) > 0.0005) + 1;
      if (silentAfterSamples > 0) sounding += 1;
      expect(silentAfterSamples, where).toBeLessThanOrEqual(QUANTUM + Math.ceil((FADE_MS * rate) / 1000));
      expect(discontinuities(out, rate), where).toBe(0);
    }
    expect(sounding, `TEST_SEED=${rng.seed}`).toBeGreaterThanOrEqual(3);
  });
});
