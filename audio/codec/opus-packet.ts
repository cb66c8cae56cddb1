/**
 * What an Opus packet says of itself before anything is decoded: RFC 6716, section 3. A packet from outside is read here first, so that a decoder never
 * sees one that is malformed, too long, or longer than it was made for.
 */
import { AudioError } from '../errors.js';

/**
 * The first byte of a packet (section 3.1):
 *
 *     0 1 2 3 4 5 6 7
 *     config    s c     config: mode, bandwidth and length of a frame; s: stereo; c: how many frames follow, and how
 */
export interface OpusToc {
  /** 0..31 */
  readonly config: number;
  readonly mode: 'silk' | 'hybrid' | 'celt';
  readonly bandwidth: 'narrowband' | 'mediumband' | 'wideband' | 'superwideband' | 'fullband';
  /** 2.5, 5, 10, 20, 40 or 60. */
  readonly frameMs: number;
  readonly stereo: boolean;
  /** 0: one frame; 1: two of equal size; 2: two; 3: the next byte tells. */
  readonly countCode: 0 | 1 | 2 | 3;
}

export interface OpusPacketInfo {
  readonly toc: OpusToc;
  /** The size of each frame, 0..1275 bytes. A frame of 0 bytes was not sent: silence (DTX), or lost. */
  readonly frameBytes: readonly number[];
  /** 2.5..120 */
  readonly durationMs: number;
}

/** The largest frame that can be written down (section 3.2.1). */
const MAX_FRAME_BYTES = 1275;
const MAX_PACKET_MS = 120;
/** 48 frames of 2.5 ms, each of the largest size, with their sizes in front: no packet needs more. Padding beyond that is refused. */
const MAX_PACKET_BYTES = 2 + 47 * 2 + 48 * MAX_FRAME_BYTES;

/** Reads the first byte of a packet, 0..255. */
export function parseOpusToc(byte: number): OpusToc {
  if (!Number.isInteger(byte) || byte < 0 || byte > 255) throw new RangeError(`A byte is a whole number from 0 to 255, not ${byte}.`);
  const config = byte >> 3;
  return { config, ...frameKind(config), stereo: (byte & 4) !== 0, countCode: (byte & 3) as 0 | 1 | 2 | 3 };
}

/** Table 2 of section 3.1. */
function frameKind(config: number): Pick<OpusToc, 'mode' | 'bandwidth' | 'frameMs'> {
  if (config < 12) return { mode: 'silk', bandwidth: (['narrowband', 'mediumband', 'wideband'] as const)[config >> 2] ?? 'wideband', frameMs: [10, 20, 40, 60][config & 3] ?? 0 };
  if (config < 16) return { mode: 'hybrid', bandwidth: config < 14 ? 'superwideband' : 'fullband', frameMs: [10, 20][config & 1] ?? 0 };
  const bandwidth = (['narrowband', 'wideband', 'superwideband', 'fullband'] as const)[(config - 16) >> 2] ?? 'fullband';
  return { mode: 'celt', bandwidth, frameMs: [2.5, 5, 10, 20][config & 3] ?? 0 };
}

/** Reads the frame sizes of a whole packet (section 3.2). Throws `AudioError` `OPUS_INVALID` for one that breaks a rule of section 3.4. */
export function parseOpusPacket(packet: Uint8Array): OpusPacketInfo {
  const [first] = packet;
  if (first === undefined) throw invalid('it is empty');
  if (packet.length > MAX_PACKET_BYTES) throw invalid(`it has ${packet.length} bytes, and ${MAX_PACKET_BYTES} are the most that a packet can need`);
  const toc = parseOpusToc(first);
  const frameBytes = frameSizes(packet, toc);
  if (frameBytes.some((bytes) => bytes > MAX_FRAME_BYTES)) throw invalid(`it has a frame of more than ${MAX_FRAME_BYTES} bytes`);
  return { toc, frameBytes, durationMs: frameBytes.length * toc.frameMs };
}

function frameSizes(packet: Uint8Array, toc: OpusToc): readonly number[] {
  const rest = packet.length - 1;
  switch (toc.countCode) {
    case 0:
      return [rest];
    case 1:
      if (rest % 2 !== 0) throw invalid('its two frames of equal size have an odd number of bytes together');
      return [rest / 2, rest / 2];
    case 2: {
      const size = readSize(packet, 1, packet.length);
      return [size.bytes, size.end - size.next - size.bytes];
    }
    case 3:
      return manyFrames(packet, toc.frameMs);
  }
}

/*
 *     TOC | v p M M M M M M | padding length, if p | sizes of all frames but the last, if v | frames | padding
 */
function manyFrames(packet: Uint8Array, frameMs: number): readonly number[] {
  const header = packet[1];
  if (header === undefined) throw invalid('it ends before its number of frames');
  const count = header & 0x3f;
  if (count === 0 || count * frameMs > MAX_PACKET_MS) throw invalid(`it has ${count} frames of ${frameMs} ms, and a packet lasts up to ${MAX_PACKET_MS} ms`);
  let at = 2;
  let end = packet.length;
  if ((header & 0x40) !== 0) {
    for (let byte = 255; byte === 255; at += 1) {
      byte = packet[at] ?? -1;
      if (byte === -1) throw invalid('it ends within the length of its padding');
      end -= byte === 255 ? 254 : byte;
    }
  }
  if (at > end) throw invalid('it has more padding than bytes');
  if ((header & 0x80) === 0) {
    if ((end - at) % count !== 0) throw invalid(`its ${count} frames of equal size do not share its bytes evenly`);
    return new Array<number>(count).fill((end - at) / count);
  }
  const sizes: number[] = [];
  let sum = 0;
  while (sizes.length < count - 1) {
    const size = readSize(packet, at, end);
    at = size.next;
    sum += size.bytes;
    sizes.push(size.bytes);
  }
  if (at + sum > end) throw invalid('its frames are longer than the packet');
  return [...sizes, end - at - sum];
}

/** The size of a frame takes one byte up to 251, two beyond (section 3.2.1). */
function readSize(packet: Uint8Array, at: number, end: number): { readonly bytes: number; readonly next: number; readonly end: number } {
  const first = at < end ? packet[at] : undefined;
  if (first === undefined) throw invalid('it ends before the size of a frame');
  const second = first < 252 ? 0 : at + 1 < end ? packet[at + 1] : undefined;
  if (second === undefined) throw invalid('it ends within the size of a frame');
  const next = at + (first < 252 ? 1 : 2);
  const bytes = first + second * 4;
  if (next + bytes > end) throw invalid('a frame is longer than the packet');
  return { bytes, next, end };
}

function invalid(why: string): AudioError {
  return new AudioError('OPUS_INVALID', `This is no Opus packet: ${why}. Packets are those of RFC 6716, one in each message, without a container around them.`);
}
