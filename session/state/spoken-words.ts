/** A transcriber writes down some words of an echo wrongly. */
const ECHOED_SHARE = 0.75;

/** The words of a transcript in one spelling: no case, no punctuation. Apostrophes stay within a word. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().replaceAll('’', "'").match(/[\p{L}\p{N}]+(?:'[\p{L}\p{N}]+)*/gu) ?? [];
}

/** Whether one of the phrases stands in the words. */
export function holdsPhrase(words: readonly string[], phrases: readonly string[]): boolean {
  return phrases.some((phrase) => {
    const wanted = wordsOf(phrase);
    return wanted.length > 0 && words.some((_word, at) => wanted.every((each, index) => words[at + index] === each));
  });
}

/** Whether nearly all of the words are among those that the agent says itself: its echo, written down. */
export function echoes(words: readonly string[], agentWords: readonly string[]): boolean {
  const said = new Set(agentWords);
  return words.filter((word) => said.has(word)).length >= words.length * ECHOED_SHARE;
}

/** Whether the words are nothing but those phrases, one after the other. Of no words at all that is true as well. */
export function onlyPhrases(words: readonly string[], phrases: readonly string[]): boolean {
  const known = phrases.map(wordsOf).filter((phrase) => phrase.length > 0);
  // Which beginnings of the words can be made of phrases; a longer phrase may begin with a shorter one.
  const reachable = new Set([0]);
  for (let at = 0; at < words.length; at += 1) {
    if (!reachable.has(at)) continue;
    for (const phrase of known) if (phrase.every((each, index) => words[at + index] === each)) reachable.add(at + phrase.length);
  }
  return reachable.has(words.length);
}
