import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Agent, InProcessMemory, RunError, TransportError, runStreamed, tool } from '../../../session/index.js';
import type { RunEvent, StreamedRun } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { scriptedTextModel } from '../../../src/provider/scripted/scripted-text-model.js';
import { collect, inShort, runOptions } from '../../helpers/run-harness.js';
import { random } from '../../helpers/random.js';
import { settle } from '../../helpers/settle.js';

const agent = new Agent({ name: 'Ava' });
const LONG = 'word '.repeat(100);

describe('a reader', () => {
  it('sets the run going: before the first read nothing is asked', async () => {
    const model = scriptedTextModel(['Hello.']);
    const events = runStreamed(agent, 'Hi', runOptions({ model })).events();
    await settle();
    expect(model.requests).toEqual([]);
    await events.next();
    await settle();
    expect(model.requests).toHaveLength(1);
  });

  it('that is slow holds the model, and loses nothing', async () => {
    const model = scriptedTextModel([LONG]);
    const running = runStreamed(agent, 'Hi', runOptions({ model, queueSize: 2 }));
    const events = running.events();
    for (let read = 1; read <= 5; read += 1) {
      await events.next();
      await settle();
      // One event is the run's own; two wait, and one more is in the runner's hand.
      expect(model.eventsRead).toBeLessThanOrEqual(read + 2);
    }
    expect((await collect(events)).filter((event) => event.type === 'raw_response_event' && event.data.type === 'text_delta')).toHaveLength(Math.ceil(LONG.length / 6) - 3);
    expect(await running.finalOutput).toBe(LONG);
  });

  it.each([
    ['drop-oldest', 'raw:response_done'],
    ['drop-newest', 'raw:text_delta'],
  ] as const)('that is slow loses events where it asks for that (%s), and they are counted', async (whenFull, last) => {
    const running = runStreamed(agent, 'Hi', runOptions({ model: scriptedTextModel([LONG]), queueSize: 4, whenFull }));
    const events = running.events();
    const first = await events.next();
    await settle();
    const rest = await collect(events);
    expect(rest).toHaveLength(4);
    expect(inShort([...rest]).at(-1)).toBe(last);
    expect(first.done).toBe(false);
    expect(running.dropped).toBe(Math.ceil(LONG.length / 6) + 4 - 4);
    expect(await running.finalOutput).toBe(LONG);
  });

  it('that is slow ends a run that is to fail then', async () => {
    const model = scriptedTextModel([LONG]);
    const running = runStreamed(agent, 'Hi', runOptions({ model, queueSize: 4, whenFull: 'fail' }));
    const events = running.events();
    await events.next();
    await settle();
    await expect(collect(events)).rejects.toMatchObject({ code: 'CHANNEL_FULL' });
    expect(await running.end).toMatchObject({ status: 'failed', error: { code: 'CHANNEL_FULL' } });
    expect(model.givenUp).toBe(1);
  });

  it('is one: a second one is told so', async () => {
    const running = runStreamed(agent, 'Hi', runOptions({ model: scriptedTextModel(['Hello.']) }));
    const events = running.events();
    expect(() => running.toTextStream()).toThrow(expect.objectContaining({ code: 'RUN_ALREADY_READ' }) as Error);
    await collect(events);
  });

  it('need not be there: who awaits the output alone gets it', async () => {
    const running = runStreamed(agent, 'Hi', runOptions({ model: scriptedTextModel([LONG]), queueSize: 1 }));
    expect(await running.finalOutput).toBe(LONG);
    expect(() => running.events()).toThrow(expect.objectContaining({ code: 'RUN_ALREADY_READ' }) as Error);
  });

  it('may come in the same breath as somebody who awaits the output', async () => {
    const running = runStreamed(agent, 'Hi', runOptions({ model: scriptedTextModel(['Hello.']) }));
    const [output, text] = await Promise.all([running.finalOutput, collect(running.toTextStream())]);
    expect([output, text.join('')]).toEqual(['Hello.', 'Hello.']);
  });
});

describe('a run that is not wanted any more', () => {
  /** Reads until something is heard of the answer, then does something; gives what the loop threw. */
  async function readThen(running: StreamedRun, act: () => void, leaves = false): Promise<unknown> {
    try {
      for await (const event of running) {
        if (event.type !== 'raw_response_event' || event.data.type !== 'text_delta') continue;
        act();
        if (leaves) break;
      }
      return 'nothing';
    } catch (error) {
      return error;
    }
  }

  function slowRun(extra: { signal?: AbortSignal; timeoutMs?: number; idleTimeoutMs?: number } = {}) {
    const clock = new ManualClock();
    const model = scriptedTextModel([{ text: 'Hello there.', hangs: true }], { clock });
    return { clock, model, running: runStreamed(agent, 'Hi', { model, clock, runId: 'r', ...extra }) };
  }

  async function expectFreed({ clock, model, running }: ReturnType<typeof slowRun>): Promise<void> {
    await running.end;
    expect([clock.pendingTimers, model.open, model.givenUp]).toEqual([0, 0, 1]);
  }

  it('by a reader that leaves its loop', async () => {
    const made = slowRun();
    expect(await readThen(made.running, () => {}, true)).toBe('nothing');
    expect(await made.running.end).toEqual({ status: 'cancelled', by: 'reader' });
    await expect(made.running.finalOutput).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
    await expectFreed(made);
  });

  it('by a reader that lets go while it waits', async () => {
    const made = slowRun();
    const events = made.running.events();
    const all: Promise<IteratorResult<RunEvent, undefined>>[] = Array.from({ length: 6 }, () => events.next());
    await settle();
    await events.return?.();
    expect((await all.at(-1))?.done).toBe(true);
    expect(await made.running.end).toEqual({ status: 'cancelled', by: 'reader' });
    await expectFreed(made);
  });

  it('by its signal: the loop and the output reject with the reason', async () => {
    const controller = new AbortController();
    const made = slowRun({ signal: controller.signal });
    const reason = new Error('The user has hung up.');
    expect(await readThen(made.running, () => controller.abort(reason))).toBe(reason);
    expect(await made.running.end).toEqual({ status: 'cancelled', by: 'caller' });
    await expect(made.running.finalOutput).rejects.toBe(reason);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    await expectFreed(made);
  });

  it('by a signal that was aborted before: nothing is asked', async () => {
    const made = slowRun({ signal: AbortSignal.abort(new Error('never mind')) });
    await expect(made.running.finalOutput).rejects.toThrow('never mind');
    expect(await made.running.end).toEqual({ status: 'cancelled', by: 'caller' });
    expect(made.model.requests).toEqual([]);
  });

  it('by cancel(): the loop just ends', async () => {
    const made = slowRun();
    expect(await readThen(made.running, () => made.running.cancel())).toBe('nothing');
    expect(await made.running.end).toEqual({ status: 'cancelled', by: 'caller' });
    await expect(made.running.finalOutput).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
    made.running.cancel();
    await expectFreed(made);
  });

  it.each(['now', 'after_turn'] as const)('by cancel(%j) before it began', async (when) => {
    const { running, model } = slowRun();
    running.cancel(when);
    expect(await running.end).toEqual({ status: 'cancelled', by: 'caller' });
    expect(await collect(running)).toEqual([]);
    expect(model.requests).toEqual([]);
  });

  it('by cancel() while its reader stands still', async () => {
    const model = scriptedTextModel([LONG]);
    const running = runStreamed(agent, 'Hi', runOptions({ model, queueSize: 1 }));
    const events = running.events();
    await events.next();
    await settle();
    running.cancel();
    expect(await running.end).toEqual({ status: 'cancelled', by: 'caller' });
    expect(model.givenUp).toBe(1);
    // What waited is still there.
    expect(await collect(events)).toHaveLength(1);
  });

  it('by its time-out', async () => {
    const made = slowRun({ timeoutMs: 5_000 });
    let thrown: unknown;
    const reading = readThen(made.running, () => {}).then((error) => (thrown = error));
    await settle();
    made.clock.advance(4_999);
    await settle();
    expect(thrown).toBeUndefined();
    made.clock.advance(1);
    await reading;
    expect(thrown).toMatchObject({ code: 'RUN_TIMEOUT' });
    expect(await made.running.end).toEqual({ status: 'cancelled', by: 'timeout' });
    await expectFreed(made);
  });

  it('but ends in time leaves no timer and no listener', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const running = runStreamed(agent, 'Hi', { model: scriptedTextModel(['Hello.']), clock, runId: 'r', timeoutMs: 5_000, signal: controller.signal });
    expect(await running.finalOutput).toBe('Hello.');
    expect([clock.pendingTimers, getEventListeners(controller.signal, 'abort').length]).toEqual([0, 0]);
    controller.abort();
    running.cancel();
    expect(await running.end).toEqual({ status: 'completed' });
  });

  it('after a turn: its calls end, and the model is not asked again', async () => {
    let ended = false;
    const slow = tool({ name: 'slow', description: '', parameters: { type: 'object' }, execute: async () => ((await settle()), (ended = true), 'done') });
    const model = scriptedTextModel([{ text: 'One moment.', calls: [{ name: 'slow' }] }, 'Never said.']);
    const running = runStreamed(new Agent({ name: 'Ava', tools: [slow] }), 'Hi', runOptions({ model }));
    expect(await readThen(running, () => running.cancel('after_turn'))).toBe('nothing');
    expect(await running.end).toEqual({ status: 'cancelled', by: 'caller' });
    expect([ended, model.requests.length]).toEqual([true, 1]);
    expect(running.history.at(-1)).toMatchObject({ type: 'function_call_output', outcome: 'ok' });
  });

  it('keeps what was told, and answers the calls that it leaves open', async () => {
    const session = new InProcessMemory();
    const stuck = tool({ name: 'stuck', description: '', parameters: { type: 'object' }, execute: () => new Promise<string>(() => {}) });
    const model = scriptedTextModel([{ text: 'I book it.', calls: [{ name: 'stuck' }] }]);
    const running = runStreamed(new Agent({ name: 'Ava', tools: [stuck] }), 'Book!', runOptions({ model, session }));
    for await (const event of running) if (event.type === 'run_item_stream_event' && event.name === 'tool_called') setImmediate(() => running.cancel());
    await running.end;
    expect(session.items()).toMatchObject([
      { role: 'user', text: 'Book!' },
      { role: 'assistant', text: 'I book it.' },
      { type: 'function_call', name: 'stuck' },
      { type: 'function_call_output', output: expect.stringContaining('unsettled') as string },
    ]);
    const half = runStreamed(agent, 'And?', runOptions({ model: scriptedTextModel([{ text: 'Half a sentence.', hangs: true }]), session }));
    let heard = '';
    for await (const piece of half.toTextStream()) {
      heard += piece;
      if (heard.length > 6) break;
    }
    await half.end;
    expect(session.items().at(-1)).toMatchObject({ role: 'assistant', text: expect.stringMatching(/^Half a/) as string });
  });
});

describe('a model that', () => {
  it('says nothing for too long is left; the time of a slow reader is not counted', async () => {
    const clock = new ManualClock();
    const model = scriptedTextModel([{ text: LONG, hangs: true }]);
    const running = runStreamed(agent, 'Hi', { model, clock, runId: 'r', queueSize: 1, idleTimeoutMs: 1_000 });
    const events = running.events();
    await events.next();
    await settle();
    clock.advance(60_000);
    await events.next();
    await settle();
    expect(running.state.status).toBe('running');
    const rest = collect(events);
    await settle();
    clock.advance(1_000);
    await expect(rest).rejects.toMatchObject({ code: 'RESPONSE_TIMEOUT', retryable: true });
    expect(await running.end).toMatchObject({ status: 'failed', error: { code: 'RESPONSE_TIMEOUT' } });
    expect([clock.pendingTimers, model.open]).toEqual([0, 0]);
  });

  it('cannot be reached: its error is kept as it is', async () => {
    const error = new TransportError('MODEL_UNREACHABLE', 'No way.');
    const running = runStreamed(agent, 'Hi', runOptions({ model: scriptedTextModel([{ throws: error }]) }));
    const flat = await collect(running.flatEvents());
    expect(flat.at(-1)).toEqual({ type: 'run.error', runId: 'run_1', error: { code: 'MODEL_UNREACHABLE', message: 'No way.', hint: error.hint } });
    await expect(running.finalOutput).rejects.toBe(error);
    expect(await running.end).toEqual({ status: 'failed', error });
  });

  it.each([
    [{ text: 'Well', fails: { code: 'server_error', message: 'Out of luck.' } }, { code: 'RESPONSE_FAILED', providerCode: 'server_error' }],
    [{ calls: [{ name: 'x', arguments: '{"a":' }], incomplete: 'max_output_tokens' }, { code: 'RESPONSE_INCOMPLETE' }],
    [{ incomplete: 'content_filter' }, { code: 'RESPONSE_INCOMPLETE' }],
  ])('fails (%j)', async (answer, expected) => {
    const running = runStreamed(agent, 'Hi', runOptions({ model: scriptedTextModel([answer]) }));
    await expect(collect(running)).rejects.toMatchObject(expected);
    expect(await running.end).toMatchObject({ status: 'failed', error: expected });
  });

  it('breaks off is a failed response', async () => {
    const silent = { label: 'x', respond: async function* () {} };
    await expect(runStreamed(agent, 'Hi', runOptions({ model: silent })).finalOutput).rejects.toMatchObject({ code: 'RESPONSE_FAILED' });
  });

  it('is cut off in the middle of its words ends the run, which says so', async () => {
    const running = runStreamed(agent, 'Hi', runOptions({ model: scriptedTextModel([{ text: 'It is', incomplete: 'max_output_tokens' }]) }));
    expect(await running.finalOutput).toBe('It is');
    expect(await running.end).toEqual({ status: 'completed', incomplete: 'max_output_tokens' });
  });

  it('does not stream is told like one that does', async () => {
    const answer = { reasoning: 'Hm.', text: 'Good morning.', calls: [{ name: 'nope', arguments: {} }] };
    const whole = inShort(await collect(runStreamed(agent, 'Hi', runOptions({ model: scriptedTextModel([{ ...answer, whole: true }, 'Done.'], { deltaCharacters: 1_000 }) }))));
    const streamed = inShort(await collect(runStreamed(agent, 'Hi', runOptions({ model: scriptedTextModel([answer, 'Done.'], { deltaCharacters: 1_000 }) }))));
    expect(whole).toEqual(streamed);
  });

  it('calls tools without end meets the limit, and the last calls are not run', async () => {
    let runs = 0;
    const again = tool({ name: 'again', description: '', parameters: { type: 'object' }, execute: () => (runs += 1) });
    const model = scriptedTextModel(Array.from({ length: 9 }, () => ({ calls: [{ name: 'again' }] })));
    const running = runStreamed(new Agent({ name: 'Ava', tools: [again] }), 'Go', runOptions({ model, maxTurns: 3 }));
    await expect(running.finalOutput).rejects.toMatchObject({ code: 'RUN_MAX_TURNS' });
    expect([runs, model.requests.length]).toEqual([2, 3]);
  });
});

it.each([{ maxTurns: 0 }, { maxTurns: 1.5 }, { timeoutMs: 0 }, { idleTimeoutMs: -1 }, { queueSize: 0 }])('%j cannot be', (wrong) => {
  expect(() => runStreamed(agent, 'Hi', runOptions({ model: scriptedTextModel([]), ...wrong }))).toThrow(RangeError);
});

describe('a thousand runs that are cancelled at random moments', () => {
  it('leave no timer, no listener, no request and no handle, and each ends once', async () => {
    const generator = random();
    const clock = new ManualClock();
    const caller = new AbortController();
    const before = process.getActiveResourcesInfo().length;
    const obeys = tool({ name: 'obeys', description: '', parameters: { type: 'object' }, execute: (_args, { signal, progress }) => new Promise((_resolve, reject) => (progress('begun'), signal.addEventListener('abort', () => reject(signal.reason as Error)))) });
    const ignores = tool({ name: 'ignores', description: '', parameters: { type: 'object' }, timeoutMs: 50, execute: () => new Promise<string>(() => {}) });
    const guarded = new Agent({
      name: 'Ava',
      tools: [obeys, ignores],
      guardrails: { input: [{ name: 'slow', check: () => new Promise((resolve) => clock.after(5, () => resolve('pass'))) }], output: [{ name: 'never', check: () => new Promise(() => {}) }] },
    });
    const ends: Record<string, number> = {};
    for (let round = 0; round < 1_000; round += 1) {
      const about = `seed ${generator.seed}, round ${round}`;
      const delayMs = generator.int(0, 4);
      const model = scriptedTextModel([{ text: LONG.slice(0, 60), calls: [{ name: 'obeys' }, { name: 'ignores' }], delayMs }, { text: 'Done. So.', delayMs, hangs: generator.next() < 0.3 }], { clock });
      const own = new AbortController();
      const how = generator.pick(['leave', 'signal', 'now', 'after_turn', 'timeout', 'idle'] as const);
      const running = runStreamed(guarded, 'Hi', {
        model,
        clock,
        runId: `run_${round}`,
        session: new InProcessMemory(),
        queueSize: generator.pick([1, 3, 1_000]),
        signal: generator.next() < 0.5 ? own.signal : AbortSignal.any([own.signal, caller.signal]),
        ...(how === 'timeout' ? { timeoutMs: generator.int(1, 150) } : {}),
        ...(how === 'idle' ? { idleTimeoutMs: generator.int(1, 60) } : {}),
      });
      let settledTimes = 0;
      void running.end.then(() => (settledTimes += 1));
      const readFor = generator.int(0, 40);
      const stopAt = generator.int(0, 40);
      let read = 0;
      const events = running.events();
      const stop = (): void => {
        if (how === 'signal') own.abort();
        else if (how === 'now' || how === 'after_turn') running.cancel(how);
        else if (how === 'leave') void events.return?.();
      };
      const reading = (async () => {
        for await (const _event of events) if ((read += 1) >= readFor) break;
      })().catch(() => {});
      for (let moment = 0; moment < 60; moment += 1) {
        if (moment === stopAt) stop();
        for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
        clock.advance(generator.int(0, 8));
      }
      own.abort();
      const end = await running.end;
      await reading;
      await Promise.resolve();
      const kind = end.status === 'cancelled' ? end.by : end.status;
      ends[kind] = (ends[kind] ?? 0) + 1;
      expect(settledTimes, about).toBe(1);
      expect(model.open, about).toBe(0);
      expect(getEventListeners(own.signal, 'abort'), about).toEqual([]);
    }
    await settle();
    // What is left is of the checks of the application itself, which listen to nobody.
    clock.advance(10);
    expect(clock.pendingTimers, `seed ${generator.seed}`).toBe(0);
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
    // Random moments reach every way in which a run ends.
    for (const kind of ['caller', 'reader', 'timeout', 'failed']) expect(ends[kind], `${kind}, seed ${generator.seed}`).toBeGreaterThan(10);
  });
});

it('a run that failed says so with an error of its own', () => {
  expect(new RunError('RUN_MAX_TURNS', 'Too many.')).toMatchObject({ name: 'RunError', stage: 'run', leg: 'application', retryable: false });
});
