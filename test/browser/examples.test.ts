import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeMicrophone, findChromium } from '../helpers/chromium.js';

const executablePath = findChromium();
if (executablePath === undefined && process.env['CI'] !== undefined) throw new Error('No Chromium was found; install one, or name it in CHROMIUM.');
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const outputFolder = join(ROOT, 'test-output/');

/** Runs an example's server as its first line says, until the test is over; gives the address that it prints. */
async function serve(example: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [join(ROOT, 'examples', example, 'server.mjs')], { stdio: ['ignore', 'pipe', 'pipe'] });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += String(chunk);
      const [address] = /http:\S+/.exec(said) ?? [];
      if (address !== undefined && said.includes('\n')) resolve(address);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)));
    void gone.then(() => reject(new Error(`The example ended: ${said}`)));
  });
  return {
    url,
    async stop() {
      child.kill('SIGINT');
      await gone;
    },
  };
}

function watch(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && !message.location().url.endsWith('/favicon.ico') && complaints.push(message.text()));
  return complaints;
}

let browser: Browser;
beforeAll(async () => {
  mkdirSync(outputFolder, { recursive: true });
  if (executablePath !== undefined) browser = await chromium.launch({ executablePath, args: ['--no-sandbox', ...fakeMicrophone(join(ROOT, 'fixtures/audio/caller.wav'))] });
});
afterAll(() => browser?.close());

describe.skipIf(executablePath === undefined)('examples/sse-dashboard', () => {
  test('shows many runs live, stops one, and finds the others again after a reload', async () => {
    const example = await serve('sse-dashboard');
    try {
      const page = await browser.newPage({ viewport: { width: 1180, height: 760 } });
      const complaints = watch(page);
      await page.goto(example.url);
      await page.locator('#start').click();
      await page.locator('article[data-status="running"]').nth(5).waitFor();
      await page.locator('article .calls', { hasText: '"reports"' }).nth(5).waitFor();
      await page.locator('article .text', { hasText: 'Three things stand out' }).nth(5).waitFor();
      await page.screenshot({ path: `${outputFolder}dashboard.png` });
      const stopped = page.locator('article').nth(2);
      await stopped.locator('button').click();
      await page.locator('article[data-status="cancelled"]').waitFor();
      await page.reload();
      await page.locator('article').nth(5).waitFor();
      await page.locator('article[data-status="completed"]').nth(4).waitFor({ timeout: 30_000 });
      expect(await page.locator('article[data-status="cancelled"]').count()).toBe(1);
      const texts = await page.locator('article[data-status="completed"] .text').allTextContents();
      for (const text of texts) expect(text).toMatch(/^Three things stand out about [a-z ]+\. .* whether it lasts\.$/);
      expect(new Set(texts).size).toBe(5);
      await page.setViewportSize({ width: 360, height: 740 });
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.screenshot({ path: `${outputFolder}dashboard-360-dark.png` });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      expect(complaints).toEqual([]);
      await page.close();
    } finally {
      await example.stop();
    }
  });
});

describe.skipIf(executablePath === undefined)('examples/browser-page', () => {
  test('holds a call from plain modules', async () => {
    const example = await serve('browser-page');
    try {
      const page = await browser.newPage({ viewport: { width: 720, height: 760 } });
      const complaints = watch(page);
      await page.goto(example.url);
      await page.locator('#call').click();
      await page.locator('.agent', { hasText: 'Good evening' }).waitFor();
      await page.locator('.user', { hasText: 'book a table for two' }).waitFor({ timeout: 30_000 });
      await page.locator('#mute').click();
      await page.locator('#mute[aria-pressed="true"]').waitFor();
      await page.screenshot({ path: `${outputFolder}browser-page.png` });
      await page.locator('#call', { hasText: 'Hang up' }).click();
      await page.locator('#state', { hasText: 'The call has ended.' }).waitFor();
      expect(complaints).toEqual([]);
      await page.close();
    } finally {
      await example.stop();
    }
  });

  test('is built by a bundler, the audio worklet with it', async () => {
    const outDir = mkdtempSync(join(tmpdir(), 'voicewire-page-'));
    try {
      await build({ root: join(ROOT, 'examples/browser-page/page'), configFile: false, logLevel: 'error', build: { outDir, emptyOutDir: true, assetsInlineLimit: 0 } });
      const assets = readdirSync(join(outDir, 'assets'));
      expect([existsSync(join(outDir, 'index.html')), assets.some((name) => /^worklet-.*\.js$/.test(name))]).toEqual([true, true]);
    } finally {
      rmSync(outDir, { recursive: true, force: true });
    }
  });
});
