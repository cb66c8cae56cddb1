import { expect, it } from 'vitest';
import { MULAW_8K, decodeMulaw } from '../../../audio/index.js';
import { fallbackClipBytes } from '../../../session/index.js';
import { bundledClip } from '../../../src/index.js';

it.each([['one_moment', 2_785], ['try_later', 2_309]] as const)('%s is in the package, is speech, and is read once', async (name, durationMs) => {
  const clip = await bundledClip(name);
  expect(Math.abs((clip.samples.length * 1000) / clip.sampleRate - durationMs)).toBeLessThan(2);
  expect(Math.max(...clip.samples)).toBeGreaterThan(5_000);
  expect(await bundledClip(name)).toBe(clip);
  const bytes = fallbackClipBytes(clip, MULAW_8K);
  expect(Math.abs(bytes.length / 8 - durationMs)).toBeLessThan(3);
  expect(Math.max(...decodeMulaw(bytes))).toBeGreaterThan(5_000);
});
