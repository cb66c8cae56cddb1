import { describe, expect, test } from 'vitest';
import { createVoice, startEmulator } from '../../../src/emulator/index.js';
import type { Brain, Script, Speech } from '../../../src/emulator/index.js';
import type { EmulatorEffect } from '../../../src/emulator/effect.js';
import { ScriptBrain } from '../../../src/emulator/script-brain.js';
import { TranslationSession } from '../../../src/emulator/translation-session.js';
import { TRANSLATION_EVENT_TYPES } from '../../../src/emulator/wire.js';
import { ClientSecrets } from '../../../src/emulator/client-secrets.js';
import { PublishedSchema } from '../../helpers/published-schema.js';
import { EmulatorClient, callerAudio, order } from './emulator-client.js';
import type { WireEvent } from './emulator-client.js';

const HELLO = callerAudio('caller-hello.wav');
const VOICE = createVoice({ synthesizers: [] });
const script: Script = {
  name: 'translations',
  greeting: 'Hi.',
  turns: [
    { hears: 'Guten Abend, wie kann ich helfen?', reply: 'How can I help you?' },
    { hears: 'Gern geschehen.', reply: 'You are welcome.' },
  ],
  fallback: 'Half of our menu is vegetarian.',
};
const error = (event: WireEvent | undefined): { code: string; param: string | null } => event?.['error'] as never;

/** Drives a translation without a socket, on time that only the test moves. */
class Driver {
  readonly events: WireEvent[] = [];
  readonly timesMs: number[] = [];
  closed: { code: number; reason: string } | undefined;
  nowMs = 0;
  readonly session: TranslationSession;
  #speaking: Promise<void>[] = [];

  constructor(brain: Brain = new ScriptBrain(script), sessionLimitMs = 3_600_000) {
    this.session = new TranslationSession({ brain, model: 'gpt-realtime-translate', sessionLimitMs, recognises: false, seed: 1, unixSeconds: 1_800_000_000, nowMs: 0 });
    this.perform(this.session.open());
  }

  perform(effects: readonly EmulatorEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'send') {
        this.events.push(effect.event);
        this.timesMs.push(this.nowMs);
      } else if (effect.type === 'close') this.closed = effect;
      else if (effect.type === 'speak') {
        const done = (speech: Speech | undefined): void => this.perform(this.session.spoken(effect.responseId, effect.part, speech, this.nowMs));
        this.#speaking.push(VOICE.speak(effect.text).then(done));
      }
    }
  }

  send(event: object): WireEvent[] {
    const from = this.events.length;
    this.perform(this.session.receive(JSON.stringify(event), this.nowMs));
    return this.events.slice(from);
  }

  append(pcm: Uint8Array): void {
    this.send({ type: 'session.input_audio_buffer.append', audio: Buffer.from(pcm).toString('base64') });
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (;;) {
      await Promise.all(this.#speaking.splice(0));
      const nextMs = this.session.nextWakeMs;
      if (nextMs === undefined || nextMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      this.perform(this.session.wake(this.nowMs));
    }
    this.nowMs = untilMs;
  }
}

const update = (audio: object): object => ({ type: 'session.update', session: { audio } });
const said = (events: readonly WireEvent[], type: string): string => events.filter((event) => event.type === type).map((event) => event['delta']).join('');

describe('a session that translates', () => {
  test('tells what it heard and what that means, in sound and in words, in real time; every event is as published', async () => {
    const driver = new Driver();
    driver.send(update({ input: { transcription: { model: 'gpt-realtime-whisper' }, noise_reduction: { type: 'near_field' } }, output: { language: 'en' } }));
    driver.append(HELLO);
    await driver.advance(10_000);
    expect(order(driver.events).slice(0, 5)).toEqual(['session.created', 'session.updated', 'session.input_transcript.delta', 'session.output_transcript.delta', 'session.output_audio.delta']);
    expect(said(driver.events, 'session.input_transcript.delta')).toBe('Guten Abend, wie kann ich helfen?');
    expect(said(driver.events, 'session.output_transcript.delta')).toBe('How can I help you?');
    const frames = driver.events.filter((event) => event.type === 'session.output_audio.delta');
    const times = driver.timesMs.filter((_, index) => driver.events[index]?.type === 'session.output_audio.delta');
    expect(frames.length).toBeGreaterThan(3);
    for (const frame of frames.slice(0, -1)) expect(Buffer.from(frame['delta'] as string, 'base64').length).toBe(200 * 48);
    expect(times.slice(1).map((atMs, index) => atMs - (times[index] as number))).toEqual(times.slice(1).map(() => 200));
    const { samples } = await VOICE.speak('How can I help you?');
    expect(Buffer.concat(frames.map((frame) => Buffer.from(frame['delta'] as string, 'base64'))).length).toBe(samples.length * 2);
    for (const event of driver.events) if ('elapsed_ms' in event) expect((event['elapsed_ms'] as number) % 200).toBe(0);
    driver.send({ type: 'session.close' });
    driver.send({ type: 'x' });
    const bad = new Driver();
    bad.send({ type: 'response.create' });
    const schema = new PublishedSchema();
    const all = [...driver.events, ...bad.events];
    expect(all.flatMap((event) => schema.problems('RealtimeTranslationServerEvent', event).map((problem) => `${event.type}: ${problem}`))).toEqual([]);
    expect(new Set(all.map((event) => event.type))).toEqual(new Set(TRANSLATION_EVENT_TYPES));
  });

  test('says one sentence after the other, never two at once', async () => {
    const driver = new Driver();
    driver.append(HELLO);
    driver.append(HELLO);
    await driver.advance(20_000);
    expect(said(driver.events, 'session.output_transcript.delta')).toBe('How can I help you?You are welcome.');
    const times = driver.timesMs.filter((_, index) => driver.events[index]?.type === 'session.output_audio.delta');
    expect(new Set(times).size).toBe(times.length);
  });

  test('closes when it has said what it has heard', async () => {
    const driver = new Driver();
    driver.append(HELLO.subarray(0, 96_000));
    expect(driver.send({ type: 'session.close' })).toEqual([]);
    driver.append(HELLO);
    await driver.advance(20_000);
    expect(driver.events.at(-1)?.type).toBe('session.closed');
    expect(driver.closed).toMatchObject({ code: 1000 });
    expect(said(driver.events, 'session.output_transcript.delta')).toBe('How can I help you?');
    const idle = new Driver();
    expect(idle.send({ type: 'session.close' }).map((event) => event.type)).toEqual(['session.closed']);
  });

  test('ends when its time is up', async () => {
    const driver = new Driver(undefined, 60_000);
    await driver.advance(60_000);
    expect(error(driver.events.at(-1)).code).toBe('session_expired');
    expect(driver.closed?.code).toBe(1001);
  });

  test('waits for a brain that takes its time, and says nothing where it breaks off', async () => {
    const brain: Brain = { hear: () => ({ text: 'x' }), answer: async function* () {} };
    const driver = new Driver(brain);
    driver.append(HELLO);
    driver.perform(driver.session.thought('sentence_1', { kind: 'message', parts: [{ text: 'You are' }] }, 0));
    driver.perform(driver.session.thought('sentence_1', { kind: 'message', parts: [{ text: 'welcome.' }] }, 0));
    driver.perform(driver.session.thoughtAll('sentence_1', false, 0));
    await driver.advance(5_000);
    expect(said(driver.events, 'session.output_transcript.delta')).toBe('You are welcome.');
    driver.append(HELLO);
    driver.perform(driver.session.thoughtAll('sentence_2', true, driver.nowMs));
    expect(driver.send({ type: 'session.close' }).map((event) => event.type)).toEqual(['session.closed']);
  });

  test.each<[string, object, string, string | null]>([
    ['a turn', { type: 'input_audio_buffer.commit' }, 'invalid_value', 'type'],
    ['no type', {}, 'invalid_event', 'type'],
    ['instructions', { type: 'session.update', session: { instructions: 'x' } }, 'unknown_parameter', 'session.instructions'],
    ['a format', update({ input: { format: { type: 'audio/pcmu' } } }), 'unknown_parameter', 'session.audio.input.format'],
    ['a transcription without a model', update({ input: { transcription: {} } }), 'missing_required_parameter', 'session.audio.input.transcription.model'],
    ['sound that is none', { type: 'session.input_audio_buffer.append', audio: '!' }, 'invalid_value', 'audio'],
  ])('refuses %s', (_name, event, code, param) => {
    const answers = new Driver().send({ event_id: 'mine', ...event });
    expect(answers.map(error)).toMatchObject([{ code, param, event_id: 'mine' }]);
  });
});

test('over a socket at its own address, with a client secret of its own', async () => {
  await using emulator = await startEmulator({ voice: VOICE, script });
  const answer = await fetch(`http://127.0.0.1:${emulator.port}/v1/realtime/translations/client_secrets`, { method: 'POST', body: JSON.stringify({ session: { model: 'gpt-realtime-translate', audio: { output: { language: 'pt' } } } }) });
  const secret = (await answer.json()) as { value: string };
  expect(new PublishedSchema().problems('RealtimeTranslationClientSecretCreateResponse', secret)).toEqual([]);
  const client = await EmulatorClient.open(`${emulator.url}/translations`, { headers: { Authorization: `Bearer ${secret.value}` } });
  expect((await client.next('session.created'))['session']).toMatchObject({ type: 'translation', model: 'gpt-realtime-translate', audio: { output: { language: 'pt' } } });
  client.send({ type: 'session.input_audio_buffer.append', audio: Buffer.from(HELLO).toString('base64') });
  client.send({ type: 'session.close' });
  expect((await client.closed).code).toBe(1000);
  expect(said(client.events, 'session.output_transcript.delta')).toBe('How can I help you?');
});

test('a secret for a translation needs a model', () => {
  expect(() => new ClientSecrets(1).createTranslation({ session: {} }, 0)).toThrow('session.model');
});
