import { readFile } from 'node:fs/promises';
import { decodeWav, mixToMono } from '../../audio/index.js';
import type { FallbackClip } from '../../session/index.js';
import { HostError } from './errors.js';

/** Sentences that come with the package, in English, spoken by a synthetic voice. */
const FILES = {
  /** "Sorry, something went wrong. One moment." 2.8 s. */
  one_moment: 'sorry-something-went-wrong-one.wav',
  /** "Sorry, please try again later." 2.3 s. */
  try_later: 'sorry-please-try-again-later.wav',
} as const;

export type BundledClip = keyof typeof FILES;

const clips = new Map<BundledClip, Promise<FallbackClip>>();

/**
 * What a caller hears when something fails, for those who have recorded nothing better. Read from the package when it is first asked for, and shared
 * after that. Rejects with `HostError` `FILE_NOT_FOUND` where the package is not whole, as in a bundle that leaves its files out.
 */
export function bundledClip(name: BundledClip = 'one_moment'): Promise<FallbackClip> {
  let clip = clips.get(name);
  if (clip === undefined) clips.set(name, (clip = read(FILES[name])));
  return clip;
}

async function read(file: string): Promise<FallbackClip> {
  // This file lies at another depth in the source tree than in dist.
  for (const folder of ['../../fixtures/voice/', '../../../fixtures/voice/']) {
    const bytes = await readFile(new URL(/* @vite-ignore */ /* webpackIgnore: true */ `${folder}${file}`, import.meta.url)).catch(() => undefined);
    if (bytes === undefined) continue;
    const { samples, channels, sampleRate } = decodeWav(bytes);
    return { samples: mixToMono(samples, channels), sampleRate };
  }
  throw new HostError('FILE_NOT_FOUND', `The clip ${file} of the package is not there.`, { hint: 'Ship fixtures/voice with your bundle, or give a clip of your own.' });
}
