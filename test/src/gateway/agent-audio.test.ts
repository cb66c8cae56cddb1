import { describe, expect, it } from 'vitest';
import { PCM16_24K } from '../../../audio/index.js';
import { AgentAudio } from '../../../src/gateway/agent-audio.js';
import type { AgentAudioOutput } from '../../../src/gateway/agent-audio.js';

const limits = { windowSamples: 100, frameSamples: 30, maxPendingSamples: 1000 };

function audio(itemId: string, samples: number, epoch = 0, value = 1): Parameters<AgentAudio['push']>[0] {
  const bytes = new Uint8Array(samples * 2).fill(value);
  return { responseId: 'r', itemId, contentIndex: 0, epoch, chunk: { bytes, format: PCM16_24K, firstSample: 0 } };
}
const frames = (outputs: readonly AgentAudioOutput[]) => outputs.filter((output) => output.type === 'frame');
const sent = (outputs: readonly AgentAudioOutput[]): number => frames(outputs).reduce((sum, frame) => sum + frame.bytes.length / 2, 0);

describe('AgentAudio', () => {
  it('announces an item, cuts it to frames, and ends it with its length', () => {
    const queue = new AgentAudio(limits);
    queue.push(audio('a', 70));
    queue.end('a', 0);
    const outputs = queue.take();
    expect(outputs.map((output) => (output.type === 'frame' ? [output.firstSample, output.bytes.length / 2] : output.type))).toEqual(['item', [0, 30], [30, 30], [60, 10], 'item_end']);
    expect(outputs[0]).toEqual({ type: 'item', item: 1, itemId: 'a', responseId: 'r', contentIndex: 0, epoch: 0 });
    expect(outputs.at(-1)).toEqual({ type: 'item_end', item: 1, epoch: 0, samples: 70 });
    expect(queue.take()).toEqual([]);
  });

  it('sends the window and not one sample more, and goes on as far as the client has heard', () => {
    const queue = new AgentAudio(limits);
    queue.push(audio('a', 250));
    expect(sent(queue.take())).toBe(100);
    expect(queue.take()).toEqual([]);
    expect(queue.heard(1, 0, 25)).toEqual({ itemId: 'a', contentIndex: 0, samples: 25 });
    const next = frames(queue.take());
    expect(next.map((frame) => [frame.firstSample, frame.bytes.length / 2])).toEqual([[100, 25]]);
    expect(queue.pendingSamples).toBe(125);
  });

  it('keeps every byte in order whatever the sizes and the acknowledgements', () => {
    let seed = 77;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let run = 0; run < 50; run += 1) {
      const startedFrom = seed;
      const queue = new AgentAudio(limits);
      const got = new Map<number, number[]>();
      const want = new Map<number, number[]>();
      let heardTotal = 0;
      let sentTotal = 0;
      const pull = (): void => {
        for (const frame of frames(queue.take())) {
          const samples = got.get(frame.item) ?? [];
          expect(frame.firstSample, `seed ${startedFrom}`).toBe(samples.length / 2);
          got.set(frame.item, [...samples, ...frame.bytes]);
          sentTotal += frame.bytes.length / 2;
        }
        expect(sentTotal - heardTotal, `seed ${startedFrom}`).toBeLessThanOrEqual(100);
      };
      for (let item = 1; item <= 3; item += 1) {
        for (let chunk = 0; chunk < 3; chunk += 1) {
          const event = audio(`i${item}`, 1 + random(90), 0, random(256));
          want.set(item, [...(want.get(item) ?? []), ...event.chunk.bytes]);
          queue.push(event);
          if (random(2) === 0) pull();
        }
        queue.end(`i${item}`, 0);
      }
      for (let turn = 0; turn < 40; turn += 1) {
        pull();
        for (const [item, samples] of got) {
          const heard = queue.heard(item, 0, samples.length / 2);
          if (heard !== undefined && heard !== 'unknown') heardTotal = [...got.values()].reduce((sum, all) => sum + all.length / 2, 0);
        }
      }
      expect(Object.fromEntries(got), `seed ${startedFrom}`).toEqual(Object.fromEntries(want));
      expect(queue.idle).toBe(true);
    }
  });

  it('plays items one after the other: a later one waits until the first has ended', () => {
    const queue = new AgentAudio(limits);
    queue.push(audio('a', 10));
    queue.push(audio('b', 10));
    queue.end('b', 0);
    expect(queue.take().map((output) => output.item)).toEqual([1, 1]);
    queue.end('a', 0);
    expect(queue.take().map((output) => [output.type, output.item])).toEqual([['item_end', 1], ['item', 2], ['frame', 2], ['item_end', 2]]);
  });

  it('forgets what waits at a clear, opens the window anew, and drops late audio of the old epoch', () => {
    const queue = new AgentAudio(limits);
    queue.push(audio('a', 250));
    queue.take();
    queue.clear(1);
    expect(queue.pendingSamples).toBe(0);
    expect(queue.take()).toEqual([]);
    queue.push(audio('a', 50, 0));
    expect(queue.take()).toEqual([]);
    queue.push(audio('b', 200, 1));
    const outputs = queue.take();
    expect(outputs[0]).toMatchObject({ type: 'item', item: 2, epoch: 1 });
    expect(sent(outputs)).toBe(100);
    // The last word about the item that was cut still counts, under its old epoch.
    expect(queue.heard(1, 0, 60)).toEqual({ itemId: 'a', contentIndex: 0, samples: 60 });
    expect(queue.heard(1, 1, 70)).toBe('unknown');
  });

  it('drops at one sample over the limit, keeps what is sent without a hole, and counts', () => {
    const queue = new AgentAudio(limits);
    queue.push(audio('a', 1000));
    expect(queue.droppedSamples).toBe(0);
    queue.push(audio('a', 1));
    expect(queue.droppedSamples).toBe(1);
    queue.take();
    queue.push(audio('a', 5));
    expect(queue.droppedSamples).toBe(6);
    queue.end('a', 0);
    for (let heard = 0; heard <= 1000; heard += 50) {
      queue.heard(1, 0, heard);
      const end = queue.take().find((output) => output.type === 'item_end');
      if (end !== undefined) expect(end).toMatchObject({ samples: 1000 });
    }
    expect(queue.idle).toBe(true);
    // The next answer is whole again.
    queue.push(audio('b', 40));
    expect(sent(queue.take())).toBe(40);
  });

  it('believes no more than was sent, nothing backwards, and knows what was never announced', () => {
    const queue = new AgentAudio(limits);
    queue.push(audio('a', 10));
    expect(queue.heard(1, 0, 5)).toBe('unknown');
    queue.take();
    expect(queue.heard(1, 0, 4_000_000_000)).toEqual({ itemId: 'a', contentIndex: 0, samples: 10 });
    expect(queue.heard(1, 0, 9)).toBeUndefined();
    expect(queue.heard(0, 0, 1)).toBe('unknown');
    expect(queue.heard(2, 0, 1)).toBe('unknown');
  });

  it('keeps a bounded number of items, and ignores acknowledgements of those it has forgotten', () => {
    const queue = new AgentAudio(limits);
    for (let item = 1; item <= 200; item += 1) {
      queue.push(audio(`i${item}`, 10));
      queue.end(`i${item}`, 0);
      queue.take();
      expect(queue.heard(item, 0, 10)).toMatchObject({ itemId: `i${item}` });
    }
    expect(queue.heard(1, 0, 10)).toBeUndefined();
    expect(queue.idle).toBe(true);
  });
});
