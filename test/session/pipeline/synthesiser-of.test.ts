import { describe, expect, it } from 'vitest';
import { TransportError, synthesiserOf } from '../../../session/index.js';
import { settle } from '../../helpers/settle.js';

const signal = new AbortController().signal;

async function collect(sound: AsyncIterable<Int16Array>): Promise<number[][]> {
  const all: number[][] = [];
  for await (const samples of sound) all.push([...samples]);
  return all;
}

async function* pieces(): AsyncGenerator<Int16Array> {
  yield Int16Array.of(1);
  yield Int16Array.of(2, 3);
}

describe('a synthesiser from a function', () => {
  it('is not called before its sound is asked for, and gets the text and the voice', async () => {
    const calls: unknown[] = [];
    const synthesiser = synthesiserOf((text, { voice }) => (calls.push([text, voice]), Int16Array.of(1, 2)), { sampleRate: 16_000, label: 'beeper' });
    expect(synthesiser).toMatchObject({ sampleRate: 16_000, label: 'beeper' });
    const sound = synthesiser.speak('hello', { voice: 'ava', signal });
    await settle();
    expect(calls).toEqual([]);
    expect(await collect(sound)).toEqual([[1, 2]]);
    expect(calls).toEqual([['hello', 'ava']]);
  });

  it.each([
    ['in one piece', () => Promise.resolve(Int16Array.of(1, 2, 3)), [[1, 2, 3]]],
    ['in pieces', pieces, [[1], [2, 3]]],
  ])('gives its sound %s', async (_, speak, expected) => {
    expect(await collect(synthesiserOf(speak, { sampleRate: 8_000 }).speak('hello', { signal }))).toEqual(expected);
  });

  it('says what the function threw, and passes an error of ours on', async () => {
    const cause = new Error('no voice');
    await expect(collect(synthesiserOf(() => Promise.reject(cause), { sampleRate: 8_000 }).speak('hello', { signal }))).rejects.toMatchObject({ name: 'ProviderError', code: 'SYNTHESIS_FAILED', cause });
    const ours = new TransportError('MODEL_UNREACHABLE', 'gone');
    await expect(collect(synthesiserOf(() => Promise.reject(ours), { sampleRate: 8_000 }).speak('hello', { signal }))).rejects.toBe(ours);
  });

  it('ends at an abort, and when its listener leaves', async () => {
    const seen: AbortSignal[] = [];
    const synthesiser = synthesiserOf((_, { signal: life }) => (seen.push(life), new Promise(() => {})), { sampleRate: 8_000 });
    const life = new AbortController();
    const aborted = collect(synthesiser.speak('hello', { signal: life.signal }));
    await settle();
    const reason = new Error('interrupted');
    life.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    const left = synthesiser.speak('hello', { signal })[Symbol.asyncIterator]();
    void left.next();
    await settle();
    await left.return?.();
    expect(seen.map(({ aborted: over }) => over)).toEqual([true, true]);
  });

  it('refuses a rate that is none', () => {
    expect(() => synthesiserOf(() => new Int16Array(0), { sampleRate: 0.5 })).toThrow(RangeError);
  });
});
