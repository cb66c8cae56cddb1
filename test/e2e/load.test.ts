import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LoadReport } from '../../src/load/index.js';
import { serveGateway } from '../helpers/served-gateway.js';
import { endSpawned, spawnCli } from '../helpers/spawn-cli.js';
import type { Ended } from '../helpers/spawn-cli.js';

let folder = '';
let short = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voicewire-load-'));
  short = join(folder, 'short.json');
  await writeFile(short, JSON.stringify([{ does: 'waits', ms: 300 }, { does: 'types', text: 'When are you open?' }, { does: 'hears', pattern: 'open', withinMs: 20_000 }]));
});
afterEach(endSpawned);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The lateness that a busy machine may have is no matter of these tests. */
const PATIENT = ['--max-lateness-ms', '30000'];

function summary({ out, err }: Ended): LoadReport {
  const lines = out.trim().split('\n').map((line) => JSON.parse(line) as { type: string });
  const last = lines.at(-1);
  if (last?.type !== 'summary') throw new Error(`There is no summary: ${out}${err}`);
  return last as unknown as LoadReport;
}

describe('voicewire load', () => {
  it('runs callers against a gateway of its own, measures it, draws the knee and passes', async () => {
    const plot = join(folder, 'knee.svg');
    const ended = await spawnCli(['load', '--calls', '3', '--ramp', '3', '--seconds', '4', '--recording', short, '--plot', plot, '--max-latency-p95-ms', '60000', '--json', ...PATIENT]).done;
    const report = summary(ended);
    expect(report).toMatchObject({ verdict: 'passed', reasons: [], calls: 3, peakCalls: 3, errors: {} });
    expect(ended.code).toBe(0);
    expect(report.latencyMs.answers).toBeGreaterThan(2);
    expect(report.latenessMs.frames).toBeGreaterThan(10);
    expect(report.perCall.cpuMsPerSecond).toBeGreaterThan(0);
    // A microphone alone is 48 000 bytes a second.
    expect(report.perCall.sentBytesPerSecond).toBeGreaterThan(20_000);
    expect(report.perCore.calls).toBe(3);
    expect(await readFile(plot, 'utf8')).toMatch(/^<svg [^]*<circle/);
  });

  it('fails for a limit that is not kept, in words', async () => {
    const { code, out } = await spawnCli(['load', '--calls', '1', '--seconds', '4', '--recording', short, '--max-latency-p95-ms', '1', ...PATIENT]).done;
    expect(out).toMatch(/The p95 of the latency is \d+ ms, and 1 ms are allowed\.\nverdict: failed\n$/);
    expect(out).toMatch(/calls per core +at least 1 within 30000 ms/);
    expect(code).toBe(1);
  });

  it('calls a gateway that runs already, with a recorded caller', async () => {
    const served = await serveGateway();
    const recording = fileURLToPath(new URL('../../fixtures/recordings/barge-in.vw.jsonl', import.meta.url));
    const ended = await spawnCli(['load', '--calls', '2', '--ramp', '10', '--seconds', '5', '--recording', recording, '--url', served.url, '--json', ...PATIENT]).done;
    const report = summary(ended);
    expect(report).toMatchObject({ verdict: 'passed', peakCalls: 2 });
    expect(report.perCall.cpuMsPerSecond).toBeUndefined();
    await served.stop();
  });

  it('counts the calls that a server refuses, gives up, and fails', async () => {
    let knocks = 0;
    const server = createServer().on('upgrade', (_request, socket) => {
      knocks += 1;
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ended = await spawnCli(['load', '--calls', '2', '--ramp', '10', '--seconds', '600', '--url', url, '--json', ...PATIENT]).done;
    expect(ended.code).toBe(1);
    expect(summary(ended)).toMatchObject({ verdict: 'failed', peakCalls: 0, errors: { GATEWAY_REFUSED: 10 } });
    expect(knocks).toBe(10);
    server.close();
  });

  it('prints what there is when Ctrl-C stops it', async () => {
    const running = spawnCli(['load', '--calls', '2', '--ramp', '10', '--seconds', '600', '--recording', short, '--json', ...PATIENT]);
    await running.prints(/"type":"progress"/);
    running.signal('SIGINT');
    const ended = await running.done;
    expect(ended.code).toBe(130);
    expect(summary(ended)).toMatchObject({ verdict: 'stopped', peakCalls: 2 });
  });

  it.each([
    ['a recording that is not there', ['--recording', 'no-such.vw.jsonl'], 1, /FILE_NOT_FOUND/],
    ['a script that is none', ['--recording', 'BAD'], 2, /USAGE: .*not a caller's script: Step 1/],
    ['a plot that cannot be written', ['--plot', '/no-such-folder/knee.svg'], 1, /FILE_NOT_WRITABLE/],
  ])('tells of %s before anybody calls', async (_name, flags, exitCode, message) => {
    const bad = join(folder, 'bad.json');
    await writeFile(bad, '[{ "does": "sings" }]');
    const { code, err } = await spawnCli(['load', ...flags.map((flag) => (flag === 'BAD' ? bad : flag))]).done;
    expect(err).toMatch(message);
    expect(code).toBe(exitCode);
  });
});
