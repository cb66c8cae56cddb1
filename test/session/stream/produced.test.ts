import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { produced } from '../../../session/index.js';
import { settle } from '../../helpers/settle.js';

const forever = (signal: AbortSignal): Promise<never> => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));

describe('a produced stream', () => {
  it('produces nothing before the first next()', async () => {
    let begun = false;
    const stream = produced<number>(async () => void (begun = true), new AbortController().signal);
    stream[Symbol.asyncIterator]();
    await settle();
    expect(begun).toBe(false);
    await expect(stream.next()).resolves.toEqual({ value: undefined, done: true });
    expect(begun).toBe(true);
  });

  it('goes at the pace of its reader: one value waits', async () => {
    let made = 0;
    const stream = produced<number>(async (send) => {
      while (await send((made += 1)));
    }, new AbortController().signal);
    await stream.next();
    await settle();
    // One was read, one waits, one is in the hand of who made it.
    expect(made).toBe(3);
    await stream.return?.();
  });

  it('gives what was made before a failure, and then the failure', async () => {
    const failure = new Error('broken');
    const stream = produced<number>(async (send) => {
      await send(1);
      await send(2);
      throw failure;
    }, new AbortController().signal);
    await expect(stream.next()).resolves.toMatchObject({ value: 1 });
    await expect(stream.next()).resolves.toMatchObject({ value: 2 });
    await expect(stream.next()).rejects.toBe(failure);
    await expect(stream.next()).resolves.toEqual({ value: undefined, done: true });
  });

  it('lets go of its source when the reader leaves while a next() is pending', async () => {
    let seen: AbortSignal | undefined;
    const stream = produced<number>((_, signal) => forever((seen = signal)), new AbortController().signal);
    const pending = stream.next();
    await settle();
    await stream.return?.();
    await expect(pending).resolves.toEqual({ value: undefined, done: true });
    expect(seen?.aborted).toBe(true);
  });

  it('rejects with the reason of an abort, also while a next() is pending', async () => {
    const life = new AbortController();
    const reason = new Error('hung up');
    let seen: AbortSignal | undefined;
    const stream = produced<number>((_, signal) => forever((seen = signal)), life.signal);
    const pending = stream.next();
    life.abort(reason);
    await expect(pending).rejects.toBe(reason);
    expect(seen?.reason).toBe(reason);
    await expect(stream.next()).resolves.toMatchObject({ done: true });
  });

  it('produces nothing for a signal that was aborted before', async () => {
    const reason = new Error('too late');
    let begun = false;
    const stream = produced<number>(async () => void (begun = true), AbortSignal.abort(reason));
    await expect(stream.next()).rejects.toBe(reason);
    expect(begun).toBe(false);
  });

  it.each(['end', 'failure', 'leaving'])('keeps no listener on the signal after its %s', async (how) => {
    const life = new AbortController();
    const stream = produced<number>(async (send, signal) => {
      await send(1);
      if (how === 'failure') throw new Error('broken');
      if (how === 'leaving') await forever(signal);
    }, life.signal);
    await stream.next();
    expect(getEventListeners(life.signal, 'abort')).toHaveLength(1);
    if (how === 'leaving') await stream.return?.();
    else await stream.next().catch(() => {});
    await settle();
    expect(getEventListeners(life.signal, 'abort')).toEqual([]);
  });
});
