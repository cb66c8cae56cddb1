import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findChromium } from '../helpers/chromium.js';
import { RunServer, errorAnswer, shortRun } from '../helpers/run-server.js';
import type { ToldEvent } from '../helpers/run-server.js';
import { filesOf } from '../helpers/served-files.js';

const executablePath = findChromium();
if (executablePath === undefined && process.env['CI'] !== undefined) throw new Error('No Chromium was found; install one, or name it in CHROMIUM.');
const outputFolder = fileURLToPath(new URL('../../test-output/', import.meta.url));

const deltas = (text: string, itemId: string): ToldEvent[] => (text.match(/\s*\S+/g) ?? []).map((delta) => ({ type: 'response.text.delta', itemId, delta }));

/** A long answer with everything that an answer can have. */
const RICH: readonly ToldEvent[] = [
  { type: 'run.start', agentName: 'Trattoria Aurora' },
  { type: 'response.reasoning.delta', itemId: 'r1', delta: 'The guest wants a table for four on Friday. I have people, day and time, ' },
  { type: 'response.reasoning.delta', itemId: 'r1', delta: 'so I can book at once and tell the reference afterwards.' },
  ...deltas('One moment, I look into the book.', 'm1'),
  { type: 'response.function_call_arguments.delta', callId: 'c1', name: 'book_table', delta: '{"people":4,' },
  { type: 'response.function_call_arguments.delta', callId: 'c1', name: 'book_table', delta: '"day":"Friday","time":"19:30"}' },
  { type: 'response.function_call.done', callId: 'c1', name: 'book_table', arguments: '{"people":4,"day":"Friday","time":"19:30"}' },
  { type: 'run.step.done', step: 1, text: 'One moment, I look into the book.' },
  { type: 'response.function_call.output', callId: 'c1', name: 'book_table', output: '{"table":12,"reference":"V-4711","people":4,"day":"Friday","time":"19:30"}', outcome: 'ok' },
];
const ANSWER = 'Your table is booked: **table 12**, Friday at half past seven, for four. The reference is `V-4711`.\n\nTwo things that guests ask about:\n\n- Parking is in the *market garage*, two minutes away on foot.\n- The terrace is open when it is dry; say so at the door.\n\nTo put it into your calendar:\n\n```\nBEGIN:VEVENT\nSUMMARY:Trattoria Aurora, table 12 (V-4711)\nDTSTART:20261127T193000\nEND:VEVENT\n```\n\nUntil Friday!';

let server: RunServer;
let served: Awaited<ReturnType<RunServer['listen']>>;
let browser: Browser;
let page: Page;
let complaints: string[];

describe.skipIf(executablePath === undefined)('the text chat', () => {
  beforeAll(async () => {
    mkdirSync(outputFolder, { recursive: true });
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    server = new RunServer();
    served = await server.listen(filesOf('dist/page'));
    page = await browser.newPage({ viewport: { width: 1180, height: 860 } });
    complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${served.url}/chat.html?token=t0k`);
    return async () => {
      await page.close();
      await served.close();
      expect(complaints).toEqual([]);
    };
  });

  const ask = async (text: string): Promise<void> => {
    const before = server.runs.length;
    await page.locator('#input').fill(text);
    await page.keyboard.press('Enter');
    await expect.poll(() => server.runs.length).toBe(before + 1);
  };
  const last = () => page.locator('.turn').last();

  test('shows reasoning, tool calls and words as they come, each in its place', async () => {
    await page.screenshot({ path: `${outputFolder}chat-empty.png` });
    await ask('A table for four on Friday at half past seven, please.');
    server.lastRun.say(...RICH.slice(0, 2));
    await last().locator('.thought.live', { hasText: 'Thinking…' }).waitFor();
    server.lastRun.say(...RICH.slice(2, -4));
    await last().locator('.tool[data-state="asking"]', { hasText: '"people":4,' }).waitFor();
    await page.screenshot({ path: `${outputFolder}chat-asking.png` });
    server.lastRun.say(...RICH.slice(-4));
    await last().locator('.tool[data-outcome="ok"]', { hasText: 'V-4711' }).waitFor();
    expect(await last().locator('.thought').getAttribute('open')).toBeNull();
    await last().locator('.thought summary').click();
    await last().locator('.thought p', { hasText: 'book at once' }).waitFor();
    server.lastRun.say(...deltas(ANSWER.slice(0, 170), 'm2'));
    await last().locator('.prose b', { hasText: 'table 12' }).waitFor();
    await page.locator('#connection', { hasText: 'Answering' }).waitFor();
    await page.screenshot({ path: `${outputFolder}chat-answering.png` });
    server.lastRun.say(...deltas(ANSWER.slice(170), 'm2'), { type: 'run.step.done', step: 2, text: ANSWER }, { type: 'run.done', text: ANSWER, end: 'completed' });
    await page.locator('#connection', { hasText: 'Ready' }).waitFor();
    expect(await last().locator('.prose').allTextContents()).toEqual(['One moment, I look into the book.', expect.stringContaining('Until Friday!')]);
    expect(await last().locator('.prose li').count()).toBe(2);
    expect(await last().locator('pre').textContent()).toBe('BEGIN:VEVENT\nSUMMARY:Trattoria Aurora, table 12 (V-4711)\nDTSTART:20261127T193000\nEND:VEVENT');
    expect(await last().locator('.answer > *').evaluateAll((all) => all.map(({ className }) => className.split(' ')[0]))).toEqual(['who', 'thought', 'prose', 'tool', 'prose']);
    expect(server.requests.find(({ method }) => method === 'POST')?.headers.get('authorization')).toBe('Bearer t0k');
    await page.screenshot({ path: `${outputFolder}chat.png` });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: `${outputFolder}chat-dark.png` });
    await page.setViewportSize({ width: 360, height: 740 });
    await page.screenshot({ path: `${outputFolder}chat-360-dark.png` });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.locator('#scroll').evaluate((scroll) => (scroll.scrollTop = 0));
    await page.screenshot({ path: `${outputFolder}chat-360.png` });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  test('what an agent says never becomes markup', async () => {
    await ask('Hi');
    const text = '<img src=x onerror="document.title=\'broken\'"> `<b>` **<i>x</i>**\n```\n<script>document.title="broken"</script>\n```';
    server.lastRun.say({ type: 'run.start', agentName: '<u>Ava</u>' }, ...shortRun(text).slice(1));
    await last().locator('pre', { hasText: '<script>' }).waitFor();
    expect([await last().locator('img, i:not(.dots i), u, script').count(), await page.title()]).toEqual([0, 'voicewire chat']);
  });

  test('a connection that breaks goes on where it was, without a gap or a repeat', async () => {
    server.retryMs = 300;
    await ask('Tell me everything.');
    server.lastRun.say(...shortRun('one two three four five six').slice(0, 4));
    await last().locator('.prose', { hasText: 'one two three' }).waitFor();
    server.lastRun.cut();
    await page.locator('#connection', { hasText: 'Reconnecting…' }).waitFor();
    await last().locator('.notice', { hasText: 'Connection lost. Attempt 1' }).waitFor();
    await page.screenshot({ path: `${outputFolder}chat-reconnecting.png` });
    server.lastRun.say(...shortRun('one two three four five six').slice(4));
    await page.locator('#connection', { hasText: 'Ready' }).waitFor();
    expect(await last().locator('.prose').textContent()).toBe('one two three four five six');
    expect([server.requests.at(-1)?.path, server.requests.at(-1)?.headers.get('last-event-id'), server.runs.length]).toEqual(['/runs/r1/events', 'r1:4', 1]);
    expect(await last().locator('.notice').count()).toBe(0);
  });

  test('Esc stops the run on the server, and the page is ready for the next', async () => {
    await ask('Count to a million.');
    server.lastRun.say(...shortRun('one two three').slice(0, 3));
    await last().locator('.prose', { hasText: 'one two' }).waitFor();
    expect(await page.locator('#send').isHidden()).toBe(true);
    await page.keyboard.press('Escape');
    await last().locator('.notice', { hasText: 'Stopped.' }).waitFor();
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toContain('POST /runs/r1/stop');
    await ask('Again');
    server.lastRun.say(...shortRun('Here.'));
    await last().locator('.prose', { hasText: 'Here.' }).waitFor();
    expect((server.runs[1]?.body as { conversationId: string }).conversationId).toBe((server.runs[0]?.body as { conversationId: string }).conversationId);
  });

  test('a stop that the server refuses is told, and the answer goes on', async () => {
    await ask('Hi');
    server.lastRun.say(...shortRun('one two three').slice(0, 2));
    server.instead.push(errorAnswer(503, 'GATEWAY_CLOSING', 'Not now.'));
    await page.locator('#stop').click();
    await last().locator('.notice[data-kind="problem"]', { hasText: 'RUN_STOP_FAILED' }).waitFor();
    await page.screenshot({ path: `${outputFolder}chat-stop-failed.png` });
    server.lastRun.say(...shortRun('one two three').slice(2));
    await last().locator('.prose', { hasText: 'one two three' }).waitFor();
  });

  test('a run goes on after a reload, and what was said before is there', async () => {
    await ask('First');
    server.lastRun.say(...shortRun('The first answer.'));
    await page.locator('#connection', { hasText: 'Ready' }).waitFor();
    await ask('Second');
    server.lastRun.say(...shortRun('The second answer goes on.').slice(0, 3));
    await last().locator('.prose', { hasText: 'The second' }).waitFor();
    await page.reload();
    await last().locator('.prose', { hasText: 'The second' }).waitFor();
    server.lastRun.say(...shortRun('The second answer goes on.').slice(3));
    await page.locator('#connection', { hasText: 'Ready' }).waitFor();
    expect(await page.locator('.prose').allTextContents()).toEqual(['The first answer.', 'The second answer goes on.']);
    expect(server.runs).toHaveLength(2);
    await page.locator('#fresh').click();
    await page.locator('#welcome').waitFor();
    await page.reload();
    expect(await page.locator('.turn').count()).toBe(0);
  });

  test('lost events are told', async () => {
    server.retryMs = 10;
    await ask('Hi');
    server.lastRun.say(...shortRun('one two three four').slice(0, 2));
    await last().locator('.prose', { hasText: 'one' }).waitFor();
    server.lastRun.cut();
    server.lastRun.say(...shortRun('one two three four').slice(2, 4));
    server.lastRun.forget(4);
    await last().locator('.notice[data-kind="gap"]', { hasText: '2 events were lost' }).waitFor();
    server.lastRun.say(...shortRun('one two three four').slice(4));
    await last().locator('.prose', { hasText: 'one two three four' }).waitFor();
  });

  test('a refusal says what happened and what to do, and can be tried again', async () => {
    server.instead.push(errorAnswer(401, 'TOKEN_REQUIRED', 'This server wants a token.'));
    await page.locator('#input').fill('Hi');
    await page.locator('#send').click();
    const problem = last().locator('.notice[data-kind="problem"]');
    await problem.waitFor();
    expect(await problem.textContent()).toMatch(/This server wants a token\..*A hint\..*TOKEN_REQUIRED/);
    await page.screenshot({ path: `${outputFolder}chat-refused.png` });
    await problem.getByText('Try again').click();
    await expect.poll(() => server.runs.length).toBe(1);
    server.lastRun.say(...shortRun('Welcome.'));
    await last().locator('.prose', { hasText: 'Welcome.' }).waitFor();
  });

  test('Shift+Enter makes a line, the box grows with it, and a long answer is followed until the reader scrolls up', async () => {
    await page.locator('#input').fill('one');
    const height = (): Promise<number> => page.locator('#input').evaluate((box) => box.getBoundingClientRect().height);
    const before = await height();
    await page.locator('#input').focus();
    for (const line of ['two', 'three']) {
      await page.keyboard.press('Shift+Enter');
      await page.keyboard.type(line);
    }
    expect(await height()).toBeGreaterThan(before * 2);
    await page.keyboard.press('Enter');
    await expect.poll(() => (server.runs[0]?.body as { input: string } | undefined)?.input).toBe('one\ntwo\nthree');
    const restOfScroll = (): Promise<number> => page.locator('#scroll').evaluate((scroll) => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight);
    server.lastRun.say({ type: 'run.start', agentName: 'Ava' }, ...deltas('Line upon line.\n\n'.repeat(60), 'm'));
    await expect.poll(() => page.locator('#scroll').evaluate((scroll) => scroll.scrollHeight)).toBeGreaterThan(1_500);
    await expect.poll(restOfScroll).toBeLessThan(2);
    await page.locator('#scroll').evaluate((scroll) => (scroll.scrollTop = 0));
    await page.locator('#latest').waitFor();
    server.lastRun.say(...deltas('And more.\n\n'.repeat(10), 'm'));
    await expect.poll(restOfScroll).toBeGreaterThan(1_000);
    await page.screenshot({ path: `${outputFolder}chat-scrolled.png` });
    await page.locator('#latest').click();
    await expect.poll(restOfScroll).toBeLessThan(2);
  });

  test('a gateway without an agent that writes is told before anybody writes', async () => {
    await page.locator('#purpose', { hasText: 'Its answer appears' }).waitFor();
    await page.route('**/healthz', (route) => route.fulfill({ json: { status: 'ok', sessions: 0 } }));
    await page.reload();
    await page.locator('#purpose', { hasText: 'no agent that answers in writing' }).waitFor();
    await page.screenshot({ path: `${outputFolder}chat-voice-only.png` });
    expect(await page.locator('#purpose a').getAttribute('href')).toBe('./?token=t0k');
    await page.route('**/healthz', (route) => route.fulfill({ json: { status: 'ok', sessions: 0, runs: 0, maxRuns: 10 } }));
    const asked = page.waitForResponse('**/healthz');
    await page.reload();
    await (await asked).finished();
    await page.locator('#purpose', { hasText: 'Its answer appears' }).waitFor();
  });

  test('the two pages lead to each other, and the token goes along', async () => {
    await page.getByRole('link', { name: 'Talk' }).click();
    await page.waitForURL(`${served.url}/?token=t0k`);
    await page.screenshot({ path: `${outputFolder}page-beside-chat.png` });
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.screenshot({ path: `${outputFolder}page-beside-chat-360.png` });
    await page.getByRole('link', { name: 'Write' }).click();
    await page.waitForURL(`${served.url}/chat.html?token=t0k`);
  });
});
