import { ProviderError, VoicewireError } from '../errors.js';
import type { SynthesiseOptions, Synthesiser } from '../ports/speech.js';
import { forward } from '../stream/forward.js';
import { produced } from '../stream/produced.js';

/** Speaks a text: PCM16 mono in one piece, or in pieces of any size as they are made. */
export type SpeakFunction = (text: string, options: SynthesiseOptions) => Int16Array | PromiseLike<Int16Array> | AsyncIterable<Int16Array>;

export interface SynthesiserOfOptions {
  /** Of the samples that the function gives, in Hz. */
  readonly sampleRate: number;
  /** For people. Default: the function's name. */
  readonly label?: string;
}

/**
 * A synthesiser from a function. It is called when its sound is first asked for. What it throws becomes a `SYNTHESIS_FAILED`, unless it is a
 * `VoicewireError`.
 */
export function synthesiserOf(speak: SpeakFunction, options: SynthesiserOfOptions): Synthesiser {
  const { sampleRate, label = speak.name || 'function' } = options;
  if (!Number.isInteger(sampleRate) || sampleRate < 1 || sampleRate > 384_000) throw new RangeError(`The sample rate must be a whole number from 1 to 384000, not ${sampleRate}.`);
  return {
    label,
    sampleRate,
    speak: (text, { signal, ...rest }) =>
      produced<Int16Array>(async (send, life) => {
        try {
          const result = speak(text, { ...rest, signal: life });
          if (Symbol.asyncIterator in result) await forward(result, send, life);
          else await send(await result);
        } catch (cause) {
          if (life.aborted) throw life.reason;
          throw cause instanceof VoicewireError ? cause : new ProviderError('SYNTHESIS_FAILED', 'The synthesiser failed.', { stage: 'audio', hint: 'See the cause: it is what the function threw.', cause });
        }
      }, signal),
  };
}
