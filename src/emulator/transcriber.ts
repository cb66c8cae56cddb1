import type { Transcript } from './brain.js';
import type { Conversation } from './conversation.js';
import type { Transcription } from './input-config.js';
import type { Machine } from './machine.js';
import { inputAudioTokens, textTokens } from './usage.js';

/** The transcript of a turn floats in while the answer runs: first words, then one delta each. */
const AFTER_MS = 150;
const STEP_MS = 15;
const PADDED_LENGTH = 16;

export interface TranscriptionJob {
  readonly itemId: string;
  readonly audioMs: number;
  readonly transcript: Transcript;
  readonly settings: Transcription;
  readonly logprobs: boolean;
}

/** Writes down what the user said, beside the answer: the events of a transcript as the chosen model sends them. */
export class Transcriber {
  readonly #machine: Machine;
  readonly #conversation: Conversation;

  constructor(machine: Machine, conversation: Conversation) {
    this.#machine = machine;
    this.#conversation = conversation;
  }

  transcribe(job: TranscriptionJob): void {
    const { transcript } = job;
    if ('failure' in transcript) {
      const error = { type: 'transcription_error', code: transcript.failure.code, message: transcript.failure.message, param: null };
      this.#machine.later(AFTER_MS, () => this.#machine.send({ type: 'conversation.item.input_audio_transcription.failed', item_id: job.itemId, content_index: 0, error }));
      return;
    }
    const text = transcript.text;
    // The oldest model says everything at once.
    const deltas = text === '' ? [] : job.settings.model === 'whisper-1' ? [text] : (text.match(/\s*\S+/gu) ?? []);
    this.#machine.later(AFTER_MS, () => this.#say(job, text, deltas, 0));
  }

  #say(job: TranscriptionJob, text: string, deltas: readonly string[], index: number): void {
    const entry = this.#conversation.find(job.itemId);
    if (entry?.item.type !== 'message') return;
    const place = { item_id: job.itemId, content_index: 0 };
    const delta = deltas[index];
    if (delta !== undefined) {
      const obfuscation = this.#machine.ids.letters(Math.max(0, PADDED_LENGTH - delta.length));
      const logprobs = job.logprobs ? { logprobs: [logprobOf(delta)] } : {};
      this.#machine.send({ type: 'conversation.item.input_audio_transcription.delta', ...place, delta, ...logprobs, obfuscation });
      this.#machine.later(STEP_MS, () => this.#say(job, text, deltas, index + 1));
      return;
    }
    entry.item = { ...entry.item, content: [{ type: 'input_audio', transcript: text }] };
    if (job.settings.model.endsWith('-diarize') && text !== '') {
      this.#machine.send({ type: 'conversation.item.input_audio_transcription.segment', ...place, text, id: `seg_${this.#machine.ids.letters(8)}`, speaker: 'A', start: 0, end: Number((job.audioMs / 1000).toFixed(2)) });
    }
    const logprobs = job.logprobs ? { logprobs: deltas.map(logprobOf) } : {};
    this.#machine.send({ type: 'conversation.item.input_audio_transcription.completed', ...place, transcript: text, ...logprobs, usage: usageOf(job.settings.model, text, job.audioMs) });
  }
}

/** The emulator is always sure. */
function logprobOf(token: string): unknown {
  return { token, logprob: 0, bytes: [...Buffer.from(token)] };
}

/** Transcription is billed apart from the conversation: by tokens, or by time. */
function usageOf(model: string, text: string, audioMs: number): unknown {
  if (!model.startsWith('gpt-4o')) return { type: 'duration', seconds: Math.ceil(audioMs / 1000) };
  const [input, output] = [inputAudioTokens(audioMs), textTokens(text)];
  return { type: 'tokens', total_tokens: input + output, input_tokens: input, input_token_details: { text_tokens: 0, audio_tokens: input }, output_tokens: output };
}
