import { describe, expect, it } from 'vitest';
import { PCM16_24K, msToBytes } from '../../../audio/index.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { makeHarness, openHarness, tone } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';

describe('connect', () => {
  it('resolves only when the model has confirmed the configuration', async () => {
    const model = scriptedModel({ autoConfigure: false });
    const { session, of } = makeHarness({ model });
    let resolved = false;
    const connecting = session.connect().then(() => (resolved = true));
    const { config } = await model.waitForCommand('configure');
    expect(config).toMatchObject({ instructions: 'Be brief.', inputFormat: PCM16_24K, outputFormat: PCM16_24K, tools: [] });
    model.push({ type: 'model_session_created', modelSessionId: 'sess_1' });
    await settle();
    expect([resolved, session.state]).toEqual([false, 'connecting']);
    model.push({ type: 'model_session_configured' });
    await connecting;
    expect(session.state).toBe('open');
    expect(of('connection').map((event) => event.connection)).toEqual([{ state: 'connecting' }, { state: 'open', modelSessionId: 'sess_1' }]);
  });

  it('rejects with CONNECT_TIMEOUT when the socket never opens, and when the configuration is never confirmed', async () => {
    for (const model of [scriptedModel({ connect: 'hang' }), scriptedModel({ autoConfigure: false })]) {
      const { session, clock } = makeHarness({ model });
      const outcome = session.connect({ timeoutMs: 3_000 }).catch((error: unknown) => error);
      await settle();
      clock.advance(2_999);
      await settle();
      expect(session.state).toBe('connecting');
      clock.advance(1);
      expect(await outcome).toMatchObject({ code: 'CONNECT_TIMEOUT', retryable: true });
      expect(session.state).toBe('closed');
      expect(clock.pendingTimers).toBe(0);
    }
  });

  it('rejects with the reason of the signal, before and during the opening', async () => {
    const reason = new Error('hung up');
    await expect(makeHarness().session.connect({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);

    const { session } = makeHarness({ model: scriptedModel({ connect: 'hang' }) });
    const hangup = new AbortController();
    const outcome = session.connect({ signal: hangup.signal }).catch((error: unknown) => error);
    hangup.abort(reason);
    expect(await outcome).toBe(reason);
    expect(session.state).toBe('closed');
  });

  it('closes an open session when the signal aborts', async () => {
    const { session, of } = makeHarness();
    const hangup = new AbortController();
    await session.connect({ signal: hangup.signal });
    hangup.abort(new Error('hung up'));
    expect(session.state).toBe('closed');
    expect(of('connection').at(-1)?.connection).toMatchObject({ state: 'closed', reason: 'hung up' });
  });

  it('rejects when the model refuses the configuration, naming what it did not like', async () => {
    const model = scriptedModel({
      autoConfigure: false,
      onCommand: (command, far) => {
        if (command.type === 'configure') far.push({ type: 'model_error', eventId: command.eventId, error: { code: 'invalid_value', message: 'Bad voice.', param: 'session.voice' } });
      },
    });
    const { session } = makeHarness({ model });
    await expect(session.connect()).rejects.toMatchObject({ providerCode: 'invalid_value', message: expect.stringContaining('Bad voice.') as string, hint: expect.stringContaining('session.voice') as string });
    expect(session.state).toBe('closed');
  });

  it('rejects with what the model said before it hung up', async () => {
    const model = scriptedModel({
      autoConfigure: false,
      onCommand: (_command, far) => {
        far.push({ type: 'model_error', error: { code: 'invalid_api_key', message: 'Wrong key.' } });
        far.closeFromPeer(4000, 'invalid_request_error.invalid_api_key');
      },
    });
    await expect(makeHarness({ model }).session.connect()).rejects.toMatchObject({ providerCode: 'invalid_api_key' });
  });

  it('takes in what the model says before the opening is known, also that it hangs up', async () => {
    const hasty = scriptedModel();
    const { session, of } = makeHarness({
      model: {
        ...hasty,
        connect: ({ onInput, onClose }) => {
          onInput({ type: 'model_session_created', modelSessionId: 'sess_hasty' });
          onInput({ type: 'model_error', error: { code: 'account_deactivated', message: 'No more.' } });
          onClose({ code: 1008, reason: 'bye', byUs: false });
          return Promise.resolve({ send: () => {}, bufferedBytes: 0, close: () => Promise.resolve() });
        },
      },
    });
    await expect(session.connect()).rejects.toMatchObject({ providerCode: 'account_deactivated' });
    expect(of('connection').at(-1)?.connection).toEqual({ state: 'closed', code: 1008, reason: 'bye' });
  });

  it('rejects with the error of the opening', async () => {
    const refused = new Error('refused');
    await expect(makeHarness({ model: scriptedModel({ connect: refused }) }).session.connect()).rejects.toBe(refused);
  });

  it('may be called once, and nothing may be called before it', async () => {
    const { session } = makeHarness();
    expect(() => session.sendAudio(tone(20))).toThrow(expect.objectContaining({ code: 'SESSION_NOT_CONNECTED' }));
    expect(() => session.sendMessage('hi')).toThrow(expect.objectContaining({ code: 'SESSION_NOT_CONNECTED' }));
    await session.connect();
    await expect(session.connect()).rejects.toMatchObject({ code: 'SESSION_ALREADY_CONNECTED' });
    await session.close();
    await expect(session.connect()).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    expect(() => session.interrupt()).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }));
  });

  it('closes an attempt that opens after it was given up', async () => {
    let closed = 0;
    let open: () => void = () => {};
    const { session, clock } = makeHarness({
      model: {
        ...scriptedModel(),
        connect: () => new Promise((resolve) => (open = () => resolve({ send: () => {}, bufferedBytes: 0, close: async () => void (closed += 1) }))),
      },
    });
    const outcome = session.connect({ timeoutMs: 100 }).catch((error: unknown) => error);
    clock.advance(100);
    await outcome;
    open();
    await settle();
    expect(closed).toBe(1);
  });
});

describe('overlapping calls of connect', () => {
  it('share one opening, and each is heard when its signal aborts', async () => {
    const { session, model } = makeHarness();
    await Promise.all([session.connect(), session.connect()]);
    expect(model.connects).toBe(1);

    const { session: another } = makeHarness({ model: scriptedModel({ connect: 'hang' }) });
    const hangup = new AbortController();
    const outcomes = [another.connect(), another.connect({ signal: hangup.signal })].map((opening) => opening.catch((error: unknown) => error));
    await settle();
    const reason = new Error('hung up');
    hangup.abort(reason);
    expect(await Promise.all(outcomes)).toEqual([reason, reason]);
  });
});

describe('microphone audio before the model is ready', () => {
  it('is kept and sent in order, before what comes after', async () => {
    const model = scriptedModel({ autoConfigure: false });
    const { session } = makeHarness({ model });
    const connecting = session.connect();
    session.sendAudio(new Uint8Array([1, 0]));
    await model.waitForCommand('configure');
    session.sendAudio(new Uint8Array([2, 0]));
    expect(model.commandsOf('append_audio')).toEqual([]);
    model.push({ type: 'model_session_configured' });
    await connecting;
    session.sendAudio(new Uint8Array([3, 0]));
    expect(model.commandsOf('append_audio').map(({ bytes }) => [...bytes])).toEqual([[1, 0, 2, 0], [3, 0]]);
  });

  it('is bounded to 6 s: the oldest goes first, and that is reported', async () => {
    const model = scriptedModel({ autoConfigure: false });
    const { session, of } = makeHarness({ model });
    const connecting = session.connect();
    for (let chunk = 0; chunk < 350; chunk += 1) session.sendAudio(new Uint8Array(msToBytes(PCM16_24K, 20)).fill(chunk % 251));
    await model.waitForCommand('configure');
    model.push({ type: 'model_session_configured' });
    await connecting;
    const sent = model.commandsOf('append_audio');
    expect(sent.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(msToBytes(PCM16_24K, 6_000));
    expect(sent[0]?.bytes[0]).toBe(50);
    expect(of('connection').at(-1)?.connection).toMatchObject({ state: 'open', lost: { fromMs: 0, toMs: 1_000 } });
  });
});

describe('microphone audio against a socket that does not take it', () => {
  it('is dropped above the mark, said once, and flows again below it', async () => {
    const { session, model, of } = await openHarness();
    model.bufferedBytes = 600 * 1024;
    for (let chunk = 0; chunk < 10; chunk += 1) session.sendAudio(tone(20));
    expect(model.commandsOf('append_audio')).toEqual([]);
    model.bufferedBytes = 0;
    session.sendAudio(tone(20));
    expect(model.commandsOf('append_audio').length).toBe(1);
    expect(of('pressure')).toMatchObject([{ state: 'high' }, { state: 'normal', dropped: 10 }]);
  });
});

describe('the end of a session', () => {
  it('tells a lost connection as an error and ends the streams of events', async () => {
    const { session, model, of } = await openHarness();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of session) seen.push(event.type);
    })();
    await settle();
    model.closeFromPeer(1006);
    await reading;
    expect(of('error').map(({ error }) => error)).toMatchObject([{ code: 'MODEL_CONNECTION_LOST', closeCode: 1006, retryable: true }]);
    expect(seen).toEqual(['error', 'connection']);
    expect(session.state).toBe('closed');
  });

  it('is the same for every caller of close(), and leaves no timer', async () => {
    const { session, clock, of } = await openHarness();
    session.respond();
    await Promise.all([session.close('done'), session.close('again')]);
    await session.close();
    expect(of('connection').at(-1)?.connection).toEqual({ state: 'closed', code: 1000, reason: 'done' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('comes by itself at the end of an `await using` block', async () => {
    const { session } = makeHarness();
    {
      await using open = session;
      await open.connect();
    }
    expect(session.state).toBe('closed');
  });

  it('rejects connect() when close() is called while it is connecting', async () => {
    const { session } = makeHarness({ model: scriptedModel({ connect: 'hang' }) });
    const outcome = session.connect().catch((error: unknown) => error);
    await session.close();
    expect(await outcome).toMatchObject({ code: 'SESSION_CLOSED' });
  });
});

describe('handlers and readers', () => {
  it('turns a handler that throws or rejects into an error event, and goes on', async () => {
    const { session, of } = makeHarness();
    let later = 0;
    session.on('connection', () => {
      throw new Error('mine');
    });
    session.on('connection', async () => Promise.reject(new Error('mine too')));
    session.on('connection', () => (later += 1));
    session.on('error', () => {
      throw new Error('even here');
    });
    await session.connect();
    await settle();
    expect(later).toBe(2);
    expect(of('error').map(({ error }) => error.code)).toEqual(Array(4).fill('HANDLER_FAILED'));
  });

  it('puts session, agent, time and metadata on every event', async () => {
    const { events } = await openHarness({ metadata: { caller: 'anna' } });
    expect(events[0]?.info).toEqual({ sessionId: 'test', agentName: 'Ava', timestamp: 1_000, metadata: { caller: 'anna' } });
  });

  it('keeps nothing for a loop that has not been read yet, nor for one that was left', async () => {
    const { session, model } = await openHarness();
    const loops = [session.events({ capacity: 1 }), session[Symbol.asyncIterator]()];
    // More than either would hold.
    for (let message = 0; message < 5_000; message += 1) model.push({ type: 'raw_message', name: 'before', raw: null });
    const reads = loops.map((loop) => loop.next());
    model.push({ type: 'raw_message', name: 'after', raw: null }, { type: 'raw_message', name: 'kept', raw: null });
    for (const read of reads) expect(await read).toMatchObject({ value: { name: 'after' } });
    for (const loop of loops) {
      await loop.return?.();
      expect(await loop.next()).toEqual({ value: undefined, done: true });
    }
  });

  it('ends a loop that falls behind by more than its capacity', async () => {
    const { session, model } = await openHarness();
    const reader = session.events({ capacity: 3 });
    const first = reader.next();
    for (let message = 0; message < 10; message += 1) model.push({ type: 'raw_message', name: `n${message}`, raw: null });
    await first;
    for (let read = 0; read < 3; read += 1) await reader.next();
    await expect(reader.next()).rejects.toMatchObject({ code: 'CHANNEL_FULL' });
    expect(session.state).toBe('open');
  });

  it('does the effects of one input before it takes the next, also when a handler causes it', async () => {
    const { session, model, events } = await openHarness();
    session.on('input_speech_started', () => session.sendMessage('from a handler', { respond: false }));
    model.push({ type: 'speech_started', itemId: 'u1', audioStartMs: 0 }, { type: 'raw_message', name: 'after', raw: null });
    expect(events.slice(-2).map((event) => event.type)).toEqual(['input_speech_started', 'raw_model_event']);
    expect(model.commandsOf('create_item').length).toBe(1);
  });
});
