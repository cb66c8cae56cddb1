/** One run, read in every way that there is: whoever reads it gets the same events, in the same order, with the same end. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Agent, silentLogger, tool } from '../../session/index.js';
import type { FlatRunEvent, Logger, StreamedRun } from '../../session/index.js';
import { streamRun } from '../../src/client/run-stream.js';
import { EMPTY_RUN, foldRunEvent } from '../../src/client/run-view.js';
import { streamToSocket } from '../../src/event-stream/index.js';
import { runStreamed } from '../../src/host/run.js';
import { printRun } from '../../src/printer/index.js';
import { scriptedTextModel } from '../../src/provider/scripted/scripted-text-model.js';
import type { ScriptedTurn } from '../../src/provider/scripted/scripted-text-model.js';
import { connectWebSocket } from '../../src/transport/ws-client.js';
import { gather } from '../helpers/gather.js';
import { listenTo, openDoor } from '../helpers/socket-pair.js';
import { serveRuns } from '../src/event-stream/served-runs.js';

const RUN_ID = 'run_1';
const lookUp = tool({
  name: 'look_up',
  description: 'Looks something up.',
  parameters: z.object({ what: z.string() }),
  execute: ({ what }, { progress }) => {
    progress({ seen: what });
    return `${what}: line\nbreak \u2028 and "quotes"`;
  },
});
const billing = new Agent({ name: 'Billing' });
const failing = tool({ name: 'fail', description: 'Fails.', parameters: z.object({}), execute: () => Promise.reject(new Error('no')) });
const agent = new Agent({ name: 'Front', tools: [lookUp, failing], handoffs: [billing] });

const STORIES: Readonly<Record<string, { readonly turns: readonly ScriptedTurn[]; readonly options?: { readonly maxTurns: number } }>> = {
  'tools, thoughts and a hand-off': {
    turns: [
      { reasoning: 'They want\r\ndata: it all.', text: 'Let me see.\n\nevent: x', calls: [{ name: 'look_up', arguments: { what: 'a 😀' } }, { name: 'fail' }] },
      { calls: [{ name: 'transfer_to_Billing', arguments: { reason: 'money' } }] },
      'Here is your bill.',
    ],
  },
  'a model that fails': { turns: [{ text: 'Well', fails: { message: 'Overloaded.', code: 'server_error' } }] },
  'more turns than there may be': { turns: [{ calls: [{ name: 'look_up', arguments: { what: 'x' } }] }], options: { maxTurns: 1 } },
  'an error of the application, whose words are its own': { turns: [{ throws: new Error('password=hunter2') }] },
};

describe.each(Object.entries(STORIES))('%s', (_name, { turns, options }) => {
  const begin = (given: { readonly signal?: AbortSignal; readonly runId?: string } = {}): StreamedRun => runStreamed(agent, 'Hello', { model: scriptedTextModel(turns), runId: RUN_ID, ...options, ...given });

  it('is the same by iteration, server-sent events, WebSocket and in a terminal', async () => {
    const direct = await gather(begin().flatEvents());
    expect(direct.at(0)?.type).toBe('run.start');
    expect(direct.filter(({ type }) => type === 'run.done' || type === 'run.error')).toEqual([direct.at(-1)]);

    await using served = await serveRuns(({ runId, signal }) => begin({ runId, signal }).flatEvents(), { newRunId: () => RUN_ID });
    const overSse: FlatRunEvent[] = [];
    for await (const event of streamRun(`${served.url}/chat/stream`, { input: 'Hello' })) if (event.type !== 'connection') overSse.push(event as FlatRunEvent);
    expect(overSse).toEqual(direct);

    await using door = await openDoor();
    const accepted = door.accept();
    const client = await connectWebSocket(door.url);
    const heard = listenTo(client);
    const end = await streamToSocket(await accepted, (signal) => begin({ signal }).flatEvents());
    await heard.closed;
    expect(heard.messages.map((message) => JSON.parse(String(message)) as FlatRunEvent)).toEqual(direct);
    expect(end).toMatchObject({ reason: 'done', sent: direct.length });

    // What a page shows of it: an agent is news where it is another one.
    const view = overSse.reduce(foldRunEvent, EMPTY_RUN);
    const others = direct.flatMap((event) => (event.type === 'run.agent' && event.agentName !== 'Front' ? [event.agentName] : []));
    expect(view.parts.flatMap((part) => (part.type === 'agent' ? [part.agentName] : []))).toEqual(others);

    const print = async (events: AsyncIterable<FlatRunEvent>): Promise<string> => {
      let text = '';
      await printRun(events, { write: (piece) => void (text += piece) });
      return text;
    };
    const shown = await print(begin().flatEvents());
    expect(await print(from(overSse))).toBe(shown);
    expect(shown).not.toBe('');
  });

});

describe('an error of the application', () => {
  it('has words that no reader is told and no log has; whoever began the run has the error', async () => {
    const logged: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (message, fields) => void logged.push([message, fields]), child: () => logger };
    const error = new TypeError('password=hunter2');
    const run = runStreamed(agent, 'Hello', { model: scriptedTextModel([{ throws: error }]), runId: RUN_ID, logger });
    const told = (await gather(run.flatEvents())).at(-1);
    expect(told).toMatchObject({ type: 'run.error', error: { code: 'RUN_FAILED' } });
    expect(JSON.stringify([told, logged])).not.toContain('hunter2');
    expect(logged).toEqual([['A run failed.', { runId: RUN_ID, error: 'TypeError' }]]);
    expect(await run.end).toEqual({ status: 'failed', error });
  });
});

async function* from<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}
