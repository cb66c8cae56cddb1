import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ALAW_8K, MULAW_8K, PCM16_24K, decodeAlaw, decodeMulaw, pcm16ToSamples } from '../../../audio/index.js';
import { TransportError, fallbackClipBytes, tool } from '../../../session/index.js';
import type { FailureOptions, FallbackClip, ModelErrorInfo, ModelInput, SessionEvent } from '../../../session/index.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { random } from '../../helpers/random.js';
import { openHarness, replyBegins, replyEnds, speechStarts } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';
import { calls } from '../../helpers/tool-calls.js';

const SECOND: FallbackClip = { samples: Int16Array.from({ length: 24_000 }, (_, index) => Math.round(9_000 * Math.sin(index / 9))), sampleRate: 24_000 };
const SERVER_ERROR: ModelErrorInfo = { kind: 'server_error', message: 'The server had an error.' };

function failed(responseId: string, error: ModelErrorInfo = SERVER_ERROR): ModelInput[] {
  return [{ type: 'response_created', responseId }, { type: 'response_done', responseId, status: 'failed', error, output: [] }];
}

/** The same, of the response that was asked for last. */
function askedFails({ model }: Harness, responseId: string, error?: ModelErrorInfo): void {
  const metadata = model.commandsOf('create_response').at(-1)?.request.metadata ?? {};
  const [, done] = failed(responseId, error);
  model.push({ type: 'response_created', responseId, metadata }, done as ModelInput);
}

/** The user says something, and the model is about to answer by itself. */
function userTurn(itemId: string): ModelInput[] {
  return [speechStarts(itemId), { type: 'speech_stopped', itemId, audioEndMs: 500 }, { type: 'input_committed', itemId }];
}

function open(onFailure: FailureOptions = { play: SECOND }, more: Parameters<typeof openHarness>[0] = {}): Promise<Harness> {
  return openHarness({ onFailure, ...more });
}

/** Kind, what follows, what was heard. */
function told({ of }: Harness): [string, string, string][] {
  return of('failure').map(({ kind, then, heard }) => [kind, then, heard]);
}

function clips({ of }: Harness): SessionEvent[] {
  return of('audio').filter(({ source }) => source === 'fallback');
}

function closes({ of }: Harness): unknown[] {
  return of('connection').filter(({ connection }) => connection.state === 'closed').map(({ connection }) => connection);
}

describe('an answer that fails', () => {
  it('is followed by the clip and asked for again; the model and the history know nothing of the clip', async () => {
    const harness = await open();
    const { model, session } = harness;
    model.push(...userTurn('u1'), ...failed('r1'));
    expect(told(harness)).toEqual([['response', 'retry', 'clip']]);
    expect(harness.of('failure')[0]?.error).toMatchObject({ code: 'RESPONSE_FAILED', leg: 'model', retryable: true });
    expect(clips(harness)).toMatchObject([{ chunk: { bytes: { length: 48_000 }, firstSample: 0 } }]);
    expect(harness.of('audio_end').map(({ durationMs }) => durationMs)).toEqual([1_000]);
    expect(model.commandsOf('create_response').length).toBe(1);
    expect(model.commandsOf('create_item')).toEqual([]);
    expect(session.history.map(({ itemId }) => itemId)).toEqual(['u1']);
    // The answer follows the clip, and is cut in its own time.
    model.push(...replyBegins('r2', 'a2', 'Here I am.', 2_000));
    harness.clock.advance(1_500);
    session.interrupt();
    expect(harness.of('audio_interrupted')).toMatchObject([{ itemId: 'a2', heardMs: 500 }]);
  });

  it('a second time is told again and not retried any more; a third time it is not said', async () => {
    const harness = await open({ play: SECOND, otherwise: 'continue' });
    harness.model.push(...userTurn('u1'), ...failed('r1'));
    askedFails(harness, 'r2');
    harness.session.respond();
    askedFails(harness, 'r3');
    expect(told(harness)).toEqual([['response', 'retry', 'clip'], ['response', 'continue', 'clip'], ['response', 'continue', 'nothing']]);
    expect(harness.model.commandsOf('create_response').length).toBe(2);
    harness.clock.advance(60_000);
    harness.model.push(...userTurn('u2'), ...failed('r4'));
    expect(told(harness).at(-1)).toEqual(['response', 'retry', 'clip']);
  });

  it.each([
    ['an answer was heard', ({ model }: Harness) => model.push(...replyBegins('ok', 'a1', 'Well.', 100, model.commandsOf('create_response').at(-1)?.request.metadata ?? {}), ...replyEnds('ok', 'a1', 'Well.'))],
    ['the user typed', ({ session }: Harness) => void session.sendMessage('Hello?')],
  ])('is another failure when %s in between', async (_name, between) => {
    const harness = await open();
    harness.model.push(...userTurn('u1'), ...failed('r1'));
    askedFails(harness, 'r2');
    harness.session.respond();
    between(harness);
    harness.session.respond();
    askedFails(harness, 'r3');
    // With nothing in between it would not be said a third time, nor retried.
    harness.clock.advance(10_000);
    expect(told(harness)[2]).toEqual(['response', 'retry', 'clip']);
  });

  it('is not asked for again where that would not help', async () => {
    const harness = await open({ play: SECOND, otherwise: 'hangup' });
    harness.model.push(...userTurn('u1'), ...failed('r1', { code: 'invalid_value', kind: 'invalid_request_error', message: 'No.' }));
    expect(told(harness)).toEqual([['response', 'hangup', 'clip']]);
  });

  it.each([
    ['did not begin', 5_000, (): ModelInput[] => []],
    ['went silent', 5_000 + 2_000, (): ModelInput[] => [{ type: 'response_created', responseId: 'r1', metadata: {} }]],
  ])('because it %s', async (_name, afterMs, says) => {
    const harness = await open();
    harness.session.sendMessage('Hello');
    const [request] = harness.model.commandsOf('create_response');
    for (const input of says()) harness.model.push(input.type === 'response_created' ? { ...input, metadata: request?.request.metadata ?? {} } : input);
    harness.clock.advance(afterMs - 1);
    expect(clips(harness)).toEqual([]);
    harness.clock.advance(1);
    expect(told(harness)).toEqual([['response', 'retry', 'clip']]);
    expect(harness.of('failure')[0]?.error.code).toBe('RESPONSE_TIMEOUT');
  });

  it.each(['content_filter', 'max_output_tokens'])('because it was cut off by %s before it said anything', async (reason) => {
    const harness = await open();
    harness.model.push(...userTurn('u1'), { type: 'response_created', responseId: 'r1' }, { type: 'response_done', responseId: 'r1', status: 'incomplete', reason, output: [] });
    expect(told(harness)).toEqual([['response', 'retry', 'clip']]);
    expect(harness.of('error')).toMatchObject([{ error: { code: 'RESPONSE_INCOMPLETE', providerCode: reason } }]);
  });

  it('in the middle: the clip comes after what there is of it, and both can be talked over', async () => {
    const harness = await open();
    const { model, clock } = harness;
    model.push(...userTurn('u1'), ...replyBegins('r1', 'a1', 'Well, the', 3_000), { type: 'response_done', responseId: 'r1', status: 'failed', error: SERVER_ERROR, output: [] });
    expect(clips(harness).length).toBe(1);
    clock.advance(1_000);
    model.push(speechStarts('u2'));
    expect(harness.of('audio_interrupted')).toMatchObject([{ itemId: 'a1', heardMs: 1_000 }]);
    expect(model.commandsOf('truncate_item').map(({ itemId }) => itemId)).toEqual(['a1']);
  });

  it('while the clip is heard the user may speak: it stops, and nothing of it is cut at the model', async () => {
    const harness = await open();
    harness.model.push(...userTurn('u1'), ...failed('r1'));
    harness.clock.advance(400);
    harness.model.push(speechStarts('u2'));
    expect(harness.of('audio_interrupted')).toMatchObject([{ heardMs: 400 }]);
    expect(harness.model.commandsOf('truncate_item')).toEqual([]);
  });

  it('is not told when the user speaks, stopped it, or something else is on its way; nor when it was to fill a silence, or was long enough', async () => {
    const speaks = await open();
    speaks.model.push({ type: 'response_created', responseId: 'r1' }, speechStarts('u1'), { type: 'response_done', responseId: 'r1', status: 'failed', error: SERVER_ERROR, output: [] });
    const stopped = await open();
    stopped.model.push(...replyBegins('r1', 'a1', 'Well', 500));
    stopped.session.interrupt();
    stopped.model.push({ type: 'response_done', responseId: 'r1', status: 'failed', error: SERVER_ERROR, output: [] });
    const queued = await open();
    queued.session.respond({ instructions: 'first' });
    queued.session.respond({ instructions: 'second' });
    askedFails(queued, 'r1');
    const pastime = await open();
    pastime.session.say('Still there?', { priority: 'idle' });
    askedFails(pastime, 'r1');
    const long = await open(undefined, { anomalies: { maxResponseMs: 1_000 } });
    long.model.push(...replyBegins('r1', 'a1', 'A long story.', 2_000), { type: 'response_done', responseId: 'r1', status: 'cancelled', output: [] });
    for (const harness of [speaks, stopped, queued, pastime, long]) {
      expect(harness.of('failure')).toEqual([]);
      expect(clips(harness)).toEqual([]);
    }
  });

  it('is told by the clip, not by words that the model would have to say', async () => {
    const harness = await open({ play: SECOND, say: 'One moment.' });
    harness.model.push(...userTurn('u1'), ...failed('r1'));
    expect(told(harness)).toEqual([['response', 'retry', 'clip']]);
  });

  it('is not told when the user has stopped it before it began', async () => {
    const harness = await open();
    harness.session.sendMessage('Hello');
    harness.session.interrupt();
    harness.clock.advance(5_000);
    expect(harness.of('error').map(({ error }) => error.code)).toEqual(['RESPONSE_TIMEOUT']);
    expect(harness.of('failure')).toEqual([]);
  });

  it('is an error and nothing more where nobody said what to do', async () => {
    const harness = await openHarness();
    harness.model.push(...userTurn('u1'), ...failed('r1'));
    harness.clock.advance(60_000);
    expect(harness.of('error').map(({ error }) => error.code)).toEqual(['RESPONSE_FAILED']);
    expect([...harness.of('failure'), ...clips(harness)]).toEqual([]);
    expect(harness.model.commandsOf('create_response')).toEqual([]);
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('makes no sound in a written conversation', async () => {
    const harness = await open({ play: SECOND }, { config: { outputModality: 'text' } });
    harness.model.push(...userTurn('u1'), ...failed('r1'));
    expect(told(harness)).toEqual([['response', 'retry', 'nothing']]);
    expect(clips(harness)).toEqual([]);
  });
});

describe('a clip', () => {
  it.each([
    [PCM16_24K, (bytes: Uint8Array) => pcm16ToSamples(bytes.slice())],
    [MULAW_8K, decodeMulaw],
    [ALAW_8K, decodeAlaw],
  ])('is heard in the session’s own format: %o', async (format, decode) => {
    const harness = await open({ play: SECOND }, { config: { outputFormat: format } });
    harness.model.push(...userTurn('u1'), ...failed('r1'));
    const [event] = clips(harness);
    if (event?.type !== 'audio') return expect.fail('no clip');
    expect(event.chunk.format).toEqual(format);
    const samples = decode(event.chunk.bytes);
    expect(samples.length).toBe(format.sampleRate);
    expect(Math.max(...samples)).toBeGreaterThan(8_000);
    expect(Math.max(...samples)).toBeLessThan(10_000);
    // Encoded once, and each listener has bytes of its own.
    expect(fallbackClipBytes(SECOND, format)).toBe(fallbackClipBytes(SECOND, { ...format }));
    expect(event.chunk.bytes).not.toBe(fallbackClipBytes(SECOND, format));
  });
});

describe('a quota that is used up', () => {
  const EMPTY: ModelErrorInfo = { code: 'insufficient_quota', kind: 'insufficient_quota', message: 'You exceeded your quota.' };

  it('is told, and the call ends after it was heard, once', async () => {
    const harness = await open({ play: SECOND, by: { quota: { then: 'hangup' } } });
    harness.model.push(...userTurn('u1'), ...failed('r1', EMPTY));
    expect(told(harness)).toEqual([['quota', 'hangup', 'clip']]);
    harness.clock.advance(999);
    expect(harness.session.state).toBe('open');
    harness.clock.advance(101);
    expect(closes(harness)).toEqual([{ state: 'closed', code: 1000, reason: 'failure: quota' }]);
    expect(harness.session.state).toBe('closed');
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('is not told where another model goes on', async () => {
    const [first, second] = [scriptedModel(), scriptedModel()];
    const harness = await open({ play: SECOND }, { model: [first, second] as never, reconnect: {} });
    first.push(...userTurn('u1'), ...failed('r1', EMPTY));
    await harness.clock.advanceAsync(1_000);
    expect(second.commandsOf('create_response').length).toBe(1);
    expect(harness.of('failure')).toEqual([]);
  });
});

describe('transfer', () => {
  it('is asked for when the clip was heard, and left to the application; the session goes on', async () => {
    const harness = await open({ play: SECOND, then: 'transfer' });
    harness.model.push(...userTurn('u1'), ...failed('r1'));
    harness.clock.advance(999);
    expect(harness.of('transfer_requested')).toEqual([]);
    harness.clock.advance(101);
    expect(harness.of('transfer_requested')).toMatchObject([{ kind: 'response', error: { code: 'RESPONSE_FAILED' } }]);
    harness.clock.advance(60_000);
    expect(harness.of('transfer_requested').length).toBe(1);
    expect(harness.session.state).toBe('open');
  });

  it('comes at once when the user talks over the clip, and when there is no clip', async () => {
    const over = await open({ play: SECOND, then: 'transfer' });
    over.model.push(...userTurn('u1'), ...failed('r1'));
    over.clock.advance(300);
    over.session.interrupt();
    over.clock.advance(100);
    expect(over.of('transfer_requested').length).toBe(1);
    const mute = await open({ then: 'transfer' });
    mute.model.push(...userTurn('u1'), ...failed('r1'));
    mute.clock.advance(0);
    expect(told(mute)).toEqual([['response', 'transfer', 'nothing']]);
    expect(mute.of('transfer_requested').length).toBe(1);
  });

  it('does not wait for a listener that never says what it heard', async () => {
    const harness = await open({ play: SECOND, then: 'transfer' }, { playback: 'reported' });
    harness.model.push(...userTurn('u1'), ...failed('r1'));
    harness.clock.advance(3_900);
    expect(harness.of('transfer_requested')).toEqual([]);
    harness.clock.advance(200);
    expect(harness.of('transfer_requested').length).toBe(1);
  });
});

describe('a lost connection', () => {
  /** Opened once; after that it cannot be reached until `there` is set. */
  function flaky(): { model: ReturnType<typeof scriptedModel>; there: boolean } {
    const model = scriptedModel();
    const connect = model.connect.bind(model);
    const state = { model, there: true };
    model.connect = (options) => (state.there ? connect(options) : Promise.reject(new TransportError('MODEL_UNREACHABLE', 'Nobody is there.', { retryable: true })));
    return state;
  }

  it('is told once after 2 s where the user waits, and the answer comes with the next connection', async () => {
    const server = flaky();
    const harness = await open({ play: SECOND }, { model: server.model, reconnect: {} });
    server.model.push(...userTurn('u1'), ...replyBegins('r1', 'a1', 'Well', 100));
    server.there = false;
    server.model.closeFromPeer(1006);
    await harness.clock.advanceAsync(1_990);
    expect(clips(harness)).toEqual([]);
    await harness.clock.advanceAsync(10);
    expect(told(harness)).toEqual([['disconnected', 'retry', 'clip']]);
    expect(harness.of('failure')[0]?.error.code).toBe('MODEL_CONNECTION_LOST');
    await harness.clock.advanceAsync(10_000, 100);
    server.there = true;
    await harness.clock.advanceAsync(10_000, 100);
    expect(harness.session.state).toBe('open');
    expect(told(harness).length).toBe(1);
    expect(server.model.commandsOf('create_response').length).toBe(1);
  });

  it('is not told while nobody waits, nor when it is back in time; who begins to wait later is told then', async () => {
    const server = flaky();
    const harness = await open({ play: SECOND }, { model: server.model, reconnect: {} });
    server.model.closeFromPeer(1006);
    await harness.clock.advanceAsync(5_000, 50);
    expect(harness.of('connection').at(-1)?.connection.state).toBe('resumed');
    server.there = false;
    server.model.closeFromPeer(1006);
    await harness.clock.advanceAsync(5_000, 50);
    expect(clips(harness)).toEqual([]);
    harness.session.sendMessage('Are you there?');
    await harness.clock.advanceAsync(200);
    expect(told(harness)).toEqual([['disconnected', 'retry', 'clip']]);
  });

  it('that is given up is told, and the session ends when that was heard, exactly once', async () => {
    const server = flaky();
    const harness = await open({ play: SECOND, by: { disconnected: {} } }, { model: server.model, reconnect: { maxAttempts: 2, baseDelayMs: 100 } });
    server.there = false;
    server.model.closeFromPeer(1006);
    await harness.clock.advanceAsync(900);
    expect(told(harness)).toEqual([['gave_up', 'hangup', 'clip']]);
    expect(harness.session.state).toBe('open');
    await harness.clock.advanceAsync(1_200);
    expect(closes(harness).length).toBe(1);
    expect(harness.session.state).toBe('closed');
    expect(harness.of('error').map(({ error }) => error.code)).toEqual(['MODEL_UNREACHABLE']);
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('that may not be made again is told before the end, whatever is said meanwhile; with a transfer, that is asked for first', async () => {
    const harness = await open({ play: SECOND, then: 'transfer' });
    harness.model.push(...replyBegins('r1', 'a1', 'Well', 500));
    harness.model.closeFromPeer(1011, 'internal');
    expect(told(harness)).toEqual([['gave_up', 'transfer', 'clip']]);
    harness.session.sendMessage('Hello?');
    harness.session.sendAudio(new Uint8Array(960));
    harness.clock.advance(3_000);
    const order = harness.events.flatMap((event) => (event.type === 'transfer_requested' || (event.type === 'connection' && event.connection.state === 'closed') ? [event.type] : []));
    expect(order).toEqual(['transfer_requested', 'connection']);
    expect(closes(harness)).toEqual([{ state: 'closed', code: 1011, reason: 'internal' }]);
  });

  it('may end the call while it is being made again', async () => {
    const server = flaky();
    const harness = await open({ play: SECOND, by: { disconnected: { then: 'hangup' } } }, { model: server.model, reconnect: {} });
    harness.session.sendAudio(new Uint8Array(48_000));
    server.model.push(...userTurn('u1'));
    server.there = false;
    server.model.closeFromPeer(1006);
    await harness.clock.advanceAsync(2_000);
    expect(told(harness)).toEqual([['disconnected', 'hangup', 'clip']]);
    server.there = true;
    await harness.clock.advanceAsync(1_200);
    expect(closes(harness)).toEqual([{ state: 'closed', code: 1000, reason: 'failure: disconnected' }]);
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('without a clip ends at once, as it does without onFailure', async () => {
    const harness = await open({ then: 'retry' });
    harness.model.closeFromPeer(1006);
    expect(told(harness)).toEqual([['gave_up', 'hangup', 'nothing']]);
    expect(closes(harness).length).toBe(1);
  });

  it('can be closed while the clip is heard', async () => {
    const harness = await open();
    harness.model.closeFromPeer(1006);
    await harness.session.close();
    harness.clock.advance(10_000);
    expect(closes(harness).length).toBe(1);
    expect(harness.clock.pendingTimers).toBe(0);
  });
});

describe('a tool that fails and asks for no answer', () => {
  const note = (respond: boolean) => tool({ name: 'note', description: 'Notes.', parameters: z.object({}), respond, execute: () => Promise.reject(new Error('disk full')) });

  it('is told, and the model is asked to speak of it', async () => {
    const harness = await open({ play: SECOND }, { tools: [note(false)] });
    harness.model.push(...userTurn('u1'), ...calls('r1', ['c1', 'note', '{}']));
    await settle();
    expect(told(harness)).toEqual([['tool', 'retry', 'clip']]);
    expect(harness.of('failure')[0]?.error).toMatchObject({ code: 'TOOL_FAILED', leg: 'tool', toolName: 'note', callId: 'c1' });
    expect(harness.model.commandsOf('create_response').length).toBe(1);
  });

  it('is told by the model itself where there are words for it: it is well', async () => {
    const harness = await open({ play: SECOND, say: 'I could not note that.' }, { tools: [note(false)] });
    harness.model.push(...userTurn('u1'), ...calls('r1', ['c1', 'note', '{}']));
    await settle();
    expect(told(harness)).toEqual([['tool', 'continue', 'words']]);
    expect(clips(harness)).toEqual([]);
    expect(harness.model.commandsOf('create_response').map(({ request }) => request.instructions)).toEqual([expect.stringContaining('I could not note that.') as string]);
  });

  it('is not told while the user speaks', async () => {
    let fail: (error: Error) => void = () => {};
    const slow = tool({ name: 'note', description: 'Notes.', parameters: z.object({}), respond: false, execute: () => new Promise<string>((_resolve, reject) => (fail = reject)) });
    const harness = await open({ play: SECOND }, { tools: [slow] });
    harness.model.push(...userTurn('u1'), ...calls('r1', ['c1', 'note', '{}']));
    await settle();
    harness.model.push(speechStarts('u2'));
    fail(new Error('disk full'));
    await settle();
    expect(harness.of('tool_end')).toMatchObject([{ outcome: 'error' }]);
    expect(harness.of('failure')).toEqual([]);
  });

  it('is none where the model is asked anyway, or has spoken with the call', async () => {
    const asked = await open({ play: SECOND }, { tools: [note(true)] });
    asked.model.push(...userTurn('u1'), ...calls('r1', ['c1', 'note', '{}']));
    const spoken = await open({ play: SECOND }, { tools: [note(false)] });
    const [begin, ...rest] = calls('r1', ['c1', 'note', '{}']);
    spoken.model.push(...userTurn('u1'), begin as ModelInput, ...replyBegins('r1', 'a1', 'Noted.', 500).slice(1), ...rest);
    await settle();
    for (const harness of [asked, spoken]) expect(harness.of('failure')).toEqual([]);
  });
});

describe('a guardrail that trips on every safe answer', () => {
  it('is told by the clip', async () => {
    const check = (): { tripped: true; reason: string } => ({ tripped: true, reason: 'No.' });
    const harness = await open({ play: SECOND }, { guardrails: { output: [{ name: 'never', check }] } });
    for (let time = 0; time < 4; time += 1) {
      const metadata = harness.model.commandsOf('create_response').at(-1)?.request.metadata ?? {};
      harness.model.push(...replyBegins(`r${time}`, `a${time}`, 'A secret.', 500, metadata));
      await settle();
      harness.model.push(...replyEnds(`r${time}`, `a${time}`, 'A secret.', 'cancelled'));
    }
    expect(told(harness)).toEqual([['guardrail', 'continue', 'clip']]);
  });
});

describe('onFailure', () => {
  it('refuses what cannot be', () => {
    return Promise.all([
      expect(open({ retries: -1 })).rejects.toThrow(RangeError),
      expect(open({ retries: 0.5 })).rejects.toThrow(RangeError),
      expect(open({ disconnectedAfterMs: -1 })).rejects.toThrow(RangeError),
      expect(open({ say: ' ' })).rejects.toThrow(TypeError),
    ]);
  });

  it('never speaks over the user, says no more than two things between two turns, and never leaves its clip at the model, in 200 random conversations', async () => {
    const rng = random();
    for (let round = 0; round < 200; round += 1) {
      const where = `TEST_SEED=${rng.seed}, round ${round}`;
      const harness = await open({ play: SECOND, otherwise: rng.pick(['continue', 'continue', 'transfer']) });
      const { model, session, clock } = harness;
      let [speaking, since] = [false, 0];
      session.on('audio', ({ source }) => {
        if (source !== 'fallback') return;
        expect(speaking, where).toBe(false);
        since += 1;
        expect(since, where).toBeLessThanOrEqual(2);
      });
      for (let at = 0; at < 40; at += 1) {
        const id = `${round}_${at}`;
        const metadata = model.commandsOf('create_response').at(-1)?.request.metadata ?? {};
        rng.pick([
          () => {
            if (speaking) return;
            speaking = true;
            model.push(speechStarts(`u${id}`));
          },
          () => {
            if (!speaking) return;
            speaking = false;
            since = 0;
            model.push({ type: 'speech_stopped', itemId: `u${id}`, audioEndMs: 1 }, { type: 'input_committed', itemId: `u${id}` });
          },
          () => {
            if (speaking) return;
            // An answer that came to its end is another beginning.
            model.push({ type: 'response_created', responseId: `r${id}`, metadata }, ...replyBegins(`r${id}`, `a${id}`, 'words', 300).slice(1));
            since = 0;
            model.push(...replyEnds(`r${id}`, `a${id}`, 'words'));
          },
          () => model.push({ type: 'response_created', responseId: `r${id}`, metadata }, { type: 'response_done', responseId: `r${id}`, status: 'failed', error: SERVER_ERROR, output: [] }),
          () => void session.respond(),
          () => session.interrupt(),
        ])();
        clock.advance(rng.int(0, 1_500));
      }
      expect(model.commandsOf('truncate_item').every(({ itemId }) => itemId.startsWith('a')), where).toBe(true);
      expect(session.history.every(({ itemId }) => !itemId.startsWith('fallback')), where).toBe(true);
      await session.close();
      expect(closes(harness).length, where).toBe(1);
      expect(clock.pendingTimers, where).toBe(0);
    }
  });
});
