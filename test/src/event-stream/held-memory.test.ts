/** What a run holds while 100 MB of it pass: its log, and no more, whoever takes nothing. */
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { MemoryRunStore } from '../../../src/event-stream/index.js';
import type { TypedEvent } from '../../../src/event-stream/index.js';
import { heldBytes } from '../../helpers/heap.js';
import { serveRuns } from './served-runs.js';

const LOG_BYTES = 4 * 1024 * 1024;
const EVENT_CHARS = 64 * 1024;

/** Counts what comes and keeps nothing. */
function counting(url: string): Promise<{ readonly bytes: () => number; readonly ended: Promise<void>; destroy(): void }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false }, (response) => {
      let bytes = 0;
      const ended = new Promise<void>((done) => response.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('close', done));
      resolve({ bytes: () => bytes, ended, destroy: () => outgoing.destroy() });
    });
    outgoing.on('error', reject).end();
  });
}

/** Buffers that were just let go of are counted for a moment longer. */
async function settledBytes(): Promise<number> {
  const counts: number[] = [];
  for (let count = 0; count < 4; count += 1) counts.push(await heldBytes());
  return Math.min(...counts);
}

describe('a run that says more than a reader takes', () => {
  it('holds no more than its log may, and 10 % for what is on its way', async () => {
    let [made, most] = [0, 0];
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => (begin = resolve));
    let base = 0;
    await using server = await serveRuns(
      async function* () {
        await begun;
        base = await settledBytes();
        for (; made < 1_600; made += 1) {
          yield { type: 'big', n: made, text: 'x'.repeat(EVENT_CHARS) } as TypedEvent;
          if (made % 400 === 399) most = Math.max(most, (await settledBytes()) - base);
        }
      },
      { store: new MemoryRunStore({ maxBytes: LOG_BYTES }), newRunId: () => 'r1' },
    );
    const first = server.post({ input: 'x' });
    (await first.response).pause();
    const quick = await counting(`${server.url}/runs/r1/events`);
    begin();
    await quick.ended;
    expect(quick.bytes()).toBeGreaterThan(1_600 * EVENT_CHARS);
    expect(most).toBeLessThan(LOG_BYTES * 1.1);
    // The log was full: it counts two bytes for a letter, and one is what such letters take.
    expect(most).toBeGreaterThan(LOG_BYTES * 0.45);
    first.destroy();
    quick.destroy();
  });
});
