import type { TranscriptionUsage, Usage, Usd } from '../events/usage.js';
import type { ModelPrice, PriceTable, TokenPrices } from './price-table.js';

const MILLION = 1_000_000;

/** The price of a model; `undefined` when the table has none. */
export function priceOf(prices: PriceTable, model: string | undefined): ModelPrice | undefined {
  if (model === undefined) return undefined;
  // The table may be anybody's object: a model that calls itself `constructor` has no price.
  for (const name of [model, model.replace(/-\d{4}-\d{2}-\d{2}$/, '')]) if (Object.hasOwn(prices, name)) return prices[name];
  return undefined;
}

/**
 * What a response costs. Cached tokens are a part of the input tokens: they are taken off before the rest is charged. Where the model says how
 * many are cached and not of which modality, they count as text first, then audio, then image: what is never too cheap, since text is the
 * cheapest to begin with. Tokens of no stated modality are charged as the dearest there is.
 */
export function priceUsage(usage: Usage, price: ModelPrice | undefined): Usd {
  if (price === undefined) return 'unpriced';
  const cached = cachedBy(usage);
  const { text, audio, image } = usage.input;
  const fresh = { text: text - cached.text, audio: audio - cached.audio, image: image - cached.image };
  const unstatedInput = Math.max(0, usage.inputTokens - text - audio - image);
  const unstatedOutput = Math.max(0, usage.outputTokens - usage.output.text - usage.output.audio);
  return sum([
    charge(fresh, price.input),
    charge(cached, price.cachedInput ?? price.input),
    charge(usage.output, price.output),
    chargeDearest(unstatedInput, price.input),
    chargeDearest(unstatedOutput, price.output),
  ]);
}

/** What it costs to write down a turn. */
export function priceTranscription(usage: TranscriptionUsage, price: ModelPrice | undefined): Usd {
  if (price === undefined) return 'unpriced';
  if (usage.type === 'duration') return price.perMinute === undefined ? 'unpriced' : (usage.seconds / 60) * price.perMinute;
  const unstated = Math.max(0, usage.inputTokens - usage.input.text - usage.input.audio);
  return sum([charge(usage.input, price.input), charge({ text: usage.outputTokens }, price.output), chargeDearest(unstated, price.input)]);
}

function cachedBy({ input }: Usage): { text: number; audio: number; image: number } {
  let left = input.cached;
  const take = (tokens: number): number => {
    const taken = Math.min(tokens, left);
    left -= taken;
    return taken;
  };
  const { text, audio, image } = input.cachedBy ?? input;
  return { text: take(Math.min(text, input.text)), audio: take(Math.min(audio, input.audio)), image: take(Math.min(image, input.image)) };
}

function charge(tokens: { readonly text?: number; readonly audio?: number; readonly image?: number }, prices: TokenPrices | undefined): Usd {
  let usd = 0;
  for (const modality of ['text', 'audio', 'image'] as const) {
    const count = tokens[modality] ?? 0;
    const price = prices?.[modality];
    if (count === 0) continue;
    if (price === undefined) return 'unpriced';
    usd += (count * price) / MILLION;
  }
  return usd;
}

function chargeDearest(tokens: number, prices: TokenPrices | undefined): Usd {
  if (tokens === 0) return 0;
  const dearest = Math.max(...Object.values(prices ?? {}).filter((price): price is number => price !== undefined));
  return Number.isFinite(dearest) ? (tokens * dearest) / MILLION : 'unpriced';
}

function sum(parts: readonly Usd[]): Usd {
  let usd = 0;
  for (const part of parts) {
    if (part === 'unpriced') return 'unpriced';
    usd += part;
  }
  return usd;
}
