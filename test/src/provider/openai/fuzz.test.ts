import { describe, expect, it } from 'vitest';
import { VoicewireError } from '../../../../session/index.js';
import type { TextModelEvent } from '../../../../session/index.js';
import { openaiRecogniser } from '../../../../src/provider/openai/openai-recogniser.js';
import { openaiSynthesiser } from '../../../../src/provider/openai/openai-synthesiser.js';
import { openaiText } from '../../../../src/provider/openai/openai-text.js';
import { answeringClient, functionCall, message, reasoning, streamedChat, streamedResponse, streamedTranscript, wholeChat, wholeResponse, wholeTranscript } from '../../../helpers/openai-server/index.js';
import type { Answer } from '../../../helpers/openai-server/index.js';
import { random } from '../../../helpers/random.js';
import type { Random } from '../../../helpers/random.js';

const items = [reasoning('Hm.'), message('Hello é🙂.'), functionCall('look', { at: 'it' }, 'c1')];
const chat = { text: 'Hello é🙂.', reasoning: 'Hm.', calls: [{ id: 'c1', name: 'look', arguments: { at: 'it' } }] };
const signal = new AbortController().signal;

/** A few bytes changed, left out, doubled or put elsewhere. */
function damaged(bytes: Uint8Array, { int, pick }: Random): Uint8Array {
  const list = [...bytes];
  for (let times = int(1, 4); times > 0; times -= 1) {
    const [at, length] = [int(0, list.length), int(1, 60)];
    const piece = list.slice(at, at + length);
    switch (pick(['change', 'remove', 'double', 'move', 'null'] as const)) {
      case 'change':
        list[at] = int(0, 256);
        break;
      case 'remove':
        list.splice(at, length);
        break;
      case 'double':
        list.splice(at, 0, ...piece);
        break;
      case 'move':
        list.splice(at, length);
        list.splice(int(0, list.length + 1), 0, ...piece);
        break;
      case 'null':
        list.splice(at, length, ...new TextEncoder().encode(pick(['null', '{}', '[]', '"', '\n\n', 'data: ', '1e999'])));
        break;
    }
  }
  return Uint8Array.from(list);
}

async function outcomeOf<T>(events: AsyncIterable<T>): Promise<{ readonly events: T[]; readonly error?: unknown }> {
  const all: T[] = [];
  try {
    for await (const event of events) all.push(event);
    return { events: all };
  } catch (error) {
    return { events: all, error };
  }
}

function clientFor(answer: Answer, source: Random) {
  const bytes = new TextEncoder().encode(answer.parts.join(''));
  return answeringClient(() => {
    const body = damaged(bytes, source);
    return { bytes: body, contentType: answer.contentType ?? 'text/event-stream', cutAfterBytes: source.pick([body.length, source.int(0, body.length + 1)]), cleanly: source.pick([true, false]) };
  });
}

describe('an answer that is damaged anyhow', () => {
  it.each([
    ['responses', streamedResponse(items)],
    ['responses', wholeResponse(items)],
    ['chat', streamedChat(chat)],
    ['chat', wholeChat(chat)],
  ] as const)('is one answer with an end, or an error of ours: text by %s', async (api, answer) => {
    const source = random();
    const model = openaiText({ model: 'm', api, client: clientFor(answer, source) });
    for (let round = 0; round < 150; round += 1) {
      const { events, error } = await outcomeOf<TextModelEvent>(model.respond({ input: [], tools: [] }, { signal }));
      const ends = events.filter(({ type }) => type === 'response_done').length;
      if (error !== undefined) expect(error, `TEST_SEED=${source.seed}`).toBeInstanceOf(VoicewireError);
      expect(ends, `TEST_SEED=${source.seed}`).toBe(error === undefined ? 1 : 0);
      if (error === undefined) expect(events.at(-1)?.type).toBe('response_done');
      expect(() => JSON.stringify(events)).not.toThrow();
    }
  });

  it.each([streamedTranscript('Hello é🙂 there.'), wholeTranscript('Hello é🙂 there.')])('is one text, or an error of ours: a transcript', async (answer) => {
    const source = random();
    const recogniser = openaiRecogniser({ model: 'm', client: clientFor(answer, source) });
    for (let round = 0; round < 150; round += 1) {
      const turn = recogniser.start({ sampleRate: 8_000, signal });
      turn.push(new Int16Array(800));
      turn.end();
      const { events, error } = await outcomeOf(turn.events);
      if (error !== undefined) expect(error, `TEST_SEED=${source.seed}`).toBeInstanceOf(VoicewireError);
      expect(events.filter(({ type }) => type === 'final').length, `TEST_SEED=${source.seed}`).toBe(error === undefined ? 1 : 0);
    }
  });

  it('is sound, or an error of ours: a WAV file', async () => {
    const source = random();
    const header = Uint8Array.of(82, 73, 70, 70, 228, 0, 0, 0, 87, 65, 86, 69, 102, 109, 116, 32, 16, 0, 0, 0, 1, 0, 1, 0, 128, 62, 0, 0, 0, 125, 0, 0, 2, 0, 16, 0, 100, 97, 116, 97, 192, 0, 0, 0);
    const client = answeringClient(() => {
      const bytes = new Uint8Array(236).fill(7);
      bytes.set(damaged(header, source).subarray(0, 236));
      return { bytes, contentType: 'audio/wav', cutAfterBytes: source.int(0, 237), cleanly: source.pick([true, false]) };
    });
    const synthesiser = openaiSynthesiser({ model: 'm', voice: 'v', client });
    for (let round = 0; round < 150; round += 1) {
      const { events, error } = await outcomeOf(synthesiser.speak('Hello.', { signal }));
      if (error !== undefined) expect(error, `TEST_SEED=${source.seed}`).toBeInstanceOf(VoicewireError);
      else expect(events.length, `TEST_SEED=${source.seed}`).toBeGreaterThan(0);
    }
  });
});
