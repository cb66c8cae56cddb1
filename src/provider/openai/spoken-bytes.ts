import { AudioError, Pcm16Assembler, Resampler, WavReader, mixToMono } from '../../../audio/index.js';
import { ProtocolError } from '../../../session/index.js';
import type { ApiAnswer } from './api-answer.js';

/** What files of other formats begin with. That sound begins with these very bytes is as good as impossible. */
const OTHER_FORMATS: readonly (readonly [RegExp, string])[] = [
  [/^ID3/, 'MP3'],
  [/^OggS/, 'Ogg'],
  [/^fLaC/, 'FLAC'],
];
const OTHER_TYPES = /^audio\/(mpeg|mp3|ogg|opus|aac|flac|webm|mp4)|^(text|application\/json|application\/problem|video)/;
const MAGIC_BYTES = 4;
const LOWEST_RATE = 4_000;
const HIGHEST_RATE = 192_000;

type Sound =
  | { readonly name: 'unknown'; readonly begin: Uint8Array }
  | { readonly name: 'pcm'; readonly assembler: Pcm16Assembler; readonly rate: RateChange | undefined }
  | { readonly name: 'wav'; readonly reader: WavReader; rate: RateChange | undefined };

/** Bytes of speech that arrive cut anywhere, as PCM16 mono of one rate: raw PCM, or a WAV file of any rate. */
export class SpokenBytes {
  readonly #answer: ApiAnswer;
  readonly #sampleRate: number;
  #sound: Sound = { name: 'unknown', begin: new Uint8Array(0) };

  constructor(answer: ApiAnswer, sampleRate: number) {
    this.#answer = answer;
    this.#sampleRate = sampleRate;
    if (OTHER_TYPES.test(answer.contentType)) throw mismatch(answer, answer.contentType);
  }

  /** The samples that are complete with these bytes, maybe none; memory of their own. Throws `AUDIO_FORMAT_MISMATCH` for what is no such sound. */
  push(bytes: Uint8Array): Int16Array {
    const sound = this.#sound;
    switch (sound.name) {
      case 'unknown': {
        const begin = new Uint8Array(sound.begin.length + bytes.length);
        begin.set(sound.begin);
        begin.set(bytes, sound.begin.length);
        this.#sound = begin.length < MAGIC_BYTES ? { name: 'unknown', begin } : this.#recognise(begin);
        return this.#sound.name === 'unknown' ? new Int16Array(0) : this.push(begin);
      }
      case 'pcm': {
        const samples = sound.assembler.push(bytes);
        return sound.rate === undefined ? samples.slice() : sound.rate.push(samples);
      }
      case 'wav': {
        const samples = this.#readWav(() => sound.reader.push(bytes));
        const { header } = sound.reader;
        if (header === undefined) return samples;
        sound.rate ??= this.#changeFrom(header.sampleRate);
        const mono = header.channels === 1 ? samples : mixToMono(samples, header.channels);
        return sound.rate === undefined ? mono.slice() : sound.rate.push(mono);
      }
    }
  }

  /** What the change of rate still holds back, at a good end. Throws `MODEL_CONNECTION_LOST` for a WAV file that announced more than came. */
  flush(): Int16Array {
    const sound = this.#sound;
    if (sound.name === 'wav') {
      const { missingBytes } = this.#readWav(() => sound.reader.flush());
      if (missingBytes > 0) throw this.#answer.brokenOff();
    }
    return sound.name === 'unknown' ? new Int16Array(0) : (sound.rate?.flush() ?? new Int16Array(0));
  }

  #recognise(begin: Uint8Array): Sound {
    const magic = String.fromCharCode(...begin.subarray(0, MAGIC_BYTES));
    if (/^(RIFF|RIFX|RF64)/.test(magic)) return { name: 'wav', reader: new WavReader(), rate: undefined };
    const other = OTHER_FORMATS.find(([pattern]) => pattern.test(magic));
    if (other !== undefined) throw mismatch(this.#answer, other[1]);
    return { name: 'pcm', assembler: new Pcm16Assembler(), rate: this.#changeFrom(this.#answer.declaredRate ?? this.#sampleRate) };
  }

  /** Speech has no other rates; a header that says 1 Hz would make hours of a second. */
  #changeFrom(rate: number): RateChange | undefined {
    if (rate === this.#sampleRate) return undefined;
    if (rate < LOWEST_RATE || rate > HIGHEST_RATE) throw mismatch(this.#answer, `sound of ${rate} Hz`);
    try {
      return new RateChange(rate, this.#sampleRate);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw mismatch(this.#answer, `sound of ${rate} Hz, which has no usable ratio to ${this.#sampleRate} Hz`, cause);
    }
  }

  #readWav<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof AudioError)) throw cause;
      throw mismatch(this.#answer, 'a WAV file that cannot be read', cause);
    }
  }
}

/** A change of rate as long as what went in, and in step with it. */
class RateChange {
  readonly #resampler: Resampler;
  /** Samples that stand before the first one that was pushed. */
  #early: number;

  constructor(from: number, to: number) {
    this.#resampler = new Resampler(from, to);
    this.#early = Math.floor(this.#resampler.delaySamples);
  }

  push(samples: Int16Array): Int16Array {
    return this.#without(this.#resampler.push(samples));
  }

  flush(): Int16Array {
    return this.#without(this.#resampler.flush());
  }

  #without(samples: Int16Array): Int16Array {
    const dropped = Math.min(this.#early, samples.length);
    this.#early -= dropped;
    return samples.subarray(dropped);
  }
}

function mismatch(answer: ApiAnswer, what: string, cause?: unknown): ProtocolError {
  return new ProtocolError('AUDIO_FORMAT_MISMATCH', `${answer.host} answered with ${what} where PCM or WAV was asked for.`, {
    stage: 'audio',
    hint: "Try format: 'wav', or 'pcm'; a server that can give neither cannot be used.",
    ...(cause === undefined ? {} : { cause }),
  });
}
