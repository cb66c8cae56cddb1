/**
 * ITU-T G.711, the two companded formats of the telephone network: one byte a sample, about 13 bits of dynamic range.
 *
 *     µ-law   S E E E M M M M   all bits inverted on the wire; silence is 0xFF
 *     A-law   S E E E M M M M   even bits inverted (xor 0x55); silence is 0xD5
 *
 * All tools decode alike; encoders differ by one quantizer step at the decision thresholds. These are the classic µ-law encoder (bias 132,
 * clip 32635) and the A-law encoder of ITU-T G.191. No 64 Ki tables: `Math.clz32` finds the segment as fast as a table look-up does.
 */

/** Added to the magnitude so that every µ-law segment begins at a power of two (33 in the 14-bit numbers of the standard). */
const MULAW_BIAS = 132;
/** The largest magnitude that still fits the highest segment after the bias. */
const MULAW_CLIP = 32635;

/** Encodes samples as µ-law, a byte each. The result is new memory. */
export function encodeMulaw(samples: Int16Array): Uint8Array {
  const bytes = new Uint8Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i] ?? 0;
    const sign = sample < 0 ? 0x80 : 0;
    const magnitude = Math.min(sample < 0 ? -sample : sample, MULAW_CLIP) + MULAW_BIAS;
    // The magnitude is 132..32767 now: its highest bit is 7..14 and names the segment 0..7.
    const segment = 24 - Math.clz32(magnitude);
    bytes[i] = ~(sign | (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f)) & 0xff;
  }
  return bytes;
}

/** Encodes samples as A-law, a byte each. The result is new memory. */
export function encodeAlaw(samples: Int16Array): Uint8Array {
  const bytes = new Uint8Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i] ?? 0;
    // One's complement for negative values, in 11 bits of magnitude: this is what makes -1 and 0 neighbours and not twins.
    const magnitude = (sample < 0 ? ~sample : sample) >> 4;
    // Segments 0 and 1 are equally wide, so below 32 the magnitude is segment and mantissa already; above, each is twice the one before.
    const segment = 28 - Math.clz32(magnitude);
    const code = magnitude < 32 ? magnitude : (segment << 4) | ((magnitude >> (segment - 1)) & 0x0f);
    bytes[i] = (sample < 0 ? code : code | 0x80) ^ 0x55;
  }
  return bytes;
}

/** Decodes µ-law bytes to samples (-32124..32124). The result is new memory. */
export function decodeMulaw(bytes: Uint8Array): Int16Array {
  mulawTable ??= Int16Array.from({ length: 256 }, (_, code) => decodeMulawByte(code));
  return decodeWith(mulawTable, bytes);
}

/** Decodes A-law bytes to samples (-32256..32256). The result is new memory. */
export function decodeAlaw(bytes: Uint8Array): Int16Array {
  alawTable ??= Int16Array.from({ length: 256 }, (_, code) => decodeAlawByte(code));
  return decodeWith(alawTable, bytes);
}

// Made at the first use: importing a file does nothing.
let mulawTable: Int16Array | undefined;
let alawTable: Int16Array | undefined;

function decodeWith(table: Int16Array, bytes: Uint8Array): Int16Array {
  const samples = new Int16Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) samples[i] = table[bytes[i] ?? 0] ?? 0;
  return samples;
}

/** One µ-law byte as a sample. */
export function decodeMulawByte(code: number): number {
  const bits = ~code & 0xff;
  const segment = (bits >> 4) & 7;
  const magnitude = ((((bits & 0x0f) << 3) + MULAW_BIAS) << segment) - MULAW_BIAS;
  return bits & 0x80 ? -magnitude : magnitude;
}

/** One A-law byte as a sample. */
export function decodeAlawByte(code: number): number {
  const bits = code ^ 0x55;
  const segment = (bits >> 4) & 7;
  const mantissa = bits & 0x0f;
  // The middle of the step: half a step is 8 in the two lowest segments, which are equally wide.
  const magnitude = segment === 0 ? (mantissa << 4) + 8 : ((mantissa << 4) + 0x108) << (segment - 1);
  return bits & 0x80 ? magnitude : -magnitude;
}
