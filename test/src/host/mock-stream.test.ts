import { describe, expect, it } from 'vitest';
import { ManualClock, mockStream } from '../../../src/testing.js';
import { gather, watch } from '../../helpers/gather.js';
import { settle } from '../../helpers/settle.js';

describe('mockStream', () => {
  it('gives its values and ends, and tells how far it was read', async () => {
    const source = mockStream(['a', 'b']);
    expect([source.opened, source.asked, source.given, source.returned]).toEqual([0, 0, 0, 0]);
    expect(await gather(source)).toEqual(['a', 'b']);
    expect([source.opened, source.asked, source.given, source.returned]).toEqual([1, 3, 2, 0]);
  });

  it('tells that its reader has left', async () => {
    const source = mockStream([1, 2, 3]);
    for await (const value of source) if (value === 2) break;
    expect([source.given, source.returned]).toEqual([2, 1]);
    expect(await source.next()).toEqual({ value: undefined, done: true });
  });

  it('takes its time by the clock: so long for each value, or at these moments', async () => {
    const clock = new ManualClock(5_000);
    const late = watch(mockStream(['a', 'b', 'c'], { clock, delayMs: 20 }));
    const set = watch(mockStream(['x', 'y'], { clock, atMs: [10, 50] }));
    await clock.run(40);
    expect([late, set]).toEqual([{ values: ['a', 'b'] }, { values: ['x'] }]);
    await clock.run(20);
    expect([late, set]).toEqual([
      { values: ['a', 'b', 'c'], end: {} },
      { values: ['x', 'y'], end: {} },
    ]);
    expect(() => mockStream([1], { delayMs: 20 })).toThrow(TypeError);
  });

  it('fails, or says nothing more, where it is told to', async () => {
    const broken = watch(mockStream([1], { then: { error: new Error('gone') } }));
    const silent = mockStream([1], { then: 'silence' });
    const watched = watch(silent);
    await settle();
    expect([broken, watched]).toEqual([{ values: [1], end: { error: new Error('gone') } }, { values: [1] }]);
    expect(silent.pending).toBe(1);
    await silent.return();
    await settle();
    expect([watched.end, silent.pending]).toEqual([{}, 0]);
  });

  it('leaves no timer when its reader has left', async () => {
    const clock = new ManualClock();
    const source = mockStream([1], { clock, delayMs: 20 });
    const pending = source.next();
    expect([clock.pendingTimers, source.pending]).toEqual([1, 1]);
    await source.return();
    expect([await pending, clock.pendingTimers, source.given]).toEqual([{ value: undefined, done: true }, 0, 0]);
  });
});
