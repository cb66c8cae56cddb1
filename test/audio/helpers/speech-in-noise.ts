import { readFileSync, readdirSync } from 'node:fs';
import { Resampler, decodeWav } from '../../../audio/index.js';
import { SeededRandom, joinSamples } from './random.js';
import { rmsOf } from './tones.js';

export type Noise = 'none' | 'white' | 'pink' | 'hum';
const FOLDER = new URL('../../../fixtures/vad/', import.meta.url);

type Utterance = { readonly name: string; readonly samples: Int16Array };
const known = new Map<number, readonly Utterance[]>();

/** The ten utterances of fixtures/vad; each is speech from its first to its last sample. */
export function utterances(sampleRate: number): readonly Utterance[] {
  const clips = known.get(sampleRate) ?? readUtterances(sampleRate);
  known.set(sampleRate, clips);
  return clips;
}

function readUtterances(sampleRate: number): readonly Utterance[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.wav'))
    .sort()
    .map((name) => {
      const wav = decodeWav(readFileSync(new URL(name, FOLDER)));
      const resampler = new Resampler(wav.sampleRate, sampleRate);
      const late = Math.round(resampler.delaySamples);
      return { name, samples: joinSamples([resampler.push(wav.samples), resampler.flush()]).subarray(late) };
    });
}

export interface SpeechInNoise {
  readonly samples: Int16Array;
  /** Where the utterances lie: first sample, and the sample after the last. */
  readonly truth: readonly { readonly name: string; readonly from: number; readonly to: number }[];
}

/** The utterances at -20 dBFS with 1.2 to 2.5 s between them and 15 s after them, and noise `snrDb` below the speech over all of it. */
export function speechInNoise(sampleRate: number, noise: Noise, snrDb: number, seed: number): SpeechInNoise {
  const random = new SeededRandom(seed);
  const speechRms = 0.1;
  const truth: { name: string; from: number; to: number }[] = [];
  const pieces: { at: number; samples: Int16Array; gain: number }[] = [];
  let at = 0;
  for (const { name, samples } of utterances(sampleRate)) {
    at += random.integer(1.2 * sampleRate, 2.5 * sampleRate);
    truth.push({ name, from: at, to: at + samples.length });
    pieces.push({ at, samples, gain: (speechRms * 32768) / rmsOf(samples) });
    at += samples.length;
  }
  const length = at + 15 * sampleRate;
  const mixed = noise === 'none' ? new Float64Array(length) : makeNoise(noise, sampleRate, length, random);
  const noiseGain = noise === 'none' ? 0 : (speechRms * 32768 * 10 ** (-snrDb / 20)) / rmsOf(mixed);
  for (let i = 0; i < length; i++) mixed[i] = (mixed[i] ?? 0) * noiseGain;
  for (const piece of pieces) {
    for (let i = 0; i < piece.samples.length; i++) mixed[piece.at + i] = (mixed[piece.at + i] ?? 0) + (piece.samples[i] ?? 0) * piece.gain;
  }
  return { samples: Int16Array.from(mixed, (value) => Math.max(-32768, Math.min(32767, Math.round(value)))), truth };
}

export function makeNoise(noise: Exclude<Noise, 'none'>, sampleRate: number, length: number, random: SeededRandom): Float64Array {
  if (noise === 'white') return Float64Array.from({ length }, () => random.gaussian());
  if (noise === 'hum') {
    // 50 Hz and what a bad supply puts on top of it.
    const partials = Array.from({ length: 12 }, (_, i) => ({ frequency: 50 * (i + 1), level: 1 / (i + 1), phase: random.next() * 6.28 }));
    // The sum repeats 50 times a second.
    const period = Float64Array.from({ length: sampleRate / 50 }, (_, i) =>
      partials.reduce((sum, { frequency, level, phase }) => sum + level * Math.sin((2 * Math.PI * frequency * i) / sampleRate + phase), 0),
    );
    return Float64Array.from({ length }, (_, i) => period[i % period.length] ?? 0);
  }
  // Pink: first-order filters a factor of four apart, which follow 1/f within 1 dB.
  const poles = [0.9986, 0.9944, 0.9776, 0.9104, 0.6416].map((pole) => ({ pole, state: 0 }));
  return Float64Array.from({ length }, () => {
    const white = random.gaussian();
    let sum = 0;
    for (const filter of poles) {
      filter.state = filter.pole * filter.state + Math.sqrt(1 - filter.pole ** 2) * white;
      sum += filter.state;
    }
    return sum;
  });
}
