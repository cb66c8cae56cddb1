import { afterEach, describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../session/index.js';
import { openHarness, replyBegins } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { sessionOn, tappedEmulator } from '../../helpers/tapped-emulator.js';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

/** The model writes a whole answer beside the conversation. */
function written(responseId: string, text: string, created: Partial<Extract<ModelInput, { type: 'response_created' }>>): ModelInput[] {
  const item = { type: 'message', id: `item_${responseId}`, role: 'assistant', status: 'completed', content: [{ type: 'output_text', text }] } as const;
  const place = { responseId, itemId: item.id, contentIndex: 0 };
  return [
    { type: 'response_created', responseId, ...created },
    { type: 'output_item_added', responseId, outputIndex: 0, item: { ...item, status: 'in_progress', content: [] } },
    { type: 'output_text_delta', of: 'text', ...place, delta: text },
    { type: 'output_text_done', of: 'text', ...place, text },
    { type: 'output_item_done', responseId, outputIndex: 0, item },
    { type: 'response_done', responseId, status: 'completed', output: [item] },
  ];
}

function metadataOf({ model }: Harness, index = -1): Readonly<Record<string, string>> {
  return model.commandsOf('create_response').at(index)?.request.metadata ?? {};
}

describe('a response beside the conversation', () => {
  it('is written while another is spoken; its text is in its result, and neither the history nor the listener knows of it', async () => {
    const tap = await tappedEmulator({ pace: 1 });
    open.push(tap);
    const made = await sessionOn(tap.url);
    open.push(made);
    const { session, of } = made;
    const spoken = session.sendMessage('Where can I park?');
    await spoken.firstAudio;
    const beside = session.respond({ conversation: 'none', metadata: { purpose: 'side' }, input: [{ role: 'user', text: 'menu?' }] });
    const result = await beside.done;
    expect(result).toMatchObject({ outcome: 'completed', text: 'Half of our menu is vegetarian.', usage: { outputTokens: expect.any(Number) as number } });
    expect(await beside.created).toBe(result.responseId);
    spoken.cancel();
    expect(await spoken.done).toMatchObject({ outcome: 'interrupted' });
    expect(tap.sent.filter(({ type }) => type === 'response.create').at(-1)).toMatchObject({ response: { conversation: 'none', output_modalities: ['text'], metadata: { purpose: 'side' } } });
    expect([of('agent_start').length, of('agent_end').length, of('error')]).toEqual([1, 1, []]);
    expect([of('transcript_delta'), session.history].flat().filter((each) => JSON.stringify(each).includes('vegetarian'))).toEqual([]);
    expect(of('cost').map((event) => event.of === 'response' && event.responseId)).toContain(result.responseId);
  });

  it('is known by its metadata, or by standing in no conversation, whatever is live', async () => {
    const harness = await openHarness();
    const { session, model, of } = harness;
    model.push(...replyBegins('r1', 'a1', 'I am speaking.', 100));
    const one = session.respond({ conversation: 'none', instructions: 'one' });
    const two = session.respond({ conversation: 'none', instructions: 'two' });
    expect(model.commandsOf('create_response').map(({ request }) => [request.instructions, request.toolChoice])).toEqual([['one', 'none'], ['two', 'none']]);
    model.push(...written('b2', 'Two.', { metadata: metadataOf(harness) }), ...written('b1', 'One.', { beside: true }));
    expect([await one.done, await two.done]).toMatchObject([{ text: 'One.', responseId: 'b1' }, { text: 'Two.', responseId: 'b2' }]);
    expect([of('agent_start').map(({ responseId }) => responseId), session.history.map(({ itemId }) => itemId)]).toEqual([['r1'], ['a1']]);
  });

  it('leaves the queue of the others alone: they are asked for as if it were not there', async () => {
    const harness = await openHarness();
    const { session, model } = harness;
    session.respond({ conversation: 'none' });
    const said = session.say('Hello.');
    expect(model.commandsOf('create_response').length).toBe(2);
    model.push(...replyBegins('r1', 'a1', 'Hello.', 100, metadataOf(harness)));
    expect(await said.created).toBe('r1');
  });

  it('is stopped by its handle alone; what still comes of it is dropped', async () => {
    const harness = await openHarness();
    const { session, model } = harness;
    const handle = session.respond({ conversation: 'none' });
    const inputs = written('b1', 'Too late.', { metadata: metadataOf(harness) });
    model.push(...inputs.slice(0, 2));
    session.interrupt();
    expect(model.commandsOf('cancel_response')).toEqual([]);
    handle.cancel();
    expect(model.commandsOf('cancel_response')).toMatchObject([{ responseId: 'b1' }]);
    model.push(...inputs.slice(2));
    expect([await handle.done, session.history]).toMatchObject([{ outcome: 'cancelled', reason: 'withdrawn' }, []]);
  });

  it('that is refused, is never answered, or loses its connection is told so, once', async () => {
    const harness = await openHarness({ reconnect: {} });
    const { session, model, clock, of } = harness;
    const refused = session.respond({ conversation: 'none' });
    model.push({ type: 'model_error', error: { code: 'invalid_value', message: 'no' }, eventId: model.commandsOf('create_response').at(-1)?.eventId ?? '' });
    expect(await refused.done).toMatchObject({ outcome: 'failed', error: { code: 'PROVIDER_ERROR' } });
    const mute = session.respond({ conversation: 'none' });
    clock.advance(30_000);
    expect(await mute.done).toMatchObject({ outcome: 'failed', error: { code: 'RESPONSE_TIMEOUT' } });
    expect(of('error').map(({ error }) => error.code)).toEqual(['RESPONSE_TIMEOUT']);
    const lost = session.respond({ conversation: 'none' });
    model.closeFromPeer(1006);
    expect(await lost.done).toMatchObject({ outcome: 'cancelled', reason: 'connection_lost' });
    expect(await session.respond({ conversation: 'none' }).done).toMatchObject({ outcome: 'cancelled', reason: 'not_connected' });
  });

  it('is one of eight at most', async () => {
    const { session } = await openHarness();
    const handles = Array.from({ length: 9 }, () => session.respond({ conversation: 'none' }));
    expect(await handles[8]?.done).toMatchObject({ outcome: 'cancelled', reason: 'queue_full' });
    await session.close();
    expect(await handles[0]?.done).toMatchObject({ outcome: 'cancelled', reason: 'session_closed' });
  });
});
