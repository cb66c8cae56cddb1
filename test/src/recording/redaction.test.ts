import { describe, expect, it } from 'vitest';
import { RealtimeAgent, hostedMcpTool } from '../../../session/index.js';
import type { ModelInput } from '../../../session/index.js';
import { RecordingMemory, parseRecording, recordSessionTo, replaySession } from '../../../src/recording/index.js';
import type { RecordingLine } from '../../../src/recording/index.js';
import { LineQueue } from '../../../src/recording/line-queue.js';
import { Redaction } from '../../../src/recording/redaction.js';
import { random } from '../../helpers/random.js';
import { makeHarness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';

const KEY = 'sk-proj-Zq81mLp0Yt62VbN4c7Kd93';
const PHONE = '+1 (555) 012-3456';
const SECRET = 'tulip mania';
const CASE = 'CASE-7F3A';

/** Everything that was written, and every text that the pieces of deltas make when they are put together. */
function everything(memory: RecordingMemory): string {
  const joined = new Map<string, string>();
  for (const row of memory.lines) {
    const line = JSON.parse(row) as RecordingLine & { input?: { input?: object }; event?: object };
    const node = (line.input?.input ?? line.event) as { type?: string; itemId?: string; delta?: string } | undefined;
    if (typeof node?.delta === 'string') joined.set(`${line.type} ${node.type} ${node.itemId}`, (joined.get(`${line.type} ${node.type} ${node.itemId}`) ?? '') + node.delta);
  }
  return [...memory.lines, ...joined.values(), ...[...memory.tracks.values()].flat().map((bytes) => Buffer.from(bytes).toString('latin1'))].join('\n');
}

describe('a recording of a session', () => {
  it('holds none of the planted secrets: in texts, arguments, headers, addresses, base64, sound, and split over deltas', async () => {
    const rng = random();
    const memory = new RecordingMemory();
    const recorder = recordSessionTo(memory, { redact: { secrets: [SECRET], patterns: [/CASE-[0-9A-F]{4}/] } });
    const mcp = hostedMcpTool({ serverLabel: 'crm', serverUrl: `https://user:${SECRET.replace(' ', '')}pass@crm.example/mcp?token=abcd1234efgh`, authorization: KEY, headers: { 'X-Tenant': 'a-tenant-nobody-knows' } });
    const agent = new RealtimeAgent({ name: 'Ava', instructions: `The key is ${KEY}; call ${PHONE}. Say ${SECRET}.`, tools: [mcp] });
    const { session, model, clock } = makeHarness({ agent, recorder, metadata: { caller: PHONE, note: CASE } });
    session.on('error', () => {});
    await session.connect();
    session.sendMessage(`My number is ${PHONE}, my case ${CASE}, in base64 ${Buffer.from(`key ${KEY}!`).toString('base64')} and https://x.example/?api_key=${KEY.slice(8)}&q=${encodeURIComponent(SECRET)}`);
    session.setContext('crm', JSON.stringify({ phone: PHONE, nested: JSON.stringify({ password: 'no-pattern-knows-this', key: KEY }) }));
    const spoken = `Sure, ${PHONE} or ${KEY}, and ${SECRET} about ${CASE}. `;
    const inputs: ModelInput[] = [
      { type: 'response_created', responseId: 'r1' },
      { type: 'output_item_added', responseId: 'r1', outputIndex: 0, item: { type: 'message', id: 'a1', role: 'assistant', status: 'in_progress', content: [] } },
      { type: 'audio_delta', responseId: 'r1', itemId: 'a1', contentIndex: 0, bytes: Uint8Array.from(Buffer.from(`noise ${SECRET} noise.`.padEnd(48_000, ' '))) },
    ];
    for (let at = 0; at < spoken.length; ) {
      const length = rng.int(1, 4);
      inputs.push({ type: 'output_text_delta', of: 'audio', responseId: 'r1', itemId: 'a1', contentIndex: 0, delta: spoken.slice(at, at + length) });
      at += length;
    }
    model.push(...inputs);
    const args = JSON.stringify({ phone: PHONE, auth: `Bearer ${KEY}`, word: SECRET, id: CASE });
    model.push({ type: 'output_item_added', responseId: 'r1', outputIndex: 1, item: { type: 'function_call', id: 'f1', callId: 'c1', name: 'call_back', arguments: '', status: 'in_progress' } });
    for (const character of args) model.push({ type: 'arguments_delta', responseId: 'r1', itemId: 'f1', callId: 'c1', delta: character });
    clock.advance(400);
    session.interrupt();
    model.push({ type: 'arguments_done', responseId: 'r1', itemId: 'f1', callId: 'c1', name: 'call_back', arguments: args });
    model.push({ type: 'speech_started', itemId: 'u1', audioStartMs: 0 }, { type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_committed', itemId: 'u1' });
    for (const word of `it is ${PHONE} yes`.match(/\S{1,3}\s*/g) ?? []) model.push({ type: 'user_transcript_delta', itemId: 'u1', contentIndex: 0, delta: word });
    model.push({ type: 'user_transcript', itemId: 'u1', contentIndex: 0, text: `it is ${PHONE} yes`, final: true });
    model.push({ type: 'model_error', error: { message: `Bad key ${KEY}` } }, { type: 'raw_message', name: 'x', raw: { 'set-cookie': 'sid=cookie-monster-value', deep: [{ api_key: 'short-api-key' }] } });
    await settle();
    await session.close();
    await recorder.done;
    const written = everything(memory);
    const digits = PHONE.replace(/\D/g, '');
    for (const canary of [KEY, KEY.slice(8), PHONE, '012-3456', digits, SECRET, encodeURIComponent(SECRET), CASE, 'a-tenant-nobody-knows', 'no-pattern-knows-this', 'cookie-monster-value', 'short-api-key', 'abcd1234efgh', Buffer.from(KEY).toString('base64').slice(4, -4)]) {
      expect(written.includes(canary), `${canary} (seed ${rng.seed})`).toBe(false);
    }
    expect(written).toContain('Sure, +9 (999) 999-9999 or xx-xxxx-xx99xxx9xx99xxx9x9xx99, and xxxxx xxxxx about xxxx-9x9x.');
    // And it still replays: what was cut is cut in the same way everywhere.
    const recording = parseRecording(memory.lines.map((line) => `${line}\n`).join(''), 'memory', (track) => Buffer.concat(memory.tracks.get(track) ?? []));
    expect(replaySession(recording).difference).toBeUndefined();
  });
});

describe('what is cut', () => {
  const redaction = new Redaction();
  it.each([
    ['Call 555-012-3456 now', 'Call 999-999-9999 now'],
    ['+44 20 7946 0958', '+99 99 9999 9999'],
    ['card 4111 1111 1111 1111.', 'card 9999 9999 9999 9999.'],
    ['{"phone":15550123456}', '{"phone":99999999999}'],
    ['Authorization: Bearer abc123def456ghi7', 'Authorization: Bearer xxx999xxx999xxx9'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln', 'xxxxxxxxxxxxxxx9xxx9.xxxxxxxx.x9xx'],
  ])('%s', (text, cut) => {
    expect(redaction.text(text)).toBe(cut);
    expect(redaction.text(cut)).toBe(cut);
  });

  it.each(['At 2026-11-25 21:59 there are 12, 15 or 18 people', 'a basic understanding of the task', 'heard 3620 ms of 12190 ms', 'uuid 550e8400-e29b-41d4-a716-446655440000', 'pi is 3.14159265358979'])('not %s', (text) => {
    expect(redaction.text(text)).toBe(text);
  });

  it('is nothing of what is switched off, and a secret that is too short is refused', () => {
    const off = new Redaction({ keys: false, numbers: false });
    expect(off.text(`${KEY} ${PHONE}`)).toBe(`${KEY} ${PHONE}`);
    expect(off.summary).toEqual({ rules: [], patterns: 0, secrets: 0 });
    expect(() => new Redaction({ secrets: ['abc'] })).toThrow(RangeError);
  });
});

describe('text in pieces', () => {
  const delta = (at: number, text: string) => ({ at, type: 'input', input: { type: 'from_model', input: { type: 'output_text_delta', responseId: 'r', itemId: 'a', contentIndex: 0, delta: text } } });
  const written = (rows: readonly object[]): string => rows.map((row) => (row as ReturnType<typeof delta>).input.input.delta).join('');

  it('is written in order and cut as a whole, wherever it is split', () => {
    const rng = random();
    const text = `Our number is ${PHONE} and the fax is 555 987 6543, ask for ${KEY}. Thank you, and goodbye until the next time that you call us.`;
    for (let round = 0; round < 200; round += 1) {
      const rows: object[] = [];
      const queue = new LineQueue(new Redaction(), (row) => rows.push(row));
      for (let at = 0; at < text.length; ) {
        const length = rng.int(1, 12);
        queue.push(delta(at, text.slice(at, at + length)));
        at += length;
      }
      queue.flush();
      expect(written(rows), `seed ${rng.seed}, round ${round}`).toBe(new Redaction().text(text));
    }
  });

  it('does not wait for ever: after 3 s of the call it is written, an unfinished number cut as far as it has come', () => {
    const rows: object[] = [];
    const queue = new LineQueue(new Redaction(), (row) => rows.push(row));
    queue.push(delta(0, 'It is 555 01'));
    queue.push({ at: 2_900, type: 'other' });
    expect(rows).toEqual([]);
    queue.push({ at: 3_100, type: 'other' });
    expect(written(rows.slice(0, 1))).toBe('It is 999 99');
    expect(rows).toHaveLength(3);
  });

  it('does not let a stream that never ends hold more lines than it may', () => {
    const rows: object[] = [];
    const queue = new LineQueue(new Redaction(), (row) => rows.push(row));
    queue.push(delta(0, 'words'));
    for (let line = 0; line < 3_000; line += 1) queue.push({ at: 1, type: 'other' });
    expect(rows.length).toBeGreaterThan(900);
  });
});
