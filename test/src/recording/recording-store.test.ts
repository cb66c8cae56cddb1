import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MULAW_8K, PCM16_24K, decodeWav } from '../../../audio/index.js';
import { RecordingFiles, readRecording, recordSession } from '../../../src/recording/index.js';
import { SCENARIOS, playScenario } from '../../helpers/recorded-scenarios.js';
import type { Scenario } from '../../helpers/recorded-scenarios.js';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'voicewire-store-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a recording in files', () => {
  it('is the same as the one in memory, and closes its WAV files with their true sizes', async () => {
    const path = join(folder, 'greeting.vw.jsonl');
    const recorder = recordSession(path);
    await playScenario(SCENARIOS[0] as Scenario, recorder);
    await recorder.done;
    const fixture = new URL('../../../fixtures/recordings/', import.meta.url);
    expect(readdirSync(folder).sort()).toEqual(['greeting.agent.wav', 'greeting.caller.wav', 'greeting.vw.jsonl']);
    for (const file of readdirSync(folder)) expect(Buffer.compare(readFileSync(join(folder, file)), readFileSync(new URL(file, fixture))), file).toBe(0);
  });

  it('keeps G.711 as it came, and pads an odd length', async () => {
    const store = new RecordingFiles(join(folder, 'odd.vw.jsonl'));
    store.openTrack('caller', MULAW_8K);
    store.audio('caller', Uint8Array.of(0xff, 0x00, 0x80));
    await store.close();
    const bytes = readFileSync(join(folder, 'odd.caller.wav'));
    expect(bytes.length % 2).toBe(0);
    expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
    expect(decodeWav(bytes)).toMatchObject({ sampleRate: 8_000, channels: 1, sourceEncoding: 'mulaw' });
    expect(decodeWav(bytes).samples).toHaveLength(3);
  });

  it('can be read while it is written', async () => {
    const store = new RecordingFiles(join(folder, 'open.vw.jsonl'));
    store.openTrack('agent', PCM16_24K);
    store.audio('agent', new Uint8Array(Int16Array.of(1, 2, 3).buffer));
    const file = join(folder, 'open.agent.wav');
    while (readFileSync(file).length < 50) await new Promise((resolve) => setImmediate(resolve));
    expect([...decodeWav(readFileSync(file)).samples]).toEqual([1, 2, 3]);
    await store.close();
    await store.close();
  });

  it('gives up, once and aloud, when more waits for the disk than may', async () => {
    const failures: string[] = [];
    const store = new RecordingFiles(join(folder, 'slow.vw.jsonl'), ({ message }) => failures.push(message));
    store.openTrack('caller', PCM16_24K);
    // All in one moment, in which no disk can take anything.
    for (let megabyte = 0; megabyte < 40; megabyte += 1) store.audio('caller', new Uint8Array(1024 * 1024));
    store.line('{}');
    expect(failures).toEqual([expect.stringContaining('slower than the call')]);
    await expect(store.close()).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE' });
  });

  it('says when a track cannot be written, and keeps the rest', async () => {
    const failures: string[] = [];
    const store = new RecordingFiles(join(folder, 'a.vw.jsonl'), ({ code }) => failures.push(code));
    rmSync(folder, { recursive: true });
    store.openTrack('caller', PCM16_24K);
    store.audio('caller', new Uint8Array(2));
    expect(failures).toEqual(['FILE_NOT_WRITABLE']);
    await expect(store.close()).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE' });
  });

  it.each([
    ['a name without the ending', 'call.jsonl', 'USAGE'],
    ['a folder that is not there', 'no/call.vw.jsonl', 'FILE_NOT_WRITABLE'],
  ])('refuses %s before anything is recorded', (_name, name, code) => {
    expect(() => recordSession(join(folder, name))).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('holds nothing of a session that never began', async () => {
    const path = join(folder, 'never.vw.jsonl');
    const recorder = recordSession(path);
    recorder.onEnd(0);
    await recorder.done;
    expect(readFileSync(path, 'utf8')).toBe('');
    expect(() => readRecording(path)).toThrow(/not a recording/);
  });
});
