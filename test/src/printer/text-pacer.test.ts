import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { TextPacer } from '../../../src/printer/index.js';
import type { PaceMode } from '../../../src/printer/index.js';
import { random } from '../../helpers/random.js';

function pacer(mode: PaceMode, options: { updatesPerSecond?: number; typingMs?: number } = {}): { pacer: TextPacer; clock: ManualClock; written: string[]; timesMs: number[] } {
  const clock = new ManualClock();
  const written: string[] = [];
  const timesMs: number[] = [];
  const write = (text: string): void => {
    written.push(text);
    timesMs.push(clock.now());
  };
  return { pacer: new TextPacer({ clock, mode, write, ...options }), clock, written, timesMs };
}

describe('adaptive', () => {
  test('writes the first text at once, and what comes soon after it together, one update later', () => {
    const { pacer: text, clock, written, timesMs } = pacer('adaptive', { updatesPerSecond: 50 });
    text.push('One');
    text.push(' two');
    text.push(' three');
    expect(written).toEqual(['One']);
    clock.advance(19);
    expect(written).toEqual(['One']);
    clock.advance(1);
    expect(written).toEqual(['One', ' two three']);
    clock.advance(100);
    text.push('.');
    expect(written.at(-1)).toBe('.');
    expect(timesMs).toEqual([0, 20, 120]);
  });

  test('at a thousand pieces a second writes at most 60 times, none of them later than one update', () => {
    const { pacer: text, clock, written, timesMs } = pacer('adaptive');
    for (let i = 0; i < 1_000; i += 1) {
      text.push('x');
      clock.advance(1);
    }
    text.flush();
    expect(written.join('')).toBe('x'.repeat(1_000));
    expect(written.length).toBeGreaterThan(40);
    expect(written.length).toBeLessThanOrEqual(61);
    // What is held at any moment came after the last update.
    for (const [index, atMs] of timesMs.slice(1, -1).entries()) expect(atMs - (timesMs[index] as number)).toBeLessThanOrEqual(18);
  });
});

describe('character', () => {
  test('writes one after the other, and what belongs together stays together', () => {
    const { pacer: text, written } = pacer('character');
    text.push('né 👩‍👩‍👧!');
    expect(written).toEqual(['n', 'é', ' ', '👩‍👩‍👧', '!']);
  });

  test('types at its own pace, and says when it is done', async () => {
    const { pacer: text, clock, timesMs } = pacer('character', { typingMs: 30 });
    let typed = false;
    text.push('abc');
    void text.typed().then(() => (typed = true));
    clock.advance(60);
    await Promise.resolve();
    expect([timesMs, typed]).toEqual([[0, 30, 60], false]);
    clock.advance(30);
    await Promise.resolve();
    expect(typed).toBe(true);
    text.push('d');
    expect(timesMs.at(-1)).toBe(90);
  });

  test('what is still to be typed comes at once when it is asked for', async () => {
    const { pacer: text, written, clock } = pacer('character', { typingMs: 30 });
    text.push('abcdef');
    const typed = text.typed();
    text.flush();
    await typed;
    expect(written).toEqual(['a', 'bcdef']);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('line and block', () => {
  test('hold a text until its line is whole', () => {
    const { pacer: text, written } = pacer('line');
    text.push('one');
    text.push(' more\ntw');
    expect(written).toEqual(['one more\n']);
    text.flush();
    expect(written.at(-1)).toBe('tw');
  });

  test('hold a text until its paragraph is whole', () => {
    const { pacer: text, written } = pacer('block');
    text.push('one\ntwo\n');
    expect(written).toEqual([]);
    text.push('\nthree');
    expect(written).toEqual(['one\ntwo\n\n']);
  });

  test.each<PaceMode>(['line', 'block'])('%s: a text without an end is not held for ever', (mode) => {
    const { pacer: text, written } = pacer(mode);
    for (let i = 0; i < 100; i += 1) text.push('x'.repeat(100));
    expect(written.length).toBeGreaterThan(1);
    text.flush();
    expect(written.join('')).toHaveLength(10_000);
  });
});

test('every mode writes every character once and in order, however the text comes', () => {
  const chance = random();
  for (const mode of ['adaptive', 'character', 'line', 'block'] as const) {
    for (let round = 0; round < 50; round += 1) {
      const { pacer: text, clock, written } = pacer(mode, { typingMs: mode === 'character' && round % 2 === 0 ? 5 : 0 });
      const whole = Array.from({ length: 60 }, () => chance.pick(['a', ' ', '\n', '\n\n', 'word', 'ü', '👍🏽'])).join('');
      const letters = [...new Intl.Segmenter().segment(whole)].map(({ segment }) => segment);
      while (letters.length > 0) {
        text.push(letters.splice(0, chance.int(1, 8)).join(''));
        clock.advance(chance.next() * 30);
      }
      text.flush();
      expect(written.join(''), `TEST_SEED=${chance.seed}`).toBe(whole);
      expect(clock.pendingTimers, `TEST_SEED=${chance.seed}`).toBe(0);
    }
  }
});

test.each([{ updatesPerSecond: 0 }, { updatesPerSecond: 241 }, { typingMs: -1 }, { typingMs: 1_001 }, { typingMs: Number.NaN }])('numbers that cannot be are refused: %o', (options) => {
  expect(() => pacer('adaptive', options)).toThrow(RangeError);
});
