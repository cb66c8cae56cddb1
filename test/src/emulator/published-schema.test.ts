import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PublishedSchema } from '../../helpers/published-schema.js';
import { WIRE_EXTRAS, WIRE_NULLS } from '../../helpers/wire-facts.js';

const schema = new PublishedSchema({ nulls: WIRE_NULLS, extras: WIRE_EXTRAS });
const problems = (event: unknown): string[] => schema.problems('RealtimeServerEvent', event);

const DONE = {
  type: 'response.done',
  event_id: 'event_1',
  response: {
    object: 'realtime.response',
    id: 'resp_1',
    status: 'completed',
    status_details: null,
    output: [{ id: 'item_1', type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_audio', transcript: 'Hi.' }] }],
    conversation_id: 'conv_1',
    output_modalities: ['audio'],
    max_output_tokens: 'inf',
    audio: { output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'marin' } },
    usage: { total_tokens: 3, input_tokens: 1, output_tokens: 2 },
    metadata: { a: 'b' },
  },
};

describe('the checker of the published types', () => {
  test('takes an event that is right', () => {
    expect(problems(DONE)).toEqual([]);
  });

  test.each<[string, (event: typeof DONE) => unknown, string]>([
    ['a member that is missing', ({ event_id: _id, ...rest }) => rest, 'event_id: is missing'],
    ['a member that nobody knows', (event) => ({ ...event, colour: 'red' }), 'colour: is not known'],
    ['a type that there is not', (event) => ({ ...event, type: 'response.gone' }), 'fits none'],
    ['a string where an object is', (event) => ({ ...event, response: 'x' }), 'response: "x" is no object'],
    ['a number where a string is', (event) => ({ ...event, event_id: 7 }), 'event_id: 7 is no string'],
    ['a status that there is not', (event) => ({ ...event, response: { ...event.response, status: 'finished' } }), 'status: "finished" fits none'],
    ['a null that the wire does not have', (event) => ({ ...event, response: { ...event.response, id: null } }), 'id: null is no string'],
    ['a modality that there is not', (event) => ({ ...event, response: { ...event.response, output_modalities: ['smell'] } }), 'output_modalities[0]'],
    ['a list that is none', (event) => ({ ...event, response: { ...event.response, output: {} } }), 'output: {} is no array'],
    ['an item of an unknown type', (event) => ({ ...event, response: { ...event.response, output: [{ type: 'dream' }] } }), 'output[0]'],
    ['an item without what its type needs', (event) => ({ ...event, response: { ...event.response, output: [{ type: 'function_call', arguments: '{}' }] } }), 'output[0].name: is missing'],
    ['a content part of another place', (event) => ({ ...event, response: { ...event.response, output: [{ type: 'message', role: 'assistant', content: [{ type: 'audio' }] }] } }), 'content[0].type'],
    ['a format that there is not', (event) => ({ ...event, response: { ...event.response, audio: { output: { format: { type: 'audio/opus' } } } } }), 'format'],
    ['a misspelt member deep inside', (event) => ({ ...event, response: { ...event.response, usage: { total_token: 3 } } }), 'total_token: is not known'],
    ['tokens that are no number', (event) => ({ ...event, response: { ...event.response, usage: { total_tokens: '3' } } }), 'usage.total_tokens'],
    ['metadata that is no text', (event) => ({ ...event, response: { ...event.response, metadata: { a: 1 } } }), 'metadata'],
  ])('refuses %s', (_name, damage, problem) => {
    expect(problems(damage(DONE)).join('\n')).toContain(problem);
  });

  test('knows every event of the protocol', () => {
    const types = schema.eventTypes('RealtimeServerEvent');
    expect(types.length).toBeGreaterThan(40);
    expect(types).toContain('input_audio_buffer.timeout_triggered');
  });

  // Captured streams, where there are some: what servers really send passes, so that the checker asks for no more than they do.
  const folder = process.env['REALTIME_TRACES'];
  test.runIf(folder !== undefined)('takes what servers of the current dialect have sent', () => {
    const wrong: string[] = [];
    // One server repeats the part under another name.
    const elsewhere = new PublishedSchema({ nulls: WIRE_NULLS, extras: new Set([...WIRE_EXTRAS, 'ResponseContentPartAddedEvent.content', 'ResponseContentPartDoneEvent.content']) });
    for (const group of ['openai-ga', 'azure-ga']) {
      for (const name of readdirSync(`${folder}/${group}`).filter((file) => file.endsWith('.jsonl'))) {
        for (const line of readFileSync(`${folder}/${group}/${name}`, 'utf8').trim().split('\n')) {
          const { dir, event } = JSON.parse(line) as { dir: string; event?: { type: string } };
          if (dir === 's2c' && event !== undefined) wrong.push(...elsewhere.problems('RealtimeServerEvent', event).map((problem) => `${name} ${event.type}: ${problem}`));
        }
      }
    }
    expect([...new Set(wrong)]).toEqual([]);
  });
});
