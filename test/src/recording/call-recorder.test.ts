import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostError } from '../../../src/host/errors.js';
import { CallRecorder, openWavFile } from '../../../src/recording/index.js';
import type { WavFileWriter } from '../../../src/recording/index.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voicewire-call-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function record(work: (recorder: CallRecorder) => void, windowSamples = 100): Promise<{ left: number[]; right: number[] }> {
  const path = join(folder, 'call.wav');
  const recorder = new CallRecorder(await openWavFile(path, { sampleRate: 24_000, channels: 2 }), { windowSamples });
  work(recorder);
  await recorder.close();
  const bytes = await readFile(path);
  const left: number[] = [];
  const right: number[] = [];
  for (let at = 44; at < bytes.length; at += 4) {
    left.push(bytes.readInt16LE(at));
    right.push(bytes.readInt16LE(at + 2));
  }
  expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44);
  return { left, right };
}

const of = (value: number, count: number): Int16Array => new Int16Array(count).fill(value);

describe('CallRecorder', () => {
  it('puts both sides at their sample of the call, silence where nobody spoke', async () => {
    const { left, right } = await record((recorder) => {
      recorder.append('caller', of(1, 30));
      recorder.place('agent', 10, of(2, 5));
      recorder.place('agent', 20, of(3, 5));
      recorder.append('caller', of(4, 10));
    });
    expect(left).toEqual([...of(1, 30), ...of(4, 10)]);
    expect(right).toEqual([...of(0, 10), ...of(2, 5), ...of(0, 5), ...of(3, 5), ...of(0, 15)]);
  });

  it('gives the same file however the audio is cut and interleaved', async () => {
    let seed = 20_260_101;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const caller = Int16Array.from({ length: 1000 }, (_, index) => index + 1);
    const agent = Int16Array.from({ length: 1000 }, (_, index) => -index - 1);
    for (let run = 0; run < 20; run += 1) {
      const startedFrom = seed;
      const at = { caller: 0, agent: 0 };
      const { left, right } = await record((recorder) => {
        while (at.caller < 1000 || at.agent < 1000) {
          // Neither side runs further ahead than the window.
          const side = at.agent >= 1000 || (at.caller < 1000 && at.caller <= at.agent) ? 'caller' : 'agent';
          const end = Math.min(1000, at[side] + 1 + random(60));
          recorder.append(side, (side === 'caller' ? caller : agent).subarray(at[side], end));
          at[side] = end;
        }
        expect(recorder.lateSamples).toBe(0);
      });
      expect(left, `seed ${startedFrom}`).toEqual(Array.from(caller));
      expect(right, `seed ${startedFrom}`).toEqual(Array.from(agent));
    }
  });

  it('takes a side that is a window behind as silent, and counts what comes too late', async () => {
    const { left, right } = await record((recorder) => {
      recorder.append('caller', of(1, 250));
      expect(recorder.lateSamples).toBe(0);
      recorder.place('agent', 140, of(9, 20));
      expect(recorder.lateSamples).toBe(10);
    }, 100);
    expect(left).toEqual(Array.from(of(1, 250)));
    expect(right).toEqual([...of(0, 150), ...of(9, 10), ...of(0, 90)]);
  });

  it('gives up with an error when the disk is too slow, and not before', async () => {
    const outcome = async (seconds: number): Promise<unknown> => {
      let open = (): void => {};
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      const stuck: WavFileWriter = { path: 'stuck.wav', samplesPerChannel: 0, write: () => gate, close: async () => {}, [Symbol.asyncDispose]: async () => {} };
      const recorder = new CallRecorder(stuck);
      for (let second = 0; second < seconds; second += 1) {
        recorder.append('caller', of(1, 24_000));
        recorder.append('agent', of(1, 24_000));
      }
      open();
      return recorder.close().then(
        () => 'whole',
        (error: unknown) => (error instanceof HostError ? error.code : error),
      );
    };
    expect(await outcome(61)).toBe('whole');
    expect(await outcome(62)).toBe('FILE_NOT_WRITABLE');
  });

  it('refuses a position before the call', async () => {
    await record((recorder) => {
      expect(() => recorder.place('agent', -1, of(1, 1))).toThrow(RangeError);
      expect(() => recorder.place('agent', 0.5, of(1, 1))).toThrow(RangeError);
    });
  });
});
