import { describe, expect, it } from 'vitest';
import { AudioError, parseOpusPacket, parseOpusToc } from '../../../audio/index.js';

/** RFC 6716, table 2, as it stands there: first and last configuration, mode, bandwidth, lengths of a frame. */
const TABLE_2 = [
  [0, 3, 'silk', 'narrowband', [10, 20, 40, 60]],
  [4, 7, 'silk', 'mediumband', [10, 20, 40, 60]],
  [8, 11, 'silk', 'wideband', [10, 20, 40, 60]],
  [12, 13, 'hybrid', 'superwideband', [10, 20]],
  [14, 15, 'hybrid', 'fullband', [10, 20]],
  [16, 19, 'celt', 'narrowband', [2.5, 5, 10, 20]],
  [20, 23, 'celt', 'wideband', [2.5, 5, 10, 20]],
  [24, 27, 'celt', 'superwideband', [2.5, 5, 10, 20]],
  [28, 31, 'celt', 'fullband', [2.5, 5, 10, 20]],
] as const;

const packet = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);
const zeros = (count: number): number[] => new Array<number>(count).fill(0);
const failure = (bytes: Uint8Array): unknown => {
  try {
    return parseOpusPacket(bytes);
  } catch (error) {
    return error;
  }
};

describe('parseOpusToc', () => {
  it('reads all 256 bytes', () => {
    const seen = new Set<number>();
    for (const [from, to, mode, bandwidth, lengths] of TABLE_2) {
      for (let config = from; config <= to; config++) {
        for (let rest = 0; rest < 8; rest++) {
          const byte = config * 8 + rest;
          seen.add(byte);
          expect(parseOpusToc(byte), `byte ${byte}`).toEqual({ config, mode, bandwidth, frameMs: lengths[config - from], stereo: rest >= 4, countCode: rest % 4 });
        }
      }
    }
    expect(seen.size).toBe(256);
  });

  it.each([-1, 256, 1.5, NaN])('does not take %d for a byte', (byte) => {
    expect(() => parseOpusToc(byte)).toThrow(RangeError);
  });
});

describe('parseOpusPacket', () => {
  it.each([
    { name: 'one frame', bytes: packet(0x08, 1, 2, 3), frameBytes: [3], durationMs: 20 },
    { name: 'one frame that was not sent', bytes: packet(0x08), frameBytes: [0], durationMs: 20 },
    { name: 'two of equal size', bytes: packet(0x09, 1, 2, 3, 4), frameBytes: [2, 2], durationMs: 40 },
    { name: 'two of different size', bytes: packet(0x0a, 1, 9, 9, 9), frameBytes: [1, 2], durationMs: 40 },
    { name: 'two, the second not sent', bytes: packet(0x0a, 2, 9, 9), frameBytes: [2, 0], durationMs: 40 },
    { name: 'a size of two bytes', bytes: packet(0x0a, 252, 1, ...zeros(256 + 5)), frameBytes: [256, 5], durationMs: 40 },
    { name: 'three of equal size', bytes: packet(0x0b, 3, ...zeros(6)), frameBytes: [2, 2, 2], durationMs: 60 },
    { name: 'three of different size', bytes: packet(0x0b, 0x83, 1, 0, 7, 8, 9), frameBytes: [1, 0, 2], durationMs: 60 },
    { name: 'padding', bytes: packet(0x0b, 0x42, 3, 1, 1, ...zeros(3)), frameBytes: [1, 1], durationMs: 40 },
    { name: 'padding of more than 254 bytes', bytes: packet(0x0b, 0xc2, 255, 2, 1, 5, 5, 5, ...zeros(256)), frameBytes: [1, 2], durationMs: 40 },
    { name: 'the most frames', bytes: packet(0x83, 48, ...zeros(48)), frameBytes: zeros(48).map(() => 1), durationMs: 120 },
    { name: 'the largest frame', bytes: packet(0x08, ...zeros(1275)), frameBytes: [1275], durationMs: 20 },
    { name: 'the largest packet', bytes: packet(0x83, 48, ...zeros(48 * 1275)), frameBytes: zeros(48).map(() => 1275), durationMs: 120 },
  ])('reads $name', ({ bytes, frameBytes, durationMs }) => {
    expect(parseOpusPacket(bytes)).toEqual({ toc: parseOpusToc(bytes[0] ?? 0), frameBytes, durationMs });
  });

  it.each([
    ['R1: nothing', packet()],
    ['R2: a frame of 1276 bytes', packet(0x08, ...zeros(1276))],
    ['R2: two of them', packet(0x09, ...zeros(2552))],
    ['R2: in a row of equal ones', packet(0x0b, 2, ...zeros(2552))],
    ['R3: an odd number for two equal frames', packet(0x09, 1, 2, 3)],
    ['R4: no size', packet(0x0a)],
    ['R4: half a size', packet(0x0a, 252)],
    ['R4: a first frame longer than the packet', packet(0x0a, 3, 1, 2)],
    ['R5: no count', packet(0x0b)],
    ['R5: no frames', packet(0x0b, 0)],
    ['R5: more than 120 ms', packet(0x0b, 7, ...zeros(7))],
    ['R5: 49 frames of 2.5 ms', packet(0x83, 49, ...zeros(49))],
    ['R6: no length of the padding', packet(0x0b, 0x41)],
    ['R6: half a length of the padding', packet(0x0b, 0x41, 255)],
    ['R6: more padding than bytes', packet(0x0b, 0x41, 2, 0)],
    ['R6: bytes that three frames cannot share', packet(0x0b, 3, ...zeros(7))],
    ['R7: sizes that are not there', packet(0x0b, 0x83, 1)],
    ['R7: sizes that are longer than the packet', packet(0x0b, 0x83, 2, 2, 1, 1, 1)],
    ['R7: a size within the padding', packet(0x0b, 0xc2, 2, 252, 0, 0)],
    ['more padding than any packet needs', packet(0x0b, 0x41, ...zeros(250).map(() => 255), 0, ...zeros(254 * 250))],
  ])('refuses %s', (_name, bytes) => {
    const error = failure(bytes);
    expect(error).toBeInstanceOf(AudioError);
    expect(error).toMatchObject({ code: 'OPUS_INVALID', message: expect.stringContaining('RFC 6716') as string });
  });
});
