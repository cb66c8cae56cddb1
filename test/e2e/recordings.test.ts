/** Replays of the built command line in a process that cannot reach any network. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endSpawned, spawnCli } from '../helpers/spawn-cli.js';

const FIXTURES = fileURLToPath(new URL('../../fixtures/recordings/', import.meta.url));
let folder = '';
let blocked: Record<string, string> = {};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'voicewire-blocked-'));
  const block = join(folder, 'block.cjs');
  writeFileSync(
    block,
    `const refuse = (what) => () => { process.stderr.write('TOUCHED ' + what); throw new Error(what + ' was touched'); };
    const net = require('node:net'), tls = require('node:tls'), dgram = require('node:dgram'), dns = require('node:dns');
    net.Socket.prototype.connect = refuse('net'); net.Server.prototype.listen = refuse('listen'); net.connect = net.createConnection = refuse('net'); tls.connect = refuse('tls');
    dgram.createSocket = refuse('dgram'); dns.lookup = dns.resolve = dns.promises.lookup = refuse('dns'); globalThis.fetch = refuse('fetch'); globalThis.WebSocket = class { constructor() { refuse('WebSocket')(); } };`,
  );
  blocked = { NODE_OPTIONS: `--require ${block}` };
});

afterAll(async () => {
  await endSpawned();
  rmSync(folder, { recursive: true, force: true });
});

describe('a process without a network', () => {
  it.each(['greeting', 'tool-call', 'barge-in', 'queued-items', 'hand-off', 'reconnect', 'failure', 'push-to-talk'])('replays %s', async (name) => {
    const { code, out, err } = await spawnCli(['replay', '--json', `${FIXTURES}${name}.vw.jsonl`], blocked).done;
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(JSON.parse(out.trimEnd().split('\n').at(-1) ?? '{}')).toMatchObject({ type: 'summary', outcome: 'same', complete: true });
  });

  it('is really without one: what needs a socket fails', async () => {
    const { code, err } = await spawnCli(['emulator', '--port', '0'], blocked).done;
    expect(code).toBe(1);
    expect(err).toContain('TOUCHED listen');
  });

  it('gives a new session a recorded model and a recorded caller', async () => {
    const script = join(folder, 'live.mjs');
    const dist = (path: string): string => JSON.stringify(pathToFileURL(fileURLToPath(new URL(`../../dist/src/${path}`, import.meta.url))).href);
    writeFileSync(
      script,
      `import { RealtimeAgent, RealtimeSession } from ${dist('index.js')};
      import { readRecording, replayCaller, replayModel } from ${dist('recording/index.js')};
      import { ManualClock } from ${dist('testing.js')};
      const recording = readRecording(${JSON.stringify(`${FIXTURES}greeting.vw.jsonl`)});
      const clock = new ManualClock(recording.header.clockMs);
      const model = replayModel(recording, { clock, mode: 'lenient' });
      const format = { encoding: 'mulaw', sampleRate: 8000, channels: 1 };
      const session = new RealtimeSession(new RealtimeAgent({ name: 'Other' }), { model, clock, config: { inputFormat: format, outputFormat: format } });
      let heard = 0, over = false;
      session.on('audio', ({ chunk }) => (heard += chunk.bytes.length));
      session.connect().then(() => replayCaller(recording, session, { clock })).then(() => (over = true));
      while (!over) await clock.run(1000);
      console.log(heard);`,
    );
    const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, [script], { env: { ...process.env, ...blocked }, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    expect(err).toBe('');
    expect(Number(out)).toBeGreaterThan(20_000);
  });
});
