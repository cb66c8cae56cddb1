/** US dollars for a million tokens. A member that is left out has no price: what it would cost is `unpriced`. */
export interface TokenPrices {
  readonly text?: number;
  readonly audio?: number;
  readonly image?: number;
}

/** What a model costs, and where and when that was read. */
export interface ModelPrice {
  readonly input?: TokenPrices;
  /** For input that the model had read before. */
  readonly cachedInput?: TokenPrices;
  readonly output?: TokenPrices;
  /** US dollars for a minute of audio, for transcription models that are billed by time. */
  readonly perMinute?: number;
  /** The day on which the price was read, `YYYY-MM-DD`. */
  readonly asOf: string;
  readonly source: string;
}

/** By the model's name. A name that ends in a date (`-2026-01-31`) is looked up as it stands, and then without the date. */
export type PriceTable = Readonly<Record<string, ModelPrice>>;

const asOf = '2026-11-20';
const page = (model: string): string => `https://developers.openai.com/api/docs/models/${model}`;

/**
 * Prices as the provider's model pages gave them on the day that stands with each. Prices change: check them before you rely on them, and
 * override what is wrong (`prices` of a session). A model that is not here is unpriced, on purpose: a price that was guessed is worse than none.
 */
export const PRICES: PriceTable = {
  'gpt-realtime-2.1': {
    input: { text: 4, audio: 32, image: 5 },
    cachedInput: { text: 0.4, audio: 0.4, image: 0.5 },
    output: { text: 24, audio: 64 },
    asOf,
    source: page('gpt-realtime-2.1'),
  },
  'gpt-realtime-2.1-mini': {
    input: { text: 0.6, audio: 10, image: 0.8 },
    cachedInput: { text: 0.06, audio: 0.3, image: 0.08 },
    output: { text: 2.4, audio: 20 },
    asOf,
    source: page('gpt-realtime-2.1-mini'),
  },
  'gpt-realtime-2': {
    input: { text: 4, audio: 32, image: 5 },
    cachedInput: { text: 0.4, audio: 0.4, image: 0.5 },
    output: { text: 24, audio: 64 },
    asOf,
    source: page('gpt-realtime-2'),
  },
  'gpt-realtime-1.5': {
    input: { text: 4, audio: 32, image: 5 },
    cachedInput: { text: 0.4, audio: 0.4, image: 0.5 },
    output: { text: 16, audio: 64 },
    asOf,
    source: page('gpt-realtime-1.5'),
  },
  'gpt-4o-mini-realtime-preview': {
    input: { text: 0.6, audio: 10 },
    cachedInput: { text: 0.3, audio: 0.3 },
    output: { text: 2.4, audio: 20 },
    asOf,
    source: page('gpt-4o-mini-realtime-preview'),
  },
  // The pages of these two name one price for input and one for output; it is taken for text and audio alike.
  'gpt-4o-transcribe': { input: { text: 2.5, audio: 2.5 }, output: { text: 10 }, asOf, source: page('gpt-4o-transcribe') },
  'gpt-4o-mini-transcribe': { input: { text: 1.25, audio: 1.25 }, output: { text: 5 }, asOf, source: page('gpt-4o-mini-transcribe') },
  'gpt-realtime-whisper': { perMinute: 0.017, asOf, source: page('gpt-realtime-whisper') },
  'whisper-1': { perMinute: 0.006, asOf, source: page('whisper-1') },
};
