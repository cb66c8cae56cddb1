import { describe, expect, it } from 'vitest';
import { TransportError, recogniserOf } from '../../../session/index.js';
import type { RecogniserEvent } from '../../../session/index.js';
import { settle } from '../../helpers/settle.js';

const RATE = 16_000;
const forever = (): Promise<never> => new Promise(() => {});

async function collect(events: AsyncIterable<RecogniserEvent>): Promise<RecogniserEvent[]> {
  const all: RecogniserEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

function turnOf(recognise: Parameters<typeof recogniserOf>[0], options: Parameters<typeof recogniserOf>[1] & { signal?: AbortSignal } = {}) {
  const { signal = new AbortController().signal, ...rest } = options;
  return recogniserOf(recognise, rest).start({ sampleRate: RATE, signal });
}

async function* eventsOf(...events: RecogniserEvent[]): AsyncGenerator<RecogniserEvent> {
  yield* events;
}

describe('a recogniser from a function', () => {
  it('takes the whole turn when it has ended, in memory of its own', async () => {
    let taken: Int16Array | undefined;
    const turn = turnOf((samples) => {
      taken = samples;
      return Promise.resolve('hello');
    });
    const lent = Int16Array.of(1, 2);
    turn.push(lent);
    lent.fill(9);
    turn.push(Int16Array.of(3));
    const events = collect(turn.events);
    await settle();
    expect(taken).toBeUndefined();
    turn.end();
    turn.push(Int16Array.of(4));
    expect(await events).toEqual([{ type: 'final', text: 'hello' }]);
    expect(taken).toEqual(Int16Array.of(1, 2, 3));
  });

  it('is not asked about a turn without sound', async () => {
    const turn = turnOf(() => expect.unreachable());
    turn.end();
    expect(await collect(turn.events)).toEqual([{ type: 'final', text: '' }]);
  });

  it.each<[string, RecogniserEvent[], RecogniserEvent[]]>([
    ['partials and one final', [{ type: 'partial', text: 'he' }, { type: 'final', text: 'hello' }], [{ type: 'partial', text: 'he' }, { type: 'final', text: 'hello' }]],
    ['several finals', [{ type: 'final', text: 'he' }, { type: 'final', text: 'hello' }], [{ type: 'final', text: 'hello' }]],
    ['no final', [{ type: 'partial', text: 'hello' }], [{ type: 'partial', text: 'hello' }, { type: 'final', text: 'hello' }]],
    ['nothing', [], [{ type: 'final', text: '' }]],
    ['what it has used', [{ type: 'final', text: 'hello', usage: { type: 'duration', seconds: 2 } }], [{ type: 'final', text: 'hello', usage: { type: 'duration', seconds: 2 } }]],
  ])('may give events: %s', async (_, given, expected) => {
    const turn = turnOf(() => eventsOf(...given));
    turn.push(Int16Array.of(1));
    turn.end();
    expect(await collect(turn.events)).toEqual(expected);
  });

  it('fails a turn that is longer than it may be, as soon as it is', async () => {
    const turn = turnOf(() => expect.unreachable(), { maxTurnMs: 10 });
    const events = collect(turn.events);
    turn.push(new Int16Array(160));
    await settle();
    turn.push(new Int16Array(1));
    await expect(events).rejects.toMatchObject({ name: 'ProviderError', code: 'TRANSCRIPTION_FAILED', stage: 'transcription', message: 'A turn is longer than 10 ms, which is all that is kept of one.' });
  });

  it('says what the function threw, and passes an error of ours on', async () => {
    const cause = new Error('no model');
    const turn = turnOf(() => Promise.reject(cause));
    turn.push(Int16Array.of(1));
    turn.end();
    await expect(collect(turn.events)).rejects.toMatchObject({ code: 'TRANSCRIPTION_FAILED', cause });
    const ours = new TransportError('MODEL_UNREACHABLE', 'gone');
    const other = turnOf(() => {
      throw ours;
    });
    other.push(Int16Array.of(1));
    other.end();
    await expect(collect(other.events)).rejects.toBe(ours);
  });

  it.each([
    ['while the speaker speaks', false],
    ['while the function works', true],
  ])('ends at an abort %s', async (_, ended) => {
    const life = new AbortController();
    let seen: AbortSignal | undefined;
    const turn = turnOf((_samples, { signal }) => ((seen = signal), forever()), { signal: life.signal });
    turn.push(Int16Array.of(1));
    const events = collect(turn.events);
    if (ended) turn.end();
    await settle();
    const reason = new Error('hung up');
    life.abort(reason);
    await expect(events).rejects.toBe(reason);
    expect(seen?.reason).toBe(ended ? reason : undefined);
  });

  it('aborts the function when its reader leaves', async () => {
    let seen: AbortSignal | undefined;
    const turn = turnOf((_samples, { signal }) => ((seen = signal), forever()));
    turn.push(Int16Array.of(1));
    turn.end();
    const events = turn.events[Symbol.asyncIterator]();
    void events.next();
    await settle();
    await events.return?.();
    expect(seen?.aborted).toBe(true);
  });

  it('refuses a limit that is none', () => {
    expect(() => recogniserOf(() => '', { maxTurnMs: 0 })).toThrow(RangeError);
  });

  it('is called like its function, or as it is told', () => {
    expect(recogniserOf(function dictaphone() {
      return '';
    }).label).toBe('dictaphone');
    expect(recogniserOf(() => '', { label: 'mine' }).label).toBe('mine');
  });
});
