import { describe, expect, it } from 'vitest';
import { steady } from '../../../audio/index.js';

describe('the steady clock', () => {
  it('puts sound where the least late of its news says, and moves it where sound is missing', () => {
    const news = Array.from({ length: 100 }, (_, index) => ({ samples: (index + 1) * 80, atMs: (index + 1) * 10 + (index % 3) * 4 + (index >= 50 ? 200 : 0) }));
    expect(steady(news, 8_000).map(({ fromSample, toSample, startMs }) => [fromSample, toSample, Math.round(startMs)])).toEqual([
      [0, 4_000, 0],
      [4_000, 8_000, 700],
    ]);
  });

  it('has nothing to say without news', () => {
    expect(steady([], 8_000)).toEqual([]);
  });
});
