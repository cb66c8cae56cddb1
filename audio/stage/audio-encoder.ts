import { encodeSamples } from '../codec/encoding.js';
import { wavHeader } from '../codec/wav.js';
import type { AudioFormat } from '../format/audio-format.js';
import { Framer } from '../framing/framer.js';
import { resampleStage } from './resample-stage.js';

/** The last step of a stream of PCM16: samples in, bytes out. How the stream is cut into pushes never changes them. */
export interface AudioEncoder {
  /**
   * Takes the next samples, any number of them, and gives what is ready, maybe nothing. Each piece is what goes out in one message, and its memory is
   * the receiver's. `samples` is borrowed until the call returns.
   */
  push(samples: Int16Array): readonly Uint8Array[];
  /** Ends the stream: gives what was held back, and starts afresh. */
  flush(): readonly Uint8Array[];
}

export interface EncoderOptions {
  /** Of the samples that are pushed, in Hz. Default: the rate of the format. */
  readonly inputRate?: number;
  /** Pieces of this length alone, the last one filled up with silence. Without it each piece is what a push has made ready. */
  readonly frameMs?: number;
}

/**
 * PCM16 of any rate, or G.711, mono. A telephone line wants whole frames: `audioEncoder(MULAW_8K, { inputRate: 24000, frameMs: 20 })`. Throws `RangeError`
 * for more than one channel, rates that {@link Resampler} does not take and frames that {@link Framer} does not take.
 */
export function audioEncoder(format: AudioFormat, options: EncoderOptions = {}): AudioEncoder {
  if (format.channels !== 1) throw new RangeError(`Streams of samples are mono: the format must have one channel, not ${format.channels}.`);
  const { inputRate = format.sampleRate, frameMs } = options;
  const rate = resampleStage(inputRate, format.sampleRate);
  const framer = frameMs === undefined ? undefined : new Framer(format, { frameMs });
  // The bytes would be the caller's own memory then.
  const shares = framer === undefined && inputRate === format.sampleRate && format.encoding === 'pcm16';
  const encode = (samples: Int16Array): readonly Uint8Array[] => {
    const bytes = encodeSamples(format.encoding, samples);
    if (framer !== undefined) return framer.push(bytes);
    return bytes.length === 0 ? [] : [bytes];
  };
  return {
    push: (samples) => encode(shares ? samples.slice() : rate.push(samples)),
    flush() {
      const pieces = encode(rate.flush());
      const last = framer?.flush();
      return last === undefined ? pieces : [...pieces, last];
    },
  };
}

/**
 * A WAV file, as it grows: its header stands before the first piece and says that the length is unknown, which readers take as "to the end of the file".
 * Whoever writes to a file that can be sought puts `wavHeader({ ...format, dataBytes })` in its place at the end. A stream without samples is a file
 * without samples. Throws like {@link audioEncoder}.
 */
export function wavEncoder(format: AudioFormat, options: { readonly inputRate?: number } = {}): AudioEncoder {
  const inner = audioEncoder(format, options);
  let begun = false;
  let dataBytes = 0;
  const withHeader = (pieces: readonly Uint8Array[]): readonly Uint8Array[] => {
    dataBytes += pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (begun || pieces.length === 0) return pieces;
    begun = true;
    return [wavHeader(format), ...pieces];
  };
  return {
    push: (samples) => withHeader(inner.push(samples)),
    flush() {
      const pieces = withHeader(inner.flush());
      const ending = [...(begun ? [] : [wavHeader(format)]), ...pieces, ...(dataBytes % 2 === 1 ? [new Uint8Array(1)] : [])];
      begun = false;
      dataBytes = 0;
      return ending;
    },
  };
}
