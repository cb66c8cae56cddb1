import { describe, expect, it } from 'vitest';
import type { SessionEvent, SessionInput, SessionRecorder } from '../../../session/index.js';
import { makeHarness, tone } from '../../helpers/session-harness.js';

function listRecorder(): { recorder: SessionRecorder; log: string[]; events: SessionEvent[]; inputs: SessionInput[] } {
  const log: string[] = [];
  const events: SessionEvent[] = [];
  const inputs: SessionInput[] = [];
  return {
    log,
    events,
    inputs,
    recorder: {
      onStart: ({ sessionId, agentName, state }) => log.push(`start ${sessionId} ${agentName} ${state.connection.name}`),
      onInput(input) {
        inputs.push(input);
        log.push(`input ${input.type}`);
      },
      onCommand: ({ type }) => log.push(`command ${type}`),
      onEvent(event, decided) {
        events.push(event);
        log.push(`event ${event.type} ${decided ? 'decided' : 'told'}`);
      },
      onEnd: () => log.push('end'),
    },
  };
}

describe('a session with a recorder', () => {
  it('shows it each input before what comes of it, in the order in which it deals with them', async () => {
    const { recorder, log, events } = listRecorder();
    const { session, events: told } = makeHarness({ recorder });
    await session.connect();
    session.sendAudio(tone(20));
    await session.close();
    expect(log).toEqual([
      'start test Ava idle',
      'input connect',
      'event connection decided',
      ...['input from_model', 'input connection_opened', 'command configure'],
      ...['input from_model', 'event connection decided'],
      ...['input microphone', 'command append_audio'],
      ...['input close', 'event connection decided', 'end'],
      'input connection_closed',
    ]);
    expect(events).toEqual(told);
  });

  it('tells it which events the session did not decide: a handler that threw', async () => {
    const { recorder, log } = listRecorder();
    const { session } = makeHarness({ recorder });
    session.on('connection', () => {
      throw new Error('no');
    });
    await session.connect();
    expect(log.filter((line) => line.startsWith('event error'))).toEqual(['event error told', 'event error told']);
    await session.close();
  });

  it('shows the same to one that is given before it connects, and takes none later and no second one', async () => {
    const { recorder, log } = listRecorder();
    const { session } = makeHarness({});
    session.record(recorder);
    expect(() => session.record(listRecorder().recorder)).toThrow(TypeError);
    const connected = session.connect();
    expect(() => session.record(recorder)).toThrow(expect.objectContaining({ code: 'SESSION_ALREADY_CONNECTED' }));
    await connected;
    expect(() => session.record(recorder)).toThrow(expect.objectContaining({ code: 'SESSION_ALREADY_CONNECTED' }));
    await session.close();
    expect(() => session.record(recorder)).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }));
    expect([log[0], log[1], log.filter((line) => line === 'end').length]).toEqual(['start test Ava idle', 'input connect', 1]);
  });

  it('shows it no more than the end of a session that never began', async () => {
    const { recorder, log } = listRecorder();
    await makeHarness({ recorder }).session.close();
    expect(log).toEqual(['end']);
  });
});
