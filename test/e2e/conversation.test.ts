/**
 * A whole call between real processes over real sockets: the emulator, the gateway and a caller, each the built command line. Between gateway and
 * emulator stands a wire tap that passes every frame on and keeps what was said.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { decodeWav } from '../../audio/index.js';
import { createVoice, demoScript } from '../../src/emulator/index.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RATE = 24_000;

interface CallerTurn {
  readonly says: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly bargeIn: boolean;
}

interface Line {
  readonly type: string;
  readonly [member: string]: unknown;
}

interface WireMessage {
  readonly dir: 'c2s' | 's2c';
  readonly event: { readonly type: string; readonly [member: string]: unknown };
}

const children: ChildProcess[] = [];

function start(...args: string[]): { child: ChildProcess; lines: Line[]; line: (type: string) => Promise<Line>; done: Promise<number | null> } {
  const { OPENAI_API_KEY: _key, VOICEWIRE_MODEL_URL: _url, VOICEWIRE_TOKEN: _token, ...env } = process.env;
  const child = spawn(process.execPath, [join(ROOT, 'dist/src/cli/main.js'), ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines: Line[] = [];
  const waiting: { type: string; resolve: (line: Line) => void }[] = [];
  createInterface(child.stdout).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    for (const waiter of waiting) if (waiter.type === line.type) waiter.resolve(line);
  });
  const done = once(child, 'close').then(([code]) => code as number | null);
  return { child, lines, done, line: (type) => new Promise((resolve) => waiting.push({ type, resolve })) };
}

/** Passes frames between a client and `target`, and keeps them. */
async function wireTap(target: string, kept: WireMessage[]): Promise<{ url: string; server: WebSocketServer }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (near, request) => {
    const far = new WebSocket(new URL(request.url ?? '/', target));
    const early: string[] = [];
    near.on('message', (data: Buffer) => {
      const text = data.toString();
      kept.push({ dir: 'c2s', event: JSON.parse(text) as WireMessage['event'] });
      if (far.readyState === WebSocket.OPEN) far.send(text);
      else early.push(text);
    });
    far.on('open', () => early.splice(0).forEach((text) => far.send(text)));
    far.on('message', (data: Buffer) => {
      kept.push({ dir: 's2c', event: JSON.parse(data.toString()) as WireMessage['event'] });
      near.send(data.toString());
    });
    near.on('close', () => far.close());
    far.on('close', () => near.close());
  });
  await once(server, 'listening');
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/realtime`, server };
}

/** Root mean square of a stretch of a channel, in dB of full scale; digital silence is -Infinity. */
function levelDb(channel: Int16Array, fromMs: number, toMs: number): number {
  const part = channel.subarray((fromMs * RATE) / 1000, (toMs * RATE) / 1000);
  const power = part.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, part.length);
  return 10 * Math.log10(power / 32768 ** 2);
}

function firstSound(samples: Int16Array): number {
  return samples.findIndex((sample) => Math.abs(sample) > 200);
}

/** Where `speech` begins in `channel`, to the sample, and for how many samples the two are equal from there. */
function findSpeech(channel: Int16Array, speech: Int16Array): { startSample: number; samples: number } | undefined {
  const from = firstSound(speech);
  for (let at = 0; at < channel.length - 400; at += 1) {
    let equal = 0;
    while (equal < 400 && channel[at + equal] === speech[from + equal]) equal += 1;
    if (equal < 400) continue;
    const startSample = at - from;
    let samples = from;
    while (samples < speech.length && channel[startSample + samples] === speech[samples]) samples += 1;
    return { startSample, samples };
  }
  return undefined;
}

describe('a whole call', () => {
  const { turns } = JSON.parse(readFileSync(join(ROOT, 'fixtures/audio/caller-turns.json'), 'utf8')) as { turns: CallerTurn[] };
  const folder = mkdtempSync(join(tmpdir(), 'voicewire-call-'));
  const wire: WireMessage[] = [];
  let tap: WebSocketServer;
  let lines: Line[] = [];
  let code: number | null = null;
  let left = new Int16Array();
  let right = new Int16Array();
  /** From the caller's file to the recording. */
  let offsetMs = 0;

  beforeAll(async () => {
    const emulator = start('emulator', '--port', '0', '--json');
    const { url: modelUrl } = (await emulator.line('listening')) as Line & { url: string };
    const tapped = await wireTap(modelUrl, wire);
    tap = tapped.server;
    const gateway = start('serve', '--port', '0', '--json', '--no-page', '--model-url', tapped.url);
    const { url } = (await gateway.line('listening')) as Line & { url: string };
    const recording = join(folder, 'call.wav');
    const talk = start('talk', '--url', url, '--in', join(ROOT, 'fixtures/audio/caller.wav'), '--out', recording, '--json');
    code = await talk.done;
    lines = talk.lines;
    gateway.child.kill('SIGINT');
    emulator.child.kill('SIGINT');
    await Promise.all([gateway.done, emulator.done]);

    const { samples, channels, sampleRate } = decodeWav(readFileSync(recording));
    expect([channels, sampleRate]).toEqual([2, RATE]);
    left = samples.filter((_sample, index) => index % 2 === 0);
    right = samples.filter((_sample, index) => index % 2 === 1);
    offsetMs = (firstSound(left) * 1000) / RATE - (turns[0] as CallerTurn).startMs;
  });

  afterAll(() => {
    for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
    tap.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const of = (type: string): Line[] => lines.filter((line) => line.type === type);
  const inRecording = (callerMs: number): number => callerMs + offsetMs;
  const speechOf = async (text: string): Promise<Int16Array> => (await createVoice({ synthesizers: [] }).speak(text)).samples;
  const bargeIn = turns.find((turn) => turn.bargeIn) as CallerTurn;

  it('takes place: exit code 0, three turns of the caller, a tool call, an interruption', () => {
    expect(code).toBe(0);
    expect(of('summary')).toMatchObject([{ tookPlace: true, callerTurns: 3, answersHeard: 4, toolCalls: 1, interruptions: 1 }]);
    expect(of('error')).toEqual([]);
  });

  it('writes down what the caller says', () => {
    const said = of('history_updated')
      .flatMap(({ changes }) => changes as { item?: { role?: string; text?: string } }[])
      .flatMap(({ item }) => (item?.role === 'user' && item.text !== '' ? [item.text] : []));
    expect([...new Set(said)]).toEqual(turns.map(({ says }) => says));
  });

  it('is greeted by voice before the caller says anything', async () => {
    const greeting = findSpeech(right, await speechOf(demoScript.greeting));
    expect(greeting?.samples).toBe((await speechOf(demoScript.greeting)).length);
    expect(((greeting?.startSample ?? 0) * 1000) / RATE).toBeLessThan(inRecording((turns[0] as CallerTurn).startMs));
  });

  it('runs the tool in the gateway and speaks its result', async () => {
    expect(of('tool_end')).toMatchObject([{ toolName: 'book_table', outcome: 'ok', output: expect.stringContaining('"reference":"V-4711"') as string }]);
    const result = findSpeech(right, await speechOf('You have table 12, and your reference is V-4711.'));
    expect(result).toBeDefined();
    expect(((result?.startSample ?? 0) * 1000) / RATE).toBeGreaterThan(inRecording((turns[0] as CallerTurn).endMs));
  });

  it('has the caller on the left where the caller speaks, and silence between', () => {
    for (const { startMs, endMs } of turns) {
      expect(levelDb(left, inRecording(startMs), inRecording(endMs))).toBeGreaterThan(-40);
      expect(levelDb(left, inRecording(startMs) - 1_000, inRecording(startMs) - 50)).toBeLessThan(-80);
    }
  });

  it('answers each turn by voice within 2 s of its end', () => {
    for (const { endMs } of turns) expect(levelDb(right, inRecording(endMs) + 500, inRecording(endMs) + 2_000)).toBeGreaterThan(-40);
  });

  it('falls silent within 300 ms when it is spoken over', () => {
    const spokenOverMs = inRecording(bargeIn.startMs);
    expect(levelDb(right, spokenOverMs - 500, spokenOverMs)).toBeGreaterThan(-40);
    expect(levelDb(right, spokenOverMs + 300, inRecording(bargeIn.endMs))).toBe(-Infinity);
  });

  it('tells the model to forget what was not played, within 40 ms', async () => {
    const truncations = wire.filter(({ dir, event }) => dir === 'c2s' && event.type === 'conversation.item.truncate').map(({ event }) => event);
    expect(truncations.length).toBe(1);
    const played = findSpeech(right, await speechOf(demoScript.turns[1]?.reply ?? ''));
    const playedMs = ((played?.samples ?? 0) * 1000) / RATE;
    expect(playedMs).toBeGreaterThan(3_000);
    expect(Math.abs(Number(truncations[0]?.['audio_end_ms']) - playedMs)).toBeLessThanOrEqual(40);
    const confirmed = wire.filter(({ dir, event }) => dir === 's2c' && event.type === 'conversation.item.truncated');
    expect(confirmed.map(({ event }) => event['audio_end_ms'])).toEqual([truncations[0]?.['audio_end_ms']]);
    expect(wire.filter(({ dir, event }) => dir === 's2c' && event.type === 'error')).toEqual([]);
  });

  it('tells the latency of each turn, and its parts in order', () => {
    const turnsWithSpeech = of('turn_metrics').map(({ marks }) => marks as Record<string, number>).filter((marks) => marks['speechEndMs'] !== undefined);
    expect(turnsWithSpeech.length).toBe(3);
    for (const marks of turnsWithSpeech) {
      const order = ['speechEndMs', 'endpointDecidedMs', 'committedMs', 'responseCreatedMs', 'firstDeltaMs', 'firstFrameSentMs', 'firstFrameHeardMs'].map((mark) => marks[mark] as number);
      expect([...order].sort((a, b) => a - b)).toEqual(order);
      expect((marks['firstFrameHeardMs'] as number) - (marks['speechEndMs'] as number)).toBeLessThan(3_000);
    }
  });
});
