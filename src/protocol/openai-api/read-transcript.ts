import type { RecogniserEvent, TranscriptionUsage } from '../../../session/index.js';
import { readErrorInfo } from '../openai-realtime/wire-error.js';
import { isObject, text, textOr } from '../openai-realtime/wire-fields.js';
import { readTranscriptionUsage } from '../openai-realtime/wire-response.js';
import { StreamError } from './answer-reader.js';
import type { AnswerReader } from './answer-reader.js';

/**
 * Turns what `/audio/transcriptions` answers into the events of a recogniser: one JSON object, the events of OpenAI's stream
 * (`transcript.text.delta`, `transcript.text.done`), or a stream of segments, each `{ "text" }`, which ends with the stream.
 */
export class TranscriptReader implements AnswerReader<RecogniserEvent> {
  #text = '';
  #hasDeltas = false;
  #done = false;

  get done(): boolean {
    return this.#done;
  }

  /** Throws `BadField` for a known event without its text, `StreamError` for one that says that the stream failed. */
  read(message: unknown, name: string): RecogniserEvent[] {
    if (this.#done || !isObject(message)) return [];
    const type = textOr(message, 'type', name);
    const { error } = message;
    if (type === 'error' || isObject(error) || typeof error === 'string') throw new StreamError(readErrorInfo(isObject(error) || typeof error === 'string' ? error : message));
    if (type === 'transcript.text.delta') {
      this.#hasDeltas = true;
      return this.#partial(this.#text + text(message, 'delta'));
    }
    if (type === 'transcript.text.done') return this.#final(text(message, 'text'), readTranscriptionUsage(message['usage']));
    if (type.startsWith('transcript.') || typeof message['text'] !== 'string') return [];
    const between = this.#text === '' || /\s$/.test(this.#text) || /^\s/.test(message['text']) ? '' : ' ';
    return this.#partial(this.#text + between + message['text']);
  }

  readWhole(message: unknown): RecogniserEvent[] {
    if (!isObject(message)) return [];
    const { error } = message;
    if (isObject(error) || typeof error === 'string') throw new StreamError(readErrorInfo(error));
    return typeof message['text'] === 'string' ? this.#final(message['text'], readTranscriptionUsage(message['usage'])) : [];
  }

  /** A stream of deltas says itself when it is complete; one of segments, or without any since nothing was said, just ends. */
  end(): RecogniserEvent[] {
    return this.#done || this.#hasDeltas ? [] : this.#final(this.#text, undefined);
  }

  #partial(whole: string): RecogniserEvent[] {
    this.#text = whole;
    return [{ type: 'partial', text: whole.trimStart() }];
  }

  #final(whole: string, usage: TranscriptionUsage | undefined): RecogniserEvent[] {
    this.#done = true;
    return [{ type: 'final', text: whole.trim(), ...(usage === undefined ? {} : { usage }) }];
  }
}
