import { describe, expect, it } from 'vitest';
import type { TextModel, TextModelEvent, TextRequest } from '../../session/index.js';

/** An answer in words that any implementation can be made to give. */
export interface WantedAnswer {
  readonly text?: string;
  readonly refusal?: string;
  readonly reasoning?: string;
  readonly calls?: readonly { readonly callId: string; readonly name: string; readonly arguments: object }[];
  /** The model stopped at its limit. */
  readonly cut?: boolean;
}

export interface TextModelUnderTest extends AsyncDisposable {
  readonly model: TextModel;
  /** Answers the next request so. */
  answer(wanted: WantedAnswer): void;
  /** Answers the next request so far, and then with nothing more. */
  answerAndStall(wanted: WantedAnswer): void;
  /** Resolves when the request before has ended on the model's side because we ended it; absent where nothing can tell. */
  readonly requestEnded?: () => Promise<boolean>;
  requestCount(): number;
}

/** What an implementation has; the suite asks nothing more of it. */
export interface TextModelCapabilities {
  readonly streams: boolean;
  readonly reasoning: boolean;
  readonly usage: boolean;
}

const REQUEST: TextRequest = { instructions: 'Be brief.', input: [{ type: 'message', role: 'user', text: 'Hello' }], tools: [] };

/** What every {@link TextModel} does, whatever is behind it. */
export function describeTextModel(name: string, capabilities: TextModelCapabilities, start: () => Promise<TextModelUnderTest>): void {
  describe(`a text model: ${name}`, () => {
    it('asks nothing before the first next()', async () => {
      await using under = await start();
      under.answer({ text: 'Hi.' });
      const events = under.model.respond(REQUEST, { signal: new AbortController().signal });
      await new Promise((resolve) => setImmediate(resolve));
      expect(under.requestCount()).toBe(0);
      await collect(events);
      expect(under.requestCount()).toBe(1);
    });

    it('encloses an answer in its start and its end, which has all of it', async () => {
      await using under = await start();
      under.answer({ text: 'Hello there, friend.' });
      const events = await ask(under);
      expect(events[0]?.type).toBe('response_started');
      const done = endOf(events);
      expect(done).toMatchObject({ status: 'completed', output: [{ type: 'message', text: 'Hello there, friend.' }] });
      expect(events.filter(({ type }) => type === 'response_started' || type === 'response_done')).toHaveLength(2);
      expect(events[0]).toMatchObject({ responseId: done.responseId });
      if (capabilities.usage) expect(done.usage?.totalTokens).toBeGreaterThan(0);
    });

    it('gives deltas that add up to what is done', async () => {
      await using under = await start();
      under.answer({ text: 'One two three.', ...(capabilities.reasoning ? { reasoning: 'They want numbers.' } : {}), calls: [{ callId: 'c1', name: 'look', arguments: { at: 'the moon' } }, { callId: 'c2', name: 'wait', arguments: {} }] });
      const events = await ask(under);
      const { output } = endOf(events);
      expect(output.map(({ type }) => type)).toEqual([...(capabilities.reasoning ? ['reasoning'] : []), 'message', 'function_call', 'function_call']);
      if (!capabilities.streams) return expect(events).toHaveLength(2);
      expect(events.flatMap((event) => (event.type === 'item_done' ? [event.item] : []))).toEqual(output);
      for (const item of output) {
        const deltas = events.flatMap((event) => ('itemId' in event && event.itemId === item.id && 'delta' in event ? [event.delta] : []));
        if (item.type === 'message' || item.type === 'reasoning') expect(deltas.join('')).toBe(item.text);
        if (item.type === 'function_call') {
          expect(deltas.join('')).toBe(item.arguments);
          expect(events).toContainEqual({ type: 'function_call_started', itemId: item.id, callId: item.callId, name: item.name });
        }
      }
    });

    it('gives calls with their ids, names and arguments', async () => {
      await using under = await start();
      under.answer({ calls: [{ callId: 'call_a', name: 'look', arguments: { at: 'the moon', times: 2 } }] });
      const [call] = endOf(await ask(under)).output;
      expect(call).toMatchObject({ type: 'function_call', callId: 'call_a', name: 'look' });
      expect(JSON.parse(call?.type === 'function_call' ? call.arguments : '')).toEqual({ at: 'the moon', times: 2 });
    });

    it('tells a refusal apart from a text', async () => {
      await using under = await start();
      under.answer({ refusal: 'I will not.' });
      expect(endOf(await ask(under)).output).toMatchObject([{ type: 'message', text: '', refusal: 'I will not.' }]);
    });

    it('says that an answer was cut, and keeps what there is', async () => {
      await using under = await start();
      under.answer({ text: 'Once upon a', cut: true });
      expect(endOf(await ask(under))).toMatchObject({ status: 'incomplete', reason: 'max_output_tokens', output: [{ type: 'message', text: 'Once upon a' }] });
    });

    it('rejects with the reason of a signal that was aborted before, and asks nothing', async () => {
      await using under = await start();
      const reason = new Error('the caller hung up');
      await expect(collect(under.model.respond(REQUEST, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
      expect(under.requestCount()).toBe(0);
    });

    it('rejects with the reason of an abort, and ends the request', async () => {
      await using under = await start();
      under.answerAndStall({ text: 'One moment' });
      const life = new AbortController();
      const reason = new Error('the caller hung up');
      const events = under.model.respond(REQUEST, { signal: life.signal })[Symbol.asyncIterator]();
      await expect(events.next()).resolves.toMatchObject({ value: { type: 'response_started' } });
      const rest = drain(events);
      life.abort(reason);
      await expect(rest).rejects.toBe(reason);
      if (under.requestEnded !== undefined) await expect(under.requestEnded()).resolves.toBe(true);
      await expect(events.next()).resolves.toEqual({ value: undefined, done: true });
    });

    it('ends the request when its reader leaves while a next() is pending', async () => {
      await using under = await start();
      under.answerAndStall({ text: 'One moment' });
      const events = under.model.respond(REQUEST, { signal: new AbortController().signal })[Symbol.asyncIterator]();
      await expect(events.next()).resolves.toMatchObject({ value: { type: 'response_started' } });
      const rest = drain(events);
      await new Promise((resolve) => setImmediate(resolve));
      await events.return?.();
      await rest;
      if (under.requestEnded !== undefined) await expect(under.requestEnded()).resolves.toBe(true);
    });
  });
}

async function ask(under: TextModelUnderTest): Promise<TextModelEvent[]> {
  return collect(under.model.respond(REQUEST, { signal: new AbortController().signal }));
}

export async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

async function drain(events: AsyncIterator<TextModelEvent>): Promise<void> {
  while ((await events.next()).done !== true);
}

export function endOf(events: readonly TextModelEvent[]): Extract<TextModelEvent, { type: 'response_done' }> {
  const last = events.at(-1);
  if (last?.type !== 'response_done') throw new Error(`The last event is ${last?.type ?? 'missing'}.`);
  return last;
}
