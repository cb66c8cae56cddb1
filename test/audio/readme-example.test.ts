import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Framer, PCM16_24K, Pcm16Assembler, Resampler, samplesToPcm16 } from '../../audio/index.js';
import { SeededRandom } from './helpers/random.js';

/** The example of the room's README, word for word but for its import line. */
function example(chunks: readonly Uint8Array[], send: (frame: Uint8Array) => void): void {
const bytesIn = new Pcm16Assembler();            // carries an odd last byte to the next chunk
const up = new Resampler(8000, 24000);           // 3 ms late, whatever the chunks are
const frames = new Framer(PCM16_24K, { frameMs: 20 });
for (const chunk of chunks) {
  for (const frame of frames.push(samplesToPcm16(up.push(bytesIn.push(chunk))))) send(frame);
}
}

it('stands in the README as it is compiled here', () => {
  const readme = readFileSync(new URL('../../audio/README.md', import.meta.url), 'utf8');
  const own = readFileSync(new URL(import.meta.url), 'utf8');
  const shown = readme.split('```ts\n')[1]?.split('```')[0]?.split('\n').slice(2).join('\n').trim() ?? 'no example found';
  expect(own).toContain(shown);
});

it('turns a second of any chunks at 8 kHz into fifty frames of 20 ms at 24 kHz', () => {
  const random = new SeededRandom(11);
  const bytes = random.bytes(16000);
  let at = 0;
  const chunks = random.split(bytes.length, 1, 999).map((size) => bytes.subarray(at, (at += size)));
  const frames: Uint8Array[] = [];
  example(chunks, (frame) => frames.push(frame));
  expect(frames.map((frame) => frame.length)).toEqual(new Array<number>(50).fill(960));
});
