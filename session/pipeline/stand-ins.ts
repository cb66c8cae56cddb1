import { Resampler, mixToMono } from '../../audio/index.js';

/** A step of processing on a stream of PCM16. The stream may be cut anywhere; `samples` is borrowed until the call returns. */
export interface AudioStage {
  push(samples: Int16Array): Int16Array;
  /** Ends the stream: what is still held back. */
  flush(): Int16Array;
}

export function channelMix(channels: number): AudioStage {
  return { push: (samples) => mixToMono(samples, channels), flush: () => new Int16Array(0) };
}

export function resampleStage(fromRate: number, toRate: number): AudioStage {
  return new Resampler(fromRate, toRate);
}

/** Cuts a growing text into sentences; all that it gives, joined, is what it got. */
export interface Splitter {
  push(text: string): readonly string[];
  end(): readonly string[];
}

export class PlainSplitter implements Splitter {
  #rest = '';

  push(text: string): string[] {
    this.#rest += text;
    const sentences: string[] = [];
    for (let match = /[.!?]+\s+/.exec(this.#rest); match !== null; match = /[.!?]+\s+/.exec(this.#rest)) {
      const end = match.index + match[0].length;
      sentences.push(this.#rest.slice(0, end));
      this.#rest = this.#rest.slice(end);
    }
    return sentences;
  }

  end(): string[] {
    const rest = this.#rest;
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }
}

/** What of a sentence is spoken, for the sentences of one answer in order; empty when there is nothing to say. */
export interface Spoken {
  of(sentence: string): string;
}

export const plainSpoken: Spoken = { of: (sentence) => sentence.trim() };
