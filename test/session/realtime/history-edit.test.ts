import { describe, expect, it } from 'vitest';
import type { HistoryItem, ModelItem, NewHistoryItem } from '../../../session/index.js';
import { mirrorModel } from '../../helpers/mirror-model.js';
import type { MirrorModel } from '../../helpers/mirror-model.js';
import { random } from '../../helpers/random.js';
import { openHarness } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';

function text(id: string, role: 'user' | 'assistant' | 'system', words: string): ModelItem {
  return { type: 'message', id, role, status: 'completed', content: [{ type: role === 'assistant' ? 'output_text' : 'input_text', text: words }] };
}

function note(words: string): NewHistoryItem {
  return { type: 'message', role: 'system', text: words };
}

async function open(count = 4): Promise<Harness & { mirror: MirrorModel }> {
  const mirror = mirrorModel();
  const harness = await openHarness({ model: mirror });
  for (let index = 0; index < count; index += 1) mirror.add(text(`i${index}`, index % 2 === 0 ? 'user' : 'assistant', `words ${index}`));
  return { ...harness, mirror };
}

const words = (item: HistoryItem | NewHistoryItem | ModelItem): string => {
  if (item.type === 'message' && 'text' in item) return item.text;
  if (item.type === 'message') return item.content.map((part) => ('text' in part ? part.text : `<${part.type}>`)).join(' ');
  return item.type;
};

describe('updateHistory', () => {
  it('makes the conversation what the list says, at the model and here, whatever was moved, changed, put in and left out', async () => {
    const rng = random();
    for (let round = 0; round < 300; round += 1) {
      const { session, mirror, of } = await open(rng.int(0, 9));
      for (let turn = 0; turn < 3; turn += 1) {
        const where = `seed ${rng.seed}, round ${round}, turn ${turn}`;
        const target: (HistoryItem | NewHistoryItem)[] = [];
        for (const item of session.history) if (rng.next() < 0.8) target.splice(rng.next() < 0.7 ? target.length : rng.int(0, target.length + 1), 0, item);
        if (rng.next() < 0.5) target.splice(rng.int(0, target.length + 1), 0, note(`note ${turn}`));
        const changed = rng.int(0, target.length + 3);
        if (changed < target.length) target[changed] = { ...(target[changed] as HistoryItem), text: `changed ${turn}` } as HistoryItem;
        session.updateHistory(target);
        expect(session.history.map(words), where).toEqual(target.map(words));
        expect(mirror.conversation.map(words), where).toEqual(target.map(words));
        expect(mirror.conversation.map(({ id }) => id), where).toEqual(session.history.map(({ itemId }) => itemId));
      }
      expect(of('error')).toEqual([]);
    }
  });

  it('sends nothing for a list that is so already, and the least for one item that moved', async () => {
    const { session, mirror } = await open(6);
    session.updateHistory((items) => items);
    expect(mirror.commands.filter(({ type }) => /_item$/.test(type))).toEqual([]);
    session.updateHistory(([first, ...rest]) => [...rest, first as HistoryItem]);
    expect(mirror.commands.filter(({ type }) => /_item$/.test(type))).toMatchObject([
      { type: 'delete_item', itemId: 'i0' },
      { type: 'create_item', previousItemId: 'i5', item: { role: 'user', content: [{ type: 'input_text', text: 'words 0' }] } },
    ]);
  });

  it('puts in images, calls and their outputs, at the head too', async () => {
    const { session, mirror } = await open(1);
    session.updateHistory((items) => [
      { type: 'message', role: 'user', text: 'Look', images: [{ url: 'data:image/png;base64,AA', detail: 'low' }] },
      { type: 'function_call', callId: 'c', name: 'find', arguments: '{}' },
      { type: 'function_call_output', callId: 'c', output: '42' },
      ...items,
    ]);
    expect(mirror.commandsOf('create_item')[0]).toMatchObject({ previousItemId: null, item: { content: [{ text: 'Look' }, { type: 'input_image', url: 'data:image/png;base64,AA', detail: 'low' }] } });
    expect(session.history).toMatchObject([{ text: 'Look', images: 1 }, { name: 'find' }, { output: '42' }, { itemId: 'i0' }]);
  });

  it('puts an answer that was cut back as what was heard of it', async () => {
    const { session, model, mirror, clock } = await open(0);
    model.push({ type: 'response_created', responseId: 'r' }, { type: 'output_item_added', responseId: 'r', outputIndex: 0, item: { type: 'message', id: 'a', role: 'assistant', status: 'in_progress', content: [] } });
    model.push({ type: 'output_text_delta', of: 'audio', responseId: 'r', itemId: 'a', contentIndex: 0, delta: 'One two three four five six' });
    model.push({ type: 'audio_delta', responseId: 'r', itemId: 'a', contentIndex: 0, bytes: new Uint8Array(48_000 * 2) });
    clock.advance(700);
    session.interrupt();
    const [cut] = session.history;
    mirror.conversation.push(text('a', 'assistant', ''));
    mirror.add(text('z', 'user', 'And?'));
    mirror.add(text('y', 'user', 'Hello?'));
    session.updateHistory(([first, ...rest]) => [...rest, first as HistoryItem]);
    const made = mirror.commandsOf('create_item').map(({ item }) => words({ ...item, status: 'completed' } as ModelItem));
    expect(made).toEqual([(cut as { heardText: string }).heardText]);
    expect(made[0]?.length).toBeGreaterThan(0);
    expect('One two three four five six'.startsWith(`${made[0]} `)).toBe(true);
  });

  it('follows what the model confirms: a refused edit is an error, and the item stays', async () => {
    const { session, mirror, of } = await open(3);
    mirror.fail(1, 'invalid_value');
    session.updateHistory((items) => items.slice(2));
    expect(session.history.map(({ itemId }) => itemId)).toEqual(['i0', 'i2']);
    expect(of('error').map(({ error }) => [error.code, error.message])).toEqual([['HISTORY_EDIT_FAILED', 'The model refused to delete the item i0: No.']]);
    mirror.fail(1, 'invalid_value');
    session.updateHistory((items) => [...items, note('new')]);
    expect(of('error').at(-1)?.error).toMatchObject({ code: 'HISTORY_EDIT_FAILED', providerCode: 'invalid_value' });
    expect(session.history.map(({ itemId }) => itemId)).toEqual(['i0', 'i2']);
  });

  it('is told as failed, item by item, when the model does not answer within 10 s', async () => {
    const { session, mirror, of, clock } = await open(2);
    mirror.fail(1, 'mute');
    session.updateHistory([]);
    clock.advance(4_000);
    mirror.fail(1, 'mute');
    session.updateHistory((items) => [...items, note('new')]);
    clock.advance(5_999);
    expect(of('error')).toEqual([]);
    clock.advance(1);
    expect(of('error').map(({ error }) => [error.code, error.retryable])).toEqual([['HISTORY_EDIT_FAILED', true]]);
    clock.advance(4_000);
    expect(of('error').length).toBe(2);
    expect(session.history.map(({ itemId }) => itemId)).toEqual(['i0']);
  });

  it('takes an item out that the model has forgotten already', async () => {
    const { session, mirror, of } = await open(2);
    mirror.forget('i0');
    session.updateHistory((items) => items.slice(1));
    expect(session.history.map(({ itemId }) => itemId)).toEqual(['i1']);
    expect(of('error')).toEqual([]);
  });

  it('refuses a list that cannot be made, before anything is sent', async () => {
    const { session, mirror } = await open(2);
    mirror.push({ type: 'item_added', item: { type: 'other', id: 'm', kind: 'mcp_call', raw: {} }, previousItemId: 'i1' });
    const [first, , special] = session.history as [HistoryItem, HistoryItem, HistoryItem];
    expect(() => session.updateHistory([first, first])).toThrow(TypeError);
    expect(() => session.updateHistory([note('')])).toThrow(TypeError);
    expect(() => session.updateHistory([{ ...special, itemId: 'elsewhere' }])).toThrow(TypeError);
    expect(mirror.commands.filter(({ type }) => /_item$/.test(type))).toEqual([]);
    session.updateHistory([special]);
    expect(session.history).toEqual([special]);
  });
});

describe('setContext', () => {
  it('has the model know each key once, by its newest text', async () => {
    const { session, mirror } = await open(2);
    session.setContext('order', 'One pizza.');
    session.setContext('guest', 'Ada.');
    session.setContext('order', 'Two pizzas.');
    session.setContext('order', 'Two pizzas.');
    expect(mirror.conversation.map(words)).toEqual(['words 0', 'words 1', 'Ada.', 'Two pizzas.']);
    expect(mirror.commandsOf('create_item').length).toBe(3);
    session.setContext('order', null);
    session.setContext('nothing', null);
    expect(session.history.map(words)).toEqual(['words 0', 'words 1', 'Ada.']);
    expect(mirror.conversation.map(({ id }) => id)).toEqual(session.history.map(({ itemId }) => itemId));
  });

  it('can be set again when the model refused it, or when the application took its item out', async () => {
    const { session, mirror, of } = await open(0);
    mirror.fail(1, 'invalid_value');
    session.setContext('order', 'One pizza.');
    expect(of('error').length).toBe(1);
    session.setContext('order', 'One pizza.');
    session.updateHistory([]);
    session.setContext('order', 'One pizza.');
    expect(session.history.map(words)).toEqual(['One pizza.']);
  });

  it('takes 64 keys and no empty text', async () => {
    const { session } = await open(0);
    for (let key = 0; key < 64; key += 1) session.setContext(String(key), 'x');
    expect(() => session.setContext('more', 'x')).toThrow(RangeError);
    session.setContext('0', 'y');
    expect(() => session.setContext('0', '')).toThrow(TypeError);
    expect(session.history.length).toBe(64);
  });
});
