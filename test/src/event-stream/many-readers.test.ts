/** Many readers of many runs on one server, some slow: each has every event of its run, and nobody waits for another. */
import { describe, expect, it } from 'vitest';
import type { TypedEvent } from '../../../src/event-stream/index.js';
import { MemoryRunStore } from '../../../src/event-stream/index.js';
import { settle } from '../../helpers/settle.js';
import { SseConnection } from '../../helpers/sse-client.js';
import { done, serveRuns, words } from './served-runs.js';

describe('many readers', () => {
  it('200 of 50 runs of 25 owners each have all of their run and nothing of another', async () => {
    const gates = new Map<string, () => void>();
    await using server = await serveRuns(async function* ({ runId, input }) {
      await new Promise<void>((resolve) => gates.set(runId, resolve));
      for (let n = 0; n < 20; n += 1) {
        yield words(runId, `${input} ${n} `)[0] as TypedEvent;
        await settle();
      }
      yield done(runId, input);
    });
    const runs = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const user = { 'x-user': `user-${index % 25}` };
        const first = server.post({ input: `run ${index}` }, user);
        const runId = String((await first.response).headers['x-run-id']);
        const others = Array.from({ length: 3 }, () => server.connect(`/runs/${runId}/events`, { headers: user }));
        await Promise.all(others.map(({ response }) => response));
        return { runId, input: `run ${index}`, readers: [first, ...others] };
      }),
    );
    expect(server.desk.running).toBe(50);
    for (const open of gates.values()) open();
    for (const { runId, input, readers } of runs) {
      const wanted = [...Array.from({ length: 20 }, (_, n) => `${input} ${n} `)];
      for (const reader of readers) {
        expect(await reader.over).toBe(true);
        const events = reader.events.filter(({ event }) => event !== 'ping');
        expect(events.map(({ id }) => id)).toEqual(Array.from({ length: 21 }, (_, index) => `${runId}:${index + 1}`));
        expect(events.slice(0, 20).map(({ data }) => (JSON.parse(data) as { delta: string }).delta)).toEqual(wanted);
      }
    }
    expect(server.desk.running).toBe(0);
  });

  it('one that takes nothing holds neither the run nor the others, and is told what it missed when it reads on', async () => {
    let made = 0;
    let quick: SseConnection | undefined;
    await using server = await serveRuns(
      async function* () {
        for (; made < 800; made += 1) {
          yield { type: 'big', text: 'x'.repeat(20_000) } as TypedEvent;
          // As a model does that is slower than its reader.
          while ((quick?.text.length ?? 0) < made * 20_000) await settle();
        }
      },
      { store: new MemoryRunStore({ maxBytes: 1_000_000 }) },
    );
    quick = server.post({ input: 'x' });
    const runId = String((await quick.response).headers['x-run-id']);
    const slow = new SseConnection(`${server.url}/runs/${runId}/events`);
    (await slow.response).pause();
    expect(await quick.over).toBe(true);
    expect(quick.events.filter(({ event }) => event === 'big')).toHaveLength(800);
    expect(quick.events.some(({ event }) => event === 'gap')).toBe(false);
    (await slow.response).resume();
    expect(await slow.over).toBe(true);
    // Every number from 1 to 801, by its event or within the gap.
    const got = slow.events.flatMap(({ event, id, data }) => {
      const { from = 0, to = 0 } = event === 'gap' ? (JSON.parse(data) as { from: number; to: number }) : {};
      return event === 'gap' ? Array.from({ length: to - from + 1 }, (_, index) => from + index) : event === 'ping' ? [] : [Number(id.split(':')[1])];
    });
    expect(slow.events.filter(({ event }) => event === 'gap')).toHaveLength(1);
    expect(got).toEqual(Array.from({ length: 801 }, (_, index) => index + 1));
  });
});
