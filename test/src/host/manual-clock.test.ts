import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/host/manual-clock.js';

describe('the manual clock', () => {
  it('runs timer by timer, and what waits for promises goes on at its own moment', async () => {
    const clock = new ManualClock(100);
    const seen: number[] = [];
    const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));
    const work = async (): Promise<void> => {
      for (let round = 0; round < 3; round += 1) {
        await wait(7);
        for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
        seen.push(clock.now());
      }
    };
    void work();
    await clock.run(15);
    expect(seen).toEqual([107, 114]);
    expect(clock.now()).toBe(115);
    await clock.run(100);
    expect(seen).toEqual([107, 114, 121]);
    expect(clock.now()).toBe(215);
  });

  it('gives the same moments however long the pauses between them are', async () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    clock.after(5, () => void Promise.resolve().then(() => clock.after(5, () => seen.push(clock.now()))));
    await clock.run(20, () => new Promise((resolve) => setTimeout(resolve, 2)));
    expect(seen).toEqual([10]);
  });
});
