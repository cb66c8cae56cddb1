import { describe, expect, it } from 'vitest';
import { Channel, InvalidStateError } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import { settle } from '../../helpers/settle.js';

async function drain<T>(channel: Channel<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of channel) values.push(value);
  return values;
}

describe('Channel', () => {
  it('delivers what was pushed, in order, also what was queued before the close', async () => {
    const channel = new Channel<number>({ capacity: 8, whenFull: 'fail' });
    channel.push(1);
    channel.push(2);
    channel.close();
    expect(channel.push(3)).toBe(false);
    expect(await drain(channel)).toEqual([1, 2]);
  });

  it('drops the oldest or the newest when full, and counts it', async () => {
    const oldest = new Channel<number>({ capacity: 2, whenFull: 'drop-oldest' });
    const newest = new Channel<number>({ capacity: 2, whenFull: 'drop-newest' });
    for (const value of [1, 2, 3]) {
      expect(oldest.push(value)).toBe(value < 3);
      expect(newest.push(value)).toBe(value < 3);
    }
    oldest.close();
    newest.close();
    expect([await drain(oldest), oldest.dropped]).toEqual([[2, 3], 1]);
    expect([await drain(newest), newest.dropped]).toEqual([[1, 2], 1]);
  });

  it('ends with CHANNEL_FULL under the policy "fail", after what fitted', async () => {
    const channel = new Channel<number>({ capacity: 1, whenFull: 'fail' });
    channel.push(1);
    channel.push(2);
    expect(await channel.next()).toEqual({ value: 1, done: false });
    await expect(channel.next()).rejects.toMatchObject({ code: 'CHANNEL_FULL' });
    expect(await channel.next()).toEqual({ value: undefined, done: true });
  });

  it('makes a sender wait for room under the policy "wait"', async () => {
    const channel = new Channel<number>({ capacity: 1, whenFull: 'wait' });
    expect(await channel.send(1)).toBe(true);
    let second = 'waiting';
    const sent = channel.send(2).then((taken) => (second = `taken: ${taken}`));
    await settle();
    expect(second).toBe('waiting');
    expect(() => channel.push(3)).toThrow(InvalidStateError);
    await channel.next();
    await sent;
    expect(second).toBe('taken: true');
  });

  it('lets a waiting sender go when the channel closes', async () => {
    const channel = new Channel<number>({ capacity: 1, whenFull: 'wait' });
    channel.push(1);
    const sent = channel.send(2);
    channel.close();
    expect(await sent).toBe(false);
  });

  it('lets go of its source when the consumer leaves, also with a next() pending, and once only', async () => {
    let released = 0;
    const channel = new Channel<number>({ capacity: 4, whenFull: 'fail' }, () => (released += 1));
    const pending = channel.next();
    await channel.return();
    await channel.return();
    expect(await pending).toEqual({ value: undefined, done: true });
    expect(released).toBe(1);
    expect(channel.push(1)).toBe(false);
  });

  it('throws an error once to the consumer that waits', async () => {
    const channel = new Channel<number>({ capacity: 4, whenFull: 'fail' });
    const pending = channel.next();
    channel.fail(new Error('gone'));
    await expect(pending).rejects.toThrow('gone');
    expect(await channel.next()).toEqual({ value: undefined, done: true });
  });

  it('refuses a capacity that is not a whole number from 1', () => {
    for (const capacity of [0, -1, 1.5, Number.NaN]) expect(() => new Channel({ capacity, whenFull: 'fail' })).toThrow(RangeError);
  });

  it('keeps order and loses nothing for any interleaving of pushes and reads', async () => {
    const rng = random();
    for (let round = 0; round < 200; round += 1) {
      const channel = new Channel<number>({ capacity: 1_000, whenFull: 'fail' });
      const total = rng.int(1, 400);
      const read: number[] = [];
      const reads: Promise<unknown>[] = [];
      for (let pushed = 0; pushed < total; ) {
        if (rng.next() < 0.5) channel.push(pushed++);
        else reads.push(channel.next().then((result) => result.done !== true && read.push(result.value)));
      }
      channel.close();
      await Promise.all(reads);
      read.push(...(await drain(channel)));
      expect(read, `seed ${rng.seed}, round ${round}`).toEqual([...Array(total).keys()]);
    }
  });
});
