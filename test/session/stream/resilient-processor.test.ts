import { describe, expect, it } from 'vitest';
import { ResilientProcessor, ToolError, TransportError, backoffMs } from '../../../session/index.js';
import type { FailureStrategy, WorkContext } from '../../../session/index.js';
import { ManualClock, mockStream } from '../../../src/testing.js';
import { gather, watch } from '../../helpers/gather.js';
import { random } from '../../helpers/random.js';
import { settle } from '../../helpers/settle.js';

/** Work that fails for a value as often as it is told to, at once or with a promise. */
function failing(times: Readonly<Record<string, number>>, attempts: string[] = [], clock?: ManualClock) {
  return (value: string, { attempt }: WorkContext): string | Promise<string> => {
    attempts.push(clock === undefined ? `${value}${attempt}` : `${value}${attempt} at ${clock.now()}`);
    if (attempt > (times[value] ?? 0)) return value === 'a' ? value : Promise.resolve(value);
    if (value === 'b') throw new Error(`no ${value}`);
    return Promise.reject(new Error(`no ${value}`));
  };
}

const retry = { onFailure: 'retry_on_error', baseDelayMs: 100, random: () => 1 } as const satisfies FailureStrategy;
const letters = ['a', 'b', 'c', 'd'];

describe('ResilientProcessor', () => {
  it.each(['b', 'c'])('ends with the first failure under fail_fast, and lets go (%s)', async (bad) => {
    const source = mockStream(letters);
    const processor = new ResilientProcessor({ work: failing({ [bad]: 1 }), onFailure: 'fail_fast', clock: new ManualClock() });
    await expect(processor.run(source)).rejects.toThrow(`no ${bad}`);
    expect(processor.report).toMatchObject({ processed: letters.indexOf(bad), failed: 1, skipped: 0, retried: 0, deadLetters: [], end: { how: 'failed', error: new Error(`no ${bad}`) } });
    expect(source.returned).toBe(1);
  });

  it('leaves out what fails under skip_error', async () => {
    const processor = new ResilientProcessor({ work: failing({ b: 1, c: 9 }), onFailure: 'skip_error', clock: new ManualClock() });
    expect(await gather(processor.process(mockStream(letters)))).toEqual(['a', 'd']);
    expect(processor.report).toMatchObject({ processed: 2, failed: 2, skipped: 2, retried: 0, deadLetters: [], end: { how: 'completed' } });
  });

  it('tries again under retry_on_error, after a wait that doubles, and gives up in the end', async () => {
    const clock = new ManualClock();
    const attempts: string[] = [];
    const processor = new ResilientProcessor({ ...retry, work: failing({ b: 2, c: 9 }, attempts, clock), attempts: 4, maxDelayMs: 250, clock });
    const watched = watch(processor.process(mockStream(letters)));
    await clock.run(5_000);
    expect(watched).toEqual({ values: ['a', 'b', 'd'], end: {} });
    expect(attempts).toEqual(['a1 at 0', 'b1 at 0', 'b2 at 100', 'b3 at 300', 'c1 at 300', 'c2 at 400', 'c3 at 600', 'c4 at 850', 'd1 at 850']);
    expect(processor.report).toEqual({
      processed: 3,
      failed: 1,
      skipped: 0,
      retried: 5,
      deadLetters: [{ value: 'c', error: new Error('no c'), attempts: 4, atMs: 850 }],
      deadLettersDropped: 0,
      durationMs: 850,
      end: { how: 'completed' },
    });
  });

  it('keeps the order of what it works on, and reads nothing meanwhile', async () => {
    const clock = new ManualClock();
    const source = mockStream(letters);
    const processor = new ResilientProcessor({ ...retry, work: failing({ a: 1 }), clock });
    const watched = watch(processor.process(source));
    await settle();
    expect([watched.values, source.asked, processor.report.durationMs]).toEqual([[], 1, 0]);
    await clock.run(99);
    expect([watched.values, source.asked, processor.report.durationMs]).toEqual([[], 1, 99]);
    await clock.run(1);
    expect(watched.values).toEqual(letters);
  });

  it('does not try again what says that it cannot succeed, or what it is told not to', async () => {
    const clock = new ManualClock();
    const errors: Readonly<Record<string, Error>> = {
      a: new ToolError('TOOL_FAILED', 'never'),
      b: new TransportError('MODEL_UNREACHABLE', 'maybe', { retryable: true }),
      c: new Error('who knows'),
    };
    const retried = async (isRetryable?: (error: unknown) => boolean): Promise<number[]> => {
      const work = (value: string): never => {
        throw errors[value] as Error;
      };
      const processor = new ResilientProcessor<string>({ ...retry, ...(isRetryable === undefined ? {} : { isRetryable }), work, clock });
      const ended = processor.run(mockStream(['a', 'b', 'c']));
      await clock.run(10_000);
      return (await ended).deadLetters.map(({ attempts }) => attempts);
    };
    expect(await retried()).toEqual([1, 3, 3]);
    expect(await retried((error) => error === errors['a'])).toEqual([3, 1, 1]);
  });

  it('keeps the newest dead letters, and counts those that had to go', async () => {
    const processor = new ResilientProcessor({ ...retry, work: failing({ a: 9, b: 9, c: 9 }), attempts: 1, deadLetterCapacity: 2, clock: new ManualClock() });
    const report = await processor.run(mockStream(letters));
    expect([report.deadLetters.map(({ value }) => value), report.deadLettersDropped, report.failed, report.retried]).toEqual([['b', 'c'], 1, 3, 0]);
  });

  it('ends at once on an abort while it waits for a next attempt', async () => {
    const clock = new ManualClock();
    const hangUp = new AbortController();
    const attempts: string[] = [];
    const source = mockStream(letters);
    const processor = new ResilientProcessor({ ...retry, work: failing({ a: 9 }, attempts), clock });
    const ended = processor.run(source, { signal: hangUp.signal });
    await clock.run(50);
    expect(clock.pendingTimers).toBe(1);
    const reason = new Error('hung up');
    hangUp.abort(reason);
    await expect(ended).rejects.toBe(reason);
    expect([clock.pendingTimers, source.returned, attempts]).toEqual([0, 1, ['a1']]);
    await clock.run(10_000);
    expect([attempts, processor.report]).toMatchObject([['a1'], { durationMs: 50, end: { how: 'aborted', reason } }]);
  });

  it('tells its work that nobody waits for it any more, and counts nothing of it', async () => {
    const clock = new ManualClock();
    let finish = (_result: string): void => {};
    let told = false;
    const processor = new ResilientProcessor<string, string>({
      ...retry,
      work: (_value, { signal }) => {
        signal.addEventListener('abort', () => (told = true));
        return new Promise((resolve, reject) => (finish = (result) => (result === '' ? reject(new Error('late')) : resolve(result))));
      },
      clock,
    });
    for (const result of ['late', '']) {
      const stream = processor.process(mockStream(letters));
      const pending = stream.next();
      await settle();
      await stream.return();
      expect([await pending, told]).toEqual([{ value: undefined, done: true }, true]);
      finish(result);
      await settle();
      expect([processor.report, clock.pendingTimers]).toMatchObject([{ processed: 0, failed: 0, retried: 0, end: { how: 'left' } }, 0]);
    }
  });

  it('hands on an error of the source, which is no failure of work', async () => {
    const processor = new ResilientProcessor({ ...retry, work: failing({}), clock: new ManualClock() });
    await expect(processor.run(mockStream(['a'], { then: { error: new Error('gone') } }))).rejects.toThrow('gone');
    expect(processor.report).toMatchObject({ processed: 1, failed: 0, retried: 0, end: { how: 'failed' } });
  });

  it('refuses numbers that cannot be meant', () => {
    const base = { ...retry, work: String, clock: new ManualClock() };
    for (const wrong of [{ attempts: 0 }, { attempts: 1.5 }, { baseDelayMs: 0 }, { maxDelayMs: -1 }, { deadLetterCapacity: 0 }]) expect(() => new ResilientProcessor({ ...base, ...wrong })).toThrow(RangeError);
  });

  it('accounts for every value, whatever fails', async () => {
    const rng = random();
    for (let round = 0; round < 50; round += 1) {
      const clock = new ManualClock();
      const values = Array.from({ length: rng.int(1, 40) }, (_, index) => index);
      const failures = values.map(() => rng.int(0, 5));
      const work = async (value: number, { attempt }: WorkContext): Promise<number> => {
        if (rng.next() < 0.5) await new Promise<void>((resolve) => clock.after(rng.int(1, 50), resolve));
        if (attempt <= (failures[value] as number)) throw new Error('no');
        return value;
      };
      const attempts = rng.int(1, 5);
      const processor = new ResilientProcessor<number, number>({ ...retry, attempts, random: rng.next, work, clock, deadLetterCapacity: 10 });
      const watched = watch(processor.process(mockStream(values)));
      await clock.run(600_000);
      const good = values.filter((value) => (failures[value] as number) < attempts);
      const bad = values.filter((value) => (failures[value] as number) >= attempts);
      const where = `seed ${rng.seed}, round ${round}`;
      expect(watched, where).toEqual({ values: good, end: {} });
      const { report } = processor;
      expect([report.processed, report.failed, report.skipped], where).toEqual([good.length, bad.length, 0]);
      expect(report.retried, where).toBe(values.reduce((sum, value) => sum + Math.min(failures[value] as number, attempts - 1), 0));
      expect(report.deadLetters.map(({ value }) => value), where).toEqual(bad.slice(-10));
      expect([report.deadLettersDropped, clock.pendingTimers], where).toEqual([Math.max(0, bad.length - 10), 0]);
    }
  });
});

describe('backoffMs', () => {
  it('doubles up to the longest wait, and is drawn from its upper half', () => {
    const policy = { baseDelayMs: 100, maxDelayMs: 1_000 };
    expect([1, 2, 3, 4, 5, 50].map((failures) => backoffMs(policy, failures, 1))).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect([1, 5].map((failures) => backoffMs(policy, failures, 0))).toEqual([50, 500]);
    expect(backoffMs({}, 1, 0.5)).toBe(187.5);
    expect(backoffMs({}, 2_000, 1)).toBe(10_000);
  });
});
