import { describe, expect, it } from 'vitest';
import { CostMeter, PRICES, priceTranscription, priceUsage } from '../../../session/index.js';
import type { ModelPrice, Usage } from '../../../session/index.js';

const PRICE: ModelPrice = {
  input: { text: 4, audio: 32, image: 5 },
  cachedInput: { text: 0.4, audio: 0.4, image: 0.5 },
  output: { text: 16, audio: 64 },
  asOf: '2026-01-01',
  source: 'test',
};

function usage(input: Partial<Usage['input']>, output: Partial<Usage['output']> = {}, more: { inputTokens?: number; outputTokens?: number } = {}): Usage {
  const full = { text: 0, audio: 0, image: 0, cached: 0, ...input };
  const out = { text: 0, audio: 0, ...output };
  const inputTokens = more.inputTokens ?? full.text + full.audio + full.image;
  const outputTokens = more.outputTokens ?? out.text + out.audio;
  return { totalTokens: inputTokens + outputTokens, inputTokens, outputTokens, input: full, output: out };
}

describe('what a response costs', () => {
  it('is the sum over modalities, with the cached tokens taken off before the rest is charged', () => {
    const told = usage({ text: 1_000, audio: 500, image: 200, cached: 900, cachedBy: { text: 600, audio: 300, image: 0 } }, { text: 100, audio: 400 });
    // fresh: 400 text, 200 audio, 200 image; cached: 600 text, 300 audio; out: 100 text, 400 audio
    const golden = (400 * 4 + 200 * 32 + 200 * 5 + 600 * 0.4 + 300 * 0.4 + 100 * 16 + 400 * 64) / 1e6;
    expect(priceUsage(told, PRICE)).toBeCloseTo(golden, 12);
    // What it would be if the cached tokens were charged beside the others.
    expect(golden).toBeLessThan((1_000 * 4 + 500 * 32 + 200 * 5 + 100 * 16 + 400 * 64) / 1e6);
  });

  it('is never too low when the model says how much was cached and not of what', () => {
    expect(priceUsage(usage({ text: 100, audio: 1_000, cached: 300 }), PRICE)).toBeCloseTo((100 * 0.4 + 800 * 32 + 200 * 0.4) / 1e6, 12);
  });

  it('believes no more cached tokens than there are', () => {
    expect(priceUsage(usage({ text: 100, cached: 900, cachedBy: { text: 900, audio: 0, image: 0 } }), PRICE)).toBeCloseTo((100 * 0.4) / 1e6, 12);
  });

  it('charges tokens of no stated modality as the dearest', () => {
    expect(priceUsage(usage({}, {}, { inputTokens: 10, outputTokens: 20 }), PRICE)).toBeCloseTo((10 * 32 + 20 * 64) / 1e6, 12);
  });

  it('is the full input price where the table has none for cached tokens', () => {
    const { cachedInput: _, ...plain } = PRICE;
    expect(priceUsage(usage({ text: 100, cached: 50 }), plain)).toBeCloseTo((100 * 4) / 1e6, 12);
  });

  it('is unpriced, and never 0, for a model or a modality without a price', () => {
    expect(priceUsage(usage({ text: 1 }), undefined)).toBe('unpriced');
    expect(priceUsage(usage({ image: 1 }), { ...PRICE, input: { text: 4 } })).toBe('unpriced');
    expect(priceUsage(usage({}, {}, { inputTokens: 5 }), { asOf: '', source: '' })).toBe('unpriced');
    expect(priceUsage(usage({}), PRICE)).toBe(0);
  });
});

describe('what a transcription costs', () => {
  it('is by the second or by the token, as the model is billed', () => {
    expect(priceTranscription({ type: 'duration', seconds: 90 }, { perMinute: 0.006, asOf: '', source: '' })).toBeCloseTo(0.009, 12);
    const tokens = { type: 'tokens', totalTokens: 60, inputTokens: 50, outputTokens: 10, input: { text: 10, audio: 40 } } as const;
    expect(priceTranscription(tokens, { input: { text: 2, audio: 3 }, output: { text: 10 }, asOf: '', source: '' })).toBeCloseTo((10 * 2 + 40 * 3 + 10 * 10) / 1e6, 12);
    expect(priceTranscription({ type: 'duration', seconds: 1 }, PRICE)).toBe('unpriced');
    expect(priceTranscription(tokens, { perMinute: 1, asOf: '', source: '' })).toBe('unpriced');
  });
});

describe('the cost meter', () => {
  it('adds up usage and cost, and says what it leaves out', () => {
    const meter = new CostMeter({ model: 'house-model', transcriptionModel: 'nobody-knows', prices: { 'house-model': PRICE } });
    expect(meter.addResponse(usage({ text: 100 }, { audio: 50 }))).toBeCloseTo((100 * 4 + 50 * 64) / 1e6, 12);
    expect(meter.addResponse(undefined)).toBe('unpriced');
    expect(meter.addTranscription({ type: 'duration', seconds: 3 })).toBe('unpriced');
    expect(meter.usage).toMatchObject({ inputTokens: 100, outputTokens: 50, totalTokens: 150, responses: 2, responsesWithoutUsage: 1, transcription: { turns: 1, seconds: 3 } });
    expect(meter.cost).toMatchObject({ unpricedResponses: 1, unpricedTranscriptions: 1, unpricedModels: ['house-model', 'nobody-knows'] });
    expect(meter.cost.usd).toBeCloseTo(0.0036, 12);
  });

  it('finds a dated model by its family, and takes no price from an object of its own', () => {
    const priced = (model: string): boolean => new CostMeter({ model }).addResponse(usage({ text: 1 })) !== 'unpriced';
    expect(priced('gpt-realtime-2.1')).toBe(true);
    expect(priced('gpt-realtime-2.1-2026-05-01')).toBe(true);
    for (const strange of ['gpt-realtime-9', 'constructor', '__proto__', 'toString', '']) expect(priced(strange), strange).toBe(false);
  });

  it('has a table in which each price tells its day and its source', () => {
    expect(Object.keys(PRICES).length).toBeGreaterThan(5);
    for (const [model, price] of Object.entries(PRICES)) {
      expect(price.asOf, model).toMatch(/^20\d\d-\d\d-\d\d$/);
      expect(price.source, model).toMatch(/^https:\/\//);
      for (const part of [price.input, price.cachedInput, price.output]) for (const value of Object.values(part ?? {})) expect(value, model).toBeGreaterThan(0);
      expect(price.input !== undefined || price.perMinute !== undefined, model).toBe(true);
    }
  });
});
