import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkEncoding, clipToInt16, createEncodingCheck, decodeAlaw, decodeMulaw, decodeWav, encodeAlaw, encodeMulaw, resampleWhole, samplesToPcm16 } from '../../../audio/index.js';
import type { Encoding, LikelyEncoding } from '../../../audio/index.js';
import { SeededRandom } from '../helpers/random.js';
import { makeNoise } from '../helpers/speech-in-noise.js';
import { rmsOf, sine } from '../helpers/tones.js';

type Rate = 8_000 | 24_000;
/** A sound at both rates. */
interface Sound {
  readonly name: string;
  readonly at: Record<Rate, Int16Array>;
}

const FIXTURES = new URL('../../../fixtures/', import.meta.url);
const newRandom = (): SeededRandom => new SeededRandom(Number(process.env['TEST_SEED'] ?? 41));

const speech: Sound[] = ['vad', 'audio', 'voice'].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, FIXTURES))
    .filter((name) => name.endsWith('.wav'))
    .map((name) => {
      const { samples, sampleRate } = decodeWav(readFileSync(new URL(`${folder}/${name}`, FIXTURES)));
      return { name, at: { 8_000: resampleWhole(samples, sampleRate, 8_000), 24_000: resampleWhole(samples, sampleRate, 24_000) } };
    }),
);

function made(name: string, make: (rate: Rate) => ArrayLike<number>): Sound {
  return { name, at: { 8_000: Int16Array.from(make(8_000), clipToInt16), 24_000: Int16Array.from(make(24_000), clipToInt16) } };
}

function computed(random: SeededRandom): Sound[] {
  const noises = (['white', 'pink', 'hum'] as const).map((kind) => made(kind, (rate) => makeNoise(kind, rate, rate * 3, random).map((value) => value * 3_000)));
  const tones = [50, 100, 200, 437, 440, 941, 1_000, 1_336, 2_000, 2_001, 3_000, 3_400].map((frequency) => made(`${frequency} Hz`, (rate) => sine(frequency, rate, rate * 2, 12_000)));
  return [
    ...noises,
    ...tones,
    made('chords', (rate) => {
      const roots = [220, 277, 330, 440, 554, 660, 880];
      return Float64Array.from({ length: rate * 4 }, (_, index) => {
        const root = roots[Math.floor((index * 2) / rate) % roots.length] ?? 0;
        const decay = Math.exp(-2 * (((index * 2) / rate) % 1));
        return [1, 1.25, 1.5, 2, 3].reduce((sum, partial) => sum + (4_000 * decay * Math.sin((2 * Math.PI * root * partial * index) / rate)) / partial, 0);
      });
    }),
    made('clicks', (rate) => Float64Array.from({ length: rate * 3 }, (_, index) => (index % Math.floor(rate / 9) < 20 ? (index % 2 === 0 ? 20_000 : -17_000) : random.gaussian()))),
    made('square', (rate) => Float64Array.from({ length: rate * 2 }, (_, index) => (index % Math.floor(rate / 300) < rate / 600 ? 20_000 : -20_000))),
    made('the last bit', (rate) => Float64Array.from({ length: rate * 2 }, () => random.gaussian() * 0.7)),
    made('noise at full scale', (rate) => Float64Array.from({ length: rate * 2 }, () => random.integer(-32_768, 32_767))),
    made('silence', (rate) => new Float64Array(rate)),
    made('a held value', (rate) => new Float64Array(rate).fill(0x1111)),
    made('eight bits', (rate) => sine(300, rate, rate, 90).map((value) => Math.round(value) * 256)),
  ];
}

/** Every way in which sound becomes bytes here, with what these are. */
const WRITERS: readonly { readonly name: string; readonly rate: Rate; readonly is: LikelyEncoding; readonly write: (samples: Int16Array) => Uint8Array }[] = [
  { name: 'PCM16 at 24 kHz', rate: 24_000, is: 'pcm16', write: (samples) => samplesToPcm16(samples) },
  { name: 'PCM16 at 8 kHz', rate: 8_000, is: 'pcm16', write: (samples) => samplesToPcm16(samples) },
  { name: 'PCM16 that was µ-law', rate: 8_000, is: 'pcm16', write: (samples) => samplesToPcm16(decodeMulaw(encodeMulaw(samples))) },
  { name: 'PCM16 that was A-law', rate: 8_000, is: 'pcm16', write: (samples) => samplesToPcm16(decodeAlaw(encodeAlaw(samples))) },
  { name: 'µ-law', rate: 8_000, is: 'mulaw', write: encodeMulaw },
  { name: 'A-law', rate: 8_000, is: 'alaw', write: encodeAlaw },
  { name: 'PCM16 with swapped bytes', rate: 24_000, is: 'pcm16_swapped', write: (samples) => samplesToPcm16(samples, { bigEndian: true }) },
];

function amplified(samples: Int16Array, db: number): Int16Array {
  const gain = 10 ** (db / 20);
  const louder = new Int16Array(samples.length);
  for (let index = 0; index < samples.length; index += 1) louder[index] = clipToInt16((samples[index] ?? 0) * gain);
  return louder;
}

/** Whether it sounds all the time in the first 200 ms: above -50 dB in each fifth of it. */
function sounds(samples: Int16Array, rate: Rate): boolean {
  return [0, 1, 2, 3, 4].every((part) => rmsOf(samples.subarray((part * rate) / 25, ((part + 1) * rate) / 25)) > 100);
}

/** Feeds the bytes in chunks of random length, as whole samples, and gives the verdict and how many bytes it took. */
function verdictOn(declared: Encoding, bytes: Uint8Array, random: SeededRandom): { verdict: LikelyEncoding | 'as_declared' | undefined; bytes: number } {
  const check = createEncodingCheck(declared);
  for (let at = 0; at < bytes.length; ) {
    const length = 2 * random.integer(1, 160);
    const verdict = checkEncoding(check, bytes.subarray(at, at + length));
    at += length;
    if (verdict !== undefined) return { verdict, bytes: Math.min(at, bytes.length) };
  }
  return { verdict: undefined, bytes: bytes.length };
}

describe('checkEncoding', () => {
  it('raises no false alarm: every fixture and computed sound, in each encoding, at random gains from -46 to +20 dB, from random places on', () => {
    const random = newRandom();
    const alarms: string[] = [];
    let believed = 0;
    for (const { name, at } of [...speech, ...computed(random)]) {
      for (const { name: how, rate, is, write } of WRITERS) {
        if (is === 'pcm16_swapped') continue;
        for (let round = 0; round < 12; round += 1) {
          const db = random.integer(-46, 20);
          const from = random.integer(0, Math.max(0, at[rate].length - rate / 2));
          const { verdict } = verdictOn(is, write(amplified(at[rate].subarray(from, from + rate), db)), random);
          if (verdict === 'as_declared') believed += 1;
          else if (verdict !== undefined) alarms.push(`${name} as ${how}, ${db} dB, from ${from}: ${verdict}`);
        }
      }
    }
    expect(alarms, `seed ${random.seed}`).toEqual([]);
    expect(believed).toBeGreaterThan(500);
  }, 60_000);

  it.each(
    WRITERS.flatMap(({ is, ...writer }) =>
      (['pcm16', 'mulaw', 'alaw'] as const).filter((declared) => declared !== is && (declared === 'pcm16' || is === 'pcm16' || is === 'pcm16_swapped')).map((declared) => [writer.name, declared, { is, ...writer }] as const),
    ),
  )('finds %s declared as %s within 200 ms of speech, and names it', (_name, declared, { rate, is, write }) => {
    const random = newRandom();
    let [cases, inTime, ever, right] = [0, 0, 0, 0];
    for (const { at } of speech) {
      for (let round = 0; round < 10; round += 1) {
        const db = random.integer(-20, 12);
        const from = random.integer(0, Math.max(0, at[rate].length - rate / 2));
        const samples = amplified(at[rate].subarray(from, from + rate / 2), db);
        if (!sounds(samples, rate)) continue;
        const bytes = write(samples);
        const { verdict, bytes: taken } = verdictOn(declared, bytes, random);
        cases += 1;
        if (verdict === undefined || verdict === 'as_declared') continue;
        ever += 1;
        if ((taken * 1000) / (rate * (bytes.length / samples.length)) <= 200) inTime += 1;
        if (verdict === is) right += 1;
      }
    }
    const [least, leastEver] = is === 'pcm16_swapped' && declared === 'pcm16' ? [0.9, 0.9] : [0.97, 0.99];
    const where = `seed ${random.seed}: ${inTime}, ${ever}, ${right} of ${cases}`;
    if (process.env['MEASURE'] === '1') console.log(_name, declared, where);
    expect(cases, where).toBeGreaterThan(100);
    expect(inTime / cases, where).toBeGreaterThanOrEqual(least);
    expect(ever / cases, where).toBeGreaterThanOrEqual(leastEver);
    expect(right / ever, where).toBeGreaterThanOrEqual(0.85);
  }, 30_000);

  it('gives the same verdict however the stream is cut', () => {
    const random = newRandom();
    const bytes = encodeMulaw((speech[0] as Sound).at[8_000]);
    const whole = checkEncoding(createEncodingCheck('pcm16'), bytes);
    expect(whole).toBe('mulaw');
    for (let round = 0; round < 100; round += 1) {
      const check = createEncodingCheck('pcm16');
      let at = 0;
      let verdict;
      for (const length of random.split(bytes.length, 1, 700)) {
        verdict ??= checkEncoding(check, bytes.subarray(at, at + length));
        at += length;
      }
      expect(verdict, `seed ${random.seed}`).toBe(whole);
    }
  });

  it('waits through silence, and is plain data', () => {
    const check = structuredClone(createEncodingCheck('pcm16'));
    for (let second = 0; second < 60; second += 1) expect(checkEncoding(check, new Uint8Array(48_000))).toBeUndefined();
    expect(checkEncoding(check, encodeAlaw((speech[0] as Sound).at[8_000]))).toBe('alaw');
    expect(checkEncoding(check, encodeAlaw((speech[0] as Sound).at[8_000]))).toBe('as_declared');
  });
});
