import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../session/index.js';
import { openHarness, replyBegins, replyEnds, speechStarts } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';

const COLLISION = { code: 'conversation_already_has_active_response', message: 'Conversation already has an active response in progress: resp_x.' };

/** The metadata by which the model's `response_created` answers our newest request. */
function answersRequest({ model }: Harness): Record<string, string> {
  return { ...model.commandsOf('create_response').at(-1)?.request.metadata };
}

function wholeReply(responseId: string, metadata?: Record<string, string>): ModelInput[] {
  return [...replyBegins(responseId, `item_${responseId}`, 'ok', 100, metadata), ...replyEnds(responseId, `item_${responseId}`, 'ok')];
}

describe('responses', () => {
  it('are asked for one at a time, in order', async () => {
    const harness = await openHarness();
    const { session, model } = harness;
    session.respond({ instructions: 'first' });
    session.respond({ instructions: 'second' });
    expect(model.commandsOf('create_response').map(({ request }) => request.instructions)).toEqual(['first']);
    model.push(...wholeReply('r1', answersRequest(harness)));
    expect(model.commandsOf('create_response').map(({ request }) => request.instructions)).toEqual(['first', 'second']);
  });

  it('wait while the user speaks', async () => {
    const harness = await openHarness({ config: { turnDetection: { type: 'server_vad', createResponse: false } } });
    harness.model.push(speechStarts('u1'));
    harness.session.respond();
    expect(harness.model.commandsOf('create_response')).toEqual([]);
    harness.model.push({ type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_committed', itemId: 'u1' });
    expect(harness.model.commandsOf('create_response').length).toBe(1);
  });

  it('are asked for again after a collision, when the other response is done', async () => {
    const harness = await openHarness();
    const { session, model, of } = harness;
    session.respond({ instructions: 'mine' });
    const { eventId } = model.commandsOf('create_response')[0] ?? {};
    model.push(...replyBegins('auto', 'a1', 'hi', 100, {}));
    if (eventId !== undefined) model.push({ type: 'model_error', eventId, error: COLLISION });
    expect(model.commandsOf('create_response').length).toBe(1);
    model.push(...replyEnds('auto', 'a1', 'hi'));
    expect(model.commandsOf('create_response').map(({ request }) => request.instructions)).toEqual(['mine', 'mine']);
    expect(of('error')).toEqual([]);
  });

  it('are asked for again 1 s after a collision with a response that nobody has seen, also where the error has no code', async () => {
    const { session, model, clock, of } = await openHarness();
    session.respond();
    const { eventId } = model.commandsOf('create_response')[0] ?? {};
    if (eventId !== undefined) model.push({ type: 'model_error', eventId, error: { message: 'Conversation already has an active response' } });
    clock.advance(999);
    expect(model.commandsOf('create_response').length).toBe(1);
    clock.advance(1);
    expect(model.commandsOf('create_response').length).toBe(2);
    expect(of('error')).toEqual([]);
  });

  it('that never begin are reported after 5 s, and the next is asked for', async () => {
    const { session, model, clock, of } = await openHarness();
    session.respond({ instructions: 'lost' });
    session.respond({ instructions: 'next' });
    clock.advance(4_999);
    expect(of('error')).toEqual([]);
    clock.advance(1);
    expect(of('error').map(({ error }) => [error.code, error.retryable])).toEqual([['RESPONSE_TIMEOUT', true]]);
    expect(model.commandsOf('create_response').at(-1)?.request.instructions).toBe('next');
  });

  it('that the model refuses for another reason are reported, and the next is asked for', async () => {
    const { session, model, of } = await openHarness();
    session.respond({ instructions: 'bad' });
    session.respond({ instructions: 'good' });
    const { eventId = '' } = model.commandsOf('create_response')[0] ?? {};
    model.push({ type: 'model_error', eventId, error: { code: 'invalid_value', message: 'No.' } });
    expect(of('error').map(({ error }) => error)).toMatchObject([{ code: 'PROVIDER_ERROR', providerCode: 'invalid_value', eventId }]);
    expect(model.commandsOf('create_response').at(-1)?.request.instructions).toBe('good');
  });

  it('tell how they ended: completed, incomplete, failed, and why', async () => {
    const { model, of } = await openHarness();
    model.push({ type: 'response_created', responseId: 'r1' }, { type: 'response_done', responseId: 'r1', status: 'incomplete', reason: 'max_output_tokens', output: [] });
    model.push({ type: 'response_created', responseId: 'r2' }, { type: 'response_done', responseId: 'r2', status: 'failed', error: { code: 'rate_limit_exceeded', message: 'Slow down.' }, output: [] });
    expect(of('agent_end')).toMatchObject([
      { responseId: 'r1', outcome: 'incomplete', reason: 'max_output_tokens' },
      { responseId: 'r2', outcome: 'failed' },
    ]);
    expect(of('error').map(({ error }) => error)).toMatchObject([{ code: 'RESPONSE_INCOMPLETE', providerCode: 'max_output_tokens' }, { code: 'PROVIDER_RATE_LIMITED', retryable: true }]);
  });

  it('do not come back to life by events that are late', async () => {
    const harness = await openHarness();
    harness.model.push(...wholeReply('r1'));
    harness.model.push({ type: 'output_text_delta', of: 'audio', responseId: 'r1', itemId: 'item_r1', contentIndex: 0, delta: 'late' });
    harness.model.push(...replyEnds('r1', 'item_r1', 'ok'));
    harness.session.respond();
    expect(harness.of('agent_start').length).toBe(1);
    expect(harness.of('agent_end').length).toBe(1);
    expect(harness.model.commandsOf('create_response').length).toBe(1);
  });
});

describe('messages', () => {
  it('interrupt, add the item, and ask for an answer, in this order', async () => {
    const { session, model, clock } = await openHarness();
    model.push(...replyBegins('r1', 'a1', 'a long story', 5_000), ...replyEnds('r1', 'a1', 'a long story'));
    clock.advance(400);
    session.sendMessage('Stop, please.');
    expect(model.commands.slice(-3).map(({ type }) => type)).toEqual(['truncate_item', 'create_item', 'create_response']);
    expect(model.commandsOf('create_item')[0]?.item).toMatchObject({ role: 'user', content: [{ type: 'input_text', text: 'Stop, please.' }] });
  });

  it('may carry images, and may ask for no answer; an empty one is refused', async () => {
    const { session, model } = await openHarness();
    session.sendMessage('', { images: [{ url: 'data:image/png;base64,AAAA', detail: 'low' }], respond: false });
    expect(model.commandsOf('create_item')[0]?.item).toMatchObject({ content: [{ type: 'input_image', url: 'data:image/png;base64,AAAA', detail: 'low' }] });
    expect(model.commandsOf('create_response')).toEqual([]);
    expect(() => session.sendMessage('')).toThrow(TypeError);
  });
});

describe('a manual commit', () => {
  it('ends the turn and asks for an answer', async () => {
    const { session, model } = await openHarness({ config: { turnDetection: null } });
    session.sendAudio(new Uint8Array(9_600));
    session.commit();
    expect(model.commands.slice(-2).map(({ type }) => type)).toEqual(['commit_audio', 'create_response']);
  });
});
