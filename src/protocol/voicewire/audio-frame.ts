import { ProtocolError } from '../../../session/index.js';
import { MAX_FRAME_SAMPLES, MAX_UINT32 } from './limits.js';

//  0       1       2       4           8           12          16
//  +-------+-------+-------+-----------+-----------+-----------+----------------- - -
//  | kind  | flags | zero  | epoch     | item      | first     | PCM16 samples
//  +-------+-------+-------+-----------+-----------+-----------+----------------- - -
// All numbers are unsigned little-endian; so are the samples, signed.

export const AUDIO_HEADER_BYTES = 16;

/** `agent` travels from the gateway to the client, `microphone` the other way. */
export type AudioFrameKind = 'agent' | 'microphone';

/** One binary message of the client socket. */
export interface AudioFrame {
  readonly kind: AudioFrameKind;
  /** 0 for the microphone. */
  readonly epoch: number;
  /** The number that an `item` message gave; 0 for the microphone. */
  readonly item: number;
  /** Index of the first sample: within the item, or since `start` for the microphone. */
  readonly firstSample: number;
  /** PCM16 little-endian, mono, 24 kHz: 1..24 000 whole samples. Its offset within its buffer may be odd. */
  readonly pcm: Uint8Array;
}

const kinds: readonly (AudioFrameKind | undefined)[] = [undefined, 'agent', 'microphone'];

/** Writes a frame into bytes of its own; the samples are copied. A number outside its range is the caller's mistake and throws `RangeError`. */
export function encodeAudioFrame(frame: AudioFrame): Uint8Array<ArrayBuffer> {
  const samples = frame.pcm.byteLength / 2;
  if (!Number.isInteger(samples) || samples < 1 || samples > MAX_FRAME_SAMPLES) {
    throw new RangeError(`An audio frame holds 1 to ${MAX_FRAME_SAMPLES} whole samples, not ${frame.pcm.byteLength} bytes.`);
  }
  const message = new Uint8Array(AUDIO_HEADER_BYTES + frame.pcm.byteLength);
  const header = new DataView(message.buffer);
  header.setUint8(0, frame.kind === 'agent' ? 1 : 2);
  header.setUint32(4, uint32('epoch', frame.epoch), true);
  header.setUint32(8, uint32('item', frame.item), true);
  header.setUint32(12, uint32('firstSample', frame.firstSample), true);
  message.set(frame.pcm, AUDIO_HEADER_BYTES);
  return message;
}

/**
 * Reads a binary message. `pcm` is a view into `message`, not a copy. `expected` is the one kind that this end takes.
 * Throws `ProtocolError` `PROTOCOL_BAD_FRAME` when the header is broken or the payload is no whole number of samples.
 */
export function decodeAudioFrame(message: Uint8Array, expected: AudioFrameKind): AudioFrame {
  if (message.byteLength < AUDIO_HEADER_BYTES) throw badFrame(`A binary message begins with a header of ${AUDIO_HEADER_BYTES} bytes; this one has ${message.byteLength} bytes.`);
  const header = new DataView(message.buffer, message.byteOffset, AUDIO_HEADER_BYTES);
  const kind = kinds[header.getUint8(0)];
  if (kind !== expected) throw badFrame(`Audio of kind ${header.getUint8(0)} (${kind ?? 'unknown'}) arrived where only ${expected} audio is taken.`);
  if (header.getUint8(1) !== 0 || header.getUint16(2, true) !== 0) throw badFrame('The flags and the reserved bytes of an audio header are zero in this version.');
  const epoch = header.getUint32(4, true);
  const item = header.getUint32(8, true);
  if (kind === 'microphone' && (epoch !== 0 || item !== 0)) throw badFrame('Microphone audio has epoch 0 and item 0.');
  const samples = (message.byteLength - AUDIO_HEADER_BYTES) / 2;
  if (!Number.isInteger(samples)) throw badFrame('The payload of an audio frame ends in half a sample.');
  if (samples < 1 || samples > MAX_FRAME_SAMPLES) throw badFrame(`An audio frame holds 1 to ${MAX_FRAME_SAMPLES} samples, not ${samples}.`);
  return { kind, epoch, item, firstSample: header.getUint32(12, true), pcm: message.subarray(AUDIO_HEADER_BYTES) };
}

function uint32(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > MAX_UINT32) throw new RangeError(`${name} must be a whole number from 0 to ${MAX_UINT32}, not ${value}.`);
  return value;
}

function badFrame(message: string): ProtocolError {
  return new ProtocolError('PROTOCOL_BAD_FRAME', message, { hint: 'docs/client-protocol.md draws the header.' });
}
