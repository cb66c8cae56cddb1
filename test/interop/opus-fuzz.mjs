// A process of its own: what it does with @discordjs/opus may end it. `node opus-fuzz.mjs guarded SEED` plays 10 000 packets and lengths of any kind
// through the guard and prints what came of them; `node opus-fuzz.mjs bare` hands one wrong length to the package itself.
import { AudioError, loadOpus } from '../../dist/audio/index.js';

const [, , mode, seed] = process.argv;
const importPackage = (name) => import(name);

if (mode === 'bare') {
  const { default: { OpusEncoder } } = await importPackage('@discordjs/opus');
  const encoder = new OpusEncoder(24000, 1);
  try {
    encoder.encode(Buffer.alloc(1000));
  } catch {
    console.log('caught');
  }
} else {
  const codec = await loadOpus({ packages: ['@discordjs/opus'], importPackage });
  const next = generator(Number(seed));
  const int = (from, to) => from + Math.floor(next() * (to - from));
  const bytes = (count) => Uint8Array.from({ length: count }, () => int(0, 256));
  const encoder = codec.createEncoder({ fec: true, expectedLossPercent: 20 });
  const decoders = [codec.createDecoder(), codec.createDecoder({ channels: 2, sampleRate: 48000 })];
  const real = Array.from({ length: 50 }, (_, i) => encoder.encode(Int16Array.from({ length: 480 }, (_sample, at) => 9000 * Math.sin((i * 480 + at) / (5 + (i % 7))))));
  const counts = { encoded: 0, decoded: 0, concealed: 0, refusedFrames: 0, refusedPackets: 0, surprises: [] };

  for (let i = 0; i < 10_000; i += 1) {
    const kind = int(0, 6);
    try {
      if (kind === 0) {
        encoder.encode(new Int16Array([0, 1, 60, 120, 240, 479, 480, 481, 500, 960, 1440, 2880, 5760, int(0, 7000)][int(0, 14)]));
        counts.encoded += 1;
      } else if (kind === 1) {
        decoders[int(0, 2)].conceal();
        counts.concealed += 1;
      } else {
        decoders[int(0, 2)].decode(packet(kind));
        counts.decoded += 1;
      }
    } catch (error) {
      if (error instanceof RangeError) counts.refusedFrames += 1;
      else if (error instanceof AudioError && error.code === 'OPUS_INVALID') counts.refusedPackets += 1;
      else counts.surprises.push(String(error));
    }
  }
  // Both still do their work.
  const frame = new Int16Array(480).fill(1000);
  for (const decoder of decoders) counts.decoded += decoder.decode(encoder.encode(frame)).length > 0 ? 1 : 0;
  console.log(JSON.stringify(counts));

  /** Noise, noise behind a real first byte, a real packet cut off, lengthened or with changed bytes, and very long ones. */
  function packet(kind) {
    const one = real[int(0, real.length)].slice();
    if (kind === 2) return bytes(int(0, [2, 8, 300, 3000][int(0, 4)]));
    if (kind === 3) return Uint8Array.of(one[0], ...bytes(int(0, 200)));
    if (kind === 4) return one.subarray(0, int(0, one.length));
    if (next() < 0.1) return bytes(int(60_000, 70_000));
    for (let change = 0; change < 4; change += 1) one[int(0, one.length)] = int(0, 256);
    return one;
  }
}

/** mulberry32 */
function generator(start) {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
