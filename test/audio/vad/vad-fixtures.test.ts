import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeWav } from '../../../audio/index.js';

const FOLDER = new URL('../../../fixtures/vad/', import.meta.url);

describe('fixtures/vad', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.wav'));
  const readme = readFileSync(new URL('README.md', FOLDER), 'utf8');

  it('are the files that the README names, and no others', () => {
    const named = [...readme.matchAll(/^\| `([^`]+\.wav)` .* `([0-9a-f]{64})` \|$/gm)].map(([, name, sum]) => ({ name, sum }));
    const found = files.sort().map((name) => ({ name, sum: createHash('sha256').update(readFileSync(new URL(name, FOLDER))).digest('hex') }));
    expect(found.length).toBe(10);
    expect(named).toEqual(found);
  });

  it.each(files)('%s is 16 kHz mono µ-law with speech in it', (name) => {
    const wav = decodeWav(readFileSync(new URL(name, FOLDER)));
    expect(wav).toMatchObject({ sampleRate: 16000, channels: 1, sourceEncoding: 'mulaw' });
    expect(wav.samples.length).toBeGreaterThan(16000 * 0.4);
    expect(wav.samples.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0)).toBeGreaterThan(15000);
  });
});
