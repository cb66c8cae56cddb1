import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const pages = [
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
  'src/emulator/README.md',
];
const examples = pages.flatMap((page) => [...readFileSync(join(ROOT, page), 'utf8').matchAll(/```(tsx?)\n([\s\S]*?)```/g)].map(([, kind, code], index) => ({ page, index, kind: kind as string, code: code as string })));

const home = mkdtempSync(join(tmpdir(), 'voicewire-docs-'));
/** What a fragment takes for granted: the package's names, and the things of an application that it speaks of. */
const PRELUDE = `
import { CostMeter, PRICES, RealtimeAgent, RealtimeSession, handoff, hostedMcpTool, tool, toolResult } from 'voicewire';
import type { HistoryItem, RealtimeModel, Tool } from 'voicewire';
import { startGateway } from 'voicewire/gateway';
import { z } from 'zod';
declare const agent: RealtimeAgent, model: RealtimeModel, first: RealtimeModel, second: RealtimeModel, session: RealtimeSession, findInvoice: Tool, itemId: string, callId: string;
export const values = [CostMeter, PRICES, RealtimeAgent, RealtimeSession, handoff, hostedMcpTool, tool, toolResult, startGateway, z];
declare const bank: { send(order: object): Promise<string> }, oneMomentPcm: Uint8Array, stillTherePcm: Uint8Array;
declare function ask(question: unknown): Promise<boolean>;
declare function bookAtTheRestaurant(...values: unknown[]): Promise<string>;
declare function log(...values: unknown[]): void;
declare function writeSummary(previous: string | undefined, items: readonly HistoryItem[], signal: AbortSignal): Promise<string>;
`;

/** An example with imports is a file of its own; a fragment is the body of a function. */
function asFile(code: string): string {
  return /^import /m.test(code) ? `${code}\nexport {};\n` : `${PRELUDE}\nexport async function example(): Promise<void> {\n${code}\n}\n`;
}

afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the documents', () => {
  it('have examples that compile as printed against the built package', async () => {
    expect(examples.length).toBeGreaterThan(8);
    mkdirSync(join(home, 'node_modules'));
    for (const [name, target] of [['voicewire', ROOT], ...['zod', 'vitest', '@types'].map((name) => [name, join(ROOT, 'node_modules', name)])] as [string, string][]) {
      symlinkSync(target, join(home, 'node_modules', name));
    }
    writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
    const files = examples.map(({ page, index, kind, code }) => {
      const file = `${page.replaceAll(/[^a-z]+/g, '-')}-${index}.${kind}`;
      writeFileSync(join(home, file), asFile(code));
      return file;
    });
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2023,esnext.disposable,dom', '--types', 'node', '--jsx', 'react-jsx'];
    const { stdout } = await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...flags, ...files], { cwd: home }).catch((error: unknown) => error as { stdout: string });
    expect(stdout).toBe('');
  });

  it('have an example test that runs as printed', async () => {
    const code = /<!-- test: runs -->\n```ts\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'docs/testing.md'), 'utf8'))?.[1];
    writeFileSync(join(home, 'example.test.ts'), code ?? '');
    const { stdout } = await run(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', home, '--reporter', 'json', 'example.test.ts'], { cwd: home });
    expect(JSON.parse(stdout)).toMatchObject({ success: true, numPassedTests: 1 });
  });

  it('link only to files that are there', () => {
    for (const page of pages) {
      for (const [, target] of readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\(([^)#]+?)(?:#[^)]*)?\)/g)) {
        if (target === undefined || /^https?:/.test(target)) continue;
        expect(() => readFileSync(join(ROOT, dirname(page), target)), `${page} -> ${target}`).not.toThrow();
      }
    }
  });
});
