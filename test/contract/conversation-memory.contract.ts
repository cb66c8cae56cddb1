import { describe, expect, it } from 'vitest';
import type { ConversationMemory, TextInputItem } from '../../session/index.js';

/** What every memory does, however it keeps what it is given. */
export function conversationMemoryContract(name: string, open: () => Promise<ConversationMemory>): void {
  const said = (text: string): TextInputItem => ({ type: 'message', role: 'user', text });
  const texts = (items: readonly TextInputItem[]): string[] => items.map((item) => (item.type === 'message' ? item.text : item.type));

  describe(`a conversation ${name}`, () => {
    it('begins empty, and keeps items in order and as they are', async () => {
      const memory = await open();
      expect(await memory.items()).toEqual([]);
      const items: TextInputItem[] = [
        said('Hi 😀\n"'),
        { type: 'message', role: 'assistant', text: 'Hel', interrupted: true },
        { type: 'function_call', callId: 'c', name: 'n', arguments: '{}' },
        { type: 'function_call_output', callId: 'c', output: 'x' },
        { type: 'other', kind: 'reasoning', raw: { id: 1, list: [null] } },
      ];
      await memory.add(items.slice(0, 2));
      await memory.add(items.slice(2));
      expect(await memory.items()).toEqual(items);
    });

    it('gives the newest, in their order', async () => {
      const memory = await open();
      await memory.add(['a', 'b', 'c', 'd'].map(said));
      expect(texts(await memory.items(2))).toEqual(['c', 'd']);
      expect(await memory.items(0)).toEqual([]);
    });

    it('puts items in the place of the newest, also of those that came in several steps', async () => {
      const memory = await open();
      await memory.add([said('a')]);
      await memory.add([said('b'), said('c')]);
      await memory.replace(2, [said('B')]);
      await memory.add([said('d')]);
      await memory.replace(3, [said('x'), said('y')]);
      expect(texts(await memory.items())).toEqual(['x', 'y']);
      expect(texts(await memory.items(1))).toEqual(['y']);
      await memory.replace(1, []);
      await memory.replace(9, [said('z')]);
      expect(texts(await memory.items())).toEqual(['z']);
    });

    it('is empty after clear', async () => {
      const memory = await open();
      await memory.add([said('a')]);
      await memory.clear();
      expect(await memory.items()).toEqual([]);
      await memory.add([said('b')]);
      expect(texts(await memory.items())).toEqual(['b']);
    });

    it('is not changed by what becomes of a list that it gave or was given', async () => {
      const memory = await open();
      const given = [said('a')];
      await memory.add(given);
      given.push(said('b'));
      const before = await memory.items();
      await memory.add([said('c')]);
      expect(texts(before)).toEqual(['a']);
      expect(texts(await memory.items())).toEqual(['a', 'c']);
    });
  });
}
