import { ProviderError, produced } from '../../../session/index.js';
import type { Synthesiser } from '../../../session/index.js';
import { HostError } from '../../host/errors.js';
import { OpenaiServer } from './openai-server.js';
import type { OpenaiServerOptions } from './openai-server.js';
import { SpokenBytes } from './spoken-bytes.js';

export interface OpenaiSynthesiserOptions extends OpenaiServerOptions {
  /** `gpt-4o-mini-tts`, `tts-1`, or what the server calls its own. */
  readonly model: string;
  /** `marin`, `alloy`, …, or a voice of the server. `speak` may name another. */
  readonly voice: string;
  /** How to speak, in words. Not known to `tts-1` and most other servers. */
  readonly instructions?: string;
  /** 0.25..4, default 1. */
  readonly speed?: number;
  /** What is asked for. `pcm` begins sooner; `wav` says its own rate. Either is understood whatever was asked for. Default `pcm`. */
  readonly format?: 'pcm' | 'wav';
  /** Of the samples that are given, and of the server's PCM, which does not say its rate. Sound of another rate is resampled. Default 24 000 Hz. */
  readonly sampleRate?: number;
  /** Further members of the request's body as the API spells them; they replace ours. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/**
 * A synthesiser of OpenAI or of a compatible server, over the `openai` package: samples come as their bytes arrive. A text without a letter or digit in it is
 * silence and no request. Throws `HostError` `USAGE` at once for options that cannot be meant.
 */
export function openaiSynthesiser(options: OpenaiSynthesiserOptions): Synthesiser {
  const server = new OpenaiServer(options);
  const { model, voice, instructions, speed, format = 'pcm', sampleRate = 24_000, body } = options;
  if (!Number.isInteger(sampleRate) || sampleRate < 1 || sampleRate > 384_000) throw new HostError('USAGE', `A sample rate is a whole number from 1 to 384000, not ${sampleRate}.`);
  if (speed !== undefined && !(speed >= 0.25 && speed <= 4)) throw new HostError('USAGE', `speed is a number from 0.25 to 4, not ${speed}.`);
  return {
    label: model,
    sampleRate,
    speak: (text, { voice: otherVoice, signal }) =>
      produced<Int16Array>(async (send, life) => {
        if (!/[\p{L}\p{N}]/u.test(text)) return;
        const wish = { model, voice: otherVoice ?? voice, input: text, response_format: format, ...(instructions === undefined ? {} : { instructions }), ...(speed === undefined ? {} : { speed }), ...body };
        const answer = await server.request(({ audio }) => audio.speech, wish, life);
        try {
          const sound = new SpokenBytes(answer, sampleRate);
          let sampleCount = 0;
          for (let bytes = await answer.read(); bytes !== undefined; bytes = await answer.read()) {
            const samples = sound.push(bytes);
            sampleCount += samples.length;
            if (samples.length > 0 && !(await send(samples))) return;
          }
          const rest = sound.flush();
          answer.finish();
          if (sampleCount + rest.length === 0) throw new ProviderError('SYNTHESIS_FAILED', `${answer.host} answered without sound.`, { stage: 'audio', retryable: true });
          if (rest.length > 0) await send(rest);
        } catch (error) {
          answer.stop(error);
          throw error;
        }
      }, signal),
  };
}
