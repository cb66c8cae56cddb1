import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PCM16_24K, decodeWav, mixToMono, msToBytes, resampleWhole, samplesToPcm16 } from '../../../audio/index.js';
import type { AnomalyOptions, ModelInput } from '../../../session/index.js';
import { speechLength } from '../../../session/state/speech-length.js';
import { parseMessage } from '../../../src/protocol/openai-realtime/parse.js';
import { openHarness, replyBegins, replyEnds, tone } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';

/** Speech of the fixtures, in a circle: as much of it as is wanted. */
const FOLDER = new URL('../../../fixtures/voice/', import.meta.url);
const { clips } = JSON.parse(readFileSync(new URL('index.json', FOLDER), 'utf8')) as { clips: { text: string; file: string }[] };
const spoken = clips.map(({ text, file }) => {
  const wav = decodeWav(readFileSync(new URL(file, FOLDER)));
  return { text, bytes: samplesToPcm16(resampleWhole(mixToMono(wav.samples, wav.channels), wav.sampleRate, 24_000)).slice() };
});
const speech = Buffer.concat(spoken.map(({ bytes }) => bytes));

function speechOf(ms: number): Uint8Array {
  const bytes = new Uint8Array(msToBytes(PCM16_24K, ms));
  for (let at = 0; at < bytes.length; at += speech.length) bytes.set(speech.subarray(0, bytes.length - at), at);
  return bytes;
}

/** A whole answer: its text, and its sound in pieces of 100 ms. */
function answer(id: string, text: string, sound: Uint8Array, end = true): ModelInput[] {
  const pieces: ModelInput[] = [];
  for (let at = 0; at < sound.length; at += 4_800) pieces.push({ type: 'audio_delta', responseId: id, itemId: `i${id}`, contentIndex: 0, bytes: sound.slice(at, at + 4_800) });
  return [...replyBegins(id, `i${id}`, text, 0), ...pieces, ...(end ? replyEnds(id, `i${id}`, text) : [])];
}

function open(anomalies: AnomalyOptions | boolean = true): Promise<Harness> {
  return openHarness({ anomalies });
}

function codes({ of }: Harness): string[] {
  return of('error').map(({ error }) => error.code);
}

const SENTENCE = 'Half of our menu is vegetarian, and we are open every day from noon until eleven at night, except on Mondays.';

describe('an answer whose sound does not fit its words', () => {
  it.each([
    ['less', SENTENCE, 2_000],
    ['more', 'You are welcome.', 16_000],
    ['less', '我们每天中午到晚上十一点营业，星期一除外，我们的菜单有一半是素食。', 1_000],
  ])('is reported: %s than its words can take', async (how, text, ms) => {
    const harness = await open();
    harness.model.push(...answer('r1', text, speechOf(ms)));
    expect(codes(harness)).toEqual(['AUDIO_MISMATCH']);
    expect(harness.of('error')[0]?.error.message).toContain(`${how} than its words can take`);
    expect(harness.of('agent_end')).toMatchObject([{ outcome: 'completed' }]);
  });

  it('is none for the voice of the fixtures, for one that is as fast as can be set, for numbers, for short words, for what was stopped, and where it is not asked for', async () => {
    const harness = await open();
    spoken.forEach(({ text, bytes }, index) => harness.model.push(...answer(`r${index}`, text, bytes)));
    harness.model.push(...answer('a', 'Certainly.', speechOf(200)), ...answer('b', 'It is +49 171 3456789, or 0 30 1234567.', speechOf(25_000)), ...answer('c', '', speechOf(30_000)));
    harness.model.push(...answer('d', SENTENCE, speechOf(1_000), false));
    harness.session.interrupt();
    harness.model.push(...replyEnds('d', 'id', SENTENCE));
    expect(codes(harness)).toEqual([]);
    const fast = await openHarness({ anomalies: true, config: { speed: 1.5 } });
    fast.model.push(...answer('r1', SENTENCE, speechOf(4_000)));
    expect(codes(fast)).toEqual([]);
    const ignored = await open({ mismatch: false });
    ignored.model.push(...answer('r1', SENTENCE, speechOf(2_000)));
    const off = await openHarness();
    off.model.push(...answer('r1', SENTENCE, speechOf(2_000)));
    expect([...codes(ignored), ...codes(off)]).toEqual([]);
  });

  it('is looked at for each item of a response', async () => {
    const harness = await open();
    const [begin, ...first] = answer('r1', SENTENCE, speechOf(6_000)).slice(0, -1);
    const second = answer('r1', SENTENCE, speechOf(500)).slice(1).map((input) => ('itemId' in input ? { ...input, itemId: 'other' } : input));
    harness.model.push(begin as ModelInput, ...first, ...second);
    expect(codes(harness)).toEqual(['AUDIO_MISMATCH']);
    expect(harness.of('error')[0]?.error.message).toContain('0.5 s');
  });

  it('judges a text by what can be spoken', () => {
    expect(speechLength('')).toEqual({ leastMs: 0, mostMs: 10_000 });
    expect(speechLength('...!?')).toEqual({ leastMs: 0, mostMs: 10_000 });
    expect(speechLength('a'.repeat(100))).toEqual({ leastMs: 4_000, mostMs: 35_000 });
    expect(speechLength('中'.repeat(100))).toEqual({ leastMs: 12_000, mostMs: 85_000 });
  });
});

describe('a response without an end', () => {
  it('is stopped at the most that it may have; what there is of it is heard, and the next is asked for', async () => {
    const harness = await open({ maxResponseMs: 5_000, mismatch: false });
    const { model, session } = harness;
    model.push(...answer('r1', SENTENCE, speechOf(8_000), false));
    expect(codes(harness)).toEqual(['RESPONSE_TOO_LONG']);
    expect(model.commandsOf('cancel_response').map(({ responseId }) => responseId)).toEqual(['r1']);
    expect(harness.of('audio').length).toBe(51);
    expect(harness.of('audio_interrupted')).toEqual([]);
    session.respond();
    model.push({ type: 'response_done', responseId: 'r1', status: 'cancelled', output: [] });
    expect(harness.of('agent_end')).toMatchObject([{ outcome: 'failed' }]);
    expect(model.commandsOf('create_response').length).toBe(1);
  });

  it('is not stopped before, and the longest that is taken unasked is 5 minutes', async () => {
    const harness = await open();
    harness.model.push(...answer('r1', SENTENCE.repeat(40), speechOf(299_900)));
    expect(codes(harness)).toEqual([]);
    harness.model.push(...answer('r2', SENTENCE.repeat(40), speechOf(300_200)));
    expect(codes(harness)).toEqual(['RESPONSE_TOO_LONG']);
  });

  it('refuses a length that cannot be', async () => {
    await expect(open({ maxResponseMs: 0 })).rejects.toThrow(RangeError);
  });
});

describe('a sound that is stuck', () => {
  const buzz = (ms: number): Uint8Array => samplesToPcm16(Int16Array.from({ length: 24 * ms }, (_, index) => Math.round(8_000 * Math.sin((2 * Math.PI * 120 * index) / 24_000)))).slice();
  const both = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

  it.each([
    ['buzzes', buzz(12_000), /same level for 10 s/],
    ['is silent', new Uint8Array(48 * 12_000), /silent for 8 s/],
    ['stays at a constant', tone(12_000), /silent for 8 s/],
  ])('is reported once when it %s, after speech', async (_name, sound, message) => {
    const harness = await open({ mismatch: false });
    harness.model.push(...answer('r1', SENTENCE, both(speechOf(3_000), sound, speechOf(1_000))));
    expect(codes(harness)).toEqual(['AUDIO_STUCK']);
    expect(harness.of('error')[0]?.error.message).toMatch(message);
    expect(harness.model.commandsOf('cancel_response')).toEqual([]);
  });

  it('is cut like by an interruption where that is asked for; the caller hears the clip, and an answer is asked for again', async () => {
    const play = { samples: new Int16Array(2_400).fill(9), sampleRate: 24_000 };
    const harness = await openHarness({ anomalies: { stuckSound: 'stop' }, onFailure: { play } });
    harness.model.push(...answer('r1', SENTENCE, both(speechOf(3_000), buzz(12_000)), false));
    expect(harness.of('audio_interrupted').length).toBe(1);
    expect(harness.model.commandsOf('cancel_response').length).toBe(1);
    harness.model.push({ type: 'response_done', responseId: 'r1', status: 'cancelled', output: [] });
    expect(harness.of('failure')).toMatchObject([{ kind: 'response', then: 'retry', heard: 'clip', error: { code: 'AUDIO_STUCK' } }]);
    expect(harness.model.commandsOf('create_response').length).toBe(1);
  });

  it('is none in two minutes of speech, nor where it is not looked for', async () => {
    const harness = await open({ mismatch: false, stuckSound: 'stop' });
    harness.model.push(...answer('r1', SENTENCE, speechOf(120_000)));
    const ignored = await open({ mismatch: false, stuckSound: 'ignore' });
    ignored.model.push(...answer('r1', SENTENCE, buzz(30_000)));
    expect([...codes(harness), ...codes(ignored)]).toEqual([]);
  });
});

const traces = process.env['REALTIME_TRACES'];

interface Line {
  readonly dir?: string;
  readonly event?: unknown;
}

/** Their sound was cut to a few bytes a piece: it is put back at the length that the provider billed, so many ms a token. */
const tokenMs = (name: string): number => (name.startsWith('xai') ? 25 : 50);

describe.skipIf(traces === undefined)('recorded streams, with sound of the length that was billed', () => {
  it('raise none of these', async () => {
    const names = readdirSync(traces ?? '', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
    let judged = 0;
    for (const name of names.sort()) {
      const lines = readFileSync(join(traces ?? '', name), 'utf8').split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as Line);
      const events = lines.flatMap(({ dir, event }) => (dir === 's2c' && event !== undefined ? [event] : []));
      const inputs = events.flatMap((event) => parseMessage(JSON.stringify(event)));
      const billedMs = new Map(inputs.flatMap((input) => (input.type === 'response_done' ? [[input.responseId, (input.usage?.output.audio ?? 0) * tokenMs(name)] as const] : [])));
      const harness = await openHarness({ anomalies: { stuckSound: 'stop' } });
      const pieces = new Map<string, number>();
      for (const input of inputs) if (input.type === 'audio_delta') pieces.set(input.responseId, (pieces.get(input.responseId) ?? 0) + 1);
      let at = 0;
      for (const input of inputs) {
        const wholeMs = input.type === 'audio_delta' ? (billedMs.get(input.responseId) ?? 0) : 0;
        if (input.type !== 'audio_delta') harness.model.push(input);
        // How long the sound of an answer was that nobody billed is not known.
        if (input.type !== 'audio_delta' || wholeMs === 0) continue;
        const length = msToBytes(PCM16_24K, wholeMs / (pieces.get(input.responseId) ?? 1));
        const bytes = new Uint8Array(length);
        for (let index = 0; index < length; index += 1) bytes[index] = speech[(at + index) % speech.length] ?? 0;
        at = (at + length + (length % 2)) % speech.length;
        harness.model.push({ ...input, bytes });
        judged += 1;
      }
      expect(codes(harness).filter((code) => /AUDIO_MISMATCH|AUDIO_STUCK|RESPONSE_TOO_LONG/.test(code)), name).toEqual([]);
      await harness.session.close();
    }
    expect(judged).toBeGreaterThan(50);
  });
});
