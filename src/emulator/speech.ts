import { encodeAlaw, encodeMulaw, resampleWhole, samplesToPcm16 } from '../../audio/index.js';
import type { WireFormat } from './wire.js';

/** A word and where in the sound it is spoken. */
export interface SpokenWord {
  readonly text: string;
  /** From the start of the speech. */
  readonly startMs: number;
}

/** Something said: PCM16, mono, 24 kHz, and where its words are (an estimate). */
export interface Speech {
  readonly samples: Int16Array;
  readonly words: readonly SpokenWord[];
}

/** The sound of a user's turn: PCM16 mono; the last minute of a longer one. */
export interface HeardAudio {
  readonly samples: Int16Array;
  readonly sampleRate: number;
}

/** Turns text into speech. `speak` never rejects for a text that it cannot say well: it gives the best that it has. */
export interface Voice {
  speak(text: string): Promise<Speech>;
}

export const SPEECH_RATE = 24_000;

/** Spreads the words of a text over its sound by their length in letters: good enough to let a transcript run with its audio. */
export function spreadWords(text: string, fromMs: number, durationMs: number): SpokenWord[] {
  const words = text.split(/\s+/u).filter((word) => word !== '');
  const letters = words.reduce((sum, word) => sum + word.length + 1, 0);
  let before = 0;
  return words.map((word) => {
    const startMs = fromMs + (durationMs * before) / Math.max(1, letters);
    before += word.length + 1;
    return { text: word, startMs };
  });
}

/** Joins speeches, one after the other. */
export function joinSpeech(parts: readonly Speech[]): Speech {
  const samples = new Int16Array(parts.reduce((sum, part) => sum + part.samples.length, 0));
  const words: SpokenWord[] = [];
  let at = 0;
  for (const part of parts) {
    samples.set(part.samples, at);
    const fromMs = (at * 1000) / SPEECH_RATE;
    for (const word of part.words) words.push({ text: word.text, startMs: word.startMs + fromMs });
    at += part.samples.length;
  }
  return { samples, words };
}

/** Sound without words. */
export function silence(durationMs: number): Speech {
  return { samples: new Int16Array(Math.round((durationMs * SPEECH_RATE) / 1000)), words: [] };
}

/** Writes speech in the session's output format. */
export function encodeSpeech(samples: Int16Array, format: WireFormat): Uint8Array {
  switch (format.type) {
    case 'audio/pcm':
      return samplesToPcm16(samples);
    case 'audio/pcmu':
      return encodeMulaw(resampleWhole(samples, SPEECH_RATE, 8_000));
    case 'audio/pcma':
      return encodeAlaw(resampleWhole(samples, SPEECH_RATE, 8_000));
  }
}

export function bytesPerMs(format: WireFormat): number {
  return format.type === 'audio/pcm' ? 48 : 8;
}

/** What stands for the words of a turn that nobody understood. */
export function unknownSpeech(durationMs: number): string {
  return `(${(durationMs / 1000).toFixed(1)} s of speech)`;
}
