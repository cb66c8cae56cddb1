import { describe, expect, it } from 'vitest';
import { EnergyVad } from '../../../audio/index.js';
import type { EnergyVadOptions, VadTransition } from '../../../audio/index.js';
import { SeededRandom } from '../helpers/random.js';
import { makeNoise, speechInNoise, utterances } from '../helpers/speech-in-noise.js';
import type { Noise, SpeechInNoise } from '../helpers/speech-in-noise.js';
import { sine } from '../helpers/tones.js';

const HANG_MS = 500;
const FRAME_MS = 20;
/**
 * What the detector must reach; the delays run to the moment of the decision, so three frames and the hang are part of them. Speech that
 * ends in a soft sound which the noise covers ends early.
 */
const CONDITIONS: readonly { noise: Noise; snr: number; onsetMean: number; onsetMax: number; endMean: number; endMax: number }[] = [
  { noise: 'none', snr: Infinity, onsetMean: 52, onsetMax: 62, endMean: 520, endMax: 542 },
  { noise: 'white', snr: 20, onsetMean: 70, onsetMax: 149, endMean: 500, endMax: 542 },
  { noise: 'white', snr: 10, onsetMean: 82, onsetMax: 169, endMean: 472, endMax: 542 },
  { noise: 'white', snr: 5, onsetMean: 98, onsetMax: 169, endMean: 454, endMax: 537 },
  { noise: 'pink', snr: 20, onsetMean: 74, onsetMax: 149, endMean: 490, endMax: 542 },
  { noise: 'pink', snr: 10, onsetMean: 86, onsetMax: 169, endMean: 466, endMax: 537 },
  { noise: 'pink', snr: 5, onsetMean: 110, onsetMax: 169, endMean: 452, endMax: 537 },
  { noise: 'hum', snr: 10, onsetMean: 82, onsetMax: 169, endMean: 472, endMax: 542 },
];

describe('EnergyVad on speech in noise, 24 kHz', () => {
  const table: Record<string, unknown>[] = [];
  it.each(CONDITIONS)('$noise $snr dB', ({ noise, snr, onsetMean, onsetMax, endMean, endMax }) => {
    const seed = 41;
    const result = score(speechInNoise(24000, noise, snr, seed), { sampleRate: 24000, hangMs: HANG_MS });
    table.push({ noise, snr, ...result });
    if (process.env['MEASURE'] === '1') console.table(table.slice(-1));
    expect(result, `seed ${seed}`).toMatchObject({ hits: 10, falseSegments: 0, splits: 0 });
    expect(result.onsetMean, `seed ${seed}`).toBeLessThanOrEqual(onsetMean);
    expect(result.onsetMax, `seed ${seed}`).toBeLessThanOrEqual(onsetMax + FRAME_MS);
    expect(result.endMean, `seed ${seed}`).toBeLessThanOrEqual(endMean + FRAME_MS);
    expect(result.endMax, `seed ${seed}`).toBeLessThanOrEqual(endMax + FRAME_MS);
  });
});

describe.each([8000, 16000, 48000])('EnergyVad at %i Hz', (sampleRate) => {
  it('finds the same ten utterances in pink noise', () => {
    expect(score(speechInNoise(sampleRate, 'pink', 10, 42), { sampleRate, hangMs: HANG_MS })).toMatchObject({ hits: 10, falseSegments: 0, splits: 0 });
  });
});

describe('EnergyVad', () => {
  it('decides the same for any chunk sizes', () => {
    const { samples } = speechInNoise(8000, 'white', 10, 43);
    const expected = pushInChunks(new EnergyVad({ sampleRate: 8000 }), samples, samples.length);
    expect(expected.length).toBe(20);
    for (let seed = 1; seed <= 5; seed++) {
      const random = new SeededRandom(seed);
      const vad = new EnergyVad({ sampleRate: 8000 });
      const transitions: VadTransition[] = [];
      let at = 0;
      for (const size of random.split(samples.length, 0, 1500)) {
        transitions.push(...vad.push(samples.subarray(at, at + size)));
        at += size;
      }
      expect([...transitions, ...vad.flush()], `seed ${seed}`).toEqual(expected);
    }
  });

  it('counts positions from the first sample: start at the first active frame, end after the last', () => {
    const vad = new EnergyVad({ sampleRate: 8000, startFrames: 3, hangMs: 500 });
    const samples = new Int16Array(16000);
    samples.set(tone(8000, 4000, 8000), 4000);
    const [start, end, ...rest] = vad.push(samples);
    expect(rest).toEqual([]);
    expect(start).toEqual({ type: 'start', sample: 4000, decidedAt: 4000 + 3 * 160 });
    expect(end?.type).toBe('end');
    // The filter rings for less than two frames.
    expect(end?.sample).toBeGreaterThanOrEqual(8000);
    expect(end?.sample).toBeLessThanOrEqual(8000 + 2 * 160);
    expect(end?.decidedAt).toBe((end?.sample ?? 0) + 4000);
    expect(vad.speaking).toBe(false);
  });

  it('needs as many frames as startFrames says', () => {
    const burst = (ms: number) => {
      const samples = new Int16Array(24000 * 2);
      samples.set(tone(24000, 24 * ms, 8000), 24000);
      return samples;
    };
    expect(pushInChunks(new EnergyVad({ sampleRate: 24000, startFrames: 5 }), burst(40), 480)).toEqual([]);
    expect(pushInChunks(new EnergyVad({ sampleRate: 24000, startFrames: 1 }), burst(40), 480).length).toBe(2);
    expect(pushInChunks(new EnergyVad({ sampleRate: 24000, startFrames: 5 }), burst(120), 480)).toMatchObject([
      { type: 'start', sample: 24000, decidedAt: 24000 + 5 * 480 },
      { type: 'end' },
    ]);
  });

  it('waits for hangMs before it ends, and bridges shorter pauses', () => {
    const samples = new Int16Array(24000 * 4);
    samples.set(tone(24000, 12000, 8000), 24000);
    samples.set(tone(24000, 12000, 8000), 24000 + 12000 + 9600);
    expect(pushInChunks(new EnergyVad({ sampleRate: 24000, hangMs: 500 }), samples, 480).length).toBe(2);
    expect(pushInChunks(new EnergyVad({ sampleRate: 24000, hangMs: 200 }), samples, 480).length).toBe(4);
  });

  it('hears nothing in silence, in dither and in the idle noise of a telephone line', () => {
    const random = new SeededRandom(5);
    const lines = { silence: () => 0, dither: () => random.integer(-1, 1), idle: () => random.integer(-1, 1) * 8, hiss: () => random.gaussian() * 30 };
    for (const [name, sample] of Object.entries(lines)) {
      const samples = Int16Array.from({ length: 8000 * 10 }, sample);
      samples.fill(0, 0, 8000);
      expect(pushInChunks(new EnergyVad({ sampleRate: 8000 }), samples, 160), name).toEqual([]);
    }
  });

  it('hears nothing below minimumDb, however silent it was before', () => {
    const samples = new Int16Array(48000);
    // -47 dBFS
    samples.set(tone(24000, 12000, 200), 24000);
    expect(pushInChunks(new EnergyVad({ sampleRate: 24000, minimumDb: -50 }), samples, 480).length).toBe(2);
    expect(pushInChunks(new EnergyVad({ sampleRate: 24000, minimumDb: -40 }), samples, 480)).toEqual([]);
  });

  it('hears nothing in noise that is there from the first sample', () => {
    for (const noise of ['white', 'pink', 'hum'] as const) {
      for (let seed = 1; seed <= 10; seed++) {
        const samples = Int16Array.from(makeNoise(noise, 8000, 8000 * 6, new SeededRandom(seed)), (value) => value * 1500);
        expect(pushInChunks(new EnergyVad({ sampleRate: 8000 }), samples, 160), `${noise}, seed ${seed}`).toEqual([]);
      }
    }
  });

  it('hears a caller who speaks from the first sample on, once and to the end', () => {
    for (const { name, samples } of utterances(16000)) {
      const stream = new Int16Array(samples.length + 16000);
      stream.set(samples);
      const transitions = pushInChunks(new EnergyVad({ sampleRate: 16000 }), stream, 320);
      expect(transitions.map(({ type }) => type), name).toEqual(['start', 'end']);
      expect(transitions[0]?.decidedAt, name).toBeLessThanOrEqual(16000 * 0.26);
      // The background was learned from the speech itself, so a soft last sound may be missed: the s of "yes" lasts 230 ms.
      const early = samples.length - (transitions[1]?.sample ?? 0);
      expect(early, name).toBeLessThanOrEqual(16000 * 0.25);
      expect(early, name).toBeGreaterThanOrEqual(16000 * -0.1);
    }
  });

  it('mostly hears a caller whose first sample is in the middle of a word', () => {
    // The worst case: no moment of background to learn from. Without a guessed background a tenth of these would be missed.
    let found = 0;
    let tried = 0;
    for (const { samples } of utterances(16000)) {
      for (let cut = 800; cut < 4800; cut += 320) {
        const stream = new Int16Array(samples.length + 16000);
        stream.set(samples.subarray(cut));
        tried++;
        if (pushInChunks(new EnergyVad({ sampleRate: 16000 }), stream, 320).length === 2) found++;
      }
    }
    expect(tried).toBe(130);
    expect(found).toBeGreaterThanOrEqual(124);
  });

  it('stays active down to offDb above the background, but does not become active there', () => {
    const levels = (...gainsDb: number[]) => {
      const samples = new Int16Array(24000 * gainsDb.length);
      gainsDb.forEach((db, i) => samples.set(tone(24000, 24000, 400 * 10 ** (db / 20)), i * 24000));
      return samples;
    };
    expect(pushInChunks(new EnergyVad({ sampleRate: 24000, windowMs: 5000 }), levels(0, 8, 4, 0), 480)).toMatchObject([{ sample: 24000 }, { sample: 24000 * 3 }]);
    expect(pushInChunks(new EnergyVad({ sampleRate: 24000, windowMs: 5000, offDb: 5 }), levels(0, 8, 4, 0), 480)).toMatchObject([{ sample: 24000 }, { sample: 24000 * 2 }]);
    expect(pushInChunks(new EnergyVad({ sampleRate: 24000, windowMs: 5000 }), levels(0, 4, 0), 480)).toEqual([]);
  });

  it('learns a louder background within its window', () => {
    const random = new SeededRandom(6);
    const samples = Int16Array.from({ length: 24000 * 10 }, (_, i) => random.gaussian() * (i < 24000 * 3 ? 200 : 1200));
    const [start, end, ...rest] = pushInChunks(new EnergyVad({ sampleRate: 24000 }), samples, 480);
    expect(rest).toEqual([]);
    expect(start?.sample).toBe(24000 * 3);
    expect(end?.sample).toBeGreaterThan(24000 * 5);
    expect(end?.sample).toBeLessThanOrEqual(24000 * (3 + 2.5 + 0.1));
  });

  it('keeps mains hum and high hiss out', () => {
    for (const frequency of [50, 60, 9000]) {
      const samples = new Int16Array(72000);
      samples.set(tone(24000, 48000, 600, frequency), 24000);
      const active = pushInChunks(new EnergyVad({ sampleRate: 24000 }), samples, 480);
      expect(active, `${frequency} Hz`).toEqual([]);
    }
  });

  it('ends open speech when the stream ends, and starts afresh', () => {
    const vad = new EnergyVad({ sampleRate: 8000 });
    const samples = new Int16Array(8000 + 4100);
    samples.set(tone(8000, 4100, 8000), 8000);
    const first = vad.push(samples);
    expect(first).toMatchObject([{ type: 'start', sample: 8000 }]);
    expect(vad.speaking).toBe(true);
    expect(vad.flush()).toEqual([{ type: 'end', sample: 12000, decidedAt: 12100 }]);
    expect(vad.speaking).toBe(false);
    expect(vad.flush()).toEqual([]);
    expect(vad.push(samples)).toEqual(first);
  });

  it('refuses options that make no sense', () => {
    const bad: EnergyVadOptions[] = [
      { sampleRate: 4000 },
      { sampleRate: 8000.5 },
      { sampleRate: 44100, frameMs: 15.5 },
      { sampleRate: 24000, frameMs: 1 },
      { sampleRate: 24000, startFrames: 0 },
      { sampleRate: 24000, hangMs: 10 },
      { sampleRate: 24000, hangMs: NaN },
      { sampleRate: 24000, windowMs: 100 },
      { sampleRate: 24000, onDb: 3, offDb: 5 },
    ];
    for (const options of bad) expect(() => new EnergyVad(options), JSON.stringify(options)).toThrow(RangeError);
  });
});

function tone(sampleRate: number, count: number, amplitude: number, frequency = 500): Int16Array {
  return Int16Array.from(sine(frequency, sampleRate, count, amplitude));
}

// The tables of the room's README.
if (process.env['MEASURE'] === '1') describe('measured over 20 seeds', () => {
  it('prints the sums per condition', { timeout: 300_000 }, () => {
    const rows = [24000, 8000, 16000].flatMap((sampleRate) =>
      CONDITIONS.map(({ noise, snr }) => {
        const results = Array.from({ length: sampleRate === 24000 ? 20 : 5 }, (_, i) => score(speechInNoise(sampleRate, noise, snr, 1000 + i), { sampleRate, hangMs: HANG_MS }));
        const sum = (key: 'hits' | 'falseSegments' | 'splits') => results.reduce((total, result) => total + result[key], 0);
        const worst = (key: 'onsetMean' | 'onsetMax' | 'endMean' | 'endMax') => Math.max(...results.map((result) => result[key]));
        return {
          sampleRate, noise, snr, hits: `${sum('hits')}/${results.length * 10}`, falseSegments: sum('falseSegments'), splits: sum('splits'),
          onsetMean: worst('onsetMean'), onsetMax: worst('onsetMax'), endMean: worst('endMean'), endMax: worst('endMax'),
        };
      }),
    );
    console.table(rows);
    expect(rows.length).toBe(CONDITIONS.length * 3);
  });

  it('prints its cost', () => {
    const { samples } = speechInNoise(24000, 'pink', 10, 1);
    const costs = Array.from({ length: 5 }, () => {
      const start = performance.now();
      pushInChunks(new EnergyVad({ sampleRate: 24000 }), samples, 480);
      return ((performance.now() - start) * 1000) / (samples.length / 24000);
    });
    console.log(`${Math.min(...costs).toFixed(0)} µs per second of audio`);
    expect(Math.min(...costs)).toBeGreaterThan(0);
  });
});

/** Segments against the truth; delays in ms from the first (last) sample of an utterance to the decision. */
function score({ samples, truth }: SpeechInNoise, options: EnergyVadOptions) {
  const transitions = pushInChunks(new EnergyVad(options), samples, 480);
  const ms = (count: number) => (count * 1000) / options.sampleRate;
  const segments: { start: VadTransition; end: VadTransition }[] = [];
  for (let i = 0; i + 1 < transitions.length; i += 2) {
    const [start, end] = transitions.slice(i, i + 2);
    if (start?.type === 'start' && end?.type === 'end') segments.push({ start, end });
  }
  const onsets: number[] = [];
  const ends: number[] = [];
  let splits = 0;
  let matched = 0;
  for (const { from, to } of truth) {
    const own = segments.filter(({ start, end }) => start.sample < to && end.sample > from);
    const [first, last] = [own[0], own.at(-1)];
    if (first === undefined || last === undefined) continue;
    matched += own.length;
    splits += own.length - 1;
    onsets.push(ms(first.start.decidedAt - from));
    ends.push(ms(last.end.decidedAt - to));
  }
  const mean = (values: readonly number[]) => Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
  return {
    hits: onsets.length, falseSegments: segments.length - matched, splits,
    onsetMean: mean(onsets), onsetMax: Math.round(Math.max(...onsets)), endMean: mean(ends), endMax: Math.round(Math.max(...ends)),
    onsetMin: Math.round(Math.min(...onsets)), endMin: Math.round(Math.min(...ends)),
  };
}

function pushInChunks(vad: EnergyVad, samples: Int16Array, size: number): VadTransition[] {
  const transitions: VadTransition[] = [];
  for (let at = 0; at < samples.length; at += size) transitions.push(...vad.push(samples.subarray(at, at + size)));
  transitions.push(...vad.flush());
  return transitions;
}
