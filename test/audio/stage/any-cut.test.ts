import { describe, expect, it } from 'vitest';
import { ALAW_8K, AutoLevel, GainStage, MULAW_8K, audioEncoder, audioFormat, chain, mixStage, noiseReductionStage, resampleStage, wavEncoder } from '../../../audio/index.js';
import type { AudioEncoder, AudioStage, NoiseReducer } from '../../../audio/index.js';
import { SeededRandom, joinSamples, sameSamples } from '../helpers/random.js';

/** Late by 7 samples, and not the same for each frame: what it does depends on where its frames lie. */
function roughReducer(sampleRate: number, frameSamples: number): NoiseReducer {
  let late = new Float32Array(7);
  let frames = 0;
  return {
    sampleRate,
    frameSamples,
    delaySamples: 7,
    process(frame) {
      const all = Float32Array.of(...late, ...frame);
      frames += 1;
      frame.set(all.subarray(0, frame.length).map((value) => value * (frames % 2 === 0 ? 0.5 : 1)));
      late = all.slice(frame.length);
    },
    reset() {
      late = new Float32Array(7);
      frames = 0;
    },
  };
}

const STAGES: Record<string, () => AudioStage> = {
  'mix of 3 channels': () => mixStage(3),
  'rate up': () => resampleStage(8000, 24000),
  'rate down': () => resampleStage(44100, 16000),
  gain: () => new GainStage({ gainDb: 9 }),
  'gain that clips': () => new GainStage({ gainDb: 9, limit: 'clip' }),
  'automatic level': () => new AutoLevel({ sampleRate: 8000 }),
  'noise reduction at its own rate': () => noiseReductionStage(roughReducer(24000, 240), 24000),
  'noise reduction at another rate': () => noiseReductionStage(roughReducer(48000, 480), 8000),
  'a chain': () => chain(mixStage(2), resampleStage(48000, 24000), noiseReductionStage(roughReducer(48000, 480), 24000), new AutoLevel({ sampleRate: 24000 }), new GainStage({ gainDb: -3 })),
  'a chain of nothing': () => chain(mixStage(1), resampleStage(8000, 8000), undefined),
};

const ENCODERS: Record<string, () => AudioEncoder> = {
  PCM16: () => audioEncoder(audioFormat('pcm16', 24000)),
  'PCM16 of another rate': () => audioEncoder(audioFormat('pcm16', 16000), { inputRate: 24000 }),
  'PCM16 frames': () => audioEncoder(audioFormat('pcm16', 24000), { frameMs: 20 }),
  'µ-law frames': () => audioEncoder(MULAW_8K, { inputRate: 24000, frameMs: 20 }),
  'A-law': () => audioEncoder(ALAW_8K),
  WAV: () => wavEncoder(audioFormat('pcm16', 8000), { inputRate: 24000 }),
  'µ-law WAV': () => wavEncoder(MULAW_8K),
};

/** Speech would do as well: loud and soft stretches, and silence. */
function sound(random: SeededRandom): Int16Array {
  return joinSamples(
    Array.from({ length: random.integer(1, 6) }, () => {
      const loud = random.integer(0, 3) / 3;
      return random.samples(random.integer(0, 4000)).map((sample) => sample * loud);
    }),
  );
}

/** Pushes pieces of random sizes, in memory that is overwritten afterwards. */
function inPieces<T>(samples: Int16Array, random: SeededRandom, push: (piece: Int16Array) => T): T[] {
  const longest = [3, 100, 997][random.integer(0, 2)] as number;
  let at = 0;
  return random.split(samples.length, 0, longest).map((size) => {
    const memory = samples.slice(at, (at += size));
    const result = push(memory);
    memory.fill(12345);
    return result;
  });
}

describe('how a stream is cut changes nothing', () => {
  it.each(Object.entries(STAGES))('for %s', (_name, make) => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = new SeededRandom(seed);
      const stage = make();
      const again = make();
      for (let stream = 0; stream < 2; stream++) {
        const samples = sound(random);
        const whole = joinSamples([again.push(samples).slice(), again.flush()]);
        const pieces = inPieces(samples, random, (piece) => stage.push(piece).slice());
        expect(sameSamples(joinSamples([...pieces, stage.flush()]), whole), `seed ${seed}, stream ${stream}`).toBe(true);
      }
    }
  });

  it.each(Object.entries(ENCODERS))('for %s', (name, make) => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = new SeededRandom(seed);
      const encoder = make();
      const again = make();
      for (let stream = 0; stream < 2; stream++) {
        const samples = sound(random);
        const whole = [...again.push(samples), ...again.flush()];
        const pieces = [...inPieces(samples, random, (piece) => encoder.push(piece)).flat(), ...encoder.flush()];
        expect(Buffer.concat(pieces).equals(Buffer.concat(whole)), `seed ${seed}, stream ${stream}`).toBe(true);
        if (name.includes('frames')) expect(pieces.map((piece) => piece.length), `seed ${seed}`).toEqual(whole.map((piece) => piece.length));
        expect(pieces.some((piece) => piece.length === 0), `seed ${seed}: no empty pieces`).toBe(false);
      }
    }
  });
});
