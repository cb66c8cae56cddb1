import { describe, expect, it } from 'vitest';
import { RealtimeAgent, RealtimeSession } from '../../../session/index.js';
import { startEmulator } from '../../../src/emulator/index.js';
import { systemClock } from '../../../src/host/system-clock.js';
import { openaiRealtime } from '../../../src/provider/openai/openai-realtime.js';
import { openHarness, tone } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';

describe('a lost connection', () => {
  it('keeps 6 s of the microphone, and tells exactly what of it was lost', async () => {
    const { session, model, clock, of } = await openHarness({ reconnect: { baseDelayMs: 16_000, maxDelayMs: 16_000 } });
    model.closeFromPeer(1006);
    for (let chunk = 0; chunk < 350; chunk += 1) session.sendAudio(tone(20));
    expect(model.commandsOf('append_audio')).toEqual([]);
    await clock.advanceAsync(16_000, 100);
    await settle();
    expect(of('connection').at(-1)?.connection).toMatchObject({ state: 'resumed', lost: { fromMs: 0, toMs: 1_000 } });
    expect(model.commandsOf('append_audio').reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(6_000 * 48);
  });

  it('has a turn heard again whose words were not known yet, also where those of a later one were', async () => {
    const { session, model, clock } = await openHarness({ reconnect: {} });
    session.sendAudio(tone(1_000));
    for (const [itemId, fromMs, toMs] of [['u1', 100, 300], ['u2', 500, 800]] as const) {
      model.push({ type: 'speech_started', itemId, audioStartMs: fromMs }, { type: 'speech_stopped', itemId, audioEndMs: toMs }, { type: 'input_committed', itemId });
    }
    model.push({ type: 'user_transcript', itemId: 'u2', contentIndex: 0, text: 'And the second.', final: true });
    const sentBefore = model.commandsOf('append_audio').length;
    model.closeFromPeer(1006);
    await clock.advanceAsync(1_000, 50);
    await settle();
    const again = model.commandsOf('append_audio').slice(sentBefore);
    expect(again.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(900 * 48);
    // What is heard again comes back as new items.
    expect(session.history).toEqual([]);
    expect(model.commandsOf('create_item')).toEqual([]);
  });

  it('is given up after the last attempt: an error, the end, and no timer is left', async () => {
    const { session, model, clock, of } = await openHarness({ reconnect: { maxAttempts: 3 } });
    model.connect = () => Promise.reject(new Error('down'));
    model.closeFromPeer(1006);
    await clock.advanceAsync(30_000, 50);
    const delays = of('connection').flatMap(({ connection }) => (connection.state === 'reconnecting' ? [connection.delayMs] : []));
    expect(delays.length).toBe(3);
    delays.forEach((delayMs, index) => {
      expect(delayMs).toBeGreaterThanOrEqual(125 * 2 ** index);
      expect(delayMs).toBeLessThanOrEqual(250 * 2 ** index);
    });
    expect(of('error').map(({ error }) => error.code)).toEqual(['MODEL_CONNECTION_LOST']);
    expect([session.state, clock.pendingTimers]).toEqual(['closed', 0]);
  });
});

describe('on a real socket, a session that the model ends', () => {
  it.each([
    ['is changed before', undefined, 'rotating'],
    ['is made anew', false as const, 'reconnecting'],
  ])('%s, and the conversation goes on', async (_what, rotation, before) => {
    await using emulator = await startEmulator({ sessionLimitMs: 2_000 });
    const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model: openaiRealtime({ url: emulator.url }), clock: systemClock, ...(rotation === undefined ? {} : { rotation }) });
    const states: string[] = [];
    const resumed = new Promise<void>((resolve) => session.on('connection', ({ connection }) => (states.push(connection.state), connection.state === 'resumed' && resolve())));
    await session.connect();
    session.sendMessage('My name is Ada.', { respond: false });
    await resumed;
    expect(states).toEqual(['connecting', 'open', before, 'resumed']);
    const answered = new Promise((resolve) => session.on('agent_end', resolve));
    session.sendMessage('Hello?');
    expect(await answered).toMatchObject({ outcome: 'completed' });
    expect(session.history[0]).toMatchObject({ text: 'My name is Ada.' });
    await session.close();
  });
});
