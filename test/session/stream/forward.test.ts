import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { forward } from '../../../session/index.js';
import { settle } from '../../helpers/settle.js';

/** A source that gives its values, then waits forever, and counts how often it was let go. */
function source(values: readonly number[], thenEnd = false): AsyncIterable<number> & { returns: number } {
  let at = 0;
  const self = {
    returns: 0,
    [Symbol.asyncIterator]: () => ({
      next: (): Promise<IteratorResult<number>> => (at < values.length ? Promise.resolve({ done: false, value: values[at++] as number }) : thenEnd ? Promise.resolve({ done: true, value: undefined }) : new Promise(() => {})),
      return: (): Promise<IteratorResult<number>> => {
        self.returns += 1;
        return new Promise(() => {});
      },
    }),
  };
  return self;
}

describe('forwarding a stream', () => {
  it('gives all of it, and does not let go of what has ended', async () => {
    const got: number[] = [];
    const values = source([1, 2, 3], true);
    await forward(values, (value) => Promise.resolve(got.push(value) > 0), new AbortController().signal);
    expect(got).toEqual([1, 2, 3]);
    expect(values.returns).toBe(0);
  });

  it('lets go once when nobody wants more, though the source does not answer', async () => {
    const values = source([1, 2, 3]);
    await forward(values, () => Promise.resolve(false), new AbortController().signal);
    expect(values.returns).toBe(1);
  });

  it('lets go once at an abort while it waits, and keeps no listener', async () => {
    const life = new AbortController();
    const values = source([]);
    const forwarding = forward(values, () => Promise.resolve(true), life.signal);
    await settle();
    const reason = new Error('enough');
    life.abort(reason);
    await expect(forwarding).rejects.toBe(reason);
    expect(values.returns).toBe(1);
    expect(getEventListeners(life.signal, 'abort')).toEqual([]);
  });

  it('does not begin after an abort', async () => {
    const reason = new Error('too late');
    let begun = false;
    const values: AsyncIterable<number> = { [Symbol.asyncIterator]: () => ((begun = true), source([])[Symbol.asyncIterator]()) };
    await expect(forward(values, () => Promise.resolve(true), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(begun).toBe(false);
  });

  it('passes on what the source throws', async () => {
    const failure = new Error('broken');
    async function* broken(): AsyncGenerator<number> {
      yield await Promise.reject<number>(failure);
    }
    await expect(forward(broken(), () => Promise.resolve(true), new AbortController().signal)).rejects.toBe(failure);
  });
});
