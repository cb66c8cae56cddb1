import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { callerAudio, order } from './emulator-client.js';
import type { WireEvent } from './emulator-client.js';
import { SessionDriver } from './session-driver.js';

// Where captured streams of real servers are at hand: the emulator's events have the members of theirs, in their order on the wire.

const folder = process.env['REALTIME_TRACES'];

function captured(name: string): WireEvent[] {
  const lines = readFileSync(`${folder}/openai-ga/${name}.jsonl`, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { dir: string; event?: WireEvent });
  return lines.flatMap(({ dir, event }) => (dir === 's2c' && event !== undefined ? [event] : []));
}

/** The members of an event, in order, and of the objects in it; of an array, those of its first element. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value !== 'object' || value === null) return typeof value === 'string' || value === null ? 'text' : typeof value;
  return Object.entries(value).map(([key, inner]) => (typeof inner === 'object' && inner !== null ? [key, shape(inner)] : key));
}

/** What of an event is the session's own content, and not the protocol's. */
function plain(event: WireEvent): unknown {
  const copy = structuredClone(event) as { session?: Record<string, unknown>; response?: Record<string, unknown> };
  if (copy.session !== undefined) for (const key of ['tools', 'tool_choice', 'truncation', 'tracing', 'prompt', 'include']) if (key in copy.session) copy.session[key] = null;
  if (copy.session?.['audio'] !== undefined) {
    const { input } = copy.session['audio'] as { input: Record<string, unknown> };
    if (input['transcription'] !== null) input['transcription'] = { model: '', language: null, prompt: null };
  }
  if (copy.response !== undefined) copy.response['metadata'] = null;
  return shape(copy);
}

/** For each type, the first event of it. */
function firsts(events: readonly WireEvent[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const event of events) if (!found.has(event.type)) found.set(event.type, plain(event));
  return found;
}

function compare(ours: readonly WireEvent[], theirs: readonly WireEvent[], types: readonly string[]): void {
  const [mine, real] = [firsts(ours), firsts(theirs)];
  for (const type of types) expect([type, mine.get(type)]).toEqual([type, real.get(type)]);
}

describe.runIf(folder !== undefined)('beside a captured stream', () => {
  test('of typed text and a spoken answer', async () => {
    const theirs = captured('text_in_audio_out_turn');
    const driver = new SessionDriver({ script: { name: 's', greeting: 'Hi.', turns: [], fallback: 'Half of our menu is vegetarian.' } });
    driver.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['audio'] } });
    driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'x' }] } });
    driver.send({ type: 'response.create' });
    await driver.advance(5_000);
    const types = [...firsts(theirs).keys()].filter((type) => !['session.created', 'session.updated'].includes(type));
    expect(types).toContain('response.output_audio.delta');
    compare(driver.events, theirs, types);
    const turn = (events: readonly WireEvent[]): string[] => order(events.slice(events.findIndex((event) => event.type === 'response.created'))).filter((type) => !type.endsWith('.delta') && type !== 'rate_limits.updated');
    // The limits come so late that a short capture ends before them.
    expect(turn(driver.events)).toEqual(turn(theirs));
  });

  test('of a spoken turn', async () => {
    const theirs = captured('audio_in_server_vad_turn');
    const driver = new SessionDriver();
    driver.send({ type: 'session.update', session: { type: 'realtime', audio: { input: { transcription: { model: 'whisper-1' } } } } });
    driver.append(callerAudio('caller-hello.wav'));
    await driver.advance(20_000);
    compare(driver.events, theirs, ['input_audio_buffer.speech_started', 'input_audio_buffer.speech_stopped', 'input_audio_buffer.committed', 'conversation.item.added', 'conversation.item.input_audio_transcription.delta', 'response.created', 'response.output_item.added']);
  });

  test('of a tool call', async () => {
    const theirs = captured('tool_call_round');
    const driver = new SessionDriver();
    driver.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'], tools: [{ type: 'function', name: 'book_table' }] } });
    driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'book' }] } });
    driver.send({ type: 'response.create' });
    await driver.advance(5_000);
    compare(driver.events, theirs.slice(theirs.findIndex((event) => event.type === 'response.created')), ['response.created', 'response.function_call_arguments.delta', 'response.function_call_arguments.done']);
    const item = (events: readonly WireEvent[]): unknown => shape(events.find((event) => event.type === 'response.output_item.done' && (event['item'] as { type: string }).type === 'function_call')?.['item']);
    expect(item(driver.events)).toEqual(item(theirs));
  });

  test('of a session that opens', () => {
    compare(new SessionDriver().events, captured('text_in_audio_out_turn'), ['session.created']);
  });
});
