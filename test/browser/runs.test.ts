import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type * as door from '../../src/browser.js';
import { findChromium } from '../helpers/chromium.js';
import { RunServer, shortRun } from '../helpers/run-server.js';
import type { ServedFiles } from '../helpers/run-server.js';
import { serveGateway } from '../helpers/served-gateway.js';
import { filesOf } from '../helpers/served-files.js';

const executablePath = findChromium();
if (executablePath === undefined && process.env['CI'] !== undefined) throw new Error('No Chromium was found; install one, or name it in CHROMIUM.');
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

let browser: Browser;
let server: RunServer;
let served: Awaited<ReturnType<RunServer['listen']>>;
let page: Page;
let complaints: string[];
beforeAll(async () => {
  if (executablePath !== undefined) browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] });
});
afterAll(() => browser?.close());

/** Opens an empty page, or the one at `path`, of a server of runs that has these files too. */
async function open(files: ServedFiles, path = '/empty'): Promise<void> {
  server = new RunServer();
  served = await server.listen((asked) => (asked === '/empty' ? { type: 'text/html', body: '<!doctype html><title>runs</title><script type="module">import * as voicewire from "/dist/src/browser.js"; Object.assign(window, { voicewire });</script>' } : files(asked)));
  page = await browser.newPage();
  complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(served.url + path);
}

async function shut(): Promise<void> {
  await page.close();
  await served.close();
  expect(complaints).toEqual([]);
}

/** What the code that runs in the page keeps there. */
interface Kept {
  readonly events: { readonly type: string; readonly delta?: string; readonly lastEventId?: string }[];
  stream: door.RunStream;
  error?: { readonly code?: string };
  over?: boolean;
}

describe.skipIf(executablePath === undefined)('the client of runs in Chromium, from the built modules as they are', () => {
  beforeEach(async () => {
    await open(filesOf('dist', '/dist/'));
    return shut;
  });

  const begin = (): Promise<void> =>
    page.evaluate(() => {
      const { streamRun } = (window as unknown as { voicewire: typeof door }).voicewire;
      const kept: Kept = { events: [], stream: streamRun('/chat/stream', { input: 'Hi', headers: { authorization: 'Bearer t' } }) };
      Object.assign(window, { kept });
      void (async () => {
        for await (const event of kept.stream) kept.events.push(event);
      })()
        .catch((error: unknown) => (kept.error = error as Kept['error'] & object))
        .finally(() => (kept.over = true));
    });
  const kept = (): Promise<Omit<Kept, 'stream'>> => page.evaluate(() => ({ ...(window as unknown as { kept: Kept }).kept, stream: undefined }));
  const over = async (): Promise<Omit<Kept, 'stream'>> => {
    await page.waitForFunction(() => (window as unknown as { kept: Kept }).kept.over === true);
    return kept();
  };
  const count = (events: number): Promise<unknown> => page.waitForFunction((wanted) => (window as unknown as { kept: Kept }).kept.events.length >= wanted, events);

  test('posts with headers, and goes on where a connection broke off', async () => {
    await begin();
    await expect.poll(() => server.runs.length).toBe(1);
    server.lastRun.say(...shortRun('one two three four').slice(0, 3));
    await count(4);
    server.lastRun.cut();
    server.lastRun.say(...shortRun('one two three four').slice(3));
    const { events, error } = await over();
    expect(error).toBeUndefined();
    expect(events.map(({ type, delta }) => delta ?? type)).toEqual(['connection', 'run.start', 'one ', 'two ', 'connection', 'connection', 'three ', 'four', 'run.step.done', 'run.done']);
    expect(server.requests.map(({ method, path, headers }) => [method, path, headers.get('authorization'), headers.get('last-event-id')])).toEqual([
      ['POST', '/chat/stream', 'Bearer t', null],
      ['GET', '/runs/r1/events', 'Bearer t', 'r1:3'],
    ]);
  });

  test('stops the run on the server', async () => {
    await begin();
    await expect.poll(() => server.runs.length).toBe(1);
    server.lastRun.say(...shortRun().slice(0, 2));
    await count(3);
    await page.evaluate(() => (window as unknown as { kept: Kept }).kept.stream.stop());
    expect((await over()).events.at(-1)).toMatchObject({ type: 'run.done', end: 'cancelled' });
    expect(server.requests.at(-1)?.path).toBe('/runs/r1/stop');
  });

  test('leaving the loop closes the connection', async () => {
    await begin();
    await expect.poll(() => server.runs.length).toBe(1);
    await count(1);
    await page.evaluate(() => (window as unknown as { kept: Kept }).kept.stream.return());
    await over();
    await expect.poll(() => server.lastRun.connections).toBe(0);
  });

  test('a plain EventSource follows a run as well: it resumes by itself, and stops asking after the end', async () => {
    await begin();
    await expect.poll(() => server.runs.length).toBe(1);
    server.lastRun.say(...shortRun('one two three four').slice(0, 2));
    await page.evaluate(() => {
      const source = new EventSource('/runs/r1/events?after=1');
      const heard: { type: string; delta?: string; lastEventId: string }[] = [];
      Object.assign(window, { source, heard });
      for (const type of ['response.text.delta', 'run.step.done', 'run.done', 'gap']) source.addEventListener(type, ({ data, lastEventId }: MessageEvent<string>) => heard.push({ ...(JSON.parse(data) as { type: string; delta?: string }), lastEventId }));
    });
    const heard = (): Promise<Kept['events']> => page.evaluate(() => (window as unknown as { heard: Kept['events'] }).heard);
    await expect.poll(async () => (await heard()).length).toBe(1);
    server.lastRun.cut();
    server.lastRun.say(...shortRun('one two three four').slice(2));
    await expect.poll(async () => (await heard()).at(-1)?.type).toBe('run.done');
    expect((await heard()).map(({ delta, type, lastEventId }) => [delta ?? type, lastEventId])).toEqual([['one ', 'r1:2'], ['two ', 'r1:3'], ['three ', 'r1:4'], ['four', 'r1:5'], ['run.step.done', 'r1:6'], ['run.done', 'r1:7']]);
    // The server has closed the stream after the end; the browser asks once more, and takes 204 for a no.
    await page.waitForFunction(() => (window as unknown as { source: EventSource }).source.readyState === EventSource.CLOSED);
    await over();
  });
});

describe.skipIf(executablePath === undefined)('the hooks in StrictMode', () => {
  let bundle: string;
  beforeAll(async () => {
    const built = await build({
      root: ROOT,
      configFile: false,
      logLevel: 'warn',
      mode: 'development',
      define: { 'process.env.NODE_ENV': '"development"' },
      resolve: { alias: { 'voicewire/react': `${ROOT}dist/src/react/index.js` } },
      build: { write: false, minify: false, lib: { entry: `${ROOT}test/browser/fixtures/hooks-page.mjs`, formats: ['es'], fileName: 'hooks' } },
    });
    const [output] = Array.isArray(built) ? built : [];
    bundle = output?.output[0].code ?? '';
  });
  const files: ServedFiles = (path) =>
    path === '/hooks.js' ? { type: 'text/javascript', body: bundle } : path === '/hooks' ? { type: 'text/html', body: '<!doctype html><title>hooks</title><body><script type="module" src="/hooks.js"></script>' } : undefined;
  interface HooksPage {
    readonly renders: { run: number; voice: number };
    readonly complaints: readonly string[];
    readonly heard: number[];
    readonly show: (shown: boolean) => void;
  }
  const readPage = (): Promise<Pick<HooksPage, 'renders' | 'complaints'>> =>
    page.evaluate(() => {
      const { renders, complaints: said } = window as unknown as HooksPage;
      return { renders: { ...renders }, complaints: [...said] };
    });
  const status = (of: 'run' | 'voice', wanted: string): Promise<void> => page.locator(`#${of}[data-status="${wanted}"]`).waitFor();

  test('useRun shows a run, with at most one render a frame', async () => {
    await open(files, '/hooks');
    await page.locator('#send').click();
    await expect.poll(() => server.runs.length).toBe(1);
    expect(server.requests[0]?.headers.get('x-page')).toBe('hooks');
    const before = (await readPage()).renders.run;
    const words = Array.from({ length: 3_000 }, (_each, index) => `w${index}`).join(' ');
    const frames = page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          let counted = 0;
          const frame = (): void => {
            counted += 1;
            if (document.querySelector('#run')?.getAttribute('data-status') === 'completed') resolve(counted);
            else requestAnimationFrame(frame);
          };
          requestAnimationFrame(frame);
        }),
    );
    server.lastRun.say(
      { type: 'run.start', agentName: 'Ava' },
      { type: 'response.reasoning.delta', itemId: 'r', delta: 'Hm.' },
      { type: 'response.function_call.done', callId: 'c', name: 'weather', arguments: '{}' },
      { type: 'response.function_call.output', callId: 'c', name: 'weather', output: '21', outcome: 'ok' },
      ...shortRun(words).slice(1),
    );
    const counted = await frames;
    expect(await page.locator('#text').textContent()).toBe(words);
    expect([await page.locator('#reasoning').textContent(), await page.locator('#run li').textContent()]).toEqual(['Hm.', 'weather {} 21']);
    // StrictMode renders twice each time.
    const { renders, complaints: said } = await readPage();
    expect(renders.run - before).toBeLessThanOrEqual(2 * (counted + 1));
    expect(said).toEqual([]);
    await shut();
  });

  test('useRun goes on after a break, stops, and lets go when its component goes', async () => {
    await open(files, '/hooks');
    await page.locator('#send').click();
    await expect.poll(() => server.runs.length).toBe(1);
    server.lastRun.say(...shortRun('one two three').slice(0, 2));
    await page.locator('#text', { hasText: 'one' }).waitFor();
    server.lastRun.cut();
    server.lastRun.say(...shortRun('one two three').slice(2, 3));
    await page.locator('#text', { hasText: 'one two' }).waitFor();
    await page.locator('#stop').click();
    await status('run', 'cancelled');

    await page.locator('#send').click();
    await expect.poll(() => server.runs.length).toBe(2);
    server.lastRun.say(...shortRun('four five').slice(0, 2));
    await page.locator('#text', { hasText: 'four' }).waitFor();
    await page.evaluate(() => (window as unknown as HooksPage).show(false));
    await page.locator('#empty').waitFor({ state: 'attached' });
    await expect.poll(() => server.lastRun.connections).toBe(0);
    const gone = (await readPage()).renders.run;
    server.lastRun.say(...shortRun('four five').slice(2));
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    expect(await readPage()).toEqual({ renders: { run: gone, voice: 0 }, complaints: [] });
    await shut();
  });

  test('useVoiceSession calls a gateway, shows what is said, and hangs up when its component goes', async () => {
    await open(files);
    const gateway = await serveGateway('--allow-origin', served.url);
    try {
      await page.goto(`${served.url}/hooks?gateway=${encodeURIComponent(gateway.url)}`);
      await page.locator('#connect').click();
      await status('voice', 'open');
      await page.locator('#mute').click();
      await page.locator('#voice[data-muted="true"]').waitFor();
      await page.locator('#voice .agent', { hasText: 'Good evening' }).waitFor();
      await page.locator('#say').click();
      await page.locator('#voice .user', { hasText: 'A table for two' }).waitFor();
      await page.locator('#hang-up').click();
      await status('voice', 'ended');
      await page.locator('#connect').click();
      await status('voice', 'open');
      const calls = async (): Promise<number> => ((await (await fetch(`${gateway.url}/healthz`)).json()) as { sessions: number }).sessions;
      expect(await calls()).toBe(1);
      await page.evaluate(() => (window as unknown as HooksPage).show(false));
      await expect.poll(calls).toBe(0);
      expect((await readPage()).complaints).toEqual([]);
      await shut();
    } finally {
      await gateway.stop();
    }
  });

  test('a muted microphone gives silence, and sound again afterwards', async () => {
    await open(files);
    const gateway = await serveGateway('--allow-origin', served.url, '--script', 'parrot');
    try {
      await page.goto(`${served.url}/hooks?spoken&gateway=${encodeURIComponent(gateway.url)}`);
      await page.locator('#connect').click();
      await page.locator('#voice[data-status="open"][data-microphone="true"]').waitFor();
      // The browser's false microphone beeps once a second.
      const beeps = (): Promise<unknown> => page.waitForFunction(() => (window as unknown as HooksPage).heard.some((level) => level > 0.01));
      await beeps();
      await page.locator('#mute').click();
      await page.locator('#voice[data-muted="true"]').waitFor();
      const silence = page.evaluate(
        () =>
          new Promise<number[]>((resolve) => {
            const { heard } = window as unknown as HooksPage;
            const startedAt = performance.now();
            const look = (): void => {
              // What was on its way through the audio thread when the switch was thrown still arrives.
              if (performance.now() - startedAt < 300) heard.length = 0;
              if (performance.now() - startedAt < 2_000) requestAnimationFrame(look);
              else resolve([...heard]);
            };
            look();
          }),
      );
      const levels = await silence;
      expect(levels.length).toBeGreaterThan(20);
      expect(levels.filter((level) => level !== 0)).toEqual([]);
      await page.evaluate(() => ((window as unknown as HooksPage).heard.length = 0));
      await page.locator('#mute').click();
      await beeps();
      await shut();
    } finally {
      await gateway.stop();
    }
  });
});
