import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeWav, resampleWhole, samplesToPcm16 } from '../../audio/index.js';
import { RealtimeAgent, RealtimeSession } from '../../session/index.js';
import type { SessionEvent, SessionEventMap } from '../../session/index.js';
import { PacedMicrophone } from '../../src/client/index.js';
import { startEmulator } from '../../src/emulator/index.js';
import { systemClock } from '../../src/host/system-clock.js';
import { openaiRealtime } from '../../src/provider/openai/openai-realtime.js';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

interface Call {
  readonly session: RealtimeSession;
  readonly events: SessionEvent[];
  next<T extends keyof SessionEventMap>(type: T): Promise<SessionEventMap[T]>;
  speak(clip: string): void;
}

/** A session with the emulator, over a real socket and in real time, in which the agent has begun to speak. */
async function speakingAgent(): Promise<Call> {
  const emulator = await startEmulator({ seed: 1 });
  const model = openaiRealtime({ url: emulator.url });
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model, clock: systemClock, bargeIn: { mode: 'two-stage' } });
  open.push(emulator, session);
  const events: SessionEvent[] = [];
  const waiting = new Set<() => void>();
  for (const type of ['audio', 'audio_end', 'audio_paused', 'audio_resumed', 'audio_interrupted', 'agent_start', 'agent_end', 'input_committed', 'error'] as const) {
    session.on(type, (event: SessionEvent) => {
      events.push(event);
      for (const look of waiting) look();
    });
  }
  const next = <T extends keyof SessionEventMap>(type: T): Promise<SessionEventMap[T]> => {
    const from = events.length;
    return new Promise((resolve) => {
      const look = (): void => {
        const found = events.slice(from).find((event) => event.type === type);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found as SessionEventMap[T]);
      };
      waiting.add(look);
    });
  };
  await session.connect();
  const speaks = next('audio');
  session.respond();
  await speaks;
  return {
    ...{ session, events, next },
    speak(clip) {
      const { samples, sampleRate } = decodeWav(readFileSync(new URL(`../../fixtures/${clip}`, import.meta.url)));
      const microphone = new PacedMicrophone(resampleWhole(samples, sampleRate, 24_000), { clock: systemClock });
      microphone.start((frame) => session.sendAudio(samplesToPcm16(frame)));
      open.push({ [Symbol.asyncDispose]: () => Promise.resolve(microphone.stop()) });
    },
  };
}

describe('two-stage barge-in with the emulator', () => {
  it('holds the agent at the first sound of speech, stops it when the speech goes on, and has the turn answered once', async () => {
    const { session, events, next, speak } = await speakingAgent();
    const [paused, interrupted, answered] = [next('audio_paused'), next('audio_interrupted'), next('agent_start')];
    speak('audio/caller-stop.wav');
    const at = await paused;
    const cut = await interrupted;
    expect(cut.itemId).toBe(at.itemId);
    expect(cut.heardMs).toBe(Math.floor((at.sample ?? 0) / 24));
    expect(cut.info.timestamp - at.info.timestamp).toBeGreaterThanOrEqual(450);
    await answered;
    expect(session.bargeInCounts).toMatchObject({ tentative: 1, confirmed: 1, resumed: 0 });
    expect(events.filter(({ type }) => type === 'error')).toEqual([]);
  });

  it('lets it play on from the same sample when the speech was one short word, which is not answered', async () => {
    const { session, events, next, speak } = await speakingAgent();
    const [paused, resumed, committed] = [next('audio_paused'), next('audio_resumed'), next('input_committed')];
    speak('vad/02-flite-rms.wav');
    const at = await paused;
    expect((await resumed).sample).toBe(at.sample);
    await committed;
    const ended = next('audio_end');
    if (!events.some(({ type }) => type === 'audio_end')) await ended;
    expect(events.filter(({ type }) => type === 'agent_start').length).toBe(1);
    expect(session.bargeInCounts).toMatchObject({ tentative: 1, confirmed: 0, resumed: 1 });
    expect(events.filter(({ type }) => type === 'error' || type === 'audio_interrupted')).toEqual([]);
  });
});
