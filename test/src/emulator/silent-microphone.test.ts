/** A microphone that falls silent in other ways than by silence: the turn that had begun ends, and is answered. */
import { describe, expect, it } from 'vitest';
import { PCM16_24K, msToBytes } from '../../../audio/index.js';
import { RealtimeAgent, RealtimeSession } from '../../../session/index.js';
import type { SessionEvent } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { EmulatedModel } from '../../helpers/emulated-model.js';
import { callerAudio } from './emulator-client.js';

/** A caller says hello, and `after` that the microphone does what the test says for 6 s. */
async function call(after: (session: RealtimeSession) => void): Promise<{ readonly session: RealtimeSession; readonly events: readonly SessionEvent[]; readonly answeredAfterMs: number }> {
  const clock = new ManualClock();
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Aurora' }), { model: new EmulatedModel(clock), clock, sessionId: 'kept' });
  const events: SessionEvent[] = [];
  const answers: number[] = [];
  for (const type of ['connection', 'error', 'input_speech_started', 'input_speech_stopped', 'agent_start'] as const) session.on(type, (event) => void events.push(event));
  session.on('agent_start', () => void answers.push(clock.now()));
  const connecting = session.connect();
  await clock.run(100);
  await connecting;
  const speech = callerAudio('caller-hello.wav');
  const piece = msToBytes(PCM16_24K, 20);
  const lastWordMs = 2_400;
  for (let at = 0; at < msToBytes(PCM16_24K, lastWordMs); at += piece) {
    session.sendAudio(speech.subarray(at, at + piece));
    await clock.run(20);
  }
  const silentMs = clock.now();
  for (let ms = 0; ms < 6_000; ms += 20) {
    after(session);
    await clock.run(20);
  }
  await session.close();
  return { session, events, answeredAfterMs: (answers[0] ?? Infinity) - silentMs };
}

const kinds = (events: readonly SessionEvent[]): string[] => events.map((event) => (event.type === 'error' ? `error ${event.error.code}` : event.type === 'connection' ? event.connection.state : event.type));

describe('a turn that had begun', () => {
  it('ends when the caller is muted, in the same session', async () => {
    const still = callerAudio('caller-hello.wav').subarray(msToBytes(PCM16_24K, 800), msToBytes(PCM16_24K, 2_400));
    let at = 0;
    const { session, events, answeredAfterMs } = await call((muted) => {
      muted.mute();
      // They speak on, and are not heard.
      muted.sendAudio(still.subarray(at, at + msToBytes(PCM16_24K, 20)));
      at = (at + msToBytes(PCM16_24K, 20)) % still.length;
    });
    expect(kinds(events)).toEqual(['connecting', 'open', 'input_speech_started', 'input_speech_stopped', 'agent_start', 'closed']);
    expect(session.sessionId).toBe('kept');
    expect(answeredAfterMs).toBeLessThan(1_000);
  });

  it('is ended by hand, and said so, when the source sends nothing any more (DTX)', async () => {
    const { events, answeredAfterMs } = await call(() => {});
    expect(kinds(events)).toEqual(['connecting', 'open', 'input_speech_started', 'error SPEECH_NOT_ENDED', 'agent_start', 'closed']);
    expect(answeredAfterMs).toBeLessThan(4_500);
  });
});
