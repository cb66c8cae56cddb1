import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/host/manual-clock.js';
import { readTimeline } from '../../src/inspect/index.js';
import type { Timeline } from '../../src/inspect/index.js';
import { showMoment } from '../../src/inspect/page/show-time.js';
import { readRecording, recordSession } from '../../src/recording/index.js';
import { findChromium } from '../helpers/chromium.js';
import { writeLongRecording } from '../helpers/long-recording.js';
import { playScenario } from '../helpers/recorded-scenarios.js';
import { spawnCli } from '../helpers/spawn-cli.js';

const executablePath = findChromium();
if (executablePath === undefined && process.env['CI'] !== undefined) throw new Error('No Chromium was found; install one, or name it in CHROMIUM.');

const outputFolder = fileURLToPath(new URL('../../test-output/', import.meta.url));
const fixtures = ['barge-in', 'greeting', 'push-to-talk', 'tool-call'].map((name) => fileURLToPath(new URL(`../../fixtures/recordings/${name}.vw.jsonl`, import.meta.url)));

/** The call of `fixtures/audio/caller.wav`: a booking, a question, an answer that is spoken over. Prices are given, so that there is a cost. */
async function recordDemo(path: string): Promise<void> {
  const prices = { emulator: { input: { text: 4, audio: 32 }, cachedInput: { text: 0.4, audio: 0.4 }, output: { text: 16, audio: 64 }, asOf: '2026-01-01', source: 'made up' }, emulated: { perMinute: 0.006, input: { text: 1, audio: 3 }, output: { text: 5 }, asOf: '2026-01-01', source: 'made up' } };
  const recorder = recordSession(path);
  await playScenario(
    {
      name: 'trattoria',
      proves: 'a whole call',
      options: { playback: 'reported', prices },
      run: async ({ session, says, silence }) => {
        session.respond();
        await says('caller.wav');
        await silence(800);
      },
    },
    recorder,
    {},
    new ManualClock(Date.UTC(2026, 0, 15, 18, 30)),
  );
  await recorder.done;
}

async function inspect(...args: string[]): Promise<{ path: string; bytes: number }> {
  const { code, out, err } = await spawnCli(['inspect', '--json', ...args]).done;
  expect(code, err).toBe(0);
  return JSON.parse(out) as { path: string; bytes: number };
}

describe.skipIf(executablePath === undefined)('the page of voicewire inspect', () => {
  let browser: Browser;
  let folder: string;
  let timeline: Timeline;
  let demoPage: string;
  const asked: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    mkdirSync(outputFolder, { recursive: true });
    folder = mkdtempSync(join(tmpdir(), 'voicewire-inspect-'));
    const recording = join(folder, 'trattoria.vw.jsonl');
    await recordDemo(recording);
    timeline = readTimeline(readRecording(recording)).timeline;
    demoPage = (await inspect(recording, '--out', join(folder, 'trattoria.html'))).path;
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(path: string, options: { colorScheme?: 'light' | 'dark'; height?: number } = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1440, height: options.height ?? 1172 }, colorScheme: options.colorScheme ?? 'light' });
    page.on('request', (request) => asked.push(request.url()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(pathToFileURL(path).href);
    await page.waitForFunction(() => performance.getEntriesByName('drawn').length > 0);
    return page;
  }

  const clock = async (page: Page): Promise<string> => ((await page.locator('#clock').textContent()) ?? '').split(' / ')[0] ?? '';
  const shown = (atMs: number): string => showMoment(atMs - timeline.startMs);
  const seconds = (text: string): number => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  const selectedEvent = (page: Page): Promise<string | null> => page.locator('#events .selected .time').textContent();

  /** Where a moment is drawn, in a lane. */
  async function placeOf(page: Page, lane: string, atMs: number): Promise<{ x: number; y: number }> {
    const [lanes, name] = await Promise.all([page.locator('#lanes').boundingBox(), page.locator('.lane-name', { hasText: lane }).first().boundingBox()]);
    if (lanes === null || name === null) throw new Error(`There is no lane ${lane}.`);
    return { x: lanes.x + ((atMs - timeline.startMs) / (timeline.endMs - timeline.startMs)) * lanes.width, y: name.y + name.height / 2 };
  }

  test('comes from a file and asks the network for nothing', async () => {
    const page = await open(demoPage);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((url) => !url.startsWith('file:') && !url.startsWith('blob:') && !url.startsWith('data:'))).toEqual([]);
    expect(asked.filter((url) => url.startsWith('file:')).length).toBe(1);
    expect(await page.locator('.tile', { hasText: 'Tools' }).textContent()).toContain('1 ok');
    expect(await page.locator('.tile', { hasText: 'Cost' }).textContent()).toMatch(/¢|\$/);
    await page.close();
  });

  test('claims no turns, tokens or cost of a wire', async () => {
    const recording = join(folder, 'wire.vw.jsonl');
    const format = { encoding: 'pcm16', sampleRate: 24_000, channels: 1 };
    const header = { format: 'voicewire-recording', version: 1, level: 'wire', clockMs: 0, peers: {}, audio: { keep: 'hash', input: format, output: format }, redaction: { rules: [], patterns: 0, secrets: 0 } };
    const lines = [header, { at: 10, dir: 'out', leg: 'model', type: 'open', connection: 1, url: 'ws://127.0.0.1:9/v1/realtime' }, { at: 900, dir: 'out', leg: 'model', type: 'close', connection: 1, code: 1000, reason: '' }];
    writeFileSync(recording, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const page = await open((await inspect(recording, '--out', join(folder, 'wire.html'))).path);
    for (const name of ['Turns', 'Tokens', 'Cost']) expect(await page.locator('.tile', { hasText: name }).textContent()).toBe(`${name}–not told by a wire`);
    await page.close();
  });

  test('a click on a turn moves the cursor, the list of events and the list of turns', async () => {
    const page = await open(demoPage);
    const turn = timeline.turns[2];
    if (turn === undefined) throw new Error('The call has no third turn.');
    const { x, y } = await placeOf(page, 'Turns', turn.fromMs + (turn.toMs - turn.fromMs) / 2);
    await page.mouse.click(x, y);
    expect(await clock(page)).toBe(shown(turn.fromMs));
    expect(await page.locator('#turns .selected .number').textContent()).toBe('3');
    expect(await page.locator('#said').textContent()).toContain(turn.saidByCaller);
    const before = timeline.rows.findLast(({ atMs }) => atMs <= turn.fromMs);
    expect(await selectedEvent(page)).toBe(shown(before?.atMs ?? NaN));
    const needle = await page.locator('#needle').boundingBox();
    expect(needle?.x).toBeCloseTo((await placeOf(page, 'Turns', turn.fromMs)).x, -1);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: `${outputFolder}inspect.png` });
    await page.mouse.move(x, y);
    expect(await page.locator('#tip').textContent()).toContain('Turn 3');
    await page.close();
  });

  test('the filter leaves what fits, and a click on an event moves the cursor', async () => {
    const page = await open(demoPage);
    await page.keyboard.press('/');
    await page.keyboard.type('tool_');
    const types = await page.locator('#events .type').allTextContents();
    expect(types.length).toBeGreaterThan(2);
    expect(types.every((type) => type.startsWith('tool_'))).toBe(true);
    expect(await page.locator('#event-count').textContent()).toBe(`${timeline.rows.filter(({ type, text }) => `${type} ${text}`.includes('tool_')).length} of ${timeline.rows.length} rows`);
    await page.locator('#events .row', { hasText: 'tool_end' }).click();
    expect(await clock(page)).toBe(shown(timeline.tools[0]?.toMs ?? NaN));
    expect(await page.locator('#detail').textContent()).toContain('"durationMs": 400');
    await page.locator('#filter').fill('');
    expect(await page.locator('#events .selected .type').textContent()).toBeTruthy();
    await page.close();
  });

  test('the sound plays, the cursor goes with it, and it stops', async () => {
    const page = await open(demoPage);
    await page.locator('#play').click();
    const start = seconds(await clock(page));
    await page.waitForFunction((from) => Number(document.getElementById('clock')?.textContent?.split(' / ')[0]?.split(':')[1]) > from + 0.3, start, { timeout: 20_000 });
    expect(await page.locator('#play').textContent()).toContain('Pause');
    await page.keyboard.press(' ');
    await page.locator('#play', { hasText: 'Play' }).waitFor();
    const stopped = await clock(page);
    expect(seconds(stopped)).toBeGreaterThan(start);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    expect(await clock(page)).toBe(stopped);
    await page.close();
  });

  test('everything can be reached with the keyboard', async () => {
    const page = await open(demoPage);
    const windowWidth = (): Promise<number> => page.locator('#window').evaluate((element) => element.getBoundingClientRect().width);
    const whole = await windowWidth();
    await page.keyboard.press('Home');
    expect(await clock(page)).toBe('0:00.000');
    await page.keyboard.press(']');
    await page.keyboard.press(']');
    expect(await clock(page)).toBe(shown(timeline.turns[1]?.fromMs ?? NaN));
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    expect(await windowWidth()).toBeCloseTo(whole * 0.36, -1);
    const before = seconds(await clock(page));
    await page.locator('#lanes').focus();
    await page.keyboard.press('ArrowRight');
    expect(seconds(await clock(page))).toBeGreaterThan(before);
    expect(Number(await page.locator('#lanes').getAttribute('aria-valuenow'))).toBeCloseTo(seconds(await clock(page)) * 1000, -1);
    await page.screenshot({ path: `${outputFolder}inspect-zoomed.png` });
    await page.keyboard.press('0');
    expect(await windowWidth()).toBeCloseTo(whole, 0);
    await page.locator('#events').focus();
    const event = await selectedEvent(page);
    await page.keyboard.press('End');
    expect(await selectedEvent(page)).not.toBe(event);
    // Every stop of the tabulator is named.
    const names = await page.evaluate(() => [...document.querySelectorAll<HTMLElement>('button, select, input, [tabindex="0"], summary')].map((each) => each.ariaLabel ?? each.closest('label')?.textContent ?? each.textContent ?? ''));
    expect(names.filter((name) => name.trim() === '')).toEqual([]);
    await page.close();
  });

  test('each plot has a table that says the same', async () => {
    const page = await open(demoPage);
    const rows: Record<string, number> = {};
    for (const details of await page.locator('#tables details').all()) {
      await details.locator('summary').click();
      await details.locator('.table-box').waitFor();
      rows[(await details.locator('summary').textContent()) ?? ''] = await details.locator('tbody tr').count();
    }
    expect(rows).toMatchObject({ Turns: timeline.turns.length, Tools: 1, Interruptions: timeline.interruptions.length, Buffer: Math.min(500, timeline.depth.atMs.length), Connection: timeline.connection.length });
    expect(rows['Who spoke when']).toBe(timeline.speech.length + timeline.heard.length);
    await page.close();
  });

  test('light and dark', async () => {
    const ground = (page: Page): Promise<string> => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const page = await open(demoPage, { colorScheme: 'dark' });
    const dark = await ground(page);
    await page.keyboard.press(']');
    await page.keyboard.press(']');
    await page.screenshot({ path: `${outputFolder}inspect-dark.png` });
    await page.locator('#theme').click();
    expect(await ground(page)).not.toBe(dark);
    await page.close();
  });

  test('several calls: each can be chosen, and percentiles stand beside each other', async () => {
    const { path } = await inspect(...fixtures, '--out', join(folder, 'many.html'));
    const page = await open(path, { height: 2100 });
    expect(await page.locator('#percentiles .name').allTextContents()).toEqual(['barge-in', 'greeting', 'push-to-talk', 'tool-call', 'all files']);
    await page.locator('#measure').selectOption('endpoint');
    expect(await page.locator('#percentiles .value').first().textContent()).toMatch(/0 ms · 531 ms/);
    await page.locator('#calls').selectOption({ label: 'tool-call' });
    expect(await page.locator('.tile', { hasText: 'Tools' }).textContent()).toContain('1 ok');
    expect(await page.title()).toBe('tool-call · voicewire inspect');
    await page.screenshot({ path: `${outputFolder}inspect-many.png` });
    await page.close();
  });

  test('an hour is below 20 MB, and few elements', async () => {
    const recording = join(folder, 'hour.vw.jsonl');
    const { turns, lines } = writeLongRecording(recording, 60);
    const startedMs = performance.now();
    const { path, bytes } = await inspect(recording, '--out', join(folder, 'hour.html'));
    const madeMs = performance.now() - startedMs;
    expect(bytes).toBe(statSync(path).size);
    expect(bytes).toBeLessThan(20e6);
    const page = await open(path);
    const drawnMs = await page.evaluate(() => performance.getEntriesByName('drawn')[0]?.startTime ?? NaN);
    console.log(`an hour: ${turns} turns, ${lines} lines; made in ${Math.round(madeMs)} ms, ${(bytes / 1e6).toFixed(1)} MB, drawn ${Math.round(drawnMs)} ms after it was opened`);
    const elements = (): Promise<number> => page.evaluate(() => document.querySelectorAll('*').length);
    expect(await page.locator('#events').evaluate((list) => list.scrollHeight)).toBeGreaterThan(50_000);
    expect(await elements()).toBeLessThan(1_000);
    await page.keyboard.press('End');
    await page.locator('#events').evaluate((list) => (list.scrollTop = list.scrollHeight / 2));
    await page.keyboard.press('[');
    expect(await page.locator('#turns .selected .number').textContent()).toBe(String(turns));
    expect(await elements()).toBeLessThan(1_000);
    await page.screenshot({ path: `${outputFolder}inspect-hour.png` });
    await page.locator('#play').click();
    await page.locator('#play', { hasText: 'Pause' }).waitFor({ timeout: 30_000 });
    await page.close();
  });

  test('the browser complained of nothing', () => {
    expect(complaints).toEqual([]);
  });
});
