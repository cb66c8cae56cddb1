import { describe, expect, it } from 'vitest';
import { decodeWav } from '../../../../audio/index.js';
import type { RecogniserEvent } from '../../../../session/index.js';
import { openaiRecogniser } from '../../../../src/provider/openai/openai-recogniser.js';
import type { OpenaiRecogniserOptions } from '../../../../src/provider/openai/openai-recogniser.js';
import { OpenaiTestServer, TRANSCRIPT_USAGE, answeringClient, streamedTranscript, wholeTranscript } from '../../../helpers/openai-server/index.js';
import type { Answer } from '../../../helpers/openai-server/index.js';
import { settle } from '../../../helpers/settle.js';

const RATE = 16_000;
const SPEECH = Int16Array.from({ length: RATE / 2 }, (_, index) => Math.round(9_000 * Math.sin(index / 7)));
const USAGE = { type: 'tokens', totalTokens: TRANSCRIPT_USAGE.total_tokens, inputTokens: 14, outputTokens: 31, input: { text: 0, audio: 14 } };

function recognise(options: Partial<OpenaiRecogniserOptions>, samples = SPEECH, signal = new AbortController().signal): { readonly events: RecogniserEvent[]; readonly done: Promise<void> } {
  const turn = openaiRecogniser({ model: 'whisper-test', ...options }).start({ sampleRate: RATE, signal });
  // As a microphone gives them: 20 ms and a rest.
  for (let at = 0; at < samples.length; at += 320) turn.push(samples.subarray(at, at + 320));
  turn.end();
  const events: RecogniserEvent[] = [];
  const read = async (): Promise<void> => {
    for await (const event of turn.events) events.push(event);
  };
  return { events, done: read() };
}

async function eventsOf(answer: Answer, options: Partial<OpenaiRecogniserOptions> = {}): Promise<readonly RecogniserEvent[]> {
  await using server = await OpenaiTestServer.start();
  server.answer(answer);
  const { events, done } = recognise({ baseUrl: server.baseUrl, ...options });
  await done;
  return events;
}

/** As vLLM streams a transcript. */
function vllm(text: string, finish: 'stop' | null, end = 'data: [DONE]\n\n'): Answer {
  const chunk = (content: string, finish_reason: string | null): string => `data: ${JSON.stringify({ id: 'trsc-1', object: 'transcription.chunk', created: 1, model: 'whisper', choices: [{ delta: { content }, finish_reason }] })}\n\n`;
  const [first, ...rest] = text.match(/ ?\S+/g) ?? [];
  return { parts: [chunk(first ?? '', null), ...rest.map((word, at) => chunk(word, at === rest.length - 1 ? finish : null)), end] };
}

const partials = (...texts: string[]): RecogniserEvent[] => texts.map((text) => ({ type: 'partial', text }));

describe('a recogniser of OpenAI’s API', () => {
  it('sends the turn as a WAV file, with what it was told', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(streamedTranscript('Hello you.'));
    await recognise({ baseUrl: server.baseUrl, language: 'en', prompt: 'voicewire', body: { temperature: 0.2 } }).done;
    const { path, form } = await server.taken();
    expect(path).toBe('/v1/audio/transcriptions');
    expect(Object.fromEntries([...form].filter(([name]) => name !== 'file').map(([name, { text }]) => [name, text]))).toEqual({ model: 'whisper-test', response_format: 'json', stream: 'true', language: 'en', prompt: 'voicewire', temperature: '0.2' });
    expect(form.get('file')?.filename).toBe('turn.wav');
    const { samples, ...format } = decodeWav(form.get('file')?.bytes ?? new Uint8Array());
    expect(format).toEqual({ sampleRate: RATE, channels: 1, sourceEncoding: 'pcm16' });
    expect(samples).toEqual(SPEECH);
  });

  it.each<[string, Answer, readonly RecogniserEvent[]]>([
    ['OpenAI’s stream', streamedTranscript('Hello you there.'), [...partials('Hello', 'Hello you', 'Hello you there.'), { type: 'final', text: 'Hello you there.', usage: USAGE as never }]],
    ['one piece', wholeTranscript(' Hello you.\n'), [{ type: 'final', text: 'Hello you.', usage: { type: 'duration', seconds: 3 } }]],
    ['a stream of segments', { parts: ['data: {"text":" Hello you."}\n\n', 'data: {"text":"How are you?"}\n\n'] }, [...partials('Hello you.', 'Hello you. How are you?'), { type: 'final', text: 'Hello you. How are you?' }]],
    ['a stream of segments with [DONE]', { parts: ['data: {"text":"Hello."}\n\n', 'data: [DONE]\n\n'] }, [...partials('Hello.'), { type: 'final', text: 'Hello.' }]],
    ['vLLM’s chunks', vllm('Hello you.', 'stop'), [...partials('Hello', 'Hello you.'), { type: 'final', text: 'Hello you.' }]],
    ['vLLM’s chunks of more than half a minute', { parts: [...vllm('One two.', 'stop', '').parts, ...vllm(' Three four.', 'stop').parts] }, [...partials('One', 'One two.', 'One two. Three', 'One two. Three four.'), { type: 'final', text: 'One two. Three four.' }]],
    ['chunks without a reason to finish', vllm('Hello you.', null), [...partials('Hello', 'Hello you.'), { type: 'final', text: 'Hello you.' }]],
    ['a stream without segments, where nothing was said', { parts: [': nothing\n\n'] }, [{ type: 'final', text: '' }]],
    ['segments of speakers beside the deltas', { parts: ['data: {"type":"transcript.text.segment","text":"x","speaker":"A"}\n\n', 'data: {"type":"transcript.text.done","text":"Hello."}\n\n'] }, [{ type: 'final', text: 'Hello.' }]],
  ])('reads %s', async (_, answer, expected) => {
    expect(await eventsOf(answer)).toEqual(expected);
  });

  it('does not ask for a stream where that is not wanted', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(wholeTranscript('Hello.'));
    await recognise({ baseUrl: server.baseUrl, stream: false }).done;
    expect((await server.taken()).form.has('stream')).toBe(false);
  });

  it.each([0, RATE / 10 - 1])('asks nothing about %i samples', async (length) => {
    await using server = await OpenaiTestServer.start();
    const { events, done } = recognise({ baseUrl: server.baseUrl }, new Int16Array(length));
    await done;
    expect(events).toEqual([{ type: 'final', text: '' }]);
    expect(server.requests).toEqual([]);
  });

  it('sends no turn that is longer than it may be', async () => {
    await using server = await OpenaiTestServer.start();
    await expect(recognise({ baseUrl: server.baseUrl, maxTurnMs: 499 }).done).rejects.toMatchObject({ code: 'TRANSCRIPTION_FAILED' });
    expect(server.requests).toEqual([]);
  });

  it.each<[string, Answer, object]>([
    ['a refusal', { status: 400, contentType: 'application/json', parts: ['{"error":{"message":"Invalid file format.","type":"invalid_request_error"}}'] }, { code: 'PROVIDER_ERROR', status: 400, retryable: false }],
    ['a limit', { status: 429, contentType: 'application/json', parts: ['{"error":{"message":"Slow down.","code":"rate_limit_exceeded"}}'] }, { code: 'PROVIDER_RATE_LIMITED', retryable: true }],
    ['another path', { status: 404, contentType: 'text/plain', parts: ['File Not Found (/v1/audio/transcriptions)'] }, { code: 'MODEL_NOT_FOUND' }],
    ['an error and 200, as whisper.cpp has them', { contentType: 'application/json', parts: ['{"error":"failed to read audio data"}'] }, { code: 'PROVIDER_ERROR' }],
    ['an error within the stream', { parts: ['data: {"type":"transcript.text.delta","delta":"He"}\n\n', 'data: {"error":{"message":"It broke.","type":"server_error"}}\n\n'] }, { code: 'PROVIDER_ERROR', retryable: true }],
    ['another answer', { contentType: 'application/json', parts: ['{"status":"ok"}'] }, { code: 'PROTOCOL_BAD_EVENT' }],
    ['chunks without their end', vllm('Hello you.', null, ''), { code: 'MODEL_CONNECTION_LOST' }],
    ['a stream without its end', { parts: ['data: {"type":"transcript.text.delta","delta":"He"}\n\n'] }, { code: 'MODEL_CONNECTION_LOST', retryable: true }],
  ])('says what went wrong: %s', async (_, answer, expected) => {
    await expect(eventsOf(answer)).rejects.toMatchObject(expected);
  });

  it.each([
    ['text/event-stream', streamedTranscript('Hello é🙂.')],
    ['application/json', wholeTranscript('Hello é🙂.')],
  ])('is right or lost at any cut: %s', async (contentType, { parts }) => {
    const bytes = new TextEncoder().encode(parts.join(''));
    let whole = 0;
    for (const cleanly of [false, true]) {
      // A stream that ends well before its first event says that nothing was said.
      for (let cutAfterBytes = cleanly && contentType === 'text/event-stream' ? parts[0]?.toString().length ?? 0 : 0; cutAfterBytes <= bytes.length; cutAfterBytes += 1) {
        const { events, done } = recognise({ client: answeringClient(() => ({ bytes, contentType, cutAfterBytes, cleanly })) }, SPEECH.subarray(0, RATE / 10));
        try {
          await done;
          whole += 1;
          expect(events.at(-1)).toMatchObject({ type: 'final', text: 'Hello é🙂.' });
        } catch (error) {
          expect(error).toMatchObject({ code: 'MODEL_CONNECTION_LOST' });
          expect(events.filter(({ type }) => type === 'final')).toEqual([]);
        }
      }
    }
    expect(whole).toBeGreaterThan(0);
  });

  it('ends the request at an abort', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer({ parts: ['data: {"type":"transcript.text.delta","delta":"He"}\n\n', new Promise<void>(() => {})] });
    const life = new AbortController();
    const { events, done } = recognise({ baseUrl: server.baseUrl }, SPEECH, life.signal);
    const failed = expect(done).rejects.toThrow('hung up');
    const { over } = await server.taken();
    while (events.length === 0) await settle();
    life.abort(new Error('hung up'));
    await failed;
    await expect(over).resolves.toBe(true);
  });

  it('ends the request when its reader leaves while a next() is pending', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer({ parts: [new Promise<void>(() => {})] });
    const turn = openaiRecogniser({ model: 'whisper-test', baseUrl: server.baseUrl }).start({ sampleRate: RATE, signal: new AbortController().signal });
    turn.push(SPEECH);
    turn.end();
    const events = turn.events[Symbol.asyncIterator]();
    const pending = events.next();
    const { over } = await server.taken();
    await events.return?.();
    await expect(pending).resolves.toMatchObject({ done: true });
    await expect(over).resolves.toBe(true);
  });
});
