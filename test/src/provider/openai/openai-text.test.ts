import { describe, expect, it } from 'vitest';
import type { TextInputItem, TextModel, TextModelEvent, TextRequest } from '../../../../session/index.js';
import { openaiText } from '../../../../src/provider/openai/openai-text.js';
import type { OpenaiTextOptions } from '../../../../src/provider/openai/openai-text.js';
import { collect, endOf } from '../../../contract/text-model.contract.js';
import { OpenaiTestServer, answeringClient, functionCall, message, reasoning, streamedChat, streamedResponse, wholeChat, wholeResponse } from '../../../helpers/openai-server/index.js';
import type { Answer } from '../../../helpers/openai-server/index.js';
import { random } from '../../../helpers/random.js';

type Options = Partial<OpenaiTextOptions>;

const HELLO: TextRequest = { input: [{ type: 'message', role: 'user', text: 'Hello' }], tools: [] };
const OPEN_TOOL = { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: { at: { type: 'string' } } } };
const CLOSED_TOOL = { name: 'wait', parameters: { type: 'object', properties: {}, required: [], additionalProperties: false } };
const PNG = 'data:image/png;base64,iVBORw0KGgo=';

function ask(server: OpenaiTestServer, options: Options = {}, request: TextRequest = HELLO, signal = new AbortController().signal): Promise<TextModelEvent[]> {
  return collect(openaiText({ model: 'gpt-test', baseUrl: server.baseUrl, ...options }).respond(request, { signal }));
}

/** What the server is asked, for a request that is answered anyhow. */
async function bodyOf(options: Options, request: Partial<TextRequest>): Promise<Readonly<Record<string, unknown>>> {
  await using server = await OpenaiTestServer.start();
  server.answer(options.api === 'responses' ? streamedResponse([message('Hi.')]) : streamedChat({ text: 'Hi.' }));
  await ask(server, options, { ...HELLO, ...request });
  expect(server.requests.map(({ path }) => path)).toEqual([options.api === 'responses' ? '/v1/responses' : '/v1/chat/completions']);
  return server.requests[0]?.body ?? {};
}

const CONVERSATION: readonly TextInputItem[] = [
  { type: 'message', role: 'user', text: 'What is this?', images: [{ url: PNG, detail: 'low' }, { url: PNG }] },
  { type: 'other', kind: 'reasoning', raw: reasoning('A moon.', 'rs1') },
  { type: 'other', kind: 'reasoning', raw: { reasoning_content: 'A moon.' } },
  { type: 'message', role: 'assistant', text: 'Let me look.' },
  { type: 'function_call', callId: 'c1', name: 'look', arguments: '{"at":"it"}' },
  { type: 'function_call', callId: 'c2', name: 'wait', arguments: '' },
  { type: 'function_call_output', callId: 'c1', output: 'a moon' },
  { type: 'function_call_output', callId: 'c2', output: 'done' },
  { type: 'message', role: 'system', text: 'Be brief.' },
];

describe('a request to /responses', () => {
  it('asks for a stream, keeps nothing at the provider, and leaves out what was not said', async () => {
    expect(await bodyOf({ api: 'responses' }, {})).toEqual({ model: 'gpt-test', stream: true, store: false, input: [{ type: 'message', role: 'user', content: 'Hello' }] });
  });

  it('has the conversation, with what is the provider’s own as it came', async () => {
    const { input } = await bodyOf({ api: 'responses' }, { input: CONVERSATION });
    expect(input).toEqual([
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'What is this?' },
          { type: 'input_image', image_url: PNG, detail: 'low' },
          { type: 'input_image', image_url: PNG, detail: 'auto' },
        ],
      },
      { id: 'rs1', type: 'reasoning', summary: [{ type: 'summary_text', text: 'A moon.' }], encrypted_content: 'enc-rs1' },
      { type: 'message', role: 'assistant', content: 'Let me look.' },
      { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"at":"it"}' },
      { type: 'function_call', call_id: 'c2', name: 'wait', arguments: '' },
      { type: 'function_call_output', call_id: 'c1', output: 'a moon' },
      { type: 'function_call_output', call_id: 'c2', output: 'done' },
      { type: 'message', role: 'system', content: 'Be brief.' },
    ]);
  });

  it('leaves out reasoning that the server neither keeps nor can decrypt', async () => {
    const raw = { id: 'rs1', type: 'reasoning', summary: [] };
    const input = [{ type: 'other' as const, kind: 'reasoning', raw }];
    expect(await bodyOf({ api: 'responses' }, { input })).toMatchObject({ input: [] });
    expect(await bodyOf({ api: 'responses', store: true }, { input })).toMatchObject({ store: true, input: [raw] });
  });

  it('has the settings, the tools and the format', async () => {
    const schema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'], additionalProperties: false };
    const body = await bodyOf(
      { api: 'responses', reasoningSummary: 'auto', encryptedReasoning: true },
      {
        instructions: 'Be kind.',
        tools: [OPEN_TOOL, CLOSED_TOOL],
        output: { name: 'sum', schema },
        settings: { temperature: 0.5, topP: 0.9, maxOutputTokens: 100, toolChoice: { name: 'look' }, parallelToolCalls: false, reasoningEffort: 'low' },
      },
    );
    expect(body).toMatchObject({
      instructions: 'Be kind.',
      include: ['reasoning.encrypted_content'],
      tools: [
        { type: 'function', ...OPEN_TOOL, strict: false },
        { type: 'function', ...CLOSED_TOOL, strict: true },
      ],
      tool_choice: { type: 'function', name: 'look' },
      parallel_tool_calls: false,
      temperature: 0.5,
      top_p: 0.9,
      max_output_tokens: 100,
      reasoning: { effort: 'low', summary: 'auto' },
      text: { format: { type: 'json_schema', name: 'sum', schema, strict: true } },
    });
  });

  it('takes further members, and tools beside ours', async () => {
    const mcp = { type: 'mcp', server_label: 'shop', server_url: 'https://shop.example/mcp' };
    const body = await bodyOf({ api: 'responses', body: { tools: [mcp], metadata: { call: '7' }, store: true } }, { tools: [CLOSED_TOOL] });
    expect(body).toMatchObject({ tools: [{ name: 'wait' }, mcp], metadata: { call: '7' }, store: true });
  });
});

describe('a request to /chat/completions', () => {
  it('asks for a stream with usage, and leaves out what was not said', async () => {
    expect(await bodyOf({ api: 'chat' }, {})).toEqual({ model: 'gpt-test', stream: true, stream_options: { include_usage: true }, messages: [{ role: 'user', content: 'Hello' }] });
  });

  it('has the conversation: calls in one message, their outputs after it, reasoning where it led to them', async () => {
    const { messages } = await bodyOf({ api: 'chat' }, { instructions: 'Be kind.', input: CONVERSATION });
    expect(messages).toEqual([
      { role: 'system', content: 'Be kind.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: PNG, detail: 'low' } },
          { type: 'image_url', image_url: { url: PNG } },
        ],
      },
      {
        role: 'assistant',
        content: 'Let me look.',
        reasoning_content: 'A moon.',
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":"it"}' } },
          { id: 'c2', type: 'function', function: { name: 'wait', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'a moon' },
      { role: 'tool', tool_call_id: 'c2', content: 'done' },
      { role: 'system', content: 'Be brief.' },
    ]);
  });

  it('hands reasoning back for calls alone', async () => {
    const raw = { reasoning_content: 'Hm.' };
    const { messages } = await bodyOf({ api: 'chat' }, { input: [{ type: 'other', kind: 'reasoning', raw }, { type: 'message', role: 'assistant', text: 'Hi.' }, { type: 'message', role: 'user', text: 'Go.' }, { type: 'function_call', callId: 'c1', name: 'look', arguments: '{}' }, { type: 'function_call_output', callId: 'c1', output: 'x' }] });
    expect(JSON.stringify(messages)).not.toContain('Hm.');
  });

  it('has the settings, the tools and the format', async () => {
    const schema = { type: 'object', properties: { a: { type: 'number' } } };
    const body = await bodyOf(
      { api: 'chat' },
      { tools: [OPEN_TOOL, CLOSED_TOOL], output: { name: 'sum', schema }, settings: { temperature: 0, topP: 1, maxOutputTokens: 100, toolChoice: { name: 'look' }, parallelToolCalls: true, reasoningEffort: 'high' } },
    );
    expect(body).toMatchObject({
      tools: [
        { type: 'function', function: OPEN_TOOL },
        { type: 'function', function: { ...CLOSED_TOOL, strict: true } },
      ],
      tool_choice: { type: 'function', function: { name: 'look' } },
      parallel_tool_calls: true,
      temperature: 0,
      top_p: 1,
      max_tokens: 100,
      reasoning_effort: 'high',
      response_format: { type: 'json_schema', json_schema: { name: 'sum', schema, strict: false } },
    });
    expect(body).not.toHaveProperty('max_completion_tokens');
  });

  it('says nothing of tools where there are none', async () => {
    expect(Object.keys(await bodyOf({ api: 'chat' }, { settings: { toolChoice: 'none', parallelToolCalls: true } }))).toEqual(['model', 'stream', 'stream_options', 'messages']);
  });

  it('asks for one piece where that is wanted', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(wholeChat({ text: 'Hi.' }));
    expect((await ask(server, { stream: false })).map(({ type }) => type)).toEqual(['response_started', 'response_done']);
    expect(server.requests[0]?.body).toEqual({ model: 'gpt-test', stream: false, messages: [{ role: 'user', content: 'Hello' }] });
  });
});

describe('an answer that is cut off', () => {
  const calls = [{ id: 'c1', name: 'look', arguments: {} }];
  const items = [message('é🙂'), functionCall('look', {}, 'c1')];
  const textOf = ({ parts }: Answer): string => parts.join('');
  const bodies = [
    ['chat', 'text/event-stream', textOf(streamedChat({ text: 'é🙂', calls }))],
    ['responses', 'text/event-stream', textOf(streamedResponse(items))],
    ['chat', 'application/json', textOf(wholeChat({ text: 'é🙂', calls }))],
    ['responses', 'application/json', textOf(wholeResponse(items))],
  ] as const;

  /** True for a whole answer, false for a lost one; anything else is a failure. */
  async function isWhole(model: TextModel): Promise<boolean> {
    const events: TextModelEvent[] = [];
    try {
      for await (const event of model.respond(HELLO, { signal: new AbortController().signal })) events.push(event);
    } catch (error) {
      expect(error).toMatchObject({ name: 'TransportError', code: 'MODEL_CONNECTION_LOST', retryable: true });
      expect(events.some(({ type }) => type === 'response_done')).toBe(false);
      return false;
    }
    expect(endOf(events)).toMatchObject({ status: 'completed', output: [{ text: 'é🙂' }, { callId: 'c1', arguments: '{}' }] });
    return true;
  }

  it.each(bodies)('is whole or lost, and never wrong, at any byte: %s, %s', async (api, contentType, text) => {
    const bytes = new TextEncoder().encode(text);
    for (const cleanly of [false, true]) {
      let cutAfterBytes = 0;
      const model = openaiText({ model: 'gpt-test', api, client: answeringClient(() => ({ bytes, contentType, cutAfterBytes, cleanly })) });
      const whole: number[] = [];
      for (; cutAfterBytes <= bytes.length; cutAfterBytes += 1) if (await isWhole(model)) whole.push(cutAfterBytes);
      // Once enough is there it stays so, and all of it is enough where the end is good or the stream says itself that it is over.
      if (cleanly || contentType === 'text/event-stream') expect(whole.at(-1)).toBe(bytes.length);
      expect(whole).toEqual(whole.map((_, index) => (whole[0] as number) + index));
    }
  });

  it.each(bodies)('is whole or lost on a socket: %s, %s', async (api, contentType, text) => {
    await using server = await OpenaiTestServer.start();
    const model = openaiText({ model: 'gpt-test', baseUrl: server.baseUrl, api });
    const bytes = new TextEncoder().encode(text);
    const { seed, int } = random();
    const cuts = [0, 1, bytes.length - 1, ...Array.from({ length: 12 }, () => int(2, bytes.length - 1))];
    for (const cutAfterBytes of cuts) {
      server.answer({ parts: [bytes], contentType, cutAfterBytes });
      await isWhole(model).catch((error: unknown) => expect.unreachable(`${String(error)}: cut after ${cutAfterBytes} bytes, TEST_SEED=${seed}`));
    }
    server.answer({ parts: [bytes], contentType, dripBytes: 97 });
    expect(await isWhole(model)).toBe(true);
  });
});
