import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeMicrophone, findChromium } from '../helpers/chromium.js';
import { serveGateway } from '../helpers/served-gateway.js';
import type { ServedGateway } from '../helpers/served-gateway.js';

const executablePath = findChromium();
if (executablePath === undefined && process.env['CI'] !== undefined) throw new Error('No Chromium was found; install one, or name it in CHROMIUM.');

const callerWav = fileURLToPath(new URL('../../fixtures/audio/caller.wav', import.meta.url));
const outputFolder = fileURLToPath(new URL('../../test-output/', import.meta.url));

interface Heard {
  readonly atMs: number;
  readonly rms: number;
}
interface Wire {
  readonly atMs: number;
  readonly dir: 'in' | 'out';
  readonly message: { readonly type: string; readonly [member: string]: unknown };
}
interface Probe {
  readonly heard: Heard[];
  readonly wire: Wire[];
}

/**
 * Runs in the page before its own code: hangs an analyser on whatever is connected to the loudspeaker and reads it each 10 ms, and keeps the
 * socket's text messages with the time at which they passed.
 */
function installProbe(): void {
  const probe: Probe = { heard: [], wire: [] };
  (globalThis as unknown as { probe: Probe }).probe = probe;
  const connect = AudioNode.prototype.connect as (this: AudioNode, target: AudioNode | AudioParam) => AudioNode;
  AudioNode.prototype.connect = function (this: AudioNode, target: AudioNode | AudioParam) {
    if (target instanceof AudioDestinationNode) {
      const analyser = new AnalyserNode(this.context, { fftSize: 256 });
      const samples = new Float32Array(256);
      connect.call(this, analyser);
      setInterval(() => {
        analyser.getFloatTimeDomainData(samples);
        probe.heard.push({ atMs: performance.now(), rms: Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length) });
      }, 10);
    }
    return connect.call(this, target);
  } as typeof AudioNode.prototype.connect;
  const keep = (dir: 'in' | 'out', data: unknown): void => {
    if (typeof data === 'string') probe.wire.push({ atMs: performance.now(), dir, message: JSON.parse(data) as Wire['message'] });
  };
  window.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener('message', ({ data }: MessageEvent) => keep('in', data));
    }
    override send(data: string | Blob | BufferSource): void {
      keep('out', data);
      super.send(data);
    }
  };
}

const readProbe = (page: Page): Promise<Probe> => page.evaluate(() => (globalThis as unknown as { probe: Probe }).probe);

/** Anything that the browser complained of: errors of scripts, and what the content security policy stopped. */
function collectComplaints(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  return complaints;
}

let gateway: ServedGateway;
beforeAll(async () => {
  mkdirSync(outputFolder, { recursive: true });
  gateway = await serveGateway();
});
afterAll(() => gateway?.stop());

describe.skipIf(executablePath === undefined)('a call from the page, with a WAV as its microphone', () => {
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let probe: Probe;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox', ...fakeMicrophone(callerWav)] });
    page = await browser.newPage({ viewport: { width: 1180, height: 860 } });
    complaints = collectComplaints(page);
    await page.addInitScript(installProbe);
    await page.goto(`${gateway.url}/?raw=1`);
    await page.screenshot({ path: `${outputFolder}page-before.png` });
    await page.locator('#talk').click();
    await page.locator('.tool[data-outcome="ok"]').waitFor({ timeout: 40_000 });
    await page.locator('.unheard').waitFor({ timeout: 40_000 });
    await page.getByText('See you tomorrow.').first().waitFor({ timeout: 20_000 });
    await page.locator('#phase', { hasText: 'Listening' }).waitFor({ timeout: 20_000 });
    await page.screenshot({ path: `${outputFolder}page.png` });
    probe = await readProbe(page);
  }, 120_000);
  afterAll(() => browser?.close());

  const eventsOf = (type: string): { readonly atMs: number; readonly event: Record<string, unknown> }[] =>
    probe.wire.flatMap(({ atMs, dir, message }) => {
      const event = message['event'] as Record<string, unknown> | undefined;
      return dir === 'in' && message.type === 'event' && event?.['type'] === type ? [{ atMs, event }] : [];
    });
  const loudBetween = (fromMs: number, untilMs: number): Heard[] => probe.heard.filter(({ atMs, rms }) => atMs >= fromMs && atMs < untilMs && rms > 0.005);

  test('the speech of the WAV reaches the model, which takes it for three turns', () => {
    expect(eventsOf('input_speech_started').length).toBeGreaterThanOrEqual(3);
    expect(eventsOf('input_committed').length).toBeGreaterThanOrEqual(3);
  });

  test('the transcript shows both sides', async () => {
    const said = await page.locator('.user .said').allTextContents();
    expect(said.join(' ')).toContain('book a table for two');
    expect(said.join(' ')).toContain('Where can I park my car?');
    expect((await page.locator('.agent .said').allTextContents()).join(' ')).toContain('Good evening');
  });

  test('the agent is heard at the output: greeting, answers, and silence while it listens', () => {
    const ready = probe.wire.find(({ message }) => message.type === 'ready')?.atMs ?? NaN;
    const firstSpeech = eventsOf('input_speech_started')[0]?.atMs ?? NaN;
    expect(loudBetween(ready, firstSpeech).length * 10).toBeGreaterThan(1_500);
    const plays = probe.wire.filter(({ dir, message }) => dir === 'out' && message.type === 'playback');
    expect(plays.length).toBeGreaterThan(50);
    const last = plays.at(-1)?.atMs ?? NaN;
    expect(loudBetween(last + 100, Infinity)).toEqual([]);
  });

  test('the tool call stands in the transcript with its arguments and its result', async () => {
    const tool = await page.locator('.tool').first().textContent();
    expect(tool).toContain('book_table');
    expect(tool).toContain('"people": 2');
    expect(tool).toContain('V-4711');
    expect(tool).toMatch(/done · \d+ ms/);
  });

  test('spoken over, the agent is silent at once, and what was not heard is struck out', async () => {
    const clears = probe.wire.filter(({ dir, message }) => dir === 'in' && message.type === 'clear');
    const bargeIn = clears.find(({ atMs }) => loudBetween(atMs - 400, atMs).length > 5);
    expect(bargeIn, 'a clear that came while the agent was heard').toBeDefined();
    const atMs = bargeIn?.atMs ?? NaN;
    // 10 ms in the worklet; the rest is the way of the message, the probe's own interval, and a machine with other work to do.
    expect(loudBetween(atMs + 80, atMs + 900)).toEqual([]);
    expect(probe.heard.filter((heard) => heard.atMs > atMs + 80 && heard.atMs < atMs + 900).length).toBeGreaterThan(20);
    const unheard = (await page.locator('.unheard').allTextContents()).join(' ');
    expect(unheard).toContain('baker');
    const line = page.locator('.interrupted .said').last();
    expect(await line.textContent()).toContain('There are a few good places');
  });

  test('the last word about the cut item is what was really played', () => {
    const interrupted = eventsOf('audio_interrupted').find(({ event }) => (event['unheardText'] as string).includes('baker'))?.event;
    const cut = probe.wire.find(({ message }) => message.type === 'item' && message['itemId'] === interrupted?.['itemId'])?.message['item'];
    const reports = probe.wire.filter(({ dir, message }) => dir === 'out' && message.type === 'playback' && message['item'] === cut);
    const playedMs = (reports.at(-1)?.message['samples'] as number) / 24;
    expect(Math.abs(playedMs - (interrupted?.['heardMs'] as number))).toBeLessThanOrEqual(40);
  });

  test('each turn shows how long the answer took', async () => {
    const rows = await page.locator('#latency li strong').allTextContents();
    expect(rows.length).toBeGreaterThanOrEqual(2);
    for (const row of rows) expect(row).toMatch(/^\d+ ms$|^\d\.\d\d s$/);
  });

  test('the check list is all right, and the browser had nothing to complain of', async () => {
    expect(await page.locator('#checks li').evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset['state']))).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(complaints).toEqual([]);
  });

  test('T ends the call, and lets go of the microphone', async () => {
    await page.locator('#scroll').focus();
    await page.keyboard.press('t');
    await page.getByText('Call ended').waitFor();
    expect(await page.locator('#talk').textContent()).toContain('Talk');
    expect(probe.wire.length).toBeGreaterThan(0);
    expect((await readProbe(page)).wire.some(({ message }) => message.type === 'ended')).toBe(true);
  });

  test('T begins another one, in which the agent is heard again', async () => {
    const before = (await readProbe(page)).heard.length;
    await page.keyboard.press('t');
    await page.locator('.break ~ .agent .said', { hasText: 'Good evening' }).waitFor({ timeout: 20_000 });
    await page.waitForFunction((from) => (globalThis as unknown as { probe: Probe }).probe.heard.slice(from).filter(({ rms }) => rms > 0.01).length > 20, before);
    await page.screenshot({ path: `${outputFolder}page-speaking.png` });
    await page.locator('#talk').click();
    await page.getByText('Call ended').waitFor();
    expect(await page.locator('.break ~ .agent .unheard').textContent()).toContain('help you?');
  });

  test('the page fits 360 pixels, light and dark', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.screenshot({ path: `${outputFolder}page-360.png`, fullPage: true });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 1180, height: 860 });
    await page.screenshot({ path: `${outputFolder}page-dark.png` });
  });
});

describe.skipIf(executablePath === undefined)('with the browser\'s own voice processing, as people use it', () => {
  test('a call comes about, and the microphone\'s speech arrives', async () => {
    const browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox', ...fakeMicrophone(callerWav)] });
    try {
      const page = await browser.newPage();
      await page.goto(gateway.url);
      await page.keyboard.press('t');
      await page.locator('.user .said', { hasText: 'book a table for two' }).waitFor({ timeout: 30_000 });
      expect(await page.locator('#alert').isHidden()).toBe(true);
    } finally {
      await browser.close();
    }
  });

  test('a microphone that the user does not allow is told, with what to do', async () => {
    const browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox', '--use-fake-device-for-media-stream'] });
    try {
      const page = await browser.newPage();
      await page.goto(gateway.url);
      await page.locator('#talk').click();
      await page.locator('#alert', { hasText: 'MICROPHONE_DENIED' }).waitFor();
      await page.getByText('Connected without a microphone').waitFor();
    } finally {
      await browser.close();
    }
  });
});

describe.skipIf(executablePath === undefined)('without a microphone', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());

  async function open(url = gateway.url): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    await page.addInitScript(installProbe);
    await page.goto(url);
    return page;
  }

  test('Talk says what is wrong, and typing works: the agent answers by voice, Escape stops it', async () => {
    const page = await open();
    await page.locator('#talk').click();
    await page.getByText('Connected without a microphone').waitFor();
    expect(await page.locator('#alert').textContent()).toContain('MICROPHONE_MISSING');
    expect(await page.locator('[data-check="microphone"]').getAttribute('data-state')).toBe('failed');
    await page.locator('#typed').fill('Where can I park?');
    await page.keyboard.press('Enter');
    const answer = page.locator('.agent .said', { hasText: 'our baker needs it' });
    await answer.waitFor({ timeout: 20_000 });
    await page.waitForFunction(() => (globalThis as unknown as { probe: Probe }).probe.heard.slice(-20).some(({ rms }) => rms > 0.01));
    await page.keyboard.press('Escape');
    await page.locator('.unheard', { hasText: 'baker' }).waitFor();
    expect(await page.locator('.user .said').first().textContent()).toBe('Where can I park?');
  });

  test('a gateway that goes away is told, with what to do', async () => {
    const own = await serveGateway();
    const page = await open(own.url);
    await page.locator('#typed').fill('When are you open?');
    await page.keyboard.press('Enter');
    await page.getByText('from noon until eleven').waitFor({ timeout: 20_000 });
    await own.stop();
    await page.locator('#alert', { hasText: /GATEWAY_CLOSING|CONNECTION_LOST/ }).waitFor();
    expect(await page.locator('#connection-text').textContent()).toBe('Connection lost');
    await page.locator('#talk').click();
    await page.locator('#alert', { hasText: 'GATEWAY_UNREACHABLE' }).waitFor();
  });

  test('a token comes from the address of the page; without it the gateway refuses', async () => {
    const own = await serveGateway('--token', 'open-sesame-42');
    try {
      const page = await open(`${own.url}/?token=open-sesame-42`);
      await page.locator('#talk').click();
      await page.getByText('Good evening').waitFor({ timeout: 20_000 });
      const stranger = await open(own.url);
      await stranger.locator('#talk').click();
      await stranger.locator('#alert', { hasText: 'GATEWAY_REFUSED' }).waitFor();
      expect(await stranger.locator('#alert').textContent()).toContain('?token=');
    } finally {
      await own.stop();
    }
  });
});
