import { describe, expect, it } from 'vitest';
import type { ResponseHandle, ResponseResult } from '../../../session/index.js';
import { openHarness, replyBegins, replyEnds, speechStarts } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';

/** The metadata by which the model's `response_created` answers our newest request. */
function answersRequest({ model }: Harness): Record<string, string> {
  return { ...model.commandsOf('create_response').at(-1)?.request.metadata };
}

function asked({ model }: Harness): (string | undefined)[] {
  return model.commandsOf('create_response').map(({ request }) => request.instructions);
}

/** What a handle's promises have come to by now. */
async function told(handle: ResponseHandle): Promise<{ created: unknown; firstAudio: unknown; done: unknown }> {
  const now: { created: unknown; firstAudio: unknown; done: unknown } = { created: 'pending', firstAudio: 'pending', done: 'pending' };
  void handle.created.then((value) => (now.created = value));
  void handle.firstAudio.then((value) => (now.firstAudio = value));
  void handle.done.then((value) => (now.done = value));
  await settle();
  return now;
}

function result(handle: ResponseHandle): Promise<ResponseResult> {
  return handle.done;
}

describe('a handle', () => {
  it('tells when its response begins, when its first audio is handed on, and how it ended', async () => {
    const harness = await openHarness();
    const handle = harness.session.respond({ instructions: 'x' });
    expect(await told(handle)).toEqual({ created: 'pending', firstAudio: 'pending', done: 'pending' });
    const [created, ...rest] = replyBegins('r1', 'a1', 'Hello.', 100, answersRequest(harness));
    if (created !== undefined) harness.model.push(created);
    expect(await told(handle)).toEqual({ created: 'r1', firstAudio: 'pending', done: 'pending' });
    harness.model.push(...rest);
    expect(await told(handle)).toEqual({ created: 'r1', firstAudio: 'a1', done: 'pending' });
    harness.model.push(...replyEnds('r1', 'a1', 'Hello.'));
    expect(await told(handle)).toEqual({ created: 'r1', firstAudio: 'a1', done: { outcome: 'completed', responseId: 'r1', text: 'Hello.' } });
  });

  it('of a message, of say() and of commit() is of the answer', async () => {
    const harness = await openHarness({ config: { turnDetection: null } });
    for (const [index, ask] of [() => harness.session.sendMessage('Hi.'), () => harness.session.say('Good morning.'), () => harness.session.commit()].entries()) {
      const handle = ask();
      harness.model.push(...replyBegins(`r${index}`, `a${index}`, 'ok', 100, answersRequest(harness)), ...replyEnds(`r${index}`, `a${index}`, 'ok'));
      expect(await result(handle)).toMatchObject({ outcome: 'completed', responseId: `r${index}` });
    }
  });

  it('of a message that is not to be answered says so at once', async () => {
    const { session } = await openHarness();
    expect(await told(session.sendMessage('By the way.', { respond: false }))).toEqual({
      created: undefined,
      firstAudio: undefined,
      done: { outcome: 'cancelled', text: '', reason: 'not_asked_for' },
    });
  });

  it('of a response that failed has the error, and rejects nothing', async () => {
    const harness = await openHarness();
    const handle = harness.session.respond();
    harness.model.push(
      { type: 'response_created', responseId: 'r1', metadata: answersRequest(harness) },
      { type: 'response_done', responseId: 'r1', status: 'failed', error: { code: 'rate_limit_exceeded', message: 'Slow down.' }, output: [] },
    );
    expect(await result(handle)).toMatchObject({ outcome: 'failed', responseId: 'r1', error: { code: 'PROVIDER_RATE_LIMITED' } });
    expect(await handle.firstAudio).toBeUndefined();
  });

  it('of a request that the model refuses has the error', async () => {
    const { session, model } = await openHarness();
    const handle = session.respond();
    const { eventId = '' } = model.commandsOf('create_response')[0] ?? {};
    model.push({ type: 'model_error', eventId, error: { code: 'invalid_value', message: 'No.' } });
    expect(await result(handle)).toMatchObject({ outcome: 'failed', error: { code: 'PROVIDER_ERROR', providerCode: 'invalid_value' } });
  });

  it('survives a collision: it is of the response that is asked for again', async () => {
    const harness = await openHarness();
    const { session, model } = harness;
    const handle = session.say('Mine.');
    const { eventId = '' } = model.commandsOf('create_response')[0] ?? {};
    model.push(...replyBegins('auto', 'a1', 'Hi.', 100, {}), { type: 'model_error', eventId, error: { code: 'conversation_already_has_active_response', message: 'Busy.' } });
    model.push(...replyEnds('auto', 'a1', 'Hi.'));
    expect((await told(handle)).done).toBe('pending');
    model.push(...replyBegins('r2', 'a2', 'Mine.', 100, answersRequest(harness)), ...replyEnds('r2', 'a2', 'Mine.'));
    expect(await result(handle)).toMatchObject({ outcome: 'completed', responseId: 'r2', text: 'Mine.' });
  });

  it('works with a server that gives no metadata back', async () => {
    const { session, model } = await openHarness();
    const [first, second] = [session.say('One.'), session.say('Two.')];
    model.push(...replyBegins('r1', 'a1', 'One.', 100));
    expect(await told(first)).toMatchObject({ created: 'r1', firstAudio: 'a1', done: 'pending' });
    model.push(...replyEnds('r1', 'a1', 'One.'));
    model.push(...replyBegins('r2', 'a2', 'Two.', 100), ...replyEnds('r2', 'a2', 'Two.'));
    expect(await result(first)).toMatchObject({ responseId: 'r1', text: 'One.' });
    expect(await result(second)).toMatchObject({ responseId: 'r2', text: 'Two.' });
  });

  it('says whether it is a guess: where no metadata comes back, and the model was about to begin a response by itself', async () => {
    const harness = await openHarness();
    const { session, model, clock } = harness;
    const sure = session.say('One.');
    model.push(...replyBegins('r1', 'a1', 'One.', 100), ...replyEnds('r1', 'a1', 'One.'));
    expect([await sure.created, sure.guessed, (await sure.done).guessed]).toEqual(['r1', false, undefined]);
    model.push(speechStarts('u1'), { type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_committed', itemId: 'u1' });
    const unsure = session.say('Two.');
    clock.advance(1_000);
    expect(asked(harness).length).toBe(2);
    model.push(...replyBegins('r2', 'a2', 'Two.', 100), ...replyEnds('r2', 'a2', 'Two.'));
    expect([await unsure.created, unsure.guessed, (await unsure.done).guessed]).toEqual(['r2', true, true]);
  });

  it('of a call alone is known at once where no metadata comes back, and the next is not kept waiting', async () => {
    const harness = await openHarness();
    const { session, model } = harness;
    const first = session.respond();
    const next = session.say('Next.');
    const item = { type: 'function_call', id: 'f1', callId: 'c1', name: 'nothing', arguments: '{}', status: 'completed' } as const;
    model.push({ type: 'response_created', responseId: 'r1' }, { type: 'output_item_added', responseId: 'r1', outputIndex: 0, item: { ...item, arguments: '', status: 'in_progress' } });
    expect((await told(first)).created).toBe('pending');
    model.push({ type: 'arguments_delta', responseId: 'r1', itemId: 'f1', callId: 'c1', delta: '{}' });
    expect((await told(first)).created).toBe('r1');
    model.push({ type: 'output_item_done', responseId: 'r1', outputIndex: 0, item }, { type: 'response_done', responseId: 'r1', status: 'completed', output: [item] });
    expect(asked(harness).length).toBe(2);
    void next;
  });

  it('is not told of a response that began before the model had taken in what stood before its request', async () => {
    const harness = await openHarness({ config: { turnDetection: { type: 'server_vad', createResponse: false } } });
    const { session, model, clock } = harness;
    const takeIn = (): void => {
      const item = model.commandsOf('create_item').at(-1)?.item;
      if (item?.type === 'message') model.push({ type: 'item_added', item: { ...item, status: 'completed' } });
    };
    const handle = session.sendMessage('What is new?');
    model.push({ type: 'response_created', responseId: 'r1' });
    takeIn();
    model.push(...replyBegins('r1', 'a1', 'By the way,', 100).slice(1));
    expect((await told(handle)).created).toBe('pending');
    model.push(
      { type: 'model_error', error: { code: 'conversation_already_has_active_response', message: 'busy' }, eventId: model.commandsOf('create_response')[0]?.eventId ?? '' },
      ...replyEnds('r1', 'a1', 'By the way,'),
    );
    clock.advance(1_000);
    model.push(...replyBegins('r2', 'a2', 'Nothing.', 100));
    expect(await told(handle)).toMatchObject({ created: 'r2', firstAudio: 'a2' });
  });

  it('says that its response was interrupted, also when that was before it began', async () => {
    const harness = await openHarness();
    const handle = harness.session.say('A long story.');
    harness.session.interrupt();
    harness.model.push({ type: 'response_created', responseId: 'r1', metadata: answersRequest(harness) });
    expect(harness.model.commandsOf('cancel_response')).toMatchObject([{ responseId: 'r1' }]);
    harness.model.push({ type: 'response_done', responseId: 'r1', status: 'cancelled', reason: 'client_cancelled', output: [] });
    expect(await result(handle)).toMatchObject({ outcome: 'interrupted', reason: 'client_cancelled' });
  });

  it('never stays open when the session ends, wherever its response stands', async () => {
    for (const course of ['waiting', 'asked', 'live', 'lost'] as const) {
      const harness = await openHarness();
      if (course === 'waiting') harness.model.push(speechStarts('u1'));
      const handle = harness.session.say('Goodbye.');
      if (course === 'live') harness.model.push(...replyBegins('r1', 'a1', 'Good', 100, answersRequest(harness)));
      if (course === 'lost') harness.model.closeFromPeer();
      await harness.session.close();
      expect(await result(handle), course).toEqual(
        course === 'live'
          ? { outcome: 'interrupted', responseId: 'r1', text: 'Good', reason: 'session_closed' }
          : { outcome: 'cancelled', text: '', reason: 'session_closed' },
      );
    }
  });

  it('made by a handler of the last event settles too', async () => {
    const harness = await openHarness();
    let handle: ResponseHandle | undefined;
    harness.session.on('error', () => (handle ??= harness.session.say('Is anybody there?')));
    harness.model.closeFromPeer();
    await harness.session.close();
    expect(await (handle as ResponseHandle | undefined)?.done).toMatchObject({ outcome: 'cancelled', reason: 'session_closed' });
  });
});

describe('cancel()', () => {
  it('withdraws a response that has not been asked for', async () => {
    const harness = await openHarness();
    const [first, second, third] = ['one', 'two', 'three'].map((instructions) => harness.session.respond({ instructions }));
    second?.cancel();
    expect(await (second as ResponseHandle).done).toEqual({ outcome: 'cancelled', text: '', reason: 'withdrawn' });
    harness.model.push(...replyBegins('r1', 'a1', 'ok', 0, answersRequest(harness)), ...replyEnds('r1', 'a1', 'ok'));
    expect(asked(harness)).toEqual(['one', 'three']);
    expect(await (first as ResponseHandle).done).toMatchObject({ outcome: 'completed' });
    expect(third?.id).not.toBe(first?.id);
  });

  it('stops one that has been asked for as soon as it begins', async () => {
    const harness = await openHarness();
    const handle = harness.session.say('No.');
    handle.cancel();
    expect(harness.model.commandsOf('cancel_response')).toEqual([]);
    harness.model.push({ type: 'response_created', responseId: 'r1', metadata: answersRequest(harness) });
    expect(harness.model.commandsOf('cancel_response')).toMatchObject([{ responseId: 'r1' }]);
  });

  it('stops one that is being spoken, as interrupt() does', async () => {
    const harness = await openHarness();
    const handle = harness.session.say('A long story.');
    harness.model.push(...replyBegins('r1', 'a1', 'A long story', 2_000, answersRequest(harness)));
    harness.clock.advance(500);
    handle.cancel();
    handle.cancel();
    expect(harness.of('audio_interrupted')).toMatchObject([{ itemId: 'a1', heardMs: 500 }]);
    expect(harness.model.commandsOf('cancel_response').length).toBe(1);
  });

  it('leaves a response alone that others asked for too, and does nothing after the end', async () => {
    const harness = await openHarness({ config: { turnDetection: { type: 'server_vad', createResponse: false } } });
    harness.model.push(speechStarts('u1'));
    const [first, second] = [harness.session.sendMessage('One.'), harness.session.sendMessage('Two.')];
    harness.model.push({ type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_committed', itemId: 'u1' });
    expect(asked(harness).length).toBe(1);
    first.cancel();
    harness.model.push(...replyBegins('r1', 'a1', 'ok', 100, answersRequest(harness)), ...replyEnds('r1', 'a1', 'ok'));
    expect(await result(first)).toEqual({ outcome: 'cancelled', text: '', reason: 'withdrawn' });
    expect(await result(second)).toMatchObject({ outcome: 'completed' });
    second.cancel();
    expect(harness.of('audio_interrupted')).toEqual([]);
  });
});

describe('what goes first', () => {
  it('is safety, then answers, then fillers, then idle prompts; within one the order of the calls', async () => {
    const harness = await openHarness();
    harness.model.push(...replyBegins('r0', 'a0', 'busy', 100));
    const { session } = harness;
    session.respond({ instructions: 'idle' }, { priority: 'idle' });
    session.respond({ instructions: 'answer 1' });
    session.respond({ instructions: 'answer 2' });
    session.respond({ instructions: 'safety' }, { priority: 'safety' });
    harness.model.push(...replyEnds('r0', 'a0', 'busy'));
    for (let index = 1; index < 4; index += 1) {
      harness.model.push({ type: 'response_created', responseId: `r${index}`, metadata: answersRequest(harness) }, { type: 'response_done', responseId: `r${index}`, status: 'completed', output: [] });
    }
    expect(asked(harness)).toEqual(['safety', 'answer 1', 'answer 2']);
  });

  it('drops what was to fill the silence: for an answer, for the user who speaks, for a response of the model', async () => {
    for (const course of ['answer', 'speech', 'model'] as const) {
      const harness = await openHarness();
      harness.model.push(...replyBegins('r0', 'a0', 'busy', 100));
      const filler = harness.session.respond({ instructions: 'One moment.' }, { priority: 'filler' });
      expect((await told(filler)).done).toBe('pending');
      if (course === 'answer') harness.session.say('Here it is.');
      if (course === 'speech') harness.model.push(speechStarts('u1'));
      if (course === 'model') harness.model.push({ type: 'response_created', responseId: 'auto', metadata: {} });
      expect(await result(filler), course).toEqual({ outcome: 'cancelled', text: '', reason: 'superseded' });
    }
  });

  it('a filler into silence is asked for at once', async () => {
    const harness = await openHarness();
    harness.session.respond({ instructions: 'One moment.' }, { priority: 'filler' });
    expect(asked(harness)).toEqual(['One moment.']);
  });

  it('automatic answers that stand side by side are one; requests with a payload of their own are kept apart', async () => {
    const harness = await openHarness({ config: { turnDetection: { type: 'server_vad', createResponse: false } } });
    harness.model.push(speechStarts('u1'));
    const handles = [harness.session.sendMessage('One.'), harness.session.sendMessage('Two.'), harness.session.say('Words.'), harness.session.sendMessage('Three.')];
    harness.model.push({ type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_committed', itemId: 'u1' });
    for (let index = 0; index < 3; index += 1) {
      harness.model.push({ type: 'response_created', responseId: `r${index}`, metadata: answersRequest(harness) }, { type: 'response_done', responseId: `r${index}`, status: 'completed', output: [] });
    }
    const ids = await Promise.all(handles.map(async (handle) => (await handle.done).responseId));
    expect(ids).toEqual(['r0', 'r0', 'r1', 'r2']);
    expect(asked(harness).map((instructions) => instructions?.endsWith('Words.') ?? false)).toEqual([false, true, false]);
  });

  it('has a limit: more than 64 that wait are refused, and the drop is reported', async () => {
    const harness = await openHarness();
    harness.model.push(...replyBegins('r0', 'a0', 'busy', 100));
    const handles = Array.from({ length: 65 }, () => harness.session.say('Again.'));
    expect(await result(handles[64] as ResponseHandle)).toEqual({ outcome: 'cancelled', text: '', reason: 'queue_full' });
    expect(harness.of('pressure')).toMatchObject([{ queue: 'responses', state: 'dropped', dropped: 1 }]);
    expect((await told(handles[63] as ResponseHandle)).done).toBe('pending');
  });
});

describe('an answer that the model begins by itself', () => {
  it('is the answer to a message that it has taken in', async () => {
    const harness = await openHarness();
    harness.model.push(speechStarts('u1'));
    const handle = harness.session.sendMessage('And by Tuesday.');
    const item = { type: 'message', id: harness.model.commandsOf('create_item')[0]?.item.id ?? '', role: 'user', status: 'completed', content: [] } as const;
    harness.model.push({ type: 'item_added', item }, { type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_committed', itemId: 'u1' });
    harness.model.push(...replyBegins('auto', 'a1', 'Fine.', 100, {}), ...replyEnds('auto', 'a1', 'Fine.'));
    expect(await result(handle)).toMatchObject({ outcome: 'completed', responseId: 'auto' });
    harness.clock.advance(3_000);
    expect(asked(harness)).toEqual([]);
  });

  it('is not the answer to a message that came to the model after it had begun', async () => {
    const harness = await openHarness();
    const add = (index: number): void => {
      const item = { type: 'message', id: harness.model.commandsOf('create_item')[index]?.item.id ?? '', role: 'user', status: 'completed', content: [] } as const;
      harness.model.push({ type: 'item_added', item });
    };
    harness.session.sendMessage('Hello.', { respond: false });
    add(0);
    harness.model.push(speechStarts('u1'), { type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_committed', itemId: 'u1' });
    const handle = harness.session.sendMessage('And by Tuesday.');
    harness.model.push(...replyBegins('auto', 'a1', 'Fine.', 100, {}));
    add(1);
    harness.model.push(...replyEnds('auto', 'a1', 'Fine.'));
    expect((await told(handle)).done).toBe('pending');
    expect(asked(harness).length).toBe(1);
  });

  it('is asked for by us when the model could not begin it, and when it does not begin it', async () => {
    const refused = await openHarness({ config: { turnDetection: { type: 'server_vad', interruptResponse: false } } });
    refused.session.say('Words.');
    refused.model.push(...replyBegins('r1', 'a1', 'Words.', 100, answersRequest(refused)));
    refused.model.push(speechStarts('u1'), { type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_committed', itemId: 'u1' });
    refused.model.push({ type: 'model_error', error: { code: 'conversation_already_has_active_response', message: 'Busy.' } });
    refused.model.push(...replyEnds('r1', 'a1', 'Words.'));
    expect(asked(refused).length).toBe(2);
    expect(refused.of('error')).toEqual([]);

    const silent = await openHarness();
    silent.model.push(speechStarts('u1'), { type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_committed', itemId: 'u1' });
    silent.clock.advance(4_999);
    expect(silent.of('error')).toEqual([]);
    silent.clock.advance(1);
    expect(silent.of('error').map(({ error }) => error.code)).toEqual(['RESPONSE_TIMEOUT']);
    expect(asked(silent).length).toBe(1);
  });
});

describe('a wait', () => {
  it('of more than a second is told with its reason, once for each', async () => {
    const harness = await openHarness();
    harness.model.push(speechStarts('u1'));
    const handle = harness.session.say('Words.');
    harness.clock.advance(999);
    expect(harness.of('response_waiting')).toEqual([]);
    harness.clock.advance(3_001);
    harness.model.push({ type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_committed', itemId: 'u1' }, { type: 'response_created', responseId: 'auto', metadata: {} });
    harness.clock.advance(2_000);
    harness.model.push({ type: 'response_done', responseId: 'auto', status: 'completed', output: [] });
    harness.clock.advance(2_000);
    expect(harness.of('response_waiting').map(({ requestIds, reason, waitedMs }) => [requestIds, reason, waitedMs])).toEqual([
      [[handle.id], 'user_speaking', 1_000],
      [[handle.id], 'response_live', 5_000],
      [[handle.id], 'asked', 7_000],
    ]);
  });

  it('for a request that never begins ends after 5 s, and a late response to it is stopped', async () => {
    const harness = await openHarness();
    const handle = harness.session.say('Words.');
    const metadata = answersRequest(harness);
    harness.clock.advance(5_000);
    expect(await result(handle)).toMatchObject({ outcome: 'failed', error: { code: 'RESPONSE_TIMEOUT', retryable: true } });
    harness.model.push({ type: 'response_created', responseId: 'late', metadata });
    expect(harness.model.commandsOf('cancel_response')).toMatchObject([{ responseId: 'late' }]);
  });

  it.each([
    ['its first word', 0],
    ['the next word', 100],
  ])('for %s of a response that has begun ends after 5 s: it is cancelled, given up 2 s later, and the next is asked for', async (_what, audioMs) => {
    const harness = await openHarness();
    const [handle, next] = [harness.session.say('One.'), harness.session.respond({ instructions: 'Two.' })];
    harness.model.push(...replyBegins('r1', 'a1', 'O', audioMs, answersRequest(harness)).slice(0, audioMs === 0 ? 1 : 4));
    harness.clock.advance(4_999);
    expect(harness.of('error')).toEqual([]);
    harness.clock.advance(1);
    expect(harness.of('error').map(({ error }) => [error.code, error.retryable])).toEqual([['RESPONSE_TIMEOUT', true]]);
    expect(harness.model.commandsOf('cancel_response')).toMatchObject([{ responseId: 'r1' }]);
    harness.clock.advance(1_999);
    expect((await told(handle)).done).toBe('pending');
    harness.clock.advance(1);
    expect(await result(handle)).toMatchObject({ outcome: 'failed', responseId: 'r1', reason: 'timeout', error: { code: 'RESPONSE_TIMEOUT' } });
    expect(harness.of('agent_end')).toMatchObject([{ responseId: 'r1', outcome: 'failed', reason: 'timeout' }]);
    expect(asked(harness).at(-1)).toBe('Two.');
    expect((await told(next)).done).toBe('pending');
  });

  it('for the end of a response that was stopped ends after 2 s, and the next is asked for', async () => {
    const harness = await openHarness();
    const handle = harness.session.say('One.');
    harness.model.push(...replyBegins('r1', 'a1', 'One', 500, answersRequest(harness)));
    harness.session.interrupt();
    harness.session.respond({ instructions: 'Two.' });
    harness.clock.advance(1_999);
    expect(asked(harness).length).toBe(1);
    harness.clock.advance(1);
    expect(await result(handle)).toMatchObject({ outcome: 'interrupted', responseId: 'r1', reason: 'timeout' });
    expect(harness.of('error').map(({ error }) => error.code)).toEqual(['RESPONSE_TIMEOUT']);
    expect(asked(harness).at(-1)).toBe('Two.');
  });

  it('for a model that refuses again and again, without another response to be seen, ends after 5 s', async () => {
    const harness = await openHarness();
    const [handle] = [harness.session.say('One.'), harness.session.respond({ instructions: 'Two.' })];
    const refuse = (): void => {
      const { eventId = '' } = harness.model.commandsOf('create_response').at(-1) ?? {};
      harness.model.push({ type: 'model_error', eventId, error: { code: 'conversation_already_has_active_response', message: 'Busy.' } });
    };
    for (let second = 0; second < 5; second += 1) {
      refuse();
      harness.clock.advance(1_000);
    }
    expect(await result(handle)).toMatchObject({ outcome: 'failed', error: { code: 'RESPONSE_TIMEOUT' } });
    expect(asked(harness).at(-1)).toBe('Two.');
  });
});
