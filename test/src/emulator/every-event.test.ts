import { expect, test } from 'vitest';
import type { Script } from '../../../src/emulator/index.js';
import { SERVER_EVENT_TYPES } from '../../../src/emulator/wire.js';
import { WIRE_EXTRAS, WIRE_NULLS } from '../../helpers/wire-facts.js';
import { checkEmitted, emittedTypes } from './emitted-events.js';
import { callerAudio } from './emulator-client.js';
import { SessionDriver } from './session-driver.js';

// One walk through everything that the emulator can say; every event of it is checked against the published types.

const HELLO = callerAudio('caller-hello.wav');
const script: Script = {
  name: 'everything',
  greeting: 'Hi.',
  turns: [
    { hears: 'one', reply: [{ say: 'First.', phase: 'commentary' }, { silenceMs: 200 }, { say: 'Second.' }] },
    { hears: 'two', reply: 'Two.', transcriptFails: { code: 'audio_unintelligible' } },
    { when: ['call'], reply: [{ call: { name: 'f', arguments: { a: 1 } } }, { call: { name: 'f', arguments: { a: 2 } } }] },
    { when: ['hosted'], reply: [{ mcp: { server: 'shop', name: 'find', arguments: { q: 'x' }, output: 'found' } }, { mcp: { server: 'shop', name: 'find', arguments: {}, error: 'no' } }] },
    { when: ['ask'], reply: [{ mcp: { server: 'strict', name: 'buy', arguments: {}, output: 'bought' } }] },
    { when: ['fail'], reply: [{ error: { code: 'server_error' } }, { fail: { code: 'server_error' } }] },
    { when: ['cut'], reply: [{ say: 'A bit.' }, { incomplete: 'content_filter' }] },
  ],
  fallback: 'Pardon?',
  mcpServers: [
    { label: 'shop', tools: [{ name: 'find', description: 'Finds.', input: { type: 'object' } }] },
    { label: 'broken', fails: true, tools: [] },
    { label: 'strict', tools: [{ name: 'buy' }] },
  ],
};
const TOOLS = [
  { type: 'function', name: 'f', description: 'F.', parameters: { type: 'object' } },
  { type: 'mcp', server_label: 'shop', server_url: 'https://shop.example', require_approval: 'never', authorization: 'secret' },
  { type: 'mcp', server_label: 'broken', server_url: 'https://broken.example' },
  { type: 'mcp', server_label: 'strict', server_url: 'https://strict.example', require_approval: 'always' },
];

async function type(driver: SessionDriver, text: string, response: object = {}): Promise<void> {
  driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] } });
  driver.send({ type: 'response.create', response });
  await driver.advance(5_000);
}

test('all that the emulator says is what the published types say', async () => {
  const driver = new SessionDriver({ script, model: 'gpt-realtime-2.1' });
  const transcription = { model: 'gpt-4o-transcribe-diarize' };
  driver.send({ type: 'session.update', session: { type: 'realtime', tools: TOOLS, include: ['item.input_audio_transcription.logprobs'], tracing: 'auto', prompt: { id: 'p', version: '2' }, reasoning: { effort: 'low' }, parallel_tool_calls: true, max_output_tokens: 4096, audio: { input: { transcription, noise_reduction: { type: 'near_field' }, turn_detection: { type: 'server_vad', idle_timeout_ms: 5_000 } }, output: { speed: 1.2 } } } });
  await driver.advance(100);
  driver.append(HELLO);
  await driver.advance(20_000);
  const spoken = driver.events.find((event) => event.type === 'response.done')?.['response'] as { output: [{ id: string }] };
  driver.send({ type: 'conversation.item.retrieve', item_id: spoken.output[0].id });
  driver.send({ type: 'conversation.item.truncate', item_id: spoken.output[0].id, content_index: 0, audio_end_ms: 100 });
  driver.send({ type: 'conversation.item.retrieve', item_id: spoken.output[0].id });
  driver.send({ type: 'conversation.item.delete', item_id: spoken.output[0].id });
  driver.append(HELLO);
  await driver.advance(8_000);
  const heard = driver.events.findLast((event) => event.type === 'input_audio_buffer.committed')?.['item_id'];
  driver.send({ type: 'conversation.item.retrieve', item_id: heard });
  await type(driver, 'call');
  await type(driver, 'hosted', { output_modalities: ['text'], metadata: { a: 'b' } });
  await type(driver, 'ask');
  const request = driver.events.findLast((event) => event.type === 'conversation.item.done')?.['item'] as { id: string };
  driver.send({ type: 'conversation.item.create', item: { type: 'mcp_approval_response', id: 'yes', approval_request_id: request.id, approve: true } });
  await type(driver, 'ask');
  await type(driver, 'fail');
  await type(driver, 'cut');
  await type(driver, 'hi', { output_modalities: ['text'], conversation: 'none', max_output_tokens: 1 });
  driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }] } });
  driver.send({ type: 'response.create' });
  await driver.advance(1_000);
  driver.send({ type: 'input_audio_buffer.clear' });
  driver.send({ type: 'input_audio_buffer.commit', event_id: 'mine' });
  await driver.advance(3_600_000);
  expect(driver.closed?.code).toBe(1001);

  const cancelled = new SessionDriver({ script });
  cancelled.send({ type: 'response.create' });
  cancelled.send({ type: 'response.cancel' });
  const plain = new SessionDriver({ script });
  plain.send({ type: 'session.update', session: { type: 'realtime', audio: { input: { transcription: { model: 'whisper-1' }, format: { type: 'audio/pcmu' }, turn_detection: { type: 'semantic_vad' } }, output: { format: { type: 'audio/pcma' } } } } });
  const scribe = new SessionDriver({ script, kind: 'transcription' });
  scribe.send({ type: 'session.update', session: { type: 'transcription', audio: { input: { transcription: { model: 'gpt-realtime-whisper', delay: 'low' }, turn_detection: null } } } });

  expect([...emittedTypes()].toSorted()).toEqual([...SERVER_EVENT_TYPES].toSorted());
  const { problems, used } = checkEmitted();
  expect(problems).toEqual([]);
  // What is allowed beside the types is needed, all of it.
  expect([...WIRE_NULLS, ...WIRE_EXTRAS].filter((allowance) => !used.has(allowance))).toEqual([]);
});
