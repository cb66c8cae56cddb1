import { describe, expect, test } from 'vitest';
import { decodeAudioFrame, encodeAudioFrame } from '../../../../src/protocol/voicewire/index.js';

const pcm = Uint8Array.of(1, 0, 255, 127, 0, 128);

describe('the audio frame', () => {
  test('has the header that the document draws', () => {
    const message = encodeAudioFrame({ kind: 'agent', epoch: 3, item: 0x01020304, firstSample: 0xfffffffe, pcm });
    expect([...message]).toEqual([1, 0, 0, 0, 3, 0, 0, 0, 4, 3, 2, 1, 0xfe, 0xff, 0xff, 0xff, 1, 0, 255, 127, 0, 128]);
  });

  test('comes back whole from any offset of a larger buffer', () => {
    const message = encodeAudioFrame({ kind: 'microphone', epoch: 0, item: 0, firstSample: 480, pcm });
    for (const offset of [0, 1, 2, 3, 7]) {
      const pool = new Uint8Array(64).fill(0xaa);
      pool.set(message, offset);
      const frame = decodeAudioFrame(pool.subarray(offset, offset + message.length), 'microphone');
      expect(frame).toMatchObject({ kind: 'microphone', epoch: 0, item: 0, firstSample: 480 });
      expect([...frame.pcm]).toEqual([...pcm]);
    }
  });

  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['an empty message', () => new Uint8Array(0)],
    ['half a header', (bytes) => bytes.subarray(0, 15)],
    ['a header alone', (bytes) => bytes.subarray(0, 16)],
    ['half a sample', (bytes) => bytes.subarray(0, 17)],
    ['an unknown kind', (bytes) => bytes.with(0, 9)],
    ['the kind of the other direction', (bytes) => bytes.with(0, 1)],
    ['flags', (bytes) => bytes.with(1, 1)],
    ['reserved bytes', (bytes) => bytes.with(3, 1)],
    ['an epoch from a microphone', (bytes) => bytes.with(4, 1)],
    ['an item from a microphone', (bytes) => bytes.with(8, 1)],
    ['more than a second', (bytes) => { const long = new Uint8Array(16 + 48_002); long.set(bytes.subarray(0, 16)); return long; }],
  ])('refuses %s', (_name, damage) => {
    const message = encodeAudioFrame({ kind: 'microphone', epoch: 0, item: 0, firstSample: 0, pcm });
    expect(() => decodeAudioFrame(damage(message), 'microphone')).toThrow(expect.objectContaining({ code: 'PROTOCOL_BAD_FRAME' }));
  });

  test('takes exactly one second', () => {
    const frame = { kind: 'agent', epoch: 0, item: 1, firstSample: 0, pcm: new Uint8Array(48_000) } as const;
    expect(decodeAudioFrame(encodeAudioFrame(frame), 'agent').pcm.byteLength).toBe(48_000);
    expect(() => encodeAudioFrame({ ...frame, pcm: new Uint8Array(48_002) })).toThrow(RangeError);
  });

  test.each([{ epoch: -1 }, { item: 2 ** 32 }, { firstSample: 0.5 }, { pcm: new Uint8Array(3) }, { pcm: new Uint8Array(0) }])('does not write %o', (wrong) => {
    expect(() => encodeAudioFrame({ kind: 'agent', epoch: 0, item: 1, firstSample: 0, pcm, ...wrong })).toThrow(RangeError);
  });
});
