import { expect, test } from 'vitest';
import { z } from 'zod';
import { RealtimeAgent, RealtimeSession, TransportError, tool } from '../../../session/index.js';
import type { Clock, Recogniser, Synthesiser, TextModel, TextRequest } from '../../../session/index.js';
import { caller } from '../../../src/caller/index.js';
import { createVoice, pipelineModel, scriptTextModel, startEmulator, voiceSynthesiser } from '../../../src/emulator/index.js';
import { voicewireMatchers } from '../../../src/matchers/index.js';
import { openaiRealtime } from '../../../src/provider/openai/openai-realtime.js';

expect.extend(voicewireMatchers);

const CALLER = ['Hello. I would like to book a table for two, tomorrow at seven, please.', 'Wonderful. Where can I park my car?', 'Thanks, that is all I need. Goodbye.'];
const voice = voiceSynthesiser(createVoice({ synthesizers: [] }));

/** Understands the turns as they are given, one after the other. */
function understands(texts: readonly string[]): Recogniser & { readonly heardMs: number[] } {
  const heardMs: number[] = [];
  return {
    label: 'test',
    heardMs,
    start({ sampleRate }) {
      let samples = 0;
      return {
        push: (given) => void (samples += given.length),
        end: () => {},
        events: (async function* () {
          heardMs.push((samples * 1_000) / sampleRate);
          yield { type: 'final', text: texts[heardMs.length - 1] ?? '' } as const;
        })(),
      };
    },
  };
}

/** Keeps what the model is asked. */
function watched(model: TextModel): TextModel & { readonly requests: TextRequest[] } {
  const requests: TextRequest[] = [];
  return {
    label: model.label,
    requests,
    respond(request, options) {
      requests.push(request);
      return model.respond(request, options);
    },
  };
}

const bookTable = tool({ name: 'book_table', description: 'Books a table.', parameters: z.object({ people: z.number(), day: z.string(), time: z.string() }), execute: () => ({ table: 12, reference: 'V-4711' }) });
const agent = (): RealtimeAgent => new RealtimeAgent({ name: 'Aurora', instructions: 'You answer for a restaurant.', tools: [bookTable] });

test('a pipeline stands in the place of a realtime model: turns, tools, barge-in, and it knows what was heard', async () => {
  const text = watched(scriptTextModel());
  const recogniser = understands([CALLER[0] as string, CALLER[1] as string, CALLER[2] as string]);
  const call = await caller()
    .hears(/how can I help you/i)
    .untilSilent()
    .says('fixtures/audio/caller-book.wav')
    .hears('V-4711')
    .untilSilent()
    .says('fixtures/audio/caller-hello.wav')
    .interrupts('fixtures/audio/caller-stop.wav', { afterMs: 3_000 })
    .hears('welcome')
    .untilSilent()
    .calls(({ clock, recorder }) => new RealtimeSession(agent(), { model: pipelineModel({ model: text, recogniser, synthesiser: voice, clock }), clock, recorder, config: { transcription: {} } }), { onOpen: (session) => void session.respond() });

  expect(call).toCallTool('book_table', { people: 2, time: '19:00' });
  expect(call).toInterruptWithin(250);
  expect(recogniser.heardMs).toHaveLength(3);
  // The agent's instructions and functions reach the text model with each question.
  expect(text.requests[0]).toMatchObject({ instructions: 'You answer for a restaurant.', tools: [{ name: 'book_table' }] });
  const last = text.requests.at(-1) as TextRequest;
  const said = last.input.flatMap((item) => (item.type === 'message' ? [`${item.role}: ${item.text}`] : [item.type]));
  expect(said.slice(0, 5)).toEqual(['assistant: Good evening, this is Trattoria Aurora. How can I help you?', `user: ${CALLER[0]}`, 'function_call', 'function_call_output', 'assistant: With pleasure. You have table 12, and your reference is V-4711.']);
  // Of the answer that was cut the model is told no more than was heard.
  expect(said[6]).toMatch(/^assistant: There are a few good places/u);
  expect(said[6]).not.toContain('baker');
  expect(said[7]).toBe(`user: ${CALLER[2]}`);
});

test('the first sentence sounds while the second is still being thought', async () => {
  const order: string[] = [];
  let go = (): void => {};
  const waits = new Promise<void>((resolve) => (go = resolve));
  const slow: TextModel = {
    label: 'slow',
    async *respond() {
      yield { type: 'response_started', responseId: 'r' };
      yield { type: 'text_delta', itemId: 'm', delta: 'You are welcome. ' };
      yield { type: 'text_delta', itemId: 'm', delta: 'See ' };
      await waits;
      order.push('thought on');
      yield { type: 'text_delta', itemId: 'm', delta: 'you tomorrow.' };
      yield { type: 'response_done', responseId: 'r', status: 'completed', output: [{ type: 'message', id: 'm', text: 'You are welcome. See you tomorrow.' }] };
    },
  };
  await caller()
    .untilAgentSpeaks()
    .hears('tomorrow')
    .untilSilent()
    .calls(({ clock }) => {
      const session = new RealtimeSession(agent(), { model: pipelineModel({ model: slow, recogniser: understands([]), synthesiser: voice, clock }), clock });
      session.on('audio', () => {
        if (order.length === 0) {
          order.push('sound');
          go();
        }
      });
      session.on('agent_end', ({ text }) => order.push(text));
      return session;
    }, { onOpen: (session) => void session.respond() });
  expect(order).toEqual(['sound', 'thought on', 'You are welcome. See you tomorrow.']);
});

test.each<[string, { model?: TextModel; synthesiser?: Synthesiser }, RegExp]>([
  ['model', { model: { label: 'gone', respond: () => failing(new TransportError('MODEL_UNREACHABLE', 'No connection to the text model.', { stage: 'connect' })) } }, /No connection to the text model/],
  ['synthesiser', { synthesiser: { label: 'mute', sampleRate: 24_000, speak: () => failing(new Error('no voice today')) } }, /no voice today/],
])('a %s that fails ends the response, not the session', async (_what, broken, message) => {
  const { session, clock } = sessionOn(broken);
  const problems: string[] = [];
  session.on('error', ({ error }) => problems.push(error.message));
  await session.connect();
  const handle = session.respond();
  await expect(handle.done).resolves.toMatchObject({ outcome: 'failed' });
  expect(problems.join('\n')).toMatch(message);
  expect(session.state).toBe('open');
  await session.close();
  void clock;
});

test('a turn that nobody understood is a transcript that failed, and the model is told that there was one', async () => {
  const text = watched(scriptTextModel());
  const problems: string[] = [];
  await caller()
    .says('fixtures/audio/caller-hello.wav')
    .untilAgentSpeaks()
    .untilSilent()
    .calls(({ clock }) => {
      const session = new RealtimeSession(agent(), { model: pipelineModel({ model: text, recogniser: understands([]), synthesiser: voice, clock }), clock, config: { transcription: {} } });
      session.on('error', ({ error }) => problems.push(error.code));
      return session;
    });
  expect(text.requests[0]?.input).toEqual([{ type: 'message', role: 'user', text: '[inaudible]' }]);
  expect(problems).toContain('TRANSCRIPTION_FAILED');
});

test('a session that ends lets go of the model and the synthesiser at once', async () => {
  const aborted: string[] = [];
  const model: TextModel = {
    label: 'endless',
    async *respond(_request, { signal }) {
      yield { type: 'response_started', responseId: 'r' };
      yield { type: 'text_delta', itemId: 'm', delta: 'You are welcome. And ' };
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })).catch(() => aborted.push('model'));
    },
  };
  const synthesiser: Synthesiser = {
    label: 'endless',
    sampleRate: 24_000,
    async *speak(_text, { signal }) {
      yield new Int16Array(2_400);
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })).catch(() => aborted.push('synthesiser'));
    },
  };
  const { session } = sessionOn({ model, synthesiser });
  await session.connect();
  const heard = new Promise((resolve) => session.on('audio', resolve));
  void session.respond();
  await heard;
  await session.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(aborted.toSorted()).toEqual(['model', 'synthesiser']);
});

test('behind the protocol, on a socket, it is one more mode of the emulator', async () => {
  await using emulator = await startEmulator({ mode: 'pipeline', pipeline: { model: scriptTextModel(), recogniser: understands([]), synthesiser: voice } });
  const session = new RealtimeSession(agent(), { model: openaiRealtime({ url: emulator.url }), clock: (await import('../../../src/host/system-clock.js')).systemClock });
  await session.connect();
  session.sendMessage('Where can I park?');
  const ended = await new Promise<string>((resolve) => session.on('agent_end', ({ text }) => resolve(text)));
  expect(ended).toMatch(/^There are a few good places close to us\. The market garage/u);
  await session.close();
  await expect(startEmulator({ mode: 'pipeline' })).rejects.toThrow(TypeError);
});

function sessionOn(parts: { model?: TextModel; synthesiser?: Synthesiser }): { session: RealtimeSession; clock: Clock } {
  const clock: Clock = { now: () => performance.now(), after: (ms, fire) => { const timer = setTimeout(fire, ms); return { cancel: () => clearTimeout(timer) }; } };
  return { clock, session: new RealtimeSession(agent(), { clock, model: pipelineModel({ model: scriptTextModel(), recogniser: understands([]), synthesiser: voice, clock, ...parts }) }) };
}

function failing<T>(error: Error): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}

test('what is for the eye is in the transcript, and is not spoken', async () => {
  const text = '```js\nrun()\n```\nSee you tomorrow.';
  const model: TextModel = {
    label: 'code',
    async *respond() {
      yield { type: 'response_started', responseId: 'r' };
      yield { type: 'text_delta', itemId: 'm', delta: text };
      yield { type: 'response_done', responseId: 'r', status: 'completed', output: [{ type: 'message', id: 'm', text }] };
    },
  };
  const asked: string[] = [];
  const { session } = sessionOn({ model, synthesiser: { ...voice, speak: (words, options) => (asked.push(words.trim()), voice.speak(words, options)) } });
  await session.connect();
  const ended = new Promise<string>((resolve) => session.on('agent_end', (event) => resolve(event.text)));
  session.respond();
  expect((await ended).split(/\s+/u)).toEqual(text.split(/\s+/u));
  expect(asked).toEqual(['See you tomorrow.']);
  await session.close();
});
