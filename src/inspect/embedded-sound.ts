import { encodeImaAdpcm, resampleWhole } from '../../audio/index.js';
import type { PlacedSound } from './placement.js';
import type { CallSound, SoundLane } from './read-timeline.js';

/** A call's sound small enough to stand in a page: only where something is heard, four bits a sample. */
export interface EmbeddedSound {
  readonly sampleRate: number;
  readonly durationSamples: number;
  readonly caller: EmbeddedLane;
  readonly agent: EmbeddedLane;
}

export interface EmbeddedLane {
  /** First sample and number of samples of each run, in pairs. */
  readonly runs: readonly number[];
  /** The runs in IMA ADPCM, each beginning at a byte, one after the other: base64. */
  readonly bytes: string;
}

/** The best rate that fits is taken: from a microphone's to barely a telephone's. */
const SAMPLE_RATES = [16_000, 12_000, 8_000, 6_000, 4_000];
const FRAME_MS = 20;
/** -54 dBFS: the rustle of a room is left out, since it would be most of an hour's bytes. */
const QUIET = 64;
/** Kept around what is loud, so that no word loses its breath. */
const MARGIN_FRAMES = 5;

/** Makes the sound of a call fit into `maxCharacters` of base64; nothing when it cannot, or when there is none. */
export function embedSound({ caller, agent }: CallSound, startMs: number, endMs: number, maxCharacters: number): EmbeddedSound | undefined {
  if (caller.samples.length + agent.samples.length === 0) return undefined;
  for (const sampleRate of SAMPLE_RATES) {
    const durationSamples = Math.ceil(((endMs - startMs) * sampleRate) / 1000);
    const lanes = [caller, agent].map((lane) => laidOut(lane, sampleRate, startMs, durationSamples));
    const runs = lanes.map((samples) => loudRuns(samples, sampleRate));
    const characters = runs.flat().reduce((sum, { count }) => sum + Math.ceil(count / 2), 0) * (4 / 3);
    if (characters > maxCharacters) continue;
    const [first, second] = lanes.map((samples, index) => encodeLane(samples, runs[index] ?? []));
    if (first !== undefined && second !== undefined) return { sampleRate, durationSamples, caller: first, agent: second };
  }
  return undefined;
}

/** One side of the call, sample by sample from its beginning to its end. */
function laidOut({ sound, samples, sampleRate }: SoundLane, toRate: number, startMs: number, durationSamples: number): Int16Array {
  const track = resampleWhole(samples, sampleRate, toRate);
  const lane = new Int16Array(durationSamples);
  const ratio = toRate / sampleRate;
  for (const { trackSample, samples: count, fromMs } of sound satisfies readonly PlacedSound[]) {
    const at = Math.round(((fromMs - startMs) * toRate) / 1000);
    const [first, last] = [Math.round(trackSample * ratio), Math.round((trackSample + count) * ratio)];
    const skipped = Math.max(0, -at);
    lane.set(track.subarray(first + skipped, Math.max(first + skipped, Math.min(last, first + durationSamples - at))), Math.min(durationSamples, at + skipped));
  }
  return lane;
}

interface Run {
  readonly first: number;
  readonly count: number;
}

function loudRuns(samples: Int16Array, sampleRate: number): readonly Run[] {
  const frame = (sampleRate * FRAME_MS) / 1000;
  const runs: Run[] = [];
  for (let from = 0, quietFrames = Infinity; from < samples.length; from += frame) {
    quietFrames = isLoud(samples, from, frame) ? 0 : quietFrames + 1;
    if (quietFrames > MARGIN_FRAMES) continue;
    const last = runs.at(-1);
    const until = Math.min(samples.length, from + frame);
    const since = Math.max(0, from - MARGIN_FRAMES * frame);
    if (last !== undefined && last.first + last.count >= since) runs[runs.length - 1] = { first: last.first, count: until - last.first };
    else runs.push({ first: since, count: until - since });
  }
  return runs;
}

function isLoud(samples: Int16Array, from: number, count: number): boolean {
  for (let index = from; index < from + count; index += 1) if (Math.abs(samples[index] ?? 0) > QUIET) return true;
  return false;
}

function encodeLane(samples: Int16Array, runs: readonly Run[]): EmbeddedLane {
  const pieces = runs.map(({ first, count }) => encodeImaAdpcm(samples.subarray(first, first + count)));
  return { runs: runs.flatMap(({ first, count }) => [first, count]), bytes: Buffer.concat(pieces).toString('base64') };
}
