import { describe, expect, it } from 'vitest';
import { Outbox } from '../../../src/event-stream/outbox.js';
import type { OutboxRule } from '../../../src/event-stream/outbox.js';
import { heldBytes } from '../../helpers/heap.js';
import { random } from '../../helpers/random.js';

interface Value {
  readonly type: string;
  readonly key?: string;
  readonly text?: string;
  readonly n?: number;
}

function classify({ type, key = '', text = '' }: Value): OutboxRule {
  if (type === 'delta') return { class: 'delta', key, text };
  if (type === 'snapshot') return { class: 'snapshot', key };
  return type === 'audio' ? { class: 'audio', ms: 100 } : { class: 'control' };
}

const outbox = (maxAudioMs = 1_000): Outbox<Value> => new Outbox({ classify, withText: (value, text) => ({ ...value, text }), encode: (value) => JSON.stringify(value), maxAudioMs });

function takeAll(box: Outbox<Value>): Value[] {
  const taken: Value[] = [];
  for (let next = box.take(Infinity); next !== undefined; next = box.take(Infinity)) taken.push(JSON.parse(String(next)) as Value);
  return taken;
}

describe('an outbox', () => {
  it('joins deltas of one key, and not across control', () => {
    const box = outbox();
    for (const [key, text] of [['a', 'He'], ['b', 'Wo'], ['a', 'llo'], ['b', 'rld']] as const) box.push({ type: 'delta', key, text });
    box.push({ type: 'control', n: 1 });
    box.push({ type: 'delta', key: 'a', text: '!' });
    expect(takeAll(box)).toEqual([
      { type: 'delta', key: 'a', text: 'Hello' },
      { type: 'delta', key: 'b', text: 'World' },
      { type: 'control', n: 1 },
      { type: 'delta', key: 'a', text: '!' },
    ]);
    expect(box.counts).toEqual({ coalesced: 2, replaced: 0, droppedAudioMs: 0 });
  });

  it('joins nothing to what has left', () => {
    const box = outbox();
    box.push({ type: 'delta', key: 'a', text: '1' });
    expect(takeAll(box)).toHaveLength(1);
    box.push({ type: 'delta', key: 'a', text: '2' });
    expect(takeAll(box)).toEqual([{ type: 'delta', key: 'a', text: '2' }]);
  });

  it('remembers no snapshot that has left', async () => {
    const box = outbox();
    const before = await heldBytes();
    for (let n = 0; n < 30_000; n += 1) {
      box.push({ type: 'snapshot', key: `${'call'.repeat(50)}_${n}`, n });
      expect(box.take(Infinity)).toBeDefined();
    }
    expect((await heldBytes()) - before).toBeLessThan(2_000_000);
    expect([box.size, box.counts.replaced]).toEqual([0, 0]);
  });

  it('keeps the newest snapshot of each key, in its place behind what it follows', () => {
    const box = outbox();
    for (const n of [1, 2, 3]) {
      box.push({ type: 'snapshot', key: 'a', n });
      box.push({ type: 'control', n });
    }
    box.push({ type: 'snapshot', key: 'b', n: 9 });
    expect(takeAll(box).map(({ type, n }) => `${type} ${n}`)).toEqual(['control 1', 'control 2', 'snapshot 3', 'control 3', 'snapshot 9']);
    expect(box.counts.replaced).toBe(2);
  });

  it('drops the oldest sound beyond its length, and counts it', () => {
    const box = outbox(300);
    for (let n = 1; n <= 5; n += 1) box.push({ type: 'audio', n });
    box.push({ type: 'control', n: 6 });
    expect(takeAll(box).map(({ n }) => n)).toEqual([3, 4, 5, 6]);
    expect(box.counts.droppedAudioMs).toBe(200);
    const short = outbox(50);
    short.push({ type: 'audio', n: 1 });
    expect(takeAll(short)).toHaveLength(1);
  });

  it('gives a message only where there is room for it, and knows to the byte what waits', () => {
    const box = outbox();
    const value = { type: 'control', text: 'é😀€' };
    const bytes = Buffer.byteLength(JSON.stringify(value));
    box.push(value);
    expect(box.bytes).toBe(bytes);
    expect(box.take(bytes - 1)).toBeUndefined();
    expect(box.take(bytes)).toBe(JSON.stringify(value));
    expect([box.bytes, box.size]).toEqual([0, 0]);
  });

  it('never loses or turns round control, and no text of a key, whatever comes', () => {
    const { seed, int, pick } = random();
    const box = outbox(500);
    const [pushed, taken]: [Value[], Value[]] = [[], []];
    for (let n = 0; n < 3_000; n += 1) {
      const value: Value = { type: pick(['control', 'delta', 'delta', 'snapshot', 'audio']), key: pick(['a', 'b']), text: `${n},`, n };
      box.push(value);
      pushed.push(value);
      for (let count = int(0, 3) * int(0, 2); count > 0; count -= 1) {
        const next = box.take(Infinity);
        if (next !== undefined) taken.push(JSON.parse(String(next)) as Value);
      }
    }
    taken.push(...takeAll(box));
    const numbers = (values: readonly Value[], type: string) => values.filter((value) => value.type === type).map(({ n }) => n);
    const textOf = (values: readonly Value[], key: string) => values.flatMap((value) => (value.type === 'delta' && value.key === key ? [value.text] : [])).join('');
    expect(numbers(taken, 'control'), `seed ${seed}`).toEqual(numbers(pushed, 'control'));
    for (const key of ['a', 'b']) {
      expect(textOf(taken, key), `seed ${seed}`).toBe(textOf(pushed, key));
      expect(taken.findLast((value) => value.type === 'snapshot' && value.key === key)?.n).toBe(pushed.findLast((value) => value.type === 'snapshot' && value.key === key)?.n);
    }
    // Between two messages of control nobody reads a word that was said after the second one.
    const order = taken.filter(({ type }) => type === 'control' || type === 'delta');
    order.forEach((value, index) => {
      const after = order.slice(0, index).findLast(({ type }) => type === 'control')?.n ?? -1;
      if (value.type === 'delta') for (const part of (value.text ?? '').split(',').filter(Boolean)) expect(Number(part), `seed ${seed}`).toBeGreaterThan(after);
    });
    expect(box.bytes).toBe(0);
  });
});
