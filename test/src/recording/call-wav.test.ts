import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MULAW_8K, MULAW_SILENCE, decodeWav } from '../../../audio/index.js';
import { createSessionState } from '../../../session/index.js';
import type { SessionEvent } from '../../../session/index.js';
import { RecordingMemory, parseRecording, readRecording, recordSessionTo, writeCallWav } from '../../../src/recording/index.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';

const RATE = 8_000;
const CHUNK_MS = 100;
/** A click: the loudest µ-law byte there is. */
const CLICK = 0x00;
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'voicewire-call-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A network: news comes in order, a little late, and at times, but not around a hole in the sound or an end of it, is stuck for up to 600 ms. */
function network(rng: Random, holes: readonly number[]): (atMs: number) => number {
  let stuckUntil = 0;
  let last = 0;
  return (atMs) => {
    const calm = holes.some((hole) => Math.abs(hole - atMs) < 2_000);
    if (!calm && rng.next() < 0.01) stuckUntil = atMs + rng.int(100, 600);
    last = Math.max(last, atMs + 20 + rng.next() * 15, stuckUntil);
    return last;
  };
}

interface Happening {
  readonly atMs: number;
  readonly run: (recorder: ReturnType<typeof recordSessionTo>) => void;
}

/** A caller with a device that loses sound at times. Gives when each click was really made, where it was not lost. */
function callerSide(rng: Random, minutes: number, plan: Happening[]): number[] {
  const clicks: number[] = [];
  let nextClick = 1_000;
  let nextLoss = 5_000;
  const holes = [nextLoss];
  const deliver = network(rng, holes);
  for (let atMs = 0; atMs < minutes * 60_000; atMs += CHUNK_MS) {
    if (atMs >= nextLoss) {
      nextLoss = atMs + rng.int(4_000, 40_000);
      holes.splice(0, holes.length, atMs, nextLoss);
      atMs += rng.int(1, 4) * 20;
    }
    const bytes = new Uint8Array((RATE * CHUNK_MS) / 1000).fill(MULAW_SILENCE);
    while (nextClick < atMs) nextClick += rng.int(1_000, 4_000);
    if (nextClick < atMs + CHUNK_MS) {
      bytes[Math.floor(((nextClick - atMs) * RATE) / 1000)] = CLICK;
      clicks.push(nextClick);
      nextClick += rng.int(1_000, 4_000);
    }
    const arrivesMs = deliver(atMs + CHUNK_MS);
    plan.push({ atMs: arrivesMs, run: (recorder) => recorder.onInput({ type: 'microphone', bytes, queuedBytes: 0 }, arrivesMs) });
  }
  return clicks;
}

/** Answers that come at once and are heard in real time by a player that waits at times; some are interrupted. Gives the clicks that were heard and those that were not. */
function agentSide(rng: Random, minutes: number, plan: Happening[]): { heard: number[]; unheard: number } {
  const holes: number[] = [];
  const deliver = network(rng, holes);
  const heard: number[] = [];
  let unheard = 0;
  let epoch = 0;
  const event = (atMs: number, body: object): void => void plan.push({ atMs, run: (recorder) => recorder.onEvent({ ...body, info: { sessionId: 's', agentName: 'Ava', timestamp: atMs } } as unknown as SessionEvent, true) });
  let item = 0;
  for (let atMs = 2_000; atMs < minutes * 60_000 - 30_000; item += 1) {
    const itemId = `a${item}`;
    const lengthMs = rng.int(2, 20) * 1_000;
    const bytes = new Uint8Array((RATE * lengthMs) / 1000).fill(MULAW_SILENCE);
    const clickAt: number[] = [];
    for (let ms = rng.int(50, 900); ms < lengthMs; ms += rng.int(700, 3_000)) clickAt.push(ms);
    for (const ms of clickAt) bytes[(ms * RATE) / 1000] = CLICK;
    for (let piece = 0; piece < lengthMs; piece += 1_000) {
      const part = bytes.slice((piece * RATE) / 1000, ((piece + 1_000) * RATE) / 1000);
      const comesMs = atMs + piece / 8;
      plan.push({ atMs: comesMs, run: (recorder) => {
        recorder.onInput({ type: 'from_model', attemptId: 1, input: { type: 'audio_delta', responseId: 'r', itemId, contentIndex: 0, bytes: part } }, comesMs);
        recorder.onEvent({ type: 'audio', responseId: 'r', itemId, contentIndex: 0, epoch: 0, chunk: { bytes: part, format: MULAW_8K, firstSample: (piece * RATE) / 1000 }, info: { sessionId: 's', agentName: 'Ava', timestamp: comesMs } } as SessionEvent, true);
      } });
    }
    const stopMs = rng.next() < 0.3 ? rng.int(500, lengthMs) : lengthMs;
    // The player: begins late, and waits once.
    let playsMs = atMs + rng.int(80, 300);
    const waitAt = rng.next() < 0.5 ? rng.int(5, lengthMs / 40) * 40 : Infinity;
    const startMs = playsMs;
    const truth = (ms: number): number => startMs + ms + (ms > waitAt ? 150 : 0);
    // Of an answer that is over before the network moves again nobody knows better.
    holes.splice(0, holes.length, startMs, startMs + waitAt, truth(stopMs));
    for (let ms = 40; ms < stopMs; ms += 40) {
      playsMs = truth(ms);
      const arrivesMs = deliver(playsMs);
      const samples = (ms * RATE) / 1000;
      plan.push({ atMs: arrivesMs, run: (recorder) => recorder.onInput({ type: 'playback', report: { itemId, contentIndex: 0, samples } }, arrivesMs) });
    }
    const endMs = truth(stopMs);
    if (stopMs < lengthMs) event(deliver(endMs), { type: 'audio_interrupted', epoch: (epoch += 1), itemId, responseId: 'r', contentIndex: 0, heardMs: stopMs, heardText: '', unheardText: '' });
    for (const ms of clickAt) {
      if (ms < stopMs) heard.push(truth(ms));
      else unheard += 1;
    }
    atMs = endMs + rng.int(1_000, 5_000);
  }
  return { heard, unheard };
}

/** Where one channel clicks, in ms. */
function clicksIn(samples: Int16Array, channel: number): number[] {
  const found: number[] = [];
  for (let frame = 0; frame < samples.length / 2; frame += 1) if (Math.abs(samples[frame * 2 + channel] ?? 0) > 20_000) found.push((frame * 1000) / RATE);
  return found;
}

/** The network's own delay is in all news: sound is put that much later, and stays there. */
const LATE_MS = 20;

describe('the WAV file of a call as it was heard', () => {
  it('has each click of an hour within 20 ms of its moment, with loss, jitter and interruptions, and none that was not heard', async () => {
    const rng = random();
    const minutes = 60;
    const plan: Happening[] = [];
    const said = callerSide(rng, minutes, plan);
    const { heard, unheard } = agentSide(rng, minutes, plan);
    plan.sort((a, b) => a.atMs - b.atMs);
    const memory = new RecordingMemory();
    const recorder = recordSessionTo(memory);
    recorder.onStart({ sessionId: 's', agentName: 'Ava', model: 'none', state: createSessionState({ outputModality: 'audio', inputFormat: MULAW_8K, outputFormat: MULAW_8K, tools: [] }, 'reported'), nowMs: 0 });
    for (const { run } of plan) run(recorder);
    recorder.onEnd(minutes * 60_000);
    const recording = parseRecording(memory.lines.map((line) => `${line}\n`).join(''), 'hour.vw.jsonl', (track) => Buffer.concat(memory.tracks.get(track) ?? []));
    const path = join(folder, 'hour.wav');
    writeCallWav(recording, path);
    const { samples, channels, sampleRate } = decodeWav(readFileSync(path));
    expect([channels, sampleRate]).toEqual([2, RATE]);
    for (const [channel, truth] of [[0, said], [1, heard]] as const) {
      const found = clicksIn(samples, channel);
      const where = `seed ${rng.seed}, channel ${channel}`;
      const off = truth.map((ms) => Math.min(...nearest(found, ms + LATE_MS).map((each) => Math.abs(each - ms - LATE_MS))));
      expect(truth.length, where).toBeGreaterThan(500);
      expect(Math.max(...off), where).toBeLessThanOrEqual(20);
      expect(found.length, where).toBe(truth.length);
    }
    expect(unheard).toBeGreaterThan(20);
  }, 60_000);

  it('is a WAV file that other readers open, with a mark for each turn, tool and interruption', () => {
    for (const name of ['barge-in', 'tool-call']) {
      const path = join(folder, `${name}.wav`);
      const recording = readRecording(fileURLToPath(new URL(`../../../fixtures/recordings/${name}.vw.jsonl`, import.meta.url)));
      const [first, second] = recording.lines.flatMap((line) => (line.type === 'event' && line.event.type === 'turn_metrics' ? [(line.event as unknown as { turnId: string }).turnId] : []));
      writeCallWav(recording, path);
      const bytes = readFileSync(path);
      expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
      const labels = [...bytes.toString('latin1').matchAll(/labl....(....)([ -~]+)\0/gs)].map(([, id, text]) => `${Buffer.from(id as string, 'latin1').readUInt32LE(0)} ${text}`);
      expect(labels).toEqual(name === 'barge-in' ? [`1 turn 1 (${first})`, '2 caller speaks', '3 interrupted', `4 turn 2 (${second})`] : ['1 tool book_table', '2 tool book_table ok', `3 turn 1 (${first})`]);
    }
  });

  it('is refused for a recording without sound', () => {
    const text = '{"format":"voicewire-recording","version":1,"level":"wire","clockMs":0,"peers":{},"audio":{"keep":"files","input":{"encoding":"pcm16","sampleRate":24000,"channels":1},"output":{"encoding":"pcm16","sampleRate":24000,"channels":1}},"redaction":{"rules":[],"patterns":0,"secrets":0}}\n';
    expect(() => writeCallWav(parseRecording(text, 'wire.vw.jsonl'), join(folder, 'no.wav'))).toThrow(/not the recording of a session/);
  });
});

function nearest(sorted: readonly number[], value: number): number[] {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return [sorted[low - 1], sorted[low]].filter((each) => each !== undefined);
}
