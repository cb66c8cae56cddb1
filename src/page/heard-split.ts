/** Speech of an ordinary pace, for as long as nobody knows how long the item's audio will be. */
const SAMPLES_PER_CHARACTER = 1_500;

export interface HeardSplit {
  readonly heard: string;
  readonly ahead: string;
}

/**
 * Divides a text where the listener is, on a word's border: the transcript of an item is there long before its sound. An estimate by
 * the share of the audio that has been played.
 */
export function splitAtHeard(text: string, heardSamples: number, totalSamples: number | undefined): HeardSplit {
  const total = Math.max(totalSamples ?? text.length * SAMPLES_PER_CHARACTER, 1);
  if (totalSamples !== undefined && heardSamples >= totalSamples) return { heard: text, ahead: '' };
  const reached = Math.floor((Math.min(heardSamples, total) / total) * text.length);
  if (reached === 0) return { heard: '', ahead: text };
  const border = text.indexOf(' ', reached);
  const cut = border === -1 ? text.length : border;
  return { heard: text.slice(0, cut), ahead: text.slice(cut) };
}
