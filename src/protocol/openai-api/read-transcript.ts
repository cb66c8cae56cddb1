import type { RecogniserEvent, TranscriptionUsage } from '../../../session/index.js';
import { readErrorInfo } from '../openai-realtime/wire-error.js';
import { isObject, objectOr, text, textOr } from '../openai-realtime/wire-fields.js';
import type { WireObject } from '../openai-realtime/wire-fields.js';
import { readTranscriptionUsage } from '../openai-realtime/wire-response.js';
import { StreamError } from './answer-reader.js';
import type { AnswerReader } from './answer-reader.js';

/**
 * Turns what `/audio/transcriptions` answers into the events of a recogniser. It is one JSON object, or one of three streams: OpenAI's own
 * (`transcript.text.delta`, `transcript.text.done`), vLLM's, which looks like that of chat completions, or that of servers around faster-whisper,
 * whose segments are each a `{ "text" }` and end with the stream.
 */
export class TranscriptReader implements AnswerReader<RecogniserEvent> {
  #text = '';
  /** Whether the stream has more to say before it may end. */
  #owesItsEnd = false;
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
      this.#owesItsEnd = true;
      return this.#partial(this.#text + text(message, 'delta'));
    }
    if (type === 'transcript.text.done') return this.#final(text(message, 'text'), readTranscriptionUsage(message['usage']));
    if (Array.isArray(message['choices'])) return this.#chunk(message['choices'].find(isObject));
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
  end(by: 'done' | 'eof'): RecogniserEvent[] {
    return this.#done || (this.#owesItsEnd && by === 'eof') ? [] : this.#final(this.#text, undefined);
  }

  /** A reason to finish stands at the end of every half minute of sound: the text is complete at `[DONE]`, or where the stream ends after one. */
  #chunk(choice: WireObject | undefined): RecogniserEvent[] {
    if (choice === undefined) return [];
    this.#owesItsEnd = typeof choice['finish_reason'] !== 'string';
    const delta = textOr(objectOr(choice, 'delta') ?? {}, 'content', '');
    return delta === '' ? [] : this.#partial(this.#text + delta);
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
