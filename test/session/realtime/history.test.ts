import { describe, expect, it } from 'vitest';
import type { HistoryItem, ModelInput, ModelItem } from '../../../session/index.js';
import { openHarness, replyBegins, replyEnds } from '../../helpers/session-harness.js';

function userItem(id: string, transcript: string | null = null): ModelItem {
  return { type: 'message', id, role: 'user', status: 'completed', content: [{ type: 'input_audio', transcript }] };
}

function textItem(id: string, role: 'user' | 'system' | 'assistant', text: string): ModelItem {
  return { type: 'message', id, role, status: 'completed', content: [{ type: role === 'assistant' ? 'output_text' : 'input_text', text }] };
}

describe('history', () => {
  it('keeps the order that the model gives, whatever the order of arrival', async () => {
    const { session, model } = await openHarness();
    model.push(
      { type: 'item_added', item: textItem('a', 'user', 'A'), previousItemId: null },
      { type: 'item_added', item: textItem('c', 'user', 'C'), previousItemId: 'a' },
      { type: 'item_added', item: textItem('b', 'user', 'B'), previousItemId: 'a' },
      { type: 'item_added', item: textItem('d', 'system', 'D') },
    );
    expect(session.history.map(({ itemId }) => itemId)).toEqual(['a', 'b', 'c', 'd']);
    model.push({ type: 'item_deleted', itemId: 'b' });
    expect(session.history.map(({ itemId }) => itemId)).toEqual(['a', 'c', 'd']);
  });

  it('gives the user text of a spoken turn whenever it comes, also before the item', async () => {
    const { session, model, of } = await openHarness();
    const transcript: ModelInput[] = [
      { type: 'user_transcript_delta', itemId: 'u1', contentIndex: 0, delta: 'Hello' },
      { type: 'user_transcript_delta', itemId: 'u1', contentIndex: 0, delta: ' there' },
    ];
    model.push(...transcript, { type: 'item_added', item: userItem('u1'), previousItemId: null }, { type: 'item_done', item: userItem('u1') });
    expect(session.history).toMatchObject([{ role: 'user', text: 'Hello there', spoken: true, status: 'completed' }]);
    model.push({ type: 'user_transcript', itemId: 'u1', contentIndex: 0, text: 'Hello there.', final: true });
    expect(session.history).toMatchObject([{ text: 'Hello there.' }]);
    const told = of('history_updated').length;
    model.push({ type: 'user_transcript_delta', itemId: 'u1', contentIndex: 0, delta: ' How' }, { type: 'user_transcript', itemId: 'u1', contentIndex: 0, text: 'Hello there. How', final: true });
    expect(of('history_updated').slice(told)).toMatchObject([{ changes: [{ op: 'update', item: { text: 'Hello there. How' } }] }]);
    expect(of('transcript_delta').slice(0, 2).map(({ role, delta }) => [role, delta])).toEqual([
      ['user', 'Hello'],
      ['user', ' there'],
    ]);
  });

  it('reports a transcription that failed and keeps the turn', async () => {
    const { session, model, of } = await openHarness();
    model.push({ type: 'item_added', item: userItem('u1'), previousItemId: null }, { type: 'user_transcript_failed', itemId: 'u1', contentIndex: 0, error: { code: 'audio_unintelligible', message: 'Unclear.' } });
    expect(session.history).toMatchObject([{ itemId: 'u1', text: '' }]);
    expect(of('error').map(({ error }) => [error.code, error.stage])).toEqual([['TRANSCRIPTION_FAILED', 'transcription']]);
  });

  it('holds calls and their outputs as items, and what it does not know as it came', async () => {
    const { session, model } = await openHarness();
    model.push(
      { type: 'item_added', item: { type: 'function_call', id: 'f', callId: 'c', name: 'find', arguments: '', status: 'in_progress' }, previousItemId: null },
      { type: 'arguments_done', responseId: 'r', itemId: 'f', callId: 'c', name: 'find', arguments: '{"q":1}' },
      { type: 'item_added', item: { type: 'function_call_output', id: 'o', callId: 'c', output: '42' }, previousItemId: 'f' },
      { type: 'item_added', item: { type: 'other', id: 'm', kind: 'mcp_list_tools', raw: { x: 1 } }, previousItemId: 'o' },
    );
    expect(session.history).toMatchObject([
      { type: 'function_call', callId: 'c', arguments: '{"q":1}' },
      { type: 'function_call_output', callId: 'c', output: '42' },
      { type: 'other', kind: 'mcp_list_tools', raw: { x: 1 } },
    ]);
  });

  it('takes nothing away when an echo of the item comes without its text', async () => {
    const { session, model } = await openHarness();
    model.push(...replyBegins('r1', 'a1', 'Good morning', 100));
    model.push({ type: 'item_done', item: { type: 'message', id: 'a1', role: 'assistant', status: 'incomplete', content: [{ type: 'output_audio', transcript: null }] } });
    expect(session.history).toMatchObject([{ text: 'Good morning', status: 'interrupted' }]);
  });

  it('tells each change once, however often the model repeats the item', async () => {
    const { model, of } = await openHarness();
    model.push(...replyBegins('r1', 'a1', 'Good morning', 100), ...replyEnds('r1', 'a1', 'Good morning'), ...replyEnds('r1', 'a1', 'Good morning'));
    const told = of('history_updated').flatMap(({ changes }) => changes);
    expect(new Set(told.map((change) => JSON.stringify(change))).size).toBe(told.length);
    expect(told.at(-1)).toMatchObject({ op: 'update', item: { text: 'Good morning', status: 'completed' } });
  });

  it('marks an item that its response never completed', async () => {
    const { session, model } = await openHarness();
    model.push(...replyBegins('r1', 'a1', 'Good', 0), { type: 'response_done', responseId: 'r1', status: 'failed', output: [] });
    expect(session.history).toMatchObject([{ text: 'Good', status: 'failed' }]);
  });

  it('is what its change sets give when they are applied in order', async () => {
    const { session, model, of, clock } = await openHarness();
    model.push({ type: 'item_added', item: userItem('u1'), previousItemId: null });
    model.push(...replyBegins('r1', 'a1', 'First answer', 500), ...replyEnds('r1', 'a1', 'First answer'));
    clock.advance(200);
    session.interrupt();
    model.push({ type: 'item_added', item: textItem('s', 'system', 'note'), previousItemId: 'u1' }, { type: 'user_transcript', itemId: 'u1', contentIndex: 0, text: 'Hi', final: true });
    model.push(...replyBegins('r2', 'a2', 'Second', 100), ...replyEnds('r2', 'a2', 'Second'), { type: 'item_deleted', itemId: 's' });
    const built: HistoryItem[] = [];
    for (const change of of('history_updated').flatMap(({ changes }) => changes)) {
      if (change.op === 'insert') built.splice(change.afterItemId === null ? 0 : built.findIndex(({ itemId }) => itemId === change.afterItemId) + 1, 0, change.item);
      else {
        const id = change.op === 'delete' ? change.itemId : change.item.itemId;
        const index = built.findIndex(({ itemId }) => itemId === id);
        built.splice(index, 1, ...(change.op === 'delete' ? [] : [change.item]));
      }
    }
    expect(built).toEqual(session.history);
    expect(of('history_added').map(({ item }) => item.itemId)).toEqual(['u1', 'a1', 's', 'a2']);
  });

  it('hands out values: an item that did not change is the same object as before', async () => {
    const { session, model } = await openHarness();
    model.push(...replyBegins('r1', 'a1', 'One', 100), ...replyEnds('r1', 'a1', 'One'));
    const before = session.history;
    model.push(...replyBegins('r2', 'a2', 'Two', 100));
    expect(session.history).not.toBe(before);
    expect(session.history[0]).toBe(before[0]);
    expect(before.length).toBe(1);
  });
});
