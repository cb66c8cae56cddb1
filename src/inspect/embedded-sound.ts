import { encodeImaAdpcm, resampleWhole } from '../../audio/index.js';
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
  const runs = [caller, agent].map((lane) => loudRuns(lane, startMs, endMs));
  const loudMs = runs.flat().reduce((sum, { frames }) => sum + frames, 0) * FRAME_MS;
  const bestRate = Math.max(caller.sampleRate, agent.sampleRate);
  const sampleRate = SAMPLE_RATES.find((rate) => rate <= bestRate && ((loudMs * rate) / 1000 / 2) * (4 / 3) <= maxCharacters);
  if (sampleRate === undefined) return undefined;
  const durationSamples = Math.ceil(((endMs - startMs) * sampleRate) / 1000);
  const [first, second] = [caller, agent].map((lane, index) => encodeLane(laidOut(lane, sampleRate, startMs, durationSamples), runs[index] ?? [], sampleRate));
  return first === undefined || second === undefined ? undefined : { sampleRate, durationSamples, caller: first, agent: second };
}

interface Run {
  readonly firstFrame: number;
  readonly frames: number;
}

/** Where something is heard, with its margins. */
function loudRuns({ sound, samples, sampleRate }: SoundLane, startMs: number, endMs: number): readonly Run[] {
  const loud = new Uint8Array(Math.ceil((endMs - startMs) / FRAME_MS));
  const framesPerSample = 1000 / sampleRate / FRAME_MS;
  for (const { trackSample, samples: count, fromMs } of sound) {
    const firstFrame = (fromMs - startMs) / FRAME_MS;
    for (let index = 0; index < count; index += 1) {
      const sample = samples[trackSample + index] ?? 0;
      if (sample > QUIET || sample < -QUIET) loud[Math.floor(firstFrame + index * framesPerSample)] = 1;
    }
  }
  const runs: Run[] = [];
  for (let frame = 0, goesUntil = -1; frame < loud.length; frame += 1) {
    if (loud[frame] === 0) continue;
    const firstFrame = Math.max(0, frame - MARGIN_FRAMES);
    const untilFrame = Math.min(loud.length, frame + MARGIN_FRAMES + 1);
    const last = runs.at(-1);
    if (last !== undefined && firstFrame <= goesUntil) runs[runs.length - 1] = { firstFrame: last.firstFrame, frames: untilFrame - last.firstFrame };
    else runs.push({ firstFrame, frames: untilFrame - firstFrame });
    goesUntil = untilFrame;
  }
  return runs;
}

/** One side of the call, sample by sample from its beginning to its end. */
function laidOut({ sound, samples, sampleRate }: SoundLane, toRate: number, startMs: number, durationSamples: number): Int16Array {
  const track = resampleWhole(samples, sampleRate, toRate);
  const lane = new Int16Array(durationSamples);
  const ratio = toRate / sampleRate;
  for (const { trackSample, samples: count, fromMs } of sound) {
    const at = Math.round(((fromMs - startMs) * toRate) / 1000);
    const [first, last] = [Math.round(trackSample * ratio), Math.round((trackSample + count) * ratio)];
    const skipped = Math.max(0, -at);
    lane.set(track.subarray(first + skipped, Math.max(first + skipped, Math.min(last, first + durationSamples - at))), Math.min(durationSamples, at + skipped));
  }
  return lane;
}

function encodeLane(samples: Int16Array, runs: readonly Run[], sampleRate: number): EmbeddedLane {
  const perFrame = (sampleRate * FRAME_MS) / 1000;
  const places = runs.map(({ firstFrame, frames }) => ({ first: firstFrame * perFrame, count: Math.min(frames * perFrame, samples.length - firstFrame * perFrame) }));
  const pieces = places.map(({ first, count }) => encodeImaAdpcm(samples.subarray(first, first + count)));
  return { runs: places.flatMap(({ first, count }) => [first, count]), bytes: Buffer.concat(pieces).toString('base64') };
}
