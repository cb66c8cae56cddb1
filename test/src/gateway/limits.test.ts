import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, RateLimit, gatewayLimits } from '../../../src/gateway/limits.js';

describe('RateLimit', () => {
  it('gives the burst and not one more, then the rate', () => {
    const rate = new RateLimit(10, 20, 1000);
    for (let count = 0; count < 20; count += 1) expect(rate.take(1, 1000)).toBe(true);
    expect(rate.take(1, 1000)).toBe(false);
    expect(rate.take(1, 1099)).toBe(false);
    expect(rate.take(1, 1100)).toBe(true);
    expect(rate.take(1, 1100)).toBe(false);
  });

  it('never saves up more than the burst', () => {
    const rate = new RateLimit(10, 20, 0);
    expect(rate.take(20, 1_000_000)).toBe(true);
    expect(rate.take(1, 1_000_000)).toBe(false);
  });

  it('holds the exact pace for an hour without running dry', () => {
    const rate = new RateLimit(24_000, 480, 0);
    let refused = 0;
    for (let frame = 0; frame < 180_000; frame += 1) if (!rate.take(480, frame * 20)) refused += 1;
    expect(refused).toBe(0);
    expect(rate.take(1, 179_999 * 20)).toBe(false);
  });
});

describe('gatewayLimits', () => {
  it('fills in the defaults', () => {
    expect(gatewayLimits()).toEqual(DEFAULT_LIMITS);
    expect(gatewayLimits({ maxSessions: 3 })).toEqual({ ...DEFAULT_LIMITS, maxSessions: 3 });
  });

  it.each([0, -1, NaN])('refuses %s: a typing error must not switch a limit off', (value) => {
    expect(() => gatewayLimits({ maxCallMs: value })).toThrow(/maxCallMs/);
  });
});
