/**
 * A transcript runs ahead of its audio and carries no times, so which words were heard is an estimate: the text is laid evenly over the audio.
 * While more is still being generated, the audio that will come is not known; then the text is taken to last as long as it would at a
 * usual pace of speech, when that is longer than the audio so far.
 */
const MS_PER_CHARACTER = 62;

/** Splits `text` at the last word that had begun to be heard. The two parts together are the text. */
export function splitHeard(text: string, heardMs: number, audio: { readonly receivedMs: number; readonly complete: boolean }): { heard: string; unheard: string } {
  if (heardMs <= 0 || text === '') return { heard: '', unheard: text };
  if (audio.complete && heardMs >= audio.receivedMs) return { heard: text, unheard: '' };
  const wholeMs = audio.complete ? audio.receivedMs : Math.max(audio.receivedMs, text.length * MS_PER_CHARACTER);
  const position = Math.floor((text.length * Math.min(heardMs, wholeMs)) / wholeMs);
  if (position >= text.length) return { heard: text, unheard: '' };
  // A word that was cut counts as heard when more than half of it was: the listener usually understands it.
  const start = text.lastIndexOf(' ', position) + 1;
  const next = text.indexOf(' ', position);
  const end = next === -1 ? text.length : next;
  const at = position - start > (end - start) / 2 ? end : start;
  return { heard: text.slice(0, at).trimEnd(), unheard: text.slice(text.slice(0, at).trimEnd().length) };
}
