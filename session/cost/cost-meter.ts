import type { CallCost, SessionUsage, TranscriptionUsage, Usage, Usd } from '../events/usage.js';
import { priceOf, priceTranscription, priceUsage } from './price.js';
import { PRICES } from './price-table.js';
import type { PriceTable } from './price-table.js';

const MAX_MODELS = 16;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] extends object ? Writable<T[Key]> : T[Key] };

/** The sums of a call, as plain data; changed in place. */
export interface Tally {
  readonly usage: Writable<SessionUsage & { readonly input: Required<SessionUsage['input']> }>;
  readonly cost: Omit<Writable<CallCost>, 'unpricedModels'> & { readonly unpricedModels: string[] };
}

export function createTally(): Tally {
  return {
    usage: {
      totalTokens: 0,
      inputTokens: 0,
      outputTokens: 0,
      input: { text: 0, audio: 0, image: 0, cached: 0, cachedBy: { text: 0, audio: 0, image: 0 } },
      output: { text: 0, audio: 0 },
      responses: 0,
      responsesWithoutUsage: 0,
      transcription: { turns: 0, turnsWithoutUsage: 0, seconds: 0, totalTokens: 0, inputTokens: 0, outputTokens: 0, input: { text: 0, audio: 0 } },
    },
    cost: { usd: 0, responsesUsd: 0, transcriptionUsd: 0, unpricedResponses: 0, unpricedTranscriptions: 0, unpricedModels: [] },
  };
}

/** Adds a response; one of which the model told no numbers is unpriced. */
export function tallyResponse({ usage: sum, cost }: Tally, usage: Usage | undefined, model: string | undefined, prices: PriceTable): Usd {
  sum.responses += 1;
  if (usage === undefined) sum.responsesWithoutUsage += 1;
  else {
    sum.totalTokens += usage.totalTokens;
    sum.inputTokens += usage.inputTokens;
    sum.outputTokens += usage.outputTokens;
    for (const kind of ['text', 'audio', 'image', 'cached'] as const) sum.input[kind] += usage.input[kind];
    for (const kind of ['text', 'audio', 'image'] as const) sum.input.cachedBy[kind] += usage.input.cachedBy?.[kind] ?? 0;
    for (const kind of ['text', 'audio'] as const) sum.output[kind] += usage.output[kind];
  }
  const usd = usage === undefined ? 'unpriced' : priceUsage(usage, priceOf(prices, model));
  if (usd === 'unpriced') {
    cost.unpricedResponses += 1;
    note(cost.unpricedModels, model);
  } else {
    cost.responsesUsd += usd;
    cost.usd += usd;
  }
  return usd;
}

/** Adds a turn that was written down. */
export function tallyTranscription({ usage: { transcription: sum }, cost }: Tally, usage: TranscriptionUsage | undefined, model: string | undefined, prices: PriceTable): Usd {
  sum.turns += 1;
  if (usage === undefined) sum.turnsWithoutUsage += 1;
  else if (usage.type === 'duration') sum.seconds += usage.seconds;
  else {
    sum.totalTokens += usage.totalTokens;
    sum.inputTokens += usage.inputTokens;
    sum.outputTokens += usage.outputTokens;
    sum.input.text += usage.input.text;
    sum.input.audio += usage.input.audio;
  }
  const usd = usage === undefined ? 'unpriced' : priceTranscription(usage, priceOf(prices, model));
  if (usd === 'unpriced') {
    cost.unpricedTranscriptions += 1;
    note(cost.unpricedModels, model);
  } else {
    cost.transcriptionUsd += usd;
    cost.usd += usd;
  }
  return usd;
}

function note(models: string[], model = 'unknown'): void {
  if (models.length < MAX_MODELS && !models.includes(model)) models.push(model);
}

export interface CostMeterOptions {
  /** The speech model's name, as in the price table. */
  readonly model?: string;
  readonly transcriptionModel?: string;
  /** Put over {@link PRICES}: an entry replaces the whole entry of its name. */
  readonly prices?: PriceTable;
}

/**
 * Adds up what a call used and what that cost, for usage from anywhere: a recording, a log, several sessions. A session has one of its own
 * (`session.cost`).
 *
 *     const meter = new CostMeter({ model: 'gpt-realtime-2.1' });
 *     session.on('agent_end', ({ usage }) => meter.addResponse(usage));
 */
export class CostMeter {
  readonly #tally = createTally();
  readonly #options: CostMeterOptions;
  readonly #prices: PriceTable;

  constructor(options: CostMeterOptions = {}) {
    this.#options = options;
    this.#prices = { ...PRICES, ...options.prices };
  }

  /** Returns what this response costs. Without numbers it is unpriced. */
  addResponse(usage: Usage | undefined): Usd {
    return tallyResponse(this.#tally, usage, this.#options.model, this.#prices);
  }

  addTranscription(usage: TranscriptionUsage | undefined): Usd {
    return tallyTranscription(this.#tally, usage, this.#options.transcriptionModel, this.#prices);
  }

  get usage(): SessionUsage {
    return structuredClone(this.#tally.usage);
  }

  get cost(): CallCost {
    return structuredClone(this.#tally.cost);
  }
}
