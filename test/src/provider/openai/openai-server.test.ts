import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import OpenAI, { AzureOpenAI } from 'openai';
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { explainError } from '../../../../session/index.js';
import type { TextModelEvent, TextRequest } from '../../../../session/index.js';
import { ManualClock } from '../../../../src/host/manual-clock.js';
import { createOpenaiClient } from '../../../../src/provider/openai/openai-client.js';
import type { OpenaiClient, OpenaiResource } from '../../../../src/provider/openai/openai-client.js';
import { openaiText } from '../../../../src/provider/openai/openai-text.js';
import type { OpenaiTextOptions } from '../../../../src/provider/openai/openai-text.js';
import { collect } from '../../../contract/text-model.contract.js';
import { OpenaiTestServer, chatChunks, chatSse, message, responseEvents, sse, streamedChat, streamedResponse } from '../../../helpers/openai-server/index.js';
import type { Answer } from '../../../helpers/openai-server/index.js';
import { settle } from '../../../helpers/settle.js';

const HELLO: TextRequest = { input: [{ type: 'message', role: 'user', text: 'Hello' }], tools: [] };
const KEY = 'sk-test-0123456789';
const NEVER = new Promise<void>(() => {});

function ask(options: Partial<OpenaiTextOptions>, signal = new AbortController().signal): Promise<TextModelEvent[]> {
  return collect(openaiText({ model: 'gpt-test', ...options }).respond(HELLO, { signal }));
}

function refusal(status: number, error: unknown, headers: Record<string, string> = {}): Answer {
  return { status, contentType: 'application/json', headers, parts: [JSON.stringify(error)] };
}

afterEach(() => void vi.unstubAllEnvs());

describe('the key', () => {
  it('goes out as a bearer’s, and nothing goes out where there is none', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(streamedChat({ text: 'Hi.' }), streamedChat({ text: 'Hi.' }));
    vi.stubEnv('OPENAI_API_KEY', 'sk-of-the-environment');
    vi.stubEnv('OPENAI_ORG_ID', 'org-of-the-environment');
    await ask({ baseUrl: server.baseUrl, apiKey: ` ${KEY}\n` });
    await ask({ baseUrl: server.baseUrl });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${KEY}`, undefined]);
    // What the environment says of an account is for OpenAI.
    expect(server.requests.map(({ headers }) => headers['openai-organization'])).toEqual([undefined, undefined]);
  });

  it('of the environment goes to the server of the environment', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(streamedChat({ text: 'Hi.' }));
    vi.stubEnv('OPENAI_API_KEY', KEY);
    vi.stubEnv('OPENAI_BASE_URL', server.baseUrl);
    await ask({});
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  it('is fetched for each request, and its function is not waited for after an abort', async () => {
    await using server = await OpenaiTestServer.start();
    let count = 0;
    const model = openaiText({ model: 'gpt-test', baseUrl: server.baseUrl, apiKey: () => Promise.resolve(`${KEY}-${(count += 1)}`) });
    for (let round = 0; round < 2; round += 1) {
      server.answer(streamedChat({ text: 'Hi.' }));
      await collect(model.respond(HELLO, { signal: new AbortController().signal }));
    }
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${KEY}-1`, `Bearer ${KEY}-2`]);
    const life = new AbortController();
    const reason = new Error('hung up');
    const waiting = ask({ baseUrl: server.baseUrl, apiKey: () => NEVER.then(() => '') }, life.signal);
    await settle();
    life.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(ask({ baseUrl: server.baseUrl, apiKey: () => Promise.reject(new Error('no vault')) })).rejects.toMatchObject({ code: 'MODEL_UNAUTHORIZED', retryable: true });
  });

  it('is missed at OpenAI before anything is sent', async () => {
    vi.stubEnv('OPENAI_API_KEY', '');
    vi.stubEnv('OPENAI_BASE_URL', '');
    await expect(ask({})).rejects.toMatchObject({ code: 'MODEL_UNAUTHORIZED', hint: 'Give apiKey, or set the environment variable OPENAI_API_KEY.' });
  });

  it.each([
    [401, { error: { message: `Incorrect API key provided: ${KEY}.`, type: 'invalid_request_error', code: 'invalid_api_key' } }],
    [400, { error: `bad ${KEY}` }],
    [500, { detail: { headers: { authorization: `Bearer ${KEY}` } } }],
    [200, { error: { message: `${KEY} has no credit` } }],
  ])('is in no error, though the server repeats it: %i %j', async (status, body) => {
    await using server = await OpenaiTestServer.start();
    server.answer(refusal(status, body));
    const error: unknown = await ask({ baseUrl: server.baseUrl, apiKey: KEY }).catch((thrown: unknown) => thrown);
    expect(explainError(error)).toContain('[redacted]');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error)) + explainError(error)).not.toContain(KEY);
  });

  it('is in no error that was cut within it', async () => {
    await using server = await OpenaiTestServer.start();
    for (let at = 480; at <= 500; at += 1) {
      server.answer(refusal(400, { error: { message: `${'x'.repeat(at)}${KEY}` } }));
      const error: unknown = await ask({ baseUrl: server.baseUrl, apiKey: KEY }).catch((thrown: unknown) => thrown);
      expect((error as Error).message).not.toContain(KEY.slice(0, 4));
    }
  });

  it.each([{ apiKey: `${KEY}\u2603` }, { apiKey: `${KEY}\n${KEY}` }, { headers: { 'x-secret': `${KEY}\u0000` } }])('is in no error, though no header can carry it: %j', async (options) => {
    await using server = await OpenaiTestServer.start();
    const error: unknown = await ask({ baseUrl: server.baseUrl, ...options }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'HostError', code: 'USAGE' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error)) + explainError(error)).not.toContain(KEY);
    expect(server.requests).toEqual([]);
  });

  it('leaves a place for a header of the application', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(streamedChat({ text: 'Hi.' }));
    await ask({ baseUrl: server.baseUrl, apiKey: KEY, headers: { 'api-key': 'other-key', 'x-tenant': 'seven' } });
    expect(server.requests[0]?.headers).toMatchObject({ 'api-key': 'other-key', 'x-tenant': 'seven' });
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
  });
});

describe('an address', () => {
  it.each([
    ['not a URL', 'USAGE'],
    ['ftp://host/v1', 'USAGE'],
    ['https://user:pass@host/v1', 'USAGE'],
    ['https://host/v1?api-version=1', 'USAGE'],
  ])('is refused at once: %s', (baseUrl, code) => {
    expect(() => openaiText({ model: 'm', baseUrl })).toThrow(expect.objectContaining({ name: 'HostError', code }));
  });

  it.each(['localhost', '127.0.0.1', '[::1]', '10.1.2.3', '172.20.0.2', '192.168.1.5', 'speaches', 'gpu.local', '[fd00::1]'])('may take a key in the clear when it is near: %s', (host) => {
    expect(() => openaiText({ model: 'm', baseUrl: `http://${host}:8000/v1`, apiKey: KEY })).not.toThrow();
  });

  it.each(['api.example.com', '8.8.8.8', '172.40.0.1', '10.example.com', '[2001:db8::1]'])('takes no key in the clear when it is far: %s', (host) => {
    expect(() => openaiText({ model: 'm', baseUrl: `http://${host}/v1`, apiKey: KEY })).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(() => openaiText({ model: 'm', baseUrl: `http://${host}/v1` })).not.toThrow();
  });

  it('decides on the API, unless it is said', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(streamedChat({ text: 'Hi.' }), streamedResponse([message('Hi.')]));
    await ask({ baseUrl: server.baseUrl });
    await ask({ baseUrl: server.baseUrl, api: 'responses' });
    expect(server.requests.map(({ path }) => path)).toEqual(['/v1/chat/completions', '/v1/responses']);
  });

  it('of OpenAI itself means /responses, with encrypted reasoning of models that reason', async () => {
    const paths: string[] = [];
    for (const model of ['gpt-5-mini', 'o4-mini', 'gpt-4.1-mini', 'gpt-5-chat-latest', 'my-deployment']) {
      const client = new OpenAI({ apiKey: KEY, fetch: (url, init) => (paths.push(`${String(url)} ${String((JSON.parse(String(init?.body)) as Record<string, unknown>)['include'])}`), Promise.resolve(new Response(sse(responseEvents([])), { headers: { 'content-type': 'text/event-stream' } }))) });
      await ask({ model, client });
    }
    expect(paths).toEqual([true, true, false, false, false].map((reasons) => `https://api.openai.com/v1/responses ${reasons ? 'reasoning.encrypted_content' : 'undefined'}`));
  });
});

describe('the words of a server', () => {
  /** What is asked of a server at this address, which nobody need have. */
  async function asked(baseURL: string, options: Partial<OpenaiTextOptions> = {}): Promise<{ path: string; body: Record<string, unknown> }> {
    let path = '';
    let body: Record<string, unknown> = {};
    const client = new OpenAI({
      apiKey: KEY,
      baseURL,
      fetch: (url, init) => {
        path = new URL(String(url)).pathname;
        body = JSON.parse(String(init?.body)) as Record<string, unknown>;
        return Promise.resolve(new Response(path.endsWith('/responses') ? sse(responseEvents([])) : chatSse(chatChunks({ text: 'Hi.' })), { headers: { 'content-type': 'text/event-stream' } }));
      },
    });
    const model = openaiText({ model: 'gpt-5-mini', client, ...options });
    await collect(model.respond({ ...HELLO, settings: { maxOutputTokens: 9 } }, { signal: new AbortController().signal }));
    return { path, body };
  }

  it.each([
    ['https://api.openai.com/v1', '/v1/responses', 'max_output_tokens'],
    ['https://eu.api.openai.com/v1', '/v1/responses', 'max_output_tokens'],
    ['https://mine.openai.azure.com/openai/v1', '/openai/v1/responses', 'max_output_tokens'],
    ['https://api.openai.com.example.net/v1', '/v1/chat/completions', 'max_tokens'],
    ['http://127.0.0.1:11434/v1', '/v1/chat/completions', 'max_tokens'],
  ])('are those of %s', async (baseUrl, expected, limit) => {
    const { path, body } = await asked(baseUrl);
    expect(path).toBe(expected);
    expect(body).toHaveProperty(limit, 9);
    expect((await asked(baseUrl, { api: 'chat' })).body).toHaveProperty(limit === 'max_tokens' ? limit : 'max_completion_tokens', 9);
  });
});

describe('a client that is given', () => {
  it('may be one of the package', () => {
    expectTypeOf<OpenAI>().toExtend<OpenaiClient>();
    expectTypeOf<AzureOpenAI>().toExtend<OpenaiClient>();
  });

  it('has an address and a key of its own', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(streamedChat({ text: 'Hi.' }));
    const client = new OpenAI({ apiKey: KEY, baseURL: server.baseUrl });
    await ask({ client, api: 'chat' });
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(() => openaiText({ model: 'm', client, apiKey: KEY })).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('the package', () => {
  it('is imported in one place, when it is first needed', () => {
    const root = fileURLToPath(new URL('../../../../', import.meta.url));
    const files = ['audio', 'session', 'src'].flatMap((room) => readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map((name) => join(room, name)).filter((name) => name.endsWith('.ts')));
    const imports = files.flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from |import\(|import )'openai(?:\/[^']*)?'/g)].map(([text]) => `${file}: ${text}`));
    expect(imports).toEqual(["src/provider/openai/openai-client.ts: import('openai'"]);
  });

  it('that is missing is named, with the line that installs it', async () => {
    const cause = Object.assign(new Error("Cannot find package 'openai'"), { code: 'ERR_MODULE_NOT_FOUND' });
    await expect(createOpenaiClient({ baseUrl: 'https://api.openai.com/v1', isOpenai: true }, () => Promise.reject(cause))).rejects.toMatchObject({ name: 'HostError', code: 'PACKAGE_MISSING', hint: 'npm install openai', cause });
  });
});

describe('a refusal', () => {
  it.each<[number, unknown, object]>([
    [401, { error: { message: 'Incorrect API key.', type: 'invalid_request_error', code: 'invalid_api_key' } }, { name: 'TransportError', code: 'MODEL_UNAUTHORIZED', status: 401, retryable: false }],
    [403, { error: { message: 'Not yours.' } }, { name: 'TransportError', code: 'MODEL_UNAUTHORIZED', status: 403, retryable: false }],
    [404, { error: { message: 'No such model.', code: 'model_not_found' } }, { name: 'TransportError', code: 'MODEL_NOT_FOUND', status: 404, retryable: false }],
    [404, { detail: 'Not Found' }, { code: 'MODEL_NOT_FOUND', message: expect.stringContaining('Not Found') as string }],
    [400, { error: { message: 'Unknown parameter.', type: 'invalid_request_error', code: 'unknown_parameter', param: 'x' } }, { name: 'ProviderError', code: 'PROVIDER_ERROR', status: 400, providerCode: 'unknown_parameter', retryable: false }],
    [400, { error: 'plain words' }, { code: 'PROVIDER_ERROR', status: 400, message: expect.stringContaining('plain words') as string, retryable: false }],
    [400, { detail: { error: 'invalid_model', message: 'Unsupported model: x' } }, { providerCode: 'invalid_model', message: expect.stringMatching(/: Unsupported model: x$/) as string }],
    [413, {}, { code: 'PROVIDER_ERROR', status: 413, retryable: false }],
    [422, { detail: [{ loc: ['body', 'model'], msg: 'field required' }] }, { code: 'PROVIDER_ERROR', status: 422, message: expect.stringContaining('field required') as string, retryable: false }],
    [429, { error: { message: 'Slow down.', type: 'requests', code: 'rate_limit_exceeded' } }, { code: 'PROVIDER_RATE_LIMITED', status: 429, providerCode: 'rate_limit_exceeded', retryable: true }],
    [429, { error: { message: 'No credit.', type: 'insufficient_quota', code: 'insufficient_quota' } }, { code: 'PROVIDER_RATE_LIMITED', status: 429, providerCode: 'insufficient_quota', retryable: false }],
    [402, { error: { message: 'Insufficient Balance', code: 'invalid_request_error' } }, { code: 'PROVIDER_RATE_LIMITED', status: 402, retryable: false }],
    [408, {}, { code: 'PROVIDER_ERROR', retryable: true }],
    [500, { error: { message: 'Our fault.', type: 'server_error' } }, { code: 'PROVIDER_ERROR', status: 500, providerCode: 'server_error', retryable: true }],
    [503, { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } }, { code: 'PROVIDER_ERROR', status: 503, providerCode: '503', retryable: true }],
  ])('is an error of ours: %i %j', async (status, body, expected) => {
    await using server = await OpenaiTestServer.start();
    server.answer(refusal(status, body));
    await expect(ask({ baseUrl: server.baseUrl })).rejects.toMatchObject({ hint: expect.stringMatching(/./) as string, ...expected });
    expect(server.requests).toHaveLength(1);
  });

  it('says how long the server asks to wait', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(refusal(429, { error: { message: 'Slow down.' } }, { 'retry-after': '20' }));
    await expect(ask({ baseUrl: server.baseUrl })).rejects.toMatchObject({ hint: 'The server asks to wait 20 s.' });
  });

  it('is repeated by the package as often as that is wanted', async () => {
    await using server = await OpenaiTestServer.start();
    const soon = { 'retry-after-ms': '1' };
    server.answer(refusal(503, {}, soon), refusal(429, {}, soon), streamedChat({ text: 'Hi.' }));
    await ask({ baseUrl: server.baseUrl, maxRetries: 2 });
    expect(server.requests).toHaveLength(3);
    expect(() => openaiText({ model: 'm', maxRetries: 11 })).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('may come within the stream, after words', async () => {
    await using server = await OpenaiTestServer.start();
    const begun = sse(responseEvents([message('Hello you.')]).slice(0, 6));
    server.answer({ parts: [begun, 'event: error\ndata: {"type":"error","code":"server_error","message":"It broke.","param":null,"sequence_number":6}\n\n'] });
    const events: TextModelEvent[] = [];
    const answer = openaiText({ model: 'm', baseUrl: server.baseUrl, api: 'responses' }).respond(HELLO, { signal: new AbortController().signal });
    await expect(
      (async () => {
        for await (const event of answer) events.push(event);
      })(),
    ).rejects.toMatchObject({ name: 'ProviderError', code: 'PROVIDER_ERROR', providerCode: 'server_error', retryable: true });
    expect(events.filter(({ type }) => type === 'text_delta')).toHaveLength(2);
  });
});

describe('a server that is no server of this API', () => {
  it('is not there', async () => {
    const server = await OpenaiTestServer.start();
    const { baseUrl } = server;
    await server[Symbol.asyncDispose]();
    await expect(ask({ baseUrl })).rejects.toMatchObject({ code: 'MODEL_UNREACHABLE', retryable: true, hint: 'Nothing listens there: check the port, and that the server runs.', cause: { code: 'ECONNREFUSED' } });
  });

  it.each<[string, Answer, string]>([
    ['has a web page', { contentType: 'text/html', parts: ['<!doctype html><p>Welcome</p>'] }, 'PROTOCOL_BAD_EVENT'],
    ['has other JSON', { contentType: 'application/json', parts: ['{"status":"ok"}'] }, 'PROTOCOL_BAD_EVENT'],
    ['has no answer', { parts: [] }, 'MODEL_CONNECTION_LOST'],
    ['has data that is not JSON', { parts: ['data: hello\n\n'] }, 'PROTOCOL_BAD_EVENT'],
    ['has a call without a name', { parts: ['data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]}}]}\n\n'] }, 'PROTOCOL_BAD_EVENT'],
    ['says an error and 200', { contentType: 'application/json', parts: ['{"error":{"message":"no"}}'] }, 'PROVIDER_ERROR'],
  ])('%s', async (_, answer, code) => {
    await using server = await OpenaiTestServer.start();
    server.answer(answer);
    await expect(ask({ baseUrl: server.baseUrl })).rejects.toMatchObject({ code });
  });

  it('fills the memory with one event or one answer only so far', async () => {
    await using server = await OpenaiTestServer.start();
    const mebibyte = new Uint8Array(1024 * 1024).fill(0x78);
    server.answer({ parts: ['data: "', ...Array.from({ length: 17 }, () => mebibyte)] }, { contentType: 'application/json', parts: ['{"a":"', ...Array.from({ length: 17 }, () => mebibyte)] });
    await expect(ask({ baseUrl: server.baseUrl })).rejects.toMatchObject({ code: 'PROTOCOL_BAD_EVENT', message: expect.stringContaining('larger than 16777216 bytes') as string });
    await expect(ask({ baseUrl: server.baseUrl })).rejects.toMatchObject({ code: 'PROTOCOL_BAD_EVENT', message: expect.stringContaining('larger than 16777216 bytes') as string });
  });

  it('is understood where it writes lines of its own, or an event stream under another name', async () => {
    await using server = await OpenaiTestServer.start();
    const text = chatSse(chatChunks({ text: 'Hi you.' }));
    server.answer({ contentType: 'text/plain', parts: [`: hello\n\nretry: 10\nwhatever\n\n${text}`] }, { contentType: '', parts: [text] });
    for (let round = 0; round < 2; round += 1) expect((await ask({ baseUrl: server.baseUrl })).at(-1)).toMatchObject({ status: 'completed', output: [{ text: 'Hi you.' }] });
  });
});

describe('an answer that nobody wants any more', () => {
  /** A client that takes no notice of signals, and tells whether its answer was let go of. */
  function deafClient(): { readonly client: OpenaiClient; readonly arrive: () => void; readonly cancelled: () => boolean } {
    let cancelled = false;
    let arrive: () => void = () => {};
    const response = new Promise<Response>((resolve) => (arrive = () => resolve(new Response(new ReadableStream({ cancel: () => void (cancelled = true) })))));
    const resource: OpenaiResource = { create: () => ({ asResponse: () => response }) };
    return { client: { responses: resource, chat: { completions: resource }, audio: { transcriptions: resource, speech: resource } }, arrive: () => arrive(), cancelled: () => cancelled };
  }

  it.each(['before its head', 'before its body'])('is let go of when the reader leaves %s', async (when) => {
    const { client, arrive, cancelled } = deafClient();
    const events = openaiText({ model: 'm', client }).respond(HELLO, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    void events.next();
    if (when === 'before its body') arrive();
    await settle();
    await events.return?.();
    arrive();
    await settle();
    expect(cancelled()).toBe(true);
  });
});

describe('waiting', () => {
  /** Goes on once the request waits for what the server does not send. */
  async function waiting(server: OpenaiTestServer, clock: ManualClock): Promise<void> {
    await server.taken();
    while (clock.pendingTimers === 0) await settle();
  }

  it('ends when an answer does not begin, and the request with it', async () => {
    await using server = await OpenaiTestServer.start();
    const clock = new ManualClock();
    server.answer({ before: NEVER, parts: [] }, { parts: [NEVER] });
    for (const headers of ['no head', 'a head']) {
      const asked = ask({ baseUrl: server.baseUrl, clock, firstByteTimeoutMs: 2_000 });
      const failed = expect(asked, headers).rejects.toMatchObject({ name: 'ProviderError', code: 'RESPONSE_TIMEOUT', retryable: true, message: expect.stringContaining('did not begin to answer for 2000 ms') as string });
      await waiting(server, clock);
      const served = server.requests.at(-1);
      clock.advance(1_999);
      await settle();
      clock.advance(1);
      await failed;
      await expect(served?.over).resolves.toBe(true);
      expect(clock.pendingTimers).toBe(0);
    }
  });

  it('ends in the pause before a request is repeated', async () => {
    await using server = await OpenaiTestServer.start();
    const clock = new ManualClock();
    server.answer(refusal(503, {}, { 'retry-after': '30' }));
    const failed = expect(ask({ baseUrl: server.baseUrl, clock, maxRetries: 1, firstByteTimeoutMs: 2_000 })).rejects.toMatchObject({ code: 'RESPONSE_TIMEOUT' });
    await (await server.taken()).over;
    for (let turn = 0; turn < 20; turn += 1) await settle();
    clock.advance(2_000);
    await failed;
    expect(server.requests).toHaveLength(1);
  });

  it('ends when an answer does not go on, but not before', async () => {
    await using server = await OpenaiTestServer.start();
    const clock = new ManualClock();
    const chunks = chatChunks({ text: 'Hi you.' });
    const steps = chunks.slice(0, 3).map((chunk) => {
      let open: () => void = () => {};
      const gate = new Promise<void>((resolve) => (open = resolve));
      return { chunk, gate, open };
    });
    server.answer({ parts: [...steps.flatMap(({ chunk, gate }) => [gate, `data: ${JSON.stringify(chunk)}\n\n`]), NEVER] });
    const events = openaiText({ model: 'm', baseUrl: server.baseUrl, clock, idleTimeoutMs: 1_000 }).respond(HELLO, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    let next = events.next();
    await waiting(server, clock);
    for (const step of steps) {
      while (clock.pendingTimers === 0) await settle();
      clock.advance(900);
      step.open();
      await next;
      next = events.next();
    }
    const failed = expect(next).rejects.toMatchObject({ code: 'RESPONSE_TIMEOUT', message: expect.stringContaining('has said nothing more for 1000 ms') as string });
    while (clock.pendingTimers === 0) await settle();
    clock.advance(1_000);
    await failed;
    await expect(server.requests[0]?.over).resolves.toBe(true);
  });

  it('counts nothing while nobody reads', async () => {
    await using server = await OpenaiTestServer.start();
    const clock = new ManualClock();
    server.answer(streamedChat({ text: 'One two three four five six seven.' }));
    const events = openaiText({ model: 'm', baseUrl: server.baseUrl, clock }).respond(HELLO, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    await events.next();
    while (clock.pendingTimers > 0) await settle();
    clock.advance(3_600_000);
    let last: TextModelEvent | undefined;
    for (let result = await events.next(); result.done !== true; result = await events.next()) last = result.value;
    expect(last).toMatchObject({ type: 'response_done', status: 'completed' });
  });

  it.each([{ firstByteTimeoutMs: 0 }, { idleTimeoutMs: Number.NaN }])('refuses a time-out that is none: %j', (options) => {
    expect(() => openaiText({ model: 'm', ...options })).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('a connection', () => {
  it('serves the next request, also when the reader leaves at the last event', async () => {
    await using server = await OpenaiTestServer.start();
    const model = openaiText({ model: 'm', baseUrl: server.baseUrl });
    for (let round = 0; round < 4; round += 1) {
      server.answer(streamedChat({ text: 'Hi.' }));
      for await (const event of model.respond(HELLO, { signal: new AbortController().signal })) if (event.type === 'response_done') break;
      await server.requests.at(-1)?.over;
    }
    // A request may come before the end of the answer to the one before; broken off, each would have its own.
    expect(server.connectionCount).toBeLessThanOrEqual(2);
  });

  it('is not broken off for an end that is on its way', async () => {
    await using server = await OpenaiTestServer.start();
    let end: () => void = () => {};
    server.answer({ parts: [chatSse(chatChunks({ text: 'Hi.' })), new Promise<void>((resolve) => (end = resolve))] });
    for await (const event of openaiText({ model: 'm', baseUrl: server.baseUrl }).respond(HELLO, { signal: new AbortController().signal })) if (event.type === 'response_done') break;
    // Time enough for the server to see that the connection is gone, were it so.
    for (let turn = 0; turn < 100; turn += 1) await settle();
    end();
    await expect(server.requests[0]?.over).resolves.toBe(false);
  });

  it('is given up where the server does not end an answer that is whole', async () => {
    await using server = await OpenaiTestServer.start();
    const clock = new ManualClock();
    server.answer({ parts: [chatSse(chatChunks({ text: 'Hi.' })), NEVER] });
    expect((await ask({ baseUrl: server.baseUrl, clock })).at(-1)).toMatchObject({ status: 'completed' });
    clock.advance(1_000);
    await expect(server.requests[0]?.over).resolves.toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is read no faster than its events are', async () => {
    await using server = await OpenaiTestServer.start();
    const chunk = `data: ${JSON.stringify({ id: 'r1', choices: [{ index: 0, delta: { content: 'x'.repeat(100_000) } }] })}\n\n`;
    let sent = 0;
    server.answer({ dripBytes: chunk.length, parts: Array.from({ length: 200 }, () => [chunk, () => void (sent += 1)]).flat() });
    const events = openaiText({ model: 'm', baseUrl: server.baseUrl }).respond(HELLO, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    await events.next();
    // Nobody reads until the server cannot send any more: then the number stays.
    for (let before = -1; before !== sent; ) {
      before = sent;
      for (let turn = 0; turn < 200; turn += 1) await settle();
    }
    expect(sent).toBeLessThan(200);
    await events.return?.();
    await expect(server.requests[0]?.over).resolves.toBe(true);
  });
});
