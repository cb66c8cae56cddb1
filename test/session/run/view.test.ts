import { expect, it } from 'vitest';
import { view } from '../../../session/run/view.js';
import { Channel } from '../../../session/stream/channel.js';
import { collect } from '../../helpers/run-harness.js';
import { settle } from '../../helpers/settle.js';

const twice = (value: number): number[] => (value === 0 ? [] : [value, value]);

it('makes any number of values of each, also for readers that ask ahead', async () => {
  const source = new Channel<number>({ capacity: 9, whenFull: 'wait' });
  for (const value of [0, 1, 0, 0, 2]) source.push(value);
  source.close();
  const values = view(source, twice, () => [99]);
  const first = await Promise.all([values.next(), values.next(), values.next()]);
  expect(first.map(({ value }) => value)).toEqual([1, 1, 2]);
  expect(await collect(values)).toEqual([2, 99]);
});

it('passes on what its source throws, or what stands for that', async () => {
  const failing = (): Channel<number> => {
    const source = new Channel<number>({ capacity: 9, whenFull: 'wait' });
    source.push(1);
    source.fail(new Error('broken'));
    return source;
  };
  await expect(collect(view(failing(), twice))).rejects.toThrow('broken');
  expect(await collect(view(failing(), twice, (thrown) => (thrown === undefined ? [] : [-1])))).toEqual([1, 1, -1]);
});

it('lets go of its source while a next() is pending, and gives nothing any more', async () => {
  let left = 0;
  const source = new Channel<number>({ capacity: 9, whenFull: 'wait' }, () => (left += 1));
  const values = view(source, twice, () => [99]);
  const pending = [values.next(), values.next()];
  await settle();
  await values.return?.();
  expect((await Promise.all(pending)).map(({ done }) => done)).toEqual([true, true]);
  expect([(await values.next()).done, left]).toEqual([true, 1]);
});
