import { expect, test } from 'vitest';
import { PassThrough } from 'node:stream';
import { Channel } from '../../../session/index.js';
import type { FlatRunEvent } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { printRun, streamWriter } from '../../../src/printer/index.js';
import type { PrintRunOptions } from '../../../src/printer/index.js';
import { settle } from '../../helpers/settle.js';

const runId = 'r1';
const say = (delta: string): FlatRunEvent => ({ type: 'response.text.delta', runId, itemId: 'm', delta });
const think = (delta: string): FlatRunEvent => ({ type: 'response.reasoning.delta', runId, itemId: 't', delta });
const called = (callId: string): FlatRunEvent => ({ type: 'response.function_call.done', runId, callId, name: 'book_table', arguments: '{"people":2}' });
const output = (callId: string, outcome: 'ok' | 'error' = 'ok'): FlatRunEvent => ({ type: 'response.function_call.output', runId, callId, name: 'book_table', output: '{"table":12}', outcome });
const done = (end: 'completed' | 'cancelled' = 'completed'): FlatRunEvent => ({ type: 'run.done', runId, text: '', end });

async function* from(events: readonly FlatRunEvent[]): AsyncGenerator<FlatRunEvent> {
  yield* events;
}

async function printed(events: readonly FlatRunEvent[], options: Partial<PrintRunOptions> = {}): Promise<string> {
  let text = '';
  await printRun(from(events), { write: (piece) => void (text += piece), clock: new ManualClock(), ...options });
  return text;
}

const CALL = [think('They want '), think('a table.'), say('One '), say('moment.'), called('c1'), output('c1'), say('Table 12.\nSee you.'), done()];

test('what is said, what was thought and what tools did stand apart, in plain text', async () => {
  expect(await printed(CALL)).toBe('They want a table.\nOne moment.\n→ book_table {"people":2}\n← book_table {"table":12}\nTable 12.\nSee you.\n');
  expect(await printed(CALL, { reasoning: false, tools: false })).toBe('One moment.\nTable 12.\nSee you.\n');
});

test('on a terminal they have colours, and the answer has none', async () => {
  const text = await printed(CALL, { terminal: true });
  expect(text).toContain('\u001b[2mThey want \u001b[0m\u001b[2ma table.\n\u001b[0mOne moment.');
  expect(text).toContain('\u001b[36m→ book_table {"people":2}\n\u001b[0m');
  expect(text).toMatch(/\u001b\[0mTable 12\.\nSee you\.\n$/u);
});

test('an end that is none is told, as is an error', async () => {
  expect(await printed([say('Well'), done('cancelled')])).toBe('Well\n(cancelled)\n');
  expect(await printed([say('Well'), { type: 'run.error', runId, error: { code: 'MODEL_UNREACHABLE', message: 'Nobody there.', hint: 'Check the address.' } }])).toBe('Well\nNobody there. Check the address. [MODEL_UNREACHABLE]\n');
  expect(await printed([called('c1'), output('c1', 'error'), done()])).toContain('✗ book_table (error) {"table":12}\n');
});

test('whom the run was handed over to is told, whom it began with is not', async () => {
  const agent = (agentName: string): FlatRunEvent => ({ type: 'run.agent', runId, agentName });
  const text = await printed([{ type: 'run.start', runId, agentName: 'Ava' }, agent('Ava'), say('One moment.'), agent('Ben'), say('Hello.'), agent('Ben'), done()]);
  expect(text).toBe('One moment.\n· Ben\nHello.\n');
});

test('what a model or a tool writes is shown and not obeyed', async () => {
  const text = await printed([say('a\u001b[31mred\u0007\u009b2J'), { type: 'response.function_call.output', runId, callId: 'c', name: 'f', output: 'x\u001b]0;title\u0007\r\ny', outcome: 'ok' }, say('b\r\nc\td'), done()], { terminal: false });
  expect(text).toBe('a[31mred2J\n← f x]0;title y\nb\nc\td\n');
});

test.each(['adaptive', 'character', 'line', 'block'] as const)('in %s mode the same text comes out, whole', async (mode) => {
  expect(await printed(CALL, { mode })).toBe(await printed(CALL));
  const result = await printRun(from(CALL), { write: () => {}, clock: new ManualClock(), mode });
  expect(result).toEqual({ text: 'One moment.Table 12.\nSee you.', end: 'completed' });
});

test('a word is on the screen at once, and what follows within one update of a sixtieth of a second', async () => {
  const clock = new ManualClock();
  const events = new Channel<FlatRunEvent>({ capacity: 10, whenFull: 'wait' });
  let text = '';
  const over = printRun(events, { write: (piece) => void (text += piece), clock });
  events.push(say('One'));
  await settle();
  expect(text).toBe('One');
  events.push(say(' two'));
  await settle();
  clock.advance(17);
  expect(text).toBe('One two');
  events.close();
  expect(await over).toEqual({ text: 'One two', end: 'cut' });
  expect(clock.pendingTimers).toBe(0);
});

test('a tool that takes its time has a line that moves and goes away; what is not a terminal has none', async () => {
  const clock = new ManualClock();
  const screens = { terminal: '', plain: '' };
  for (const kind of ['terminal', 'plain'] as const) {
    const events = new Channel<FlatRunEvent>({ capacity: 10, whenFull: 'wait' });
    const over = printRun(events, { write: (piece) => void (screens[kind] += piece), clock, terminal: kind === 'terminal' });
    events.push(called('c1'));
    await settle();
    clock.advance(1_000);
    if (kind === 'terminal') {
      expect(screens.terminal).toMatch(/\r\u001b\[2K\u001b\[\?7l⠋ book_table 0\.3 s\u001b\[\?7h\r\u001b\[2K\u001b\[\?7l⠙ book_table 0\.4 s/u);
      expect(screens.terminal).toMatch(/book_table 1\.0 s\u001b\[\?7h$/u);
    }
    events.push(output('c1'));
    events.push(done());
    events.close();
    await over;
    expect(clock.pendingTimers).toBe(0);
  }
  expect(screens.terminal).toMatch(/1\.0 s\u001b\[\?7h\r\u001b\[2K\u001b\[36m← book_table/u);
  expect(screens.plain).not.toContain('\u001b');
  expect(screens.plain).not.toContain('\r');
});

test('that line is never drawn over words: where a line is open, it waits', async () => {
  const clock = new ManualClock();
  const events = new Channel<FlatRunEvent>({ capacity: 10, whenFull: 'wait' });
  let screen = '';
  const over = printRun(events, { write: (piece) => void (screen += piece), clock, terminal: true });
  for (const event of [called('c1'), say('Meanwhile: ')]) events.push(event);
  await settle();
  clock.advance(1_000);
  expect(screen).toMatch(/Meanwhile: $/u);
  events.push(say('we have a garden.\n'));
  await settle();
  clock.advance(200);
  expect(screen).toMatch(/garden\.\n\r\u001b\[2K.*book_table 1\.\d s/u);
  events.close();
  await over;
});

test('what an output fails with is thrown, also where a timer wrote', async () => {
  const clock = new ManualClock();
  for (const fail of [() => Promise.reject(new Error('full')), () => { throw new Error('full'); }]) {
    const events = new Channel<FlatRunEvent>({ capacity: 10, whenFull: 'wait' });
    let writes = 0;
    const over = printRun(events, { write: () => ((writes += 1) < 2 ? undefined : fail()), clock }).catch((error: unknown) => error);
    for (const event of [say('One'), say(' two')]) events.push(event);
    await settle();
    clock.advance(20);
    await settle();
    for (const event of [say(' three'), done()]) events.push(event);
    expect(await over).toEqual(new Error('full'));
    expect(writes).toBe(2);
  }
});

test('typing holds the run: no more of it is read than what is being typed', async () => {
  const clock = new ManualClock();
  let read = 0;
  async function* run(): AsyncGenerator<FlatRunEvent> {
    for (let i = 0; i < 5; i += 1) {
      read += 1;
      yield say('ab');
    }
  }
  let text = '';
  const over = printRun(run(), { write: (piece) => void (text += piece), clock, mode: 'character', typingMs: 10 });
  await settle();
  expect([read, text]).toEqual([1, 'a']);
  await clock.run(20);
  expect(read).toBe(2);
  await clock.run(200);
  expect((await over).text).toBe('ababababab');
});

test('whoever stops the run does not wait for the rest to be typed', async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  let text = '';
  const over = printRun(from([say('abc'), think('def'), say('ghi'), done('cancelled')]), { write: (piece) => void (text += piece), clock, mode: 'character', typingMs: 1_000, signal: stop.signal });
  await settle();
  expect(text).toBe('a');
  stop.abort();
  expect((await over).end).toBe('cancelled');
  expect(text).toBe('abc\ndef\nghi\n(cancelled)\n');
  expect(clock.pendingTimers).toBe(0);
});

test('a slow output holds the run', async () => {
  const slow = new PassThrough({ highWaterMark: 4 });
  let read = 0;
  async function* run(): AsyncGenerator<FlatRunEvent> {
    for (let i = 0; i < 50; i += 1) {
      read += 1;
      yield say('12345678');
    }
  }
  const over = printRun(run(), { write: streamWriter(slow), clock: new ManualClock(), mode: 'character' });
  await settle();
  expect(read).toBeLessThan(3);
  let text = '';
  slow.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await over;
  slow.end();
  await settle();
  expect(text).toBe('12345678'.repeat(50));
});

test('an output that is gone holds nothing', async () => {
  const gone = new PassThrough({ highWaterMark: 1 });
  const over = printRun(from(CALL), { write: streamWriter(gone), clock: new ManualClock(), mode: 'character' });
  await settle();
  gone.on('error', () => {});
  gone.destroy();
  expect((await over).end).toBe('completed');
});

test('text that came before a run broke off is written, and the error is thrown', async () => {
  async function* broken(): AsyncGenerator<FlatRunEvent> {
    yield say('One');
    yield say(' two');
    throw new Error('gone');
  }
  let text = '';
  await expect(printRun(broken(), { write: (piece) => void (text += piece), clock: new ManualClock() })).rejects.toThrow('gone');
  expect(text).toBe('One two');
});

test('the name of a tool, which a model may have made up, is not obeyed in the line that moves', async () => {
  const clock = new ManualClock();
  let screen = '';
  const events = new Channel<FlatRunEvent>({ capacity: 10, whenFull: 'wait' });
  const over = printRun(events, { write: (piece) => void (screen += piece), clock, terminal: true });
  events.push({ type: 'response.function_call.done', runId, callId: 'c1', name: `\u001b]0;owned\u0007\n${'x'.repeat(500)}`, arguments: '{}' });
  await settle();
  clock.advance(350);
  expect(screen).toMatch(/⠋ \]0;owned x{50,60}[^x]* 0\.3 s/u);
  events.close();
  await over;
});
