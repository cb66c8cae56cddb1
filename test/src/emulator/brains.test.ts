import { expect, test } from 'vitest';
import WebSocket from 'ws';
import type { IncomingMessage } from 'node:http';
import { createVoice, startEmulator } from '../../../src/emulator/index.js';
import type { Brain, PlanStep } from '../../../src/emulator/index.js';
import { EmulatorClient, callerAudio } from './emulator-client.js';

const VOICE = createVoice({ synthesizers: [] });

/** A brain whose answer is whatever the test hands it, step by step. */
class Handed implements Brain {
  readonly heard: string[] = [];
  /** Resolves when nobody wants the rest any more. */
  readonly returned: Promise<void>;
  #onReturn = (): void => {};
  #give: ((result: IteratorResult<PlanStep>) => void)[] = [];

  constructor() {
    this.returned = new Promise((resolve) => (this.#onReturn = resolve));
  }

  hear({ recognised }: { recognised: string | undefined }): { text: string } {
    this.heard.push(recognised ?? 'nothing');
    return { text: recognised ?? '' };
  }

  answer(): AsyncIterable<PlanStep> {
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise((resolve) => this.#give.push(resolve)),
        return: () => {
          this.#onReturn();
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
  }

  give(result: IteratorResult<PlanStep>): void {
    this.#give.shift()?.(result);
  }
}

test('a brain of one\'s own answers over a socket, step by step, and hears what a recogniser understood', async () => {
  const brain = new Handed();
  await using emulator = await startEmulator({ brain: () => brain, recogniser: { recognise: () => Promise.resolve('Hello there.') }, voice: VOICE, pace: 100, thinkMs: 0 });
  const client = await EmulatorClient.open(emulator.url);
  client.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'], audio: { input: { transcription: { model: 'whisper-1' } } } } });
  client.speak(callerAudio('caller-hello.wav'));
  expect((await client.next('conversation.item.input_audio_transcription.completed'))['transcript']).toBe('Hello there.');
  expect(brain.heard).toEqual(['Hello there.']);
  await client.next('response.created');
  brain.give({ done: false, value: { kind: 'message', parts: [{ text: 'First.' }] } });
  await client.next('response.output_item.done');
  brain.give({ done: true, value: undefined });
  expect((await client.next('response.done'))['response']).toMatchObject({ status: 'completed', output: [{ content: [{ text: 'First.' }] }] });
  await client.close();
});

test.each<[string, (client: EmulatorClient) => void]>([
  ['the answer is cancelled', (client) => client.send({ type: 'response.cancel' })],
  ['the client is gone', (client) => client.socket.terminate()],
])('a brain is told to stop when %s', async (_name, stop) => {
  const brain = new Handed();
  await using emulator = await startEmulator({ brain: () => brain, voice: VOICE });
  const client = await EmulatorClient.open(emulator.url);
  client.send({ type: 'response.create' });
  await client.next('response.created');
  stop(client);
  await brain.returned;
  client.socket.terminate();
});

test('a recogniser that fails has understood nothing', async () => {
  const brain = new Handed();
  await using emulator = await startEmulator({ brain: () => brain, recogniser: { recognise: () => Promise.reject(new Error('deaf')) }, voice: VOICE });
  const client = await EmulatorClient.open(emulator.url);
  client.speak(callerAudio('caller-hello.wav'));
  await client.next('response.created');
  await expect.poll(() => brain.heard).toEqual(['nothing']);
  await client.close();
});

test('a handshake that is refused on purpose says for how long, in the form of the API', async () => {
  await using emulator = await startEmulator({ voice: VOICE, faults: [{ kind: 'refuse', times: 1, retryAfterSeconds: 7 }] });
  const socket = new WebSocket(emulator.url);
  const answer = await new Promise<IncomingMessage>((resolve) => socket.once('unexpected-response', (_request, response) => resolve(response)));
  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '7']);
  expect(JSON.parse(Buffer.concat((await answer.toArray()) as Buffer[]).toString('utf8'))).toMatchObject({ error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } });
  const client = await EmulatorClient.open(emulator.url);
  await client.close();
});
