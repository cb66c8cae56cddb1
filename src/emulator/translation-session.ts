import type { Brain } from './brain.js';
import { bytesAt, objectAt, oneOf, required, stringAt } from './checks.js';
import type { ConversationEntry } from './conversation.js';
import type { DrivenSession } from './driven-session.js';
import type { EmulatorEffect } from './effect.js';
import { IdSource } from './ids.js';
import { PCM } from './input-config.js';
import { InputBuffer } from './input-buffer.js';
import type { CommittedAudio, TurnSign } from './input-buffer.js';
import { Machine } from './machine.js';
import { wordsOf } from './plan.js';
import type { PlanStep } from './plan.js';
import { encodeSpeech } from './speech.js';
import type { Speech } from './speech.js';
import { DEFAULT_TRANSLATION, updatedTranslation } from './translation-config.js';
import type { TranslationConfig } from './translation-config.js';
import { SERVER_VAD } from './turn-detection.js';
import { Refusal, errorEvent } from './wire.js';
import type { JsonObject } from './wire.js';

export interface TranslationSessionOptions {
  readonly brain: Brain;
  readonly model: string;
  readonly config?: TranslationConfig;
  readonly sessionLimitMs: number;
  readonly recognises: boolean;
  readonly seed: number;
  readonly unixSeconds: number;
  readonly nowMs: number;
}

const CLIENT_EVENTS = ['session.update', 'session.input_audio_buffer.append', 'session.close'] as const;
/** Translated sound comes in frames of this length, as it is spoken. */
const FRAME_MS = 200;
const FRAME_BYTES = FRAME_MS * 48;
const SAMPLE_RATE = 24_000;

/**
 * A session that translates what it hears, without turns and responses: there is one stream in and one out. The emulator knows no languages: what the
 * brain would answer to a sentence counts as its translation.
 */
export class TranslationSession implements DrivenSession {
  readonly #options: TranslationSessionOptions;
  readonly #machine: Machine;
  readonly #id: string;
  readonly #input = new InputBuffer();
  readonly #recognising = new Map<string, CommittedAudio>();
  #config: TranslationConfig;
  #sentences = 0;
  /** Sentences that are on their way out. */
  readonly #open = new Set<string>();
  readonly #words = new Map<string, string>();
  /** Sound goes out in one stream: until when it is spoken for. */
  #speaksUntilMs = 0;
  #closing = false;

  constructor(options: TranslationSessionOptions) {
    this.#options = options;
    this.#config = options.config ?? DEFAULT_TRANSLATION;
    this.#machine = new Machine(new IdSource(options.seed, options.unixSeconds), options.nowMs);
    this.#id = this.#machine.ids.next('sess');
    this.#input.configure(PCM, SERVER_VAD);
  }

  get nextWakeMs(): number | undefined {
    return this.#machine.closed ? undefined : this.#machine.nextTask?.atMs;
  }

  open(): EmulatorEffect[] {
    return this.#machine.collect(this.#machine.nowMs, () => {
      this.#sendSession('session.created');
      this.#machine.later(this.#options.sessionLimitMs, () => this.#expire());
    });
  }

  expire(nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => this.#expire());
  }

  receive(message: string, nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => {
      let event: unknown;
      try {
        event = JSON.parse(message);
      } catch {
        return this.#machine.send(errorEvent('invalid_json', 'The message is not JSON.'));
      }
      const id = typeof event === 'object' && event !== null ? (event as JsonObject)['event_id'] : undefined;
      return this.#machine.guard(() => this.#handle(objectAt(event, 'event')), typeof id === 'string' ? id.slice(0, 512) : null);
    });
  }

  receiveBinary(nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => this.#machine.send(errorEvent('invalid_event', 'A binary message; the protocol has text messages only.')));
  }

  spoken(sentence: string, _part: number, speech: Speech | undefined, nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => this.#say(sentence, speech));
  }

  recognised(sentence: string, text: string | undefined, nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => {
      const audio = this.#recognising.get(sentence);
      this.#recognising.delete(sentence);
      if (audio !== undefined) this.#translate(sentence, audio, text);
    });
  }

  thought(sentence: string, step: PlanStep, nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => this.#gather(sentence, [step]));
  }

  thoughtAll(sentence: string, failed: boolean, nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => (failed ? this.#finish(sentence) : this.#speak(sentence)));
  }

  wake(nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => {
      for (let task = this.#machine.nextTask; task !== undefined && task.atMs <= nowMs; task = this.#machine.nextTask) {
        this.#machine.cancel(task);
        task.run();
      }
    });
  }

  #handle(event: JsonObject): void {
    if (event['event_id'] !== undefined) stringAt(event['event_id'], 'event_id', 512);
    if (typeof event['type'] !== 'string') throw new Refusal('invalid_event', "The 'type' field is missing.", 'type');
    switch (oneOf(event['type'], 'type', CLIENT_EVENTS)) {
      case 'session.update':
        this.#config = updatedTranslation(this.#config, required(event, 'session', ''));
        return this.#sendSession('session.updated');
      case 'session.input_audio_buffer.append':
        if (!this.#closing) this.#input.append(bytesAt(required(event, 'audio', ''), 'audio'), this.#onSign);
        return;
      case 'session.close':
        if (this.#input.speaking) this.#hear();
        this.#closing = true;
        return this.#closeWhenDone();
    }
  }

  readonly #onSign = (sign: TurnSign): void => {
    if (sign.type === 'speech_stopped') this.#hear();
  };

  #hear(): void {
    const audio = this.#input.commit();
    this.#sentences += 1;
    const sentence = `sentence_${this.#sentences}`;
    this.#open.add(sentence);
    if (!this.#options.recognises) return this.#translate(sentence, audio, undefined);
    this.#recognising.set(sentence, audio);
    this.#machine.effect({ type: 'recognise', itemId: sentence, audio: audio.audio });
  }

  #translate(sentence: string, { ms, audio }: CommittedAudio, recognised: string | undefined): void {
    const { brain } = this.#options;
    const transcript = brain.hear({ itemId: sentence, durationMs: ms, audio, recognised });
    const text = 'text' in transcript ? transcript.text : '';
    if (this.#config.input.transcription !== null) for (const delta of text.match(/\s*\S+/gu) ?? []) this.#machine.send({ type: 'session.input_transcript.delta', delta, elapsed_ms: this.#elapsedMs() });
    const entry: ConversationEntry = { item: { id: sentence, type: 'message', status: 'completed', role: 'user', content: [{ type: 'input_audio', transcript: text }] }, audioMs: ms, byModel: false };
    const answer = brain.answer({ entries: [entry], instructions: '', modality: 'audio', tools: [], toolChoice: 'none', canCall: () => false, notice: () => {} });
    if (Symbol.asyncIterator in answer) return this.#machine.effect({ type: 'think', responseId: sentence, steps: answer });
    this.#gather(sentence, answer);
    this.#speak(sentence);
  }

  /** Of what a brain does only its words can be a translation. */
  #gather(sentence: string, steps: readonly PlanStep[]): void {
    const words = steps.flatMap((step) => (step.kind === 'message' ? [wordsOf(step.parts)] : []));
    this.#words.set(sentence, [this.#words.get(sentence) ?? '', ...words].join(' ').trim());
  }

  #speak(sentence: string): void {
    const text = this.#words.get(sentence) ?? '';
    if (text === '') return this.#finish(sentence);
    this.#machine.effect({ type: 'speak', responseId: sentence, part: 0, text });
  }

  /** In real time: each frame when it is spoken, words with the frame in which they begin. */
  #say(sentence: string, speech: Speech | undefined): void {
    if (speech === undefined) {
      this.#machine.send(errorEvent('server_error', 'The emulator has no voice for this translation.', null, null, 'server_error'));
      return this.#finish(sentence);
    }
    const bytes = encodeSpeech(speech.samples, PCM);
    const startMs = Math.max(this.#machine.nowMs, this.#speaksUntilMs);
    const frames = Math.max(1, Math.ceil(bytes.length / FRAME_BYTES));
    this.#speaksUntilMs = startMs + frames * FRAME_MS;
    for (let frame = 0; frame < frames; frame += 1) {
      this.#machine.later(startMs - this.#machine.nowMs + frame * FRAME_MS, () => {
        for (const word of speech.words.filter(({ startMs: atMs }) => Math.floor(atMs / FRAME_MS) === frame)) {
          this.#machine.send({ type: 'session.output_transcript.delta', delta: word === speech.words[0] ? word.text : ` ${word.text}`, elapsed_ms: this.#elapsedMs() });
        }
        const piece = bytes.subarray(frame * FRAME_BYTES, (frame + 1) * FRAME_BYTES);
        this.#machine.send({ type: 'session.output_audio.delta', delta: Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('base64'), sample_rate: SAMPLE_RATE, channels: 1, format: 'pcm16', elapsed_ms: this.#elapsedMs() });
        if (frame === frames - 1) this.#finish(sentence);
      });
    }
  }

  #finish(sentence: string): void {
    this.#open.delete(sentence);
    this.#words.delete(sentence);
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (!this.#closing || this.#open.size > 0) return;
    this.#machine.send({ type: 'session.closed' });
    this.#machine.close(1000, 'the session was closed');
  }

  #expire(): void {
    const text = `Your session hit the maximum duration of ${Number((this.#options.sessionLimitMs / 60_000).toFixed(2))} minutes.`;
    this.#machine.send(errorEvent('session_expired', text));
    this.#machine.close(1001, text);
  }

  /** How much was heard, in whole frames. */
  #elapsedMs(): number {
    return Math.floor(this.#input.writtenMs / FRAME_MS) * FRAME_MS;
  }

  #sendSession(type: 'session.created' | 'session.updated'): void {
    const { model, unixSeconds, sessionLimitMs } = this.#options;
    this.#machine.send({ type, session: translationResource(this.#id, model, Math.floor(unixSeconds + sessionLimitMs / 1000), this.#config) });
  }
}

export function translationResource(id: string, model: string, expiresAt: number, config: TranslationConfig): unknown {
  return { type: 'translation', id, model, expires_at: expiresAt, audio: config };
}
