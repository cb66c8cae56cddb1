import { describe, expect, it } from 'vitest';
import { VoiceClient } from '../../../src/client/index.js';
import { HostError } from '../../../src/host/errors.js';
import { serializeMessage } from '../../../src/protocol/voicewire/index.js';
import type { GatewayMessage, WireSessionEvent } from '../../../src/protocol/voicewire/index.js';
import { foldVoiceEvent } from '../../../src/react/voice-lines.js';
import type { VoiceLine } from '../../../src/react/voice-lines.js';
import { VoiceStore } from '../../../src/react/voice-store.js';
import type { VoiceDevice } from '../../../src/react/voice-store.js';
import { ManualClock } from '../../../src/testing.js';
import { scriptedTransport } from '../../../src/transport/scripted.js';
import { settle } from '../../helpers/settle.js';

const READY: GatewayMessage = { type: 'ready', protocol: 1, sessionId: 's1', agent: 'Ava', model: { label: 'emulator' }, sampleRate: 24_000 };
const info = { sessionId: 's1', agentName: 'Ava', timestamp: 0 };

/** A device whose sound is a note in a list, over a socket whose far end the test holds. */
function setup(microphone: 'there' | 'denied' | Promise<void> = 'there') {
  const clock = new ManualClock();
  const did: string[] = [];
  const fars: ReturnType<typeof scriptedTransport>['far'][] = [];
  const openDevice = (): VoiceDevice => ({
    microphoneLabel: undefined,
    unlock: () => Promise.resolve(void did.push('unlock')),
    openMicrophone: async () => {
      if (microphone === 'denied') throw new HostError('MICROPHONE_DENIED', 'Not allowed.');
      await (microphone === 'there' ? undefined : microphone);
      did.push('open');
    },
    closeMicrophone: () => void did.push('close microphone'),
    mute: (muted) => void did.push(`mute ${muted}`),
    close: () => Promise.resolve(void did.push('close')),
    client: (signal) => {
      const { transport, far } = scriptedTransport({ protocol: 'voicewire.v1', clock });
      fars.push(far);
      return new VoiceClient({ url: 'http://127.0.0.1:3000/', client: 'test', clock, openSocket: () => Promise.resolve(transport), ...(signal === undefined ? {} : { signal }) });
    },
  });
  const store = new VoiceStore({ url: 'http://127.0.0.1:3000/', openDevice });
  const say = (message: GatewayMessage): void => fars.at(-1)?.deliver(serializeMessage(message));
  const connect = async (): Promise<boolean> => {
    const connected = store.connect();
    await settle();
    say(READY);
    return connected;
  };
  return { store, did, fars, say, connect, event: (event: WireSessionEvent) => say({ type: 'event', event }) };
}

describe('VoiceStore', () => {
  it('opens sound, microphone and call, in this order, and ends them', async () => {
    const { store, did, fars, connect, say } = setup();
    const connecting = connect();
    expect(store.getSnapshot().status).toBe('connecting');
    expect(await connecting).toBe(true);
    expect(store.getSnapshot()).toMatchObject({ status: 'open', microphone: true, muted: false });
    expect(did).toEqual(['mute false', 'unlock', 'open']);
    store.sendText('Hello');
    expect(fars[0]?.sent.at(-1)).toContain('Hello');
    const ending = store.disconnect();
    say({ type: 'ended', reason: 'client' });
    fars[0]?.close(1000, 'ended');
    await ending;
    expect(store.getSnapshot()).toMatchObject({ status: 'ended', microphone: false });
    expect(store.getSnapshot().error).toBeUndefined();
    expect(() => store.sendText('Hello')).toThrow(/no call/);
  });

  it('goes on without a microphone that is not to be had, and says why', async () => {
    const { store, connect } = setup('denied');
    expect(await connect()).toBe(true);
    expect(store.getSnapshot()).toMatchObject({ status: 'open', microphone: false, error: { code: 'MICROPHONE_DENIED' } });
  });

  it('mutes, and stays muted in the next call', async () => {
    const { store, did, connect } = setup();
    store.mute();
    await connect();
    expect([did[0], store.getSnapshot().muted]).toEqual(['mute true', true]);
    store.mute(false);
    expect([did.at(-1), store.getSnapshot().muted]).toEqual(['mute false', false]);
  });

  it('tells why a call could not begin, and why it broke off', async () => {
    const { store, fars, connect, say } = setup();
    const refused = store.connect();
    await settle();
    say({ type: 'error', code: 'MODEL_UNAUTHORIZED', message: 'The model refused the key.' });
    fars[0]?.close(4001, 'model');
    expect(await refused).toBe(false);
    expect(store.getSnapshot()).toMatchObject({ status: 'ended', error: { code: 'MODEL_UNAUTHORIZED' } });
    expect(await connect()).toBe(true);
    expect(store.getSnapshot().error).toBeUndefined();
    fars[1]?.close(1006, '');
    await settle();
    expect(store.getSnapshot()).toMatchObject({ status: 'ended', error: { code: 'CONNECTION_LOST' } });
  });

  it('hangs up on close, changes nothing after it, and can begin anew', async () => {
    const { store, did, fars, connect, say } = setup();
    await connect();
    store.close();
    store.close();
    await settle();
    expect([store.getSnapshot().status, did.filter((each) => each === 'close').length]).toEqual(['ended', 1]);
    const before = store.getSnapshot();
    say({ type: 'error', code: 'X', message: 'late' });
    fars[0]?.close(1006, '');
    await settle();
    expect(store.getSnapshot()).toBe(before);
    expect(await connect()).toBe(true);
  });

  it('gives a call up that is hung up on while it begins', async () => {
    const { store, fars } = setup();
    const connecting = store.connect();
    await settle();
    await store.disconnect();
    expect(await connecting).toBe(false);
    expect([store.getSnapshot().status, store.getSnapshot().error, fars.length]).toEqual(['ended', undefined, 1]);
  });

  it('lets go of a microphone that is allowed after the person has hung up', async () => {
    let allow = (): void => {};
    const { store, did, fars } = setup(new Promise((resolve) => (allow = resolve)));
    const connecting = store.connect();
    await settle();
    await store.disconnect();
    allow();
    expect(await connecting).toBe(false);
    expect([did.slice(-2), fars.length, store.getSnapshot().microphone]).toEqual([['open', 'close microphone'], 0, false]);
  });

  it('shows what is said, what was heard of it, and which tools ran', async () => {
    const { store, connect, event } = setup();
    await connect();
    event({ type: 'input_speech_started', info, itemId: 'u1', audioStartMs: 0 });
    event({ type: 'tool_start', info, responseId: 'r', itemId: 'f', callId: 'c1', toolName: 'weather' });
    event({ type: 'tool_end', info, itemId: 'f', callId: 'c1', toolName: 'weather', arguments: '{}', output: '21', outcome: 'ok', durationMs: 5 });
    event({ type: 'transcript_delta', info, role: 'agent', itemId: 'a1', delta: 'It is warm and sunny.' });
    event({ type: 'transcript_delta', info, role: 'user', itemId: 'u1', delta: 'How warm?' });
    event({ type: 'audio_interrupted', info, epoch: 1, itemId: 'a1', heardMs: 500, heardText: 'It is warm', unheardText: 'and sunny.' });
    expect(store.getSnapshot().transcript).toEqual([
      { type: 'message', id: 'u1', role: 'user', text: 'How warm?', unheardText: '' },
      { type: 'tool', id: 'c1', name: 'weather', state: 'ok', arguments: '{}', output: '21' },
      { type: 'message', id: 'a1', role: 'agent', text: 'It is warm', unheardText: 'and sunny.' },
    ]);
  });
});

describe('foldVoiceEvent', () => {
  const user = (itemId: string, text: string) => ({ type: 'message', itemId, role: 'user', status: 'completed', text, spoken: true, images: 0 }) as const;
  const updated = (lines: readonly VoiceLine[], ...changes: Extract<WireSessionEvent, { type: 'history_updated' }>['changes']): readonly VoiceLine[] =>
    foldVoiceEvent(lines, { type: 'event', event: { type: 'history_updated', info, changes } });
  const ids = (lines: readonly VoiceLine[]): string[] => lines.map(({ id }) => id);

  it('puts a line where the history has it, and takes one out', () => {
    const lines = updated([], { op: 'insert', item: user('a', 'A'), afterItemId: null }, { op: 'insert', item: user('c', 'C'), afterItemId: 'a' }, { op: 'insert', item: user('b', 'B'), afterItemId: 'a' });
    expect(ids(lines)).toEqual(['a', 'b', 'c']);
    expect(ids(updated(lines, { op: 'insert', item: user('c', 'C'), afterItemId: null }))).toEqual(['c', 'a', 'b']);
    expect(ids(updated(lines, { op: 'insert', item: user('a', 'A'), afterItemId: 'c' }))).toEqual(['b', 'c', 'a']);
    expect(ids(updated(lines, { op: 'insert', item: user('d', 'D'), afterItemId: 'nowhere' }))).toEqual(['a', 'b', 'c', 'd']);
    expect(ids(updated(lines, { op: 'delete', itemId: 'b' }))).toEqual(['a', 'c']);
  });

  it('shows of an agent’s item what was heard, once it was cut', () => {
    const item = { type: 'message', itemId: 'a', role: 'assistant', status: 'interrupted', text: 'One two three', spoken: true, heardText: 'One', unheardText: 'two three' } as const;
    expect(updated([], { op: 'insert', item, afterItemId: null })).toEqual([{ type: 'message', id: 'a', role: 'agent', text: 'One', unheardText: 'two three' }]);
  });

  it('gives the same list back for what is no line', () => {
    const lines: readonly VoiceLine[] = [];
    expect(foldVoiceEvent(lines, { type: 'cleared', epoch: 1 })).toBe(lines);
  });
});
