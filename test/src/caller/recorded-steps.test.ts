import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { RealtimeAgent, RealtimeSession } from '../../../session/index.js';
import { recordedSteps } from '../../../src/caller/index.js';
import { readRecording } from '../../../src/recording/index.js';
import { EmulatedModel, caller, voicewireMatchers } from '../../../src/testing.js';

beforeAll(() => expect.extend(voicewireMatchers));

const recording = (name: string) => readRecording(fileURLToPath(new URL(`../../../fixtures/recordings/${name}.vw.jsonl`, import.meta.url)));

describe('what a recorded caller said', () => {
  it('is said again to anybody, at its time', async () => {
    const call = await caller(recordedSteps(recording('barge-in'))).calls(({ clock, recorder }) => new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model: new EmulatedModel({ clock }), clock, recorder }));
    expect(call).toSayWithin(/There are a few good places/, 500);
    expect(call).toInterruptWithin(400, { from: 'onset' });
    // As in the recording, but that each step begins with a slot of 20 ms.
    const at = call.events.find(({ type }) => type === 'audio_interrupted')?.info.timestamp ?? 0;
    const opened = call.events.find((event) => event.type === 'connection' && event.connection.state === 'open')?.info.timestamp ?? 0;
    const [was, wasOpened] = ['audio_interrupted', 'connection'].map((type) => recording('barge-in').lines.filter((line) => line.type === 'event' && line.event.type === type).at(type === 'connection' ? 1 : 0)?.at ?? 0) as [number, number];
    expect(Math.abs(at - opened - (was - wasOpened))).toBeLessThanOrEqual(80);
  });

  it('keeps its silences: the steps last as long as the call', () => {
    const { lines, header } = recording('barge-in');
    const steps = recordedSteps(recording('barge-in'));
    const totalMs = steps.reduce((sum, step) => sum + (step.does === 'waits' ? step.ms : step.does === 'says' && step.what instanceof Int16Array ? step.what.length / 24 : 0), 0);
    const openedMs = (lines.filter((line) => line.type === 'event' && line.event.type === 'connection').at(1)?.at ?? 0) - header.clockMs;
    expect(totalMs).toBeCloseTo((lines.at(-1)?.at ?? 0) - header.clockMs - openedMs, 0);
  });

  it('is nothing in a recording without a caller', () => {
    const silent = recording('barge-in');
    const lines = silent.lines.filter((line) => line.type !== 'input' || (line.input.type !== 'microphone' && line.input.type !== 'message'));
    expect(() => recordedSteps({ ...silent, lines })).toThrow(/has no caller/);
  });
});
