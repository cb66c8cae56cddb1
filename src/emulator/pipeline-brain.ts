import { Resampler } from '../../audio/index.js';
import { Channel, SentenceSplitter, VoicewireError, errorText, produced, splitHeard } from '../../session/index.js';
import type { Send, Synthesiser, TextInputItem, TextModel, TextRequest, TextSettings } from '../../session/index.js';
import type { Brain, HeardTurn, Question, Transcript } from './brain.js';
import { textOf } from './conversation.js';
import type { ConversationEntry } from './conversation.js';
import type { PlanStep } from './plan.js';
import { speakAhead } from './speak-ahead.js';
import { SPEECH_RATE, spreadWords } from './speech.js';

export interface PipelineBrainOptions {
  /** What thinks. It gets the session's instructions and functions with each question. */
  readonly model: TextModel;
  readonly synthesiser: Synthesiser;
  readonly settings?: TextSettings;
}

/** A sentence of an answer and how long it sounds, as far as it was made. */
interface Said {
  readonly sentence: string;
  ms: number;
}

/** What was said and heard in the last so many items is remembered. */
const REMEMBERED_ITEMS = 200;
/** Sentences that the text model is ahead of the voice; it waits then. */
const MAX_SENTENCES = 16;
/** An answer ends by its end, or by its reader's leaving. */
const NEVER = new AbortController().signal;
/** What stands for the words of a turn that nobody understood. */
const INAUDIBLE = '[inaudible]';

/**
 * A brain made of a text model and a synthesiser: it thinks in text and speaks each sentence as soon as it stands. With a recogniser beside it, a
 * session of the realtime protocol comes of three models that know nothing of it.
 */
export class PipelineBrain implements Brain {
  readonly #options: PipelineBrainOptions;
  readonly #said = new Map<string, readonly Said[]>();
  /** Spoken turns: the conversation has their words only when the transcript has been sent. */
  readonly #heard = new Map<string, string>();

  constructor(options: PipelineBrainOptions) {
    this.#options = options;
  }

  hear({ itemId, recognised }: HeardTurn): Transcript {
    remember(this.#heard, itemId, recognised ?? INAUDIBLE);
    return recognised === undefined ? { failure: { code: 'not_understood', message: 'Nothing was understood.' } } : { text: recognised };
  }

  answer(question: Question): AsyncIterable<PlanStep> {
    return produced(async (send, life) => {
      try {
        await this.#think(question, send, life);
      } catch (error) {
        await send(failure(error));
      }
    }, NEVER);
  }

  async #think(question: Question, send: Send<PlanStep>, signal: AbortSignal): Promise<void> {
    const { model, settings } = this.#options;
    const spoken = question.modality === 'audio';
    const splitter = new SentenceSplitter();
    const sentences = new Channel<string>({ capacity: MAX_SENTENCES, whenFull: 'wait' });
    const speaking = spoken ? this.#speak(sentences, send, signal) : write(sentences, send);
    // Told by whoever waits for it, at the end.
    speaking.catch(() => void sentences.return());
    let end: PlanStep | undefined;
    const calls: PlanStep[] = [];
    for await (const event of model.respond(this.#request(question, settings), { signal })) {
      if (event.type === 'text_delta') {
        // Where nobody speaks them any more, why not is told.
        for (const sentence of splitter.push(event.delta)) if (!(await sentences.send(sentence))) return speaking;
      } else if (event.type === 'response_done') {
        for (const item of event.output) if (item.type === 'function_call') calls.push({ kind: 'call', name: item.name, arguments: item.arguments });
        if (event.status === 'failed') end = { kind: 'fail', code: event.error?.code ?? 'server_error', message: event.error?.message ?? 'The text model failed.', errorType: event.error?.kind ?? 'server_error' };
        else if (event.status === 'incomplete') end = { kind: 'stop', reason: event.reason === 'content_filter' ? 'content_filter' : 'max_output_tokens' };
      }
    }
    for (const sentence of splitter.end()) await sentences.send(sentence);
    sentences.close();
    await speaking;
    for (const step of [...calls, ...(end === undefined ? [] : [end])]) await send(step);
  }

  async #speak(sentences: AsyncIterable<string>, send: Send<PlanStep>, signal: AbortSignal): Promise<void> {
    const { synthesiser } = this.#options;
    const said: Said[] = [];
    let resampler: Resampler | undefined;
    for await (const { sentence, first, samples } of speakAhead(sentences, synthesiser, signal)) {
      if (first && synthesiser.sampleRate !== SPEECH_RATE) resampler = new Resampler(synthesiser.sampleRate, SPEECH_RATE);
      const sound = resampler?.push(samples) ?? samples;
      const ms = (sound.length * 1_000) / SPEECH_RATE;
      if (first) said.push({ sentence, ms: 0 });
      (said.at(-1) as Said).ms += ms;
      const words = first ? spreadWords(sentence, 0, ms) : [];
      await send({ kind: 'message', parts: [{ text: first ? sentence.trim() : '' }], speech: { samples: sound, words }, more: true, onItem: (itemId) => remember(this.#said, itemId, said) });
    }
  }

  #request({ entries, instructions, tools, toolChoice }: Question, settings: TextSettings = {}): TextRequest {
    const input = entries.flatMap((entry) => this.#inputOf(entry));
    return { ...(instructions === '' ? {} : { instructions }), input, tools, settings: toolChoice === 'auto' ? settings : { ...settings, toolChoice } };
  }

  #inputOf(entry: ConversationEntry): TextInputItem[] {
    const { item } = entry;
    switch (item.type) {
      case 'message': {
        const text = textOf(item);
        if (item.role === 'user') return [{ type: 'message', role: 'user', text: text === '' ? (this.#heard.get(item.id) ?? INAUDIBLE) : text }];
        // An item that was cut has lost its transcript: it is told as far as it was heard.
        const heard = text === '' ? heardOf(this.#said.get(item.id) ?? [], entry.audioMs) : text;
        return heard === '' ? [] : [{ type: 'message', role: item.role, text: heard }];
      }
      case 'function_call':
        return [{ type: 'function_call', callId: item.call_id, name: item.name, arguments: item.arguments }];
      case 'function_call_output':
        return [{ type: 'function_call_output', callId: item.call_id, output: item.output }];
      default:
        return [];
    }
  }
}

function remember<Value>(items: Map<string, Value>, itemId: string, value: Value): void {
  items.set(itemId, value);
  for (const oldest of items.keys()) if (items.size > REMEMBERED_ITEMS) items.delete(oldest);
}

async function write(sentences: AsyncIterable<string>, send: Send<PlanStep>): Promise<void> {
  for await (const sentence of sentences) await send({ kind: 'message', parts: [{ text: sentence.trim() }], more: true });
}

function heardOf(said: readonly Said[], heardMs: number): string {
  let text = '';
  let leftMs = heardMs;
  for (const { sentence, ms } of said) {
    text += splitHeard(sentence, leftMs, { receivedMs: ms, complete: true }).heard + (leftMs >= ms ? ' ' : '');
    leftMs -= ms;
    if (leftMs <= 0) break;
  }
  return text.replace(/\s+/gu, ' ').trim();
}

/** What went wrong, for the one who asked; a response fails of it, the session goes on. */
function failure(error: unknown): PlanStep {
  return { kind: 'fail', code: error instanceof VoicewireError ? error.code.toLowerCase() : 'server_error', message: errorText(error), errorType: 'server_error' };
}
