import { describe, expect, it } from 'vitest';
import { Channel, InvalidStateError } from '../../../session/index.js';
import { heldBytes } from '../../helpers/heap.js';
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

  it('makes one of the values of a key that wait, under the policy "coalesce"', async () => {
    const newest = new Channel<string>({ capacity: 4, whenFull: 'coalesce', key: (value) => value[0] });
    const joined = new Channel<string>({ capacity: 4, whenFull: 'coalesce', key: (value) => value[0], join: (waiting, newer) => waiting + newer.slice(1) });
    for (const channel of [newest, joined]) {
      for (const value of ['a1', 'b1', 'a2', 'b2', 'a3']) expect(channel.push(value)).toBe(true);
      channel.close();
      expect([channel.size, channel.joined, channel.dropped]).toEqual([2, 3, 0]);
    }
    expect(await drain(newest)).toEqual(['a3', 'b2']);
    expect(await drain(joined)).toEqual(['a123', 'b12']);
  });

  it('joins nothing across a value without a key, and nothing with what was read', async () => {
    const channel = new Channel<string>({ capacity: 9, whenFull: 'coalesce', key: (value) => (value === '!' ? undefined : value[0]), join: (waiting, newer) => waiting + newer.slice(1) });
    for (const value of ['a1', 'a2', '!', 'a3', '!']) channel.push(value);
    expect((await channel.next()).value).toBe('a12');
    for (const value of ['a4', 'a5']) channel.push(value);
    channel.close();
    expect(await drain(channel)).toEqual(['!', 'a3', '!', 'a45']);
  });

  it('fails under the policy "coalesce" when it is full of others, and takes what can be joined even then', async () => {
    const channel = new Channel<string>({ capacity: 2, whenFull: 'coalesce', key: (value) => value });
    expect(['a', 'b', 'b', 'a', 'c'].map((value) => channel.push(value))).toEqual([true, true, true, true, false]);
    expect([(await channel.next()).value, (await channel.next()).value, channel.dropped]).toEqual(['a', 'b', 1]);
    await expect(channel.next()).rejects.toMatchObject({ code: 'CHANNEL_FULL' });
  });

  it('tells a producer on demand of each read, after it', async () => {
    const told: string[] = [];
    const channel: Channel<number> = new Channel<number>(
      { capacity: 2, whenFull: 'fail' },
      () => {},
      () => told.push(`waiting ${channel.waiting}, room ${channel.room}`),
    );
    channel.push(1);
    channel.push(2);
    expect(channel.room).toBe(0);
    await channel.next();
    await channel.next();
    const pending = channel.next();
    expect(told).toEqual(['waiting 0, room 1', 'waiting 0, room 2', 'waiting 1, room 2']);
    channel.close();
    await pending;
    await channel.next();
    expect(told.length).toBe(3);
  });

  it('waits in return() for its source to have let go', async () => {
    let letGo = (): void => {};
    const channel = new Channel<number>({ capacity: 2, whenFull: 'fail' }, () => new Promise<void>((resolve) => (letGo = resolve)));
    let left = false;
    const pending = channel.next();
    const returned = channel.return().then(() => (left = true));
    expect(await pending).toEqual({ value: undefined, done: true });
    await settle();
    expect(left).toBe(false);
    letGo();
    await returned;
    expect(left).toBe(true);
  });

  it('does not hold on to what was read', async () => {
    const channel = new Channel<Uint8Array>({ capacity: 32, whenFull: 'fail' });
    const before = await heldBytes();
    for (let count = 0; count < 32; count += 1) channel.push(new Uint8Array(1_000_000));
    for (let count = 0; count < 30; count += 1) await channel.next();
    expect((await heldBytes()) - before).toBeLessThan(5_000_000);
    expect(channel.size).toBe(2);
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
