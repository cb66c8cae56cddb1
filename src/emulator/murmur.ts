import { SPEECH_RATE } from './speech.js';

/** How long a letter takes to say. */
const MS_PER_LETTER = 60;
const MIN_MS = 300;
const MAX_MS = 60_000;

/**
 * What stands in for a voice where there is none: a soft hum in syllables, as long as the text would take to say, silent between words.
 * A voice detector takes it for speech, and a person does not. Always the same for the same text.
 */
export function murmur(text: string): Int16Array {
  const totalMs = Math.min(MAX_MS, Math.max(MIN_MS, text.length * MS_PER_LETTER));
  const samples = new Int16Array(Math.round((totalMs * SPEECH_RATE) / 1000));
  const perLetter = (MS_PER_LETTER * SPEECH_RATE) / 1000;
  let at = 0;
  for (const word of text.split(/\s+/u)) {
    // A syllable for every three letters, each on its own pitch.
    const syllables = Math.max(1, Math.round(word.length / 3));
    const length = Math.floor((word.length * perLetter) / syllables);
    for (let syllable = 0; syllable < syllables; syllable += 1) {
      hum(samples, at, length, 110 + (((word.codePointAt(syllable * 3) ?? 0) * 7) % 50));
      at += length;
    }
    at += perLetter;
  }
  return samples;
}

/** A pitch with its first harmonics below 1.2 kHz, faded in and out. */
function hum(samples: Int16Array, from: number, length: number, pitchHz: number): void {
  const start = Math.round(from);
  for (let index = 0; index < length && start + index < samples.length; index += 1) {
    const fade = Math.sin((Math.PI * index) / length);
    let value = 0;
    for (let harmonic = 1; harmonic <= 8; harmonic += 1) value += Math.sin((2 * Math.PI * pitchHz * harmonic * index) / SPEECH_RATE) / harmonic;
    samples[start + index] = Math.round(2_000 * fade * value);
  }
}
