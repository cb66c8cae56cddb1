import { encodeWav } from '../../../audio/index.js';
import { produced, recogniserOf } from '../../../session/index.js';
import type { Recogniser, RecogniserEvent } from '../../../session/index.js';
import { TranscriptReader } from '../../protocol/openai-api/read-transcript.js';
import { OpenaiServer } from './openai-server.js';
import type { OpenaiServerOptions } from './openai-server.js';
import { relayAnswer } from './relay-answer.js';

/** OpenAI refuses anything shorter ("Minimum audio length is 0.1 seconds"), and there is no word in it. */
const SHORTEST_MS = 100;

export interface OpenaiRecogniserOptions extends OpenaiServerOptions {
  /** `gpt-4o-mini-transcribe`, `gpt-4o-transcribe`, `whisper-1`, or what the server calls its own. */
  readonly model: string;
  /** ISO 639-1, `en` say. Default: the model finds out. */
  readonly language?: string;
  /** Words that are likely to occur, as a text in the language. */
  readonly prompt?: string;
  /** Asks for the text as it grows; servers that cannot give it in one piece, which is understood as well. Default true. */
  readonly stream?: boolean;
  /** The longest turn that is sent; a longer one fails with `TRANSCRIPTION_FAILED`. Default 120 000. OpenAI takes 25 MB: 13 minutes at 16 kHz. */
  readonly maxTurnMs?: number;
  /** Further fields of the request as the API spells them; they replace ours. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/**
 * A recogniser of OpenAI or of a compatible server, over the `openai` package: a turn is sent as a WAV file when it has ended. A turn without sound, or
 * with less than 100 ms of it, is an empty text and no request.
 */
export function openaiRecogniser(options: OpenaiRecogniserOptions): Recogniser {
  const server = new OpenaiServer(options);
  const { model, language, prompt, stream = true, maxTurnMs, body } = options;
  return recogniserOf(
    (samples, { sampleRate, signal }) => {
      if (samples.length * 1000 < SHORTEST_MS * sampleRate) return '';
      return produced<RecogniserEvent>(async (send, life) => {
        const file = new File([encodeWav(samples, { sampleRate, channels: 1 }) as Uint8Array<ArrayBuffer>], 'turn.wav', { type: 'audio/wav' });
        const fields = { file, model, response_format: 'json', ...(stream ? { stream } : {}), ...(language === undefined ? {} : { language }), ...(prompt === undefined ? {} : { prompt }), ...body };
        await relayAnswer(await server.request(({ audio }) => audio.transcriptions, fields, life), new TranscriptReader(), send);
      }, signal);
    },
    { label: model, ...(maxTurnMs === undefined ? {} : { maxTurnMs }) },
  );
}
