import { EncodedSpeech } from './encoded-speech.js';
import type { Speech } from './speech.js';
import type { WireFormat } from './wire.js';

/** One delta of a response and when it is due, in ms from the moment that the output began. */
export type DeliveryStep =
  | { readonly atMs: number; readonly kind: 'text'; readonly delta: string }
  | { readonly atMs: number; readonly kind: 'audio'; readonly bytes: Uint8Array; readonly ms: number; /** The bytes as they travel; made once, however many hear them. */ readonly base64: () => string };

/** Length of an audio delta. The last one takes what would be shorter than {@link MIN_PIECE_MS} with it: 100..300 ms each. */
const PIECE_MS = 200;
const MIN_PIECE_MS = 100;
/** From the first words to the first sound: the transcript runs ahead of the audio. */
const FIRST_AUDIO_MS = 40;
/** How far ahead it runs after that, in ms of sound, and how many words come before the first sound. */
const WORDS_AHEAD_MS = 600;
const WORDS_FIRST = 4;
/** Between two deltas of a written answer, or of a call's arguments. */
const TEXT_STEP_MS = 12;

/** The deltas of a spoken answer, `pace` times faster than it sounds. Its first sound comes `firstAudioMs` after its first words. */
export function deliverSpeech(speech: Speech, format: WireFormat, pace: number, firstAudioMs = FIRST_AUDIO_MS): DeliveryStep[] {
  const encoded = EncodedSpeech.of(speech, format);
  const totalMs = encoded.durationMs;
  const steps: DeliveryStep[] = [];
  let word = 0;
  for (let fromMs = 0; fromMs < totalMs; ) {
    const toMs = totalMs - (fromMs + PIECE_MS) < MIN_PIECE_MS ? totalMs : fromMs + PIECE_MS;
    const atMs = firstAudioMs + fromMs / pace;
    for (; word < speech.words.length; word += 1) {
      const next = speech.words[word] as Speech['words'][number];
      if (word >= WORDS_FIRST && next.startMs > toMs + WORDS_AHEAD_MS) break;
      steps.push({ atMs: word < WORDS_FIRST ? 0 : atMs, kind: 'text', delta: word === 0 ? next.text : ` ${next.text}` });
    }
    steps.push({ atMs, kind: 'audio', ...encoded.piece(fromMs, toMs), ms: toMs - fromMs });
    fromMs = toMs;
  }
  for (; word < speech.words.length; word += 1) {
    steps.push({ atMs: firstAudioMs + totalMs / pace, kind: 'text', delta: word === 0 ? (speech.words[0] as { text: string }).text : ` ${(speech.words[word] as { text: string }).text}` });
  }
  return steps;
}

/** The deltas of a written answer. */
export function deliverText(text: string): DeliveryStep[] {
  return (text.match(/\s*\S+/gu) ?? []).map((delta, index) => ({ atMs: index * TEXT_STEP_MS, kind: 'text', delta }));
}

/** The deltas of a call's arguments: a few characters each, never half a character. */
export function deliverArguments(json: string): DeliveryStep[] {
  return (json.match(/.{1,6}/gsu) ?? []).map((delta, index) => ({ atMs: index * TEXT_STEP_MS, kind: 'text', delta }));
}
