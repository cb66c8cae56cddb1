/**
 * What stands between the application and a native codec. The native side trusts its caller: of a frame of a wrong length `@discordjs/opus` aborts the
 * process, and no `catch` helps. So each length is checked here first, and each packet is read by rule before it is decoded.
 */
import { AudioError } from '../errors.js';
import type { OpusCodec, OpusDecoder, OpusDecoderOptions, OpusEncoder, OpusEncoderOptions, OpusSampleRate } from './opus-codec.js';
import { parseOpusPacket, parseOpusToc } from './opus-packet.js';

/** What a package is asked for. Bytes are PCM16 in the byte order of the host. */
export interface NativeOpus {
  readonly name: string;
  createEncoder(sampleRate: OpusSampleRate, channels: 1 | 2): NativeEncoder;
  createDecoder(sampleRate: OpusSampleRate, channels: 1 | 2): NativeDecoder;
}

export interface NativeEncoder {
  encode(pcm: Uint8Array): Uint8Array;
  /** A request of libopus (`opus_defines.h`). */
  control(request: number, value: number): void;
}

export interface NativeDecoder {
  decode(packet: Uint8Array): Uint8Array;
  control(request: number, value: number): void;
}

const FRAME_MS = [2.5, 5, 10, 20, 40, 60];
const RATES: readonly number[] = [8000, 12000, 16000, 24000, 48000];
const APPLICATIONS = { voip: 2048, audio: 2049, restricted_lowdelay: 2051 };
const REQUESTS = { application: 4000, bitrate: 4002, complexity: 4010, fec: 4012, loss: 4014, dtx: 4016, reset: 4028 };
/** The same at every rate; the lower is that of `restricted_lowdelay`. */
const LOOKAHEAD_MS = { usual: 6.5, low: 2.5 };
/** What is concealed before there is a packet to tell how long a frame is. */
const SILENCE_MS = 20;

/** A native codec behind all checks. */
export function guardedOpus(native: NativeOpus): OpusCodec {
  return {
    name: native.name,
    createEncoder: (options = {}) => new GuardedEncoder(native, options),
    createDecoder: (options = {}) => new GuardedDecoder(native, options),
  };
}

class GuardedEncoder implements OpusEncoder {
  readonly sampleRate: OpusSampleRate;
  readonly channels: 1 | 2;
  readonly lookaheadSamples: number;
  readonly #native: NativeEncoder;
  readonly #frameLengths: ReadonlySet<number>;

  constructor(native: NativeOpus, options: OpusEncoderOptions) {
    const { sampleRate, channels } = checkedForm(options);
    const { application = 'voip', bitrate = 24_000 * channels, complexity = 5, dtx = false, fec = false, expectedLossPercent = 0 } = options;
    if (!Object.hasOwn(APPLICATIONS, application)) throw new RangeError(`application must be voip, audio or restricted_lowdelay, not ${String(application)}.`);
    checkWhole('bitrate', bitrate, 6000, 510_000);
    checkWhole('complexity', complexity, 0, 10);
    checkWhole('expectedLossPercent', expectedLossPercent, 0, 100);
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.lookaheadSamples = ((application === 'restricted_lowdelay' ? LOOKAHEAD_MS.low : LOOKAHEAD_MS.usual) * sampleRate) / 1000;
    this.#frameLengths = new Set(FRAME_MS.map((ms) => (ms * sampleRate * channels) / 1000));
    this.#native = native.createEncoder(sampleRate, channels);
    // The application first: it can only be chosen before the first frame.
    this.#native.control(REQUESTS.application, APPLICATIONS[application]);
    this.#native.control(REQUESTS.bitrate, bitrate);
    this.#native.control(REQUESTS.complexity, complexity);
    this.#native.control(REQUESTS.dtx, Number(dtx));
    this.#native.control(REQUESTS.fec, Number(fec));
    this.#native.control(REQUESTS.loss, expectedLossPercent);
  }

  encode(samples: Int16Array): Uint8Array {
    if (!this.#frameLengths.has(samples.length)) {
      throw new RangeError(`A frame of Opus at ${this.sampleRate} Hz has ${[...this.#frameLengths].join(', ')} samples, not ${samples.length}. Streams of any length go through OpusOut.`);
    }
    return new Uint8Array(this.#native.encode(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)));
  }

  reset(): void {
    this.#native.control(REQUESTS.reset, 0);
  }
}

class GuardedDecoder implements OpusDecoder {
  readonly sampleRate: OpusSampleRate;
  readonly channels: 1 | 2;
  readonly #native: NativeDecoder;
  /** The first byte of the last packet. */
  #lastToc: number | undefined;

  constructor(native: NativeOpus, options: OpusDecoderOptions) {
    const { sampleRate, channels } = checkedForm(options);
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.#native = native.createDecoder(sampleRate, channels);
  }

  decode(packet: Uint8Array): Int16Array {
    const { durationMs } = parseOpusPacket(packet);
    const samples = this.#decode(packet, durationMs);
    this.#lastToc = packet[0];
    return samples;
  }

  conceal(): Int16Array {
    if (this.#lastToc === undefined) return new Int16Array(this.#sampleCount(SILENCE_MS));
    // A packet of the same kind with one frame that was not sent: to the decoder it is a loss of exactly that length. An empty packet would be
    // a loss of all that its memory can hold, or an error.
    const lost = this.#lastToc & 0xfc;
    return this.#decode(Uint8Array.of(lost), parseOpusToc(lost).frameMs);
  }

  reset(): void {
    this.#native.control(REQUESTS.reset, 0);
    this.#lastToc = undefined;
  }

  #decode(packet: Uint8Array, durationMs: number): Int16Array {
    let bytes: Uint8Array;
    try {
      bytes = this.#native.decode(packet);
    } catch (error) {
      throw new AudioError('OPUS_INVALID', 'The Opus packet could not be decoded: it has the form of one, but not the content.', { cause: error });
    }
    const samples = new Int16Array(this.#sampleCount(durationMs));
    if (bytes.length !== samples.byteLength) {
      throw new AudioError('OPUS_INVALID', `The Opus packet lasts ${durationMs} ms by its first bytes, but its decoder gave ${bytes.length} bytes instead of ${samples.byteLength}.`);
    }
    new Uint8Array(samples.buffer).set(bytes);
    return samples;
  }

  #sampleCount(ms: number): number {
    return (ms * this.sampleRate * this.channels) / 1000;
  }
}

function checkedForm({ sampleRate = 24_000, channels = 1 }: OpusDecoderOptions): Required<OpusDecoderOptions> {
  if (!RATES.includes(sampleRate)) throw new RangeError(`Opus knows ${RATES.join(', ')} Hz, not ${sampleRate}.`);
  if (channels !== 1 && channels !== 2) throw new RangeError(`Opus has 1 or 2 channels, not ${String(channels)}.`);
  return { sampleRate, channels };
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}.`);
}
