import { describe, expect, it } from 'vitest';
import { PCM16_24K } from '../../../audio/index.js';
import { createSessionState, step } from '../../../session/index.js';
import type { HistoryItem, ModelConfig, ModelInput, SessionState } from '../../../session/index.js';
import { historyItems } from '../../../session/state/history.js';
import { applyChanges, interleave, spokenAnswer, spokenTurn, toolCall, wholeCall } from '../../helpers/conversation-streams.js';
import { random } from '../../helpers/random.js';

/** The model's speech detection does not interrupt: a cut is made at a moment, so it is no matter of the order of delivery. */
const CONFIG: ModelConfig = {
  outputModality: 'audio',
  inputFormat: PCM16_24K,
  outputFormat: PCM16_24K,
  tools: [],
  turnDetection: { type: 'server_vad', interruptResponse: false },
};

function open(): SessionState {
  const state = createSessionState(CONFIG, 'reported');
  step(state, { type: 'connection_opened' }, 0);
  step(state, { type: 'model_session_configured' }, 0);
  return state;
}

/** The history after the inputs; the change sets must have told the same. */
function historyOf(inputs: readonly ModelInput[], where: string, state = open()): readonly HistoryItem[] {
  const told: HistoryItem[] = [];
  for (const input of inputs) {
    for (const effect of step(state, input, 1).effects) {
      if (effect.type === 'emit' && effect.event.type === 'history_updated') applyChanges(effect.event.changes, told);
    }
  }
  const items = historyItems(state.history);
  expect(told.map(({ itemId }) => itemId), where).toEqual(items.map(({ itemId }) => itemId));
  return items;
}

const ORDER = ['u1', 'a1', 'u2', 'f1', 'f1_output', 'a2', 't1', 'a3'];

describe('history, for any order of delivery', () => {
  it('is the same to the byte for every legal order, with events doubled or not', () => {
    const rng = random();
    const streams = wholeCall();
    const expected = JSON.stringify(historyOf(streams.flat(), 'in order'));
    expect(JSON.parse(expected)).toMatchObject([
      { itemId: 'u1', text: 'Hello there.', transcript: 'final', status: 'completed' },
      { itemId: 'a1', text: 'Good morning to you', status: 'completed', responseId: 'r1' },
      { itemId: 'u2', text: 'Find it.' },
      { itemId: 'f1', arguments: '{"q":1}', status: 'completed' },
      { itemId: 'f1_output', output: '42' },
      { itemId: 'a2', text: 'Forty two' },
      { itemId: 't1', text: 'Thanks', spoken: false, images: 1 },
      { itemId: 'a3', text: 'Well I', status: 'interrupted', responseId: 'r4' },
    ]);
    for (let round = 0; round < 4_000; round += 1) {
      const where = `seed ${rng.seed}, round ${round}`;
      expect(JSON.stringify(historyOf(interleave(rng, streams, round % 2 === 0 ? 0 : 0.3), where)), where).toBe(expected);
    }
  });

  it('is the same for every order of the items of a short exchange, without sampling', () => {
    const added = [...spokenTurn('u1', null, []), ...spokenAnswer('r1', 'a1', 'u1', []), ...toolCall('r2', 'f1', 'a1')].flat().filter(({ type }) => type === 'item_added');
    const permute = (left: readonly ModelInput[]): ModelInput[][] => (left.length === 0 ? [[]] : left.flatMap((first, index) => permute(left.toSpliced(index, 1)).map((rest) => [first, ...rest])));
    const orders = permute(added);
    expect(orders.length).toBe(24);
    for (const inputs of orders) expect(historyOf(inputs, 'items').map(({ itemId }) => itemId)).toEqual(['u1', 'a1', 'f1', 'f1_output']);
  });

  it('keeps every turn when any one event is lost, and marks what is not complete', () => {
    const rng = random();
    const inputs = wholeCall().flat();
    const whole = historyOf(inputs, 'in order');
    for (let lost = 0; lost < inputs.length; lost += 1) {
      for (const rest of [inputs.toSpliced(lost, 1), interleave(rng, wholeCall().map((stream) => stream.filter((input) => JSON.stringify(input) !== JSON.stringify(inputs[lost]))))]) {
        const where = `seed ${rng.seed}, without ${JSON.stringify(inputs[lost]).slice(0, 120)}`;
        const state = open();
        historyOf(rest, where, state);
        step(state, { type: 'close', reason: 'over' }, 2);
        const items = historyItems(state.history);
        expect(items.map(({ itemId }) => itemId).sort(), where).toEqual([...ORDER].sort());
        for (const item of items) {
          const complete = whole.find(({ itemId }) => itemId === item.itemId);
          const marked = ('status' in item && item.status === 'failed') || ('transcript' in item && item.transcript !== 'final');
          if (!marked) expect(item, where).toEqual(complete);
        }
      }
    }
  });

  it('keeps their order too when one event of an ordered stream is lost', () => {
    const inputs = wholeCall().flat();
    for (let lost = 0; lost < inputs.length; lost += 1) {
      expect(historyOf(inputs.toSpliced(lost, 1), String(lost)).map(({ itemId }) => itemId)).toEqual(ORDER);
    }
  });

  it('holds a place for speech that began, gives it up when the buffer is cleared, and fails it when the call ends', () => {
    const state = open();
    step(state, { type: 'speech_started', itemId: 'u1', audioStartMs: 0 }, 1);
    expect(historyItems(state.history)).toMatchObject([{ itemId: 'u1', status: 'in_progress', transcript: 'pending', text: '' }]);
    step(state, { type: 'input_cleared' }, 2);
    expect(historyItems(state.history)).toEqual([]);
    step(state, { type: 'speech_started', itemId: 'u2', audioStartMs: 0 }, 3);
    step(state, { type: 'input_committed', itemId: 'u2', previousItemId: null }, 4);
    step(state, { type: 'input_cleared' }, 5);
    const { effects } = step(state, { type: 'close', reason: 'over' }, 6);
    expect(historyItems(state.history)).toMatchObject([{ itemId: 'u2', status: 'failed' }]);
    expect(effects).toContainEqual({ type: 'emit', event: { type: 'history_updated', changes: [{ op: 'update', item: historyItems(state.history)[0] }] } });
  });

  it('marks speech that could not be written down, unless it was', () => {
    const state = open();
    const failed = (itemId: string): ModelInput => ({ type: 'user_transcript_failed', itemId, contentIndex: 0, error: { message: 'Unclear.' } });
    step(state, failed('u1'), 1);
    step(state, { type: 'user_transcript', itemId: 'u2', contentIndex: 0, text: 'Yes', final: true }, 1);
    step(state, failed('u2'), 1);
    expect(historyItems(state.history)).toMatchObject([
      { itemId: 'u1', transcript: 'failed' },
      { itemId: 'u2', transcript: 'final' },
    ]);
  });

  it('lets nothing that comes late bring a deleted item back, and puts what followed it where it stood', () => {
    const state = open();
    const [turn, answer] = [spokenTurn('u1', null, ['Hi']), spokenAnswer('r1', 'a1', 'u1', ['Yes'])];
    step(state, { type: 'item_deleted', itemId: 'u1' }, 1);
    for (const input of [...turn, ...answer].flat()) step(state, input, 1);
    expect(historyItems(state.history).map(({ itemId }) => itemId)).toEqual(['a1']);
    for (const input of [...spokenTurn('u2', 'a1', ['And']), ...spokenTurn('u4', 'u3', ['Late'])].flat()) step(state, input, 1);
    step(state, { type: 'item_deleted', itemId: 'a1' }, 2);
    for (const input of spokenTurn('u3', 'a1', ['After']).flat()) step(state, input, 2);
    expect(historyItems(state.history).map(({ itemId }) => itemId)).toEqual(['u3', 'u4', 'u2']);
  });

  it('loses and doubles nothing, whatever places a peer asks for, circles included', () => {
    const rng = random();
    for (let round = 0; round < 1_000; round += 1) {
      const state = open();
      const names = Array.from({ length: 8 }, (_, index) => `i${index}`);
      const added = new Set<string>();
      const deleted = new Set<string>();
      const told: HistoryItem[] = [];
      for (let turn = 0; turn < 30; turn += 1) {
        const id = rng.pick(names);
        const remove = rng.next() < 0.1;
        const input: ModelInput = remove
          ? { type: 'item_deleted', itemId: id }
          : { type: 'item_added', item: { type: 'message', id, role: 'user', status: 'completed', content: [{ type: 'input_text', text: id }] }, ...(rng.next() < 0.2 ? {} : { previousItemId: rng.next() < 0.1 ? null : rng.pick(names) }) };
        if (remove) deleted.add(id);
        else if (!deleted.has(id)) added.add(id);
        if (remove) added.delete(id);
        for (const effect of step(state, input, 1).effects) {
          if (effect.type === 'emit' && effect.event.type === 'history_updated') applyChanges(effect.event.changes, told);
        }
        const where = `seed ${rng.seed}, round ${round}, turn ${turn}`;
        const items = historyItems(state.history);
        expect(items.map(({ itemId }) => itemId).sort(), where).toEqual([...added].sort());
        expect(told, where).toEqual(items);
      }
    }
  });
});

describe('the cost of an event', () => {
  /** Counts how often the drafts are looked at. */
  class CountingMap<K, V> extends Map<K, V> {
    looks = 0;
    override get(key: K): V | undefined {
      this.looks += 1;
      return super.get(key);
    }
    override set(key: K, value: V): this {
      this.looks += 1;
      return super.set(key, value);
    }
    override has(key: K): boolean {
      this.looks += 1;
      return super.has(key);
    }
    override values(): MapIterator<V> {
      this.looks += this.size;
      return super.values();
    }
    override [Symbol.iterator](): MapIterator<[K, V]> {
      this.looks += this.size;
      return super[Symbol.iterator]();
    }
  }

  function looksOfATurn(length: number): { looks: number; told: number } {
    const state = open();
    let last: string | null = null;
    for (let index = 0; index < length; index += 1) {
      const id = `old${index}`;
      step(state, { type: 'item_added', item: { type: 'message', id, role: 'system', status: 'completed', content: [{ type: 'input_text', text: 'x' }] }, previousItemId: last }, 1);
      last = id;
    }
    const drafts = new CountingMap<string, unknown>(state.history.drafts);
    Object.assign(state.history, { drafts });
    drafts.looks = 0;
    let told = 0;
    const turn = [...spokenTurn('u1', last, ['Hello', 'there']), ...spokenAnswer('r1', 'a1', 'u1', ['Good', 'morning']), ...toolCall('r2', 'f1', 'a1')].flat();
    const middle: ModelInput[] = [
      { type: 'item_added', item: { type: 'message', id: 'note', role: 'system', status: 'completed', content: [] }, previousItemId: 'old4' },
      { type: 'item_deleted', itemId: 'old5' },
    ];
    for (const input of [...turn, ...middle]) {
      for (const effect of step(state, input, 1).effects) if (effect.type === 'emit' && effect.event.type === 'history_updated') told += effect.event.changes.length;
    }
    return { looks: drafts.looks, told };
  }

  it('is the same at 10 and at 5,000 items, in looks at the history and in changes told', () => {
    const short = looksOfATurn(10);
    expect(short.looks).toBeGreaterThan(20);
    expect(looksOfATurn(5_000)).toEqual(short);
  });
});
