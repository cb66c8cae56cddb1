/** Cuts a growing text into sentences; all that it gives, joined, is what it got. */
export interface Splitter {
  push(text: string): readonly string[];
  end(): readonly string[];
}

/** What of a sentence is spoken, for the sentences of one answer in order; empty when there is nothing to say. */
export interface Spoken {
  of(sentence: string): string;
}
