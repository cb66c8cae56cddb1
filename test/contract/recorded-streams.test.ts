/**
 * Recorded streams of realtime models: each is played through the protocol and the session as if the model sent it now. The folder is named by
 * REALTIME_TRACES; a file holds one `{ dir: 's2c' | 'c2s', event }` or `{ dir, close }` a line, or bare events.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProviderError } from '../../session/index.js';
import type { HistoryItem, VoicewireError } from '../../session/index.js';
import { parseMessage } from '../../src/protocol/openai-realtime/parse.js';
import { scriptedModel } from '../../src/provider/scripted/scripted-model.js';
import { makeHarness } from '../helpers/session-harness.js';
import { settle } from '../helpers/settle.js';

interface WireItem {
  readonly id?: string;
  readonly type?: string;
  readonly role?: string;
  readonly arguments?: string;
  readonly output?: string;
  readonly content?: readonly { readonly type?: string; readonly text?: string; readonly transcript?: string | null }[];
}

interface WireEvent {
  readonly type?: string;
  readonly item?: WireItem;
  readonly item_id?: string;
  readonly text?: string;
  readonly transcript?: string;
  readonly status?: string;
  readonly previous_item_id?: string | null;
  readonly response?: { readonly status?: string; readonly output?: readonly WireItem[] };
}

interface Line {
  readonly dir?: 's2c' | 'c2s';
  readonly event?: WireEvent;
  readonly close?: { readonly code: number; readonly reason: string };
}

const folder = process.env['REALTIME_TRACES'];
if (folder === undefined) console.log('REALTIME_TRACES is not set: the recorded streams are not played. Name a folder of them to do so.');

const files = folder === undefined ? [] : readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl')).sort();

function read(name: string): (Line & WireEvent)[] {
  return readFileSync(join(folder ?? '', name), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Line & WireEvent);
}

/** Errors that the stream itself holds; the session may report these and no others. */
function errorsIn(lines: readonly Line[]): number {
  return lines.filter(({ dir, event, close }) => {
    if (dir !== 's2c') return false;
    if (close !== undefined) return true;
    return event?.type === 'error' || event?.type === 'conversation.item.input_audio_transcription.failed' || (event?.type === 'response.done' && event.response?.status === 'failed');
  }).length;
}

/** What the conversation must hold in the end, by item id. */
function expectedItems(events: readonly WireEvent[]): Map<string, { text?: string; arguments?: string; output?: string }> {
  const expected = new Map<string, { text?: string; arguments?: string; output?: string }>();
  const see = (item: WireItem | undefined): void => {
    if (item?.id === undefined) return;
    const known = expected.get(item.id) ?? {};
    const text = (item.content ?? []).map((part) => part.text ?? part.transcript ?? '').filter((each) => each !== '').join('\n');
    if (text !== '') known.text = text;
    if (item.arguments !== undefined && item.arguments !== '') known.arguments = item.arguments;
    if (item.output !== undefined) known.output = item.output;
    expected.set(item.id, known);
  };
  for (const event of events) {
    if (/^conversation\.item\.(added|created|done)$|^response\.output_item\.(added|done)$/.test(event.type ?? '')) see(event.item);
    if (event.type === 'response.done') event.response?.output?.forEach(see);
    if (/^response\.(output_)?(text|audio_transcript)\.done$/.test(event.type ?? '') && event.item_id !== undefined) see({ id: event.item_id, content: [{ text: event.text ?? event.transcript ?? '' }] });
    if (event.type === 'conversation.item.input_audio_transcription.completed' && event.item_id !== undefined) see({ id: event.item_id, content: [{ text: event.transcript ?? '' }] });
    if (/^conversation\.item\.input_audio_transcription\.failed$|^input_audio_buffer\.(speech_started|committed)$/.test(event.type ?? '') && event.item_id !== undefined) see({ id: event.item_id });
    if (event.type === 'conversation.item.deleted' && event.item_id !== undefined) expected.delete(event.item_id);
  }
  return expected;
}

function summary(item: HistoryItem): { text?: string; arguments?: string; output?: string } {
  if (item.type === 'message') return item.text === '' ? {} : { text: item.text };
  if (item.type === 'function_call') return { arguments: item.arguments };
  return item.type === 'function_call_output' ? { output: item.output } : {};
}

async function play(lines: readonly Line[]): Promise<{ history: readonly HistoryItem[]; errors: VoicewireError[]; raw: string[] }> {
  const model = scriptedModel({ autoConfigure: false });
  const { session, of } = makeHarness({ model });
  const connecting = session.connect().catch((error: unknown) => error);
  await model.waitForCommand('configure');
  // A recording that starts in the middle, or of a socket that joined later, has no confirmation of its configuration.
  const confirmed = lines.some(({ dir, event }) => dir === 's2c' && event?.type === 'session.updated');
  if (!confirmed) model.push({ type: 'model_session_configured' });
  for (const { dir, event, close } of lines) {
    if (dir !== 's2c') continue;
    if (close !== undefined) model.closeFromPeer(close.code, close.reason);
    else model.push(...parseMessage(JSON.stringify(event)));
    await settle();
  }
  await connecting;
  const { history } = session;
  await session.close();
  return { history, errors: of('error').map(({ error }) => error), raw: of('raw_model_event').map(({ name }) => name) };
}

describe.skipIf(folder === undefined)('recorded streams', () => {
  it('are found', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  const streams = files.filter((name) => read(name).every(({ dir }) => dir !== undefined));

  it.each(streams)('%s plays without an error that is not in it, and gives its whole conversation', async (name) => {
    const lines = read(name);
    const { history, errors } = await play(lines);
    expect(errors.filter((error) => !(error instanceof ProviderError) && error.code !== 'MODEL_CONNECTION_LOST')).toEqual([]);
    expect(errors.length).toBe(errorsIn(lines));

    const events = lines.flatMap(({ dir, event }) => (dir === 's2c' && event !== undefined ? [event] : []));
    const expected = expectedItems(events);
    expect(new Map(history.map((item) => [item.itemId, summary(item)]))).toEqual(expected);

    const order = history.map(({ itemId }) => itemId);
    for (const { type, item, previous_item_id: previous } of events) {
      if (type !== 'conversation.item.added' && type !== 'conversation.item.created') continue;
      if (item?.id === undefined || typeof previous !== 'string' || !order.includes(previous)) continue;
      expect(order.indexOf(item.id), `${item.id} stands after ${previous}`).toBeGreaterThan(order.indexOf(previous));
    }
  });

  it.each(files.filter((name) => !streams.includes(name) && /server|official-examples/.test(name)))('%s: every event parses', (name) => {
    for (const event of read(name)) {
      const inputs = parseMessage(JSON.stringify(event));
      expect(inputs.length, event.type).toBeGreaterThan(0);
      // The meaning of these is known; anything else passes through as it came.
      for (const input of inputs) if (input.type === 'raw_message') expect(input.raw, event.type).toEqual(event);
    }
  });
});
