import { EnergyVad, Pcm16Assembler, decodeAlaw, decodeMulaw } from '../../audio/index.js';
import { KeptSound } from './kept-sound.js';
import type { HeardAudio } from './speech.js';
import { Refusal } from './wire.js';
import type { WireFormat } from './wire.js';
import type { WireTurnDetection } from './turn-detection.js';

/** What the user's audio did, in ms of audio written since the session began. */
export type TurnSign =
  | { readonly type: 'speech_started'; readonly audioStartMs: number }
  | { readonly type: 'speech_stopped'; readonly audioEndMs: number };

/** A committed turn; of a long one the last minute is kept as sound. */
export interface CommittedAudio {
  readonly ms: number;
  readonly audio: HeardAudio;
}

/** Nothing shorter can be committed. */
const MIN_COMMIT_MS = 100;
/** How much of a turn is kept for a recogniser, for saying it back, and for those who retrieve it: older sound of a longer turn is let go. */
const KEEP_MS = 60_000;
/** What is kept while nobody speaks: beyond the padding, the time in which speech shows itself. */
const KEEP_IDLE_MS = 500;
/** Silence after which a turn is over for `semantic_vad`, by its eagerness. The emulator understands nothing: it only waits longer. */
const SEMANTIC_SILENCE_MS = { high: 400, auto: 700, medium: 700, low: 1_200 } as const;
/** 100 ms of speech before it counts: a slammed door must not interrupt (five frames of 20 ms). */
const START_FRAMES = 5;

/**
 * The user's audio on its own clock: not the time of day but the audio written so far tells where speech started and ended, so a client may
 * send faster than real time. Bytes need not come in whole samples.
 */
export class InputBuffer {
  #format: WireFormat = { type: 'audio/pcm', rate: 24000 };
  #detection: WireTurnDetection | null = null;
  #assembler = new Pcm16Assembler();
  #vad: EnergyVad | undefined;
  /** Where the samples of the present format begin, and how many came since. */
  #baseMs = 0;
  #samples = 0;
  /** Where the uncommitted audio begins. */
  #startMs = 0;
  #speakingSinceMs: number | undefined;
  readonly #kept = new KeptSound();

  get writtenMs(): number {
    return this.#baseMs + (this.#samples * 1000) / this.#sampleRate;
  }

  get bufferedMs(): number {
    return this.writtenMs - this.#startMs;
  }

  get speaking(): boolean {
    return this.#speakingSinceMs !== undefined;
  }

  /** Takes over a changed format or detection; detection starts anew then. */
  configure(format: WireFormat, detection: WireTurnDetection | null): void {
    const sameFormat = JSON.stringify(format) === JSON.stringify(this.#format);
    if (sameFormat && JSON.stringify(detection) === JSON.stringify(this.#detection)) return;
    this.#baseMs = this.writtenMs;
    this.#samples = 0;
    this.#format = format;
    this.#detection = detection;
    if (!sameFormat) {
      this.#assembler = new Pcm16Assembler();
      this.#forget();
    }
    this.#restartVad();
  }

  /** Takes bytes in the input format and calls `onSign` for what they show, each at the moment of the audio's clock when it shows. */
  append(bytes: Uint8Array, onSign: (sign: TurnSign) => void): void {
    const samples = this.#decode(bytes);
    // In pieces of 20 ms, so that a sign is acted upon before the sound after it arrives, however much one message holds.
    const piece = this.#sampleRate / 50;
    for (let from = 0; from < samples.length; from += piece) {
      const part = samples.subarray(from, from + piece);
      this.#samples += part.length;
      this.#keep(part);
      const vad = this.#vad;
      if (vad === undefined) continue;
      const baseMs = this.#baseMs;
      for (const transition of vad.push(part)) {
        if (vad !== this.#vad) break;
        const toMs = (sample: number): number => baseMs + (sample * 1000) / this.#sampleRate;
        if (transition.type === 'start') this.#start(toMs(transition.sample), onSign);
        else this.#stop(toMs(transition.decidedAt), onSign);
      }
    }
  }

  /** Takes what is buffered as a turn. Throws a {@link Refusal} when it is shorter than 100 ms. */
  commit(): CommittedAudio {
    const ms = this.bufferedMs;
    if (ms < MIN_COMMIT_MS) {
      throw new Refusal('input_audio_buffer_commit_empty', `The input audio buffer holds ${ms.toFixed(2)}ms of audio; a commit needs at least ${MIN_COMMIT_MS}ms.`);
    }
    return this.#take();
  }

  clear(): void {
    this.#forget();
    this.#restartVad();
  }

  get #sampleRate(): number {
    return this.#format.type === 'audio/pcm' ? 24_000 : 8_000;
  }

  get #paddingMs(): number {
    return this.#detection?.type === 'server_vad' ? this.#detection.prefix_padding_ms : 300;
  }

  #decode(bytes: Uint8Array): Int16Array {
    switch (this.#format.type) {
      case 'audio/pcm':
        return this.#assembler.push(bytes);
      case 'audio/pcmu':
        return decodeMulaw(bytes);
      case 'audio/pcma':
        return decodeAlaw(bytes);
    }
  }

  #restartVad(): void {
    this.#speakingSinceMs = undefined;
    this.#baseMs = this.writtenMs;
    this.#samples = 0;
    const detection = this.#detection;
    if (detection === null) {
      this.#vad = undefined;
      return;
    }
    const hangMs = detection.type === 'server_vad' ? Math.max(20, detection.silence_duration_ms) : SEMANTIC_SILENCE_MS[detection.eagerness];
    const threshold = detection.type === 'server_vad' ? detection.threshold : 0.5;
    this.#vad = new EnergyVad({ sampleRate: this.#sampleRate, startFrames: START_FRAMES, hangMs, minimumDb: levelOf(threshold) });
  }

  #start(atMs: number, onSign: (sign: TurnSign) => void): void {
    const startMs = Math.max(this.#startMs, atMs - this.#paddingMs);
    this.#kept.keepNewest(Math.round(((this.writtenMs - startMs) * this.#sampleRate) / 1000));
    this.#startMs = startMs;
    this.#speakingSinceMs = atMs;
    onSign({ type: 'speech_started', audioStartMs: Math.round(startMs) });
  }

  #stop(atMs: number, onSign: (sign: TurnSign) => void): void {
    if (this.#speakingSinceMs === undefined) return;
    this.#speakingSinceMs = undefined;
    onSign({ type: 'speech_stopped', audioEndMs: Math.round(atMs) });
  }

  #take(): CommittedAudio {
    const committed = { ms: this.bufferedMs, audio: { samples: this.#kept.take(), sampleRate: this.#sampleRate } };
    this.#forget();
    this.#speakingSinceMs = undefined;
    return committed;
  }

  #forget(): void {
    this.#startMs = this.writtenMs;
    this.#kept.clear();
  }

  #keep(part: Int16Array): void {
    const waiting = this.#vad !== undefined && this.#speakingSinceMs === undefined;
    this.#kept.push(part, ((waiting ? this.#paddingMs + KEEP_IDLE_MS : KEEP_MS) * this.#sampleRate) / 1000);
  }
}

/** The protocol's 0..1 as the level below which nothing is speech: 0.5 is -50 dBFS, 0 is -70, 1 is -30. */
function levelOf(threshold: number): number {
  return -70 + 40 * threshold;
}
