import { describe, expect, test } from 'vitest';
import { Resampler, decodeAlaw, decodeMulaw, encodeMulaw, pcm16ToSamples } from '../../../audio/index.js';
import type { HeardAudio, Script } from '../../../src/emulator/index.js';
import { callerAudio } from './emulator-client.js';
import type { WireEvent } from './emulator-client.js';
import { SessionDriver } from './session-driver.js';

const HELLO = callerAudio('caller-hello.wav');
const STOP = callerAudio('caller-stop.wav');
const update = (session: object): object => ({ type: 'session.update', session: { type: 'realtime', ...session } });
const transcribing = (model: string, more: object = {}): object => update({ output_modalities: ['text'], audio: { input: { transcription: { model, ...more } } } });
const transcripts = (driver: SessionDriver): WireEvent[] => driver.events.filter((event) => event.type.includes('input_audio_transcription'));
const error = (event: WireEvent | undefined): { code: string; param: string | null } => event?.['error'] as never;

const script: Script = {
  name: 'test',
  greeting: 'Hi.',
  turns: [
    { hears: 'one two', reply: 'First.' },
    { hears: 'Stop, please!', reply: 'Stopping.' },
    { when: ['weather'], reply: 'Sunny.' },
  ],
  fallback: 'Pardon?',
};

describe('a transcript', () => {
  test.each<[string, string[], string]>([
    ['whisper-1', ['one two'], 'duration'],
    ['gpt-4o-transcribe', ['one', ' two'], 'tokens'],
    ['gpt-4o-transcribe-diarize', ['one', ' two'], 'tokens'],
    ['gpt-realtime-whisper', ['one', ' two'], 'duration'],
  ])('of %s comes in its own pieces, and is billed its own way', async (model, deltas, billing) => {
    const driver = new SessionDriver({ script });
    driver.send(transcribing(model));
    driver.append(HELLO);
    await driver.advance(5_000);
    const events = transcripts(driver);
    expect(events.filter((event) => event.type.endsWith('.delta')).map((event) => event['delta'])).toEqual(deltas);
    expect(events.at(-1)).toMatchObject({ transcript: 'one two', usage: { type: billing } });
    expect(events.filter((event) => event.type.endsWith('.segment')).map((event) => event['speaker'])).toEqual(model.endsWith('diarize') ? ['A'] : []);
  });

  test('fails where the script says so, and the answer comes all the same', async () => {
    const driver = new SessionDriver({ script: { ...script, turns: [{ hears: 'x', reply: 'First.', transcriptFails: { code: 'audio_unintelligible' } }] } });
    driver.send(transcribing('whisper-1'));
    driver.append(HELLO);
    await driver.advance(5_000);
    expect(transcripts(driver)).toMatchObject([{ type: 'conversation.item.input_audio_transcription.failed', error: { type: 'transcription_error', code: 'audio_unintelligible', param: null } }]);
    expect(driver.events.find((event) => event.type === 'response.output_text.done')?.['text']).toBe('First.');
  });

  test('of what the script does not know says so', async () => {
    const driver = new SessionDriver({ script: { ...script, turns: [] } });
    driver.send(transcribing('whisper-1'));
    driver.append(HELLO);
    await driver.advance(5_000);
    expect(transcripts(driver).at(-1)?.['transcript']).toMatch(/^\(\d\.\d s of speech\)$/);
  });

  test.each<[string, object, string]>([
    ['a delay of a model that has none', { model: 'whisper-1', delay: 'low' }, 'delay'],
    ['keywords of a model that takes none', { model: 'whisper-1', keywords: ['x'] }, 'keywords'],
    ['a prompt of the streaming model', { model: 'gpt-realtime-whisper', prompt: 'x' }, 'prompt'],
  ])('%s is refused', (_name, transcription, field) => {
    expect(error(new SessionDriver().send(update({ audio: { input: { transcription } } }))[0])).toMatchObject({ code: 'invalid_value', param: `session.audio.input.transcription.${field}` });
  });
});

describe('a recogniser', () => {
  const heard: HeardAudio[] = [];
  const recogniser = (text: string | undefined | Error): { recognise: (audio: HeardAudio) => Promise<string | undefined> } => ({
    recognise: (audio) => {
      heard.push(audio);
      return text instanceof Error ? Promise.reject(text) : Promise.resolve(text);
    },
  });

  test.each<[string, string | undefined, string, string]>([
    ['the turn that hears it, whatever the order and the marks', 'stop please', 'Stopping.', 'stop please'],
    ['the turn whose words it holds', 'How is the weather?', 'Sunny.', 'How is the weather?'],
    ['what no turn expects with the fallback', 'Blue cheese', 'Pardon?', 'Blue cheese'],
    ['the next turn where it understood nothing', undefined, 'First.', 'one two'],
  ])('leads to %s', async (_name, text, answer, transcript) => {
    const driver = new SessionDriver({ script, recogniser: recogniser(text) });
    driver.send(transcribing('whisper-1'));
    driver.append(HELLO);
    await driver.advance(5_000);
    expect(driver.events.find((event) => event.type === 'response.output_text.done')?.['text']).toBe(answer);
    expect(transcripts(driver).at(-1)?.['transcript']).toBe(transcript);
  });

  test('hears the turn itself', async () => {
    heard.length = 0;
    const driver = new SessionDriver({ script, recogniser: recogniser('x') });
    driver.append(HELLO);
    await driver.advance(100);
    const [audio] = heard as [HeardAudio];
    const bounds = driver.events.flatMap((event) => (event['audio_start_ms'] ?? event['audio_end_ms']) as number | undefined ?? []);
    expect(audio.sampleRate).toBe(24_000);
    expect(Math.abs(audio.samples.length / 24 - ((bounds[1] as number) - (bounds[0] as number)))).toBeLessThanOrEqual(21);
    const all = pcm16ToSamples(HELLO);
    const at = all.findIndex((_, index) => audio.samples.subarray(0, 200).every((sample, offset) => sample === all[index + offset]));
    expect(at).toBeGreaterThanOrEqual(0);
  });

  test('that takes its time holds the answer back, and nothing else', async () => {
    let tell = (_text: string): void => {};
    const slow = { recognise: () => new Promise<string>((resolve) => (tell = resolve)) };
    const driver = new SessionDriver({ script, recogniser: slow });
    driver.send(transcribing('whisper-1'));
    driver.append(HELLO);
    driver.wake(10_000);
    expect(driver.last.type).toBe('response.created');
    tell('weather');
    await driver.advance(2_000);
    expect(driver.events.find((event) => event.type === 'response.output_text.done')?.['text']).toBe('Sunny.');
  });
});

describe('a session of transcription alone', () => {
  test('writes down and never answers', async () => {
    const driver = new SessionDriver({ script, kind: 'transcription' });
    expect(driver.events[0]?.['session']).toMatchObject({ type: 'transcription', object: 'realtime.transcription_session', audio: { input: { turn_detection: { type: 'server_vad' } } } });
    expect(driver.events[0]?.['session']).not.toHaveProperty('instructions');
    driver.send({ type: 'session.update', session: { type: 'transcription', audio: { input: { transcription: { model: 'gpt-4o-transcribe' } } } } });
    driver.append(HELLO);
    await driver.advance(10_000);
    expect(transcripts(driver).at(-1)).toMatchObject({ transcript: 'one two' });
    expect(driver.events.some((event) => event.type.startsWith('response.'))).toBe(false);
    expect(error(driver.send({ type: 'response.create' })[0])).toMatchObject({ code: 'invalid_value', param: 'type' });
  });

  test.each<[string, object, string, string]>([
    ['another type', { type: 'realtime' }, 'invalid_value', 'session.type'],
    ['instructions', { type: 'transcription', instructions: 'x' }, 'unknown_parameter', 'session.instructions'],
    ['an output', { type: 'transcription', audio: { output: {} } }, 'unknown_parameter', 'session.audio.output'],
    ['turns of the streaming model', { type: 'transcription', audio: { input: { transcription: { model: 'gpt-realtime-whisper' } } } }, 'invalid_value', 'session.audio.input.turn_detection'],
  ])('refuses %s', (_name, session, code, param) => {
    expect(error(new SessionDriver({ kind: 'transcription' }).send({ type: 'session.update', session })[0])).toMatchObject({ code, param });
  });
});

describe('an update refuses', () => {
  test.each<[string, object, string, string]>([
    ['another model', { model: 'gpt-other' }, 'invalid_value', 'session.model'],
    ['reasoning without sense', { reasoning: { depth: 1 } }, 'unknown_parameter', 'session.reasoning.depth'],
    ['a truncation that there is not', { truncation: 'often' }, 'invalid_value', 'session.truncation'],
    ['a ratio above 1', { truncation: { type: 'retention_ratio', retention_ratio: 1.5 } }, 'decimal_above_max_value', 'session.truncation.retention_ratio'],
    ['a prompt without an id', { prompt: {} }, 'missing_required_parameter', 'session.prompt.id'],
    ['something to include that there is not', { include: ['everything'] }, 'invalid_value', 'session.include[0]'],
    ['a trace that there is not', { tracing: 'manual' }, 'invalid_value', 'session.tracing'],
    ['a hosted server with two addresses', { tools: [{ type: 'mcp', server_label: 'x', server_url: 'https://x', connector_id: 'y' }] }, 'invalid_value', 'session.tools[0]'],
    ['a hosted server without an address', { tools: [{ type: 'mcp', server_label: 'x' }] }, 'invalid_value', 'session.tools[0]'],
    ['an idle timeout of the semantic detection', { audio: { input: { turn_detection: { type: 'semantic_vad', idle_timeout_ms: 6_000 } } } }, 'unknown_parameter', 'session.audio.input.turn_detection.idle_timeout_ms'],
    ['an idle timeout below five seconds', { audio: { input: { turn_detection: { type: 'server_vad', idle_timeout_ms: 4_999 } } } }, 'integer_below_min_value', 'session.audio.input.turn_detection.idle_timeout_ms'],
  ])('%s, and nothing of it is taken', (_name, session, code, param) => {
    const driver = new SessionDriver();
    expect(error(driver.send(update({ instructions: 'New.', ...session }))[0])).toMatchObject({ code, param });
    expect(driver.send(update({}))[0]?.['session']).not.toMatchObject({ instructions: 'New.' });
  });

  test('another trace once there is one, and another speed while a response runs', async () => {
    const driver = new SessionDriver({ pace: 1 });
    driver.send(update({ tracing: { workflow_name: 'w' } }));
    expect(error(driver.send(update({ tracing: null }))[0])).toMatchObject({ code: 'invalid_value', param: 'session.tracing' });
    driver.send({ type: 'response.create' });
    await driver.advance(500);
    expect(error(driver.send(update({ audio: { output: { speed: 1.1 } } }))[0])).toMatchObject({ code: 'invalid_value', param: 'session.audio.output.speed' });
  });

  test('to play what the client plays itself', () => {
    expect(error(new SessionDriver().send({ type: 'output_audio_buffer.clear' })[0])).toMatchObject({ code: 'invalid_value', param: 'type' });
  });
});

describe('a retrieved item', () => {
  const partOf = (event: WireEvent | undefined): { audio: string; format: string } => (event?.['item'] as { content: [{ audio: string; format: string }] }).content[0];

  test('of the model has the sound that was sent, and after a truncation what is left of it', async () => {
    const driver = new SessionDriver();
    driver.send({ type: 'response.create' });
    await driver.advance(20_000);
    const id = (driver.events.find((event) => event.type === 'response.output_item.added')?.['item'] as { id: string }).id;
    const sent = Buffer.concat(driver.events.filter((event) => event.type === 'response.output_audio.delta').map((event) => Buffer.from(event['delta'] as string, 'base64')));
    const whole = partOf(driver.send({ type: 'conversation.item.retrieve', item_id: id })[0]);
    expect([Buffer.from(whole.audio, 'base64').equals(sent), whole.format]).toEqual([true, 'pcm16']);
    driver.send({ type: 'conversation.item.truncate', item_id: id, content_index: 0, audio_end_ms: 333 });
    const cut = Buffer.from(partOf(driver.send({ type: 'conversation.item.retrieve', item_id: id })[0]).audio, 'base64');
    expect(cut.equals(sent.subarray(0, 333 * 48))).toBe(true);
  });

  test('of the user sounds as it was said, in the format of the session', () => {
    const narrow = new Resampler(24_000, 8_000).push(pcm16ToSamples(HELLO));
    const driver = new SessionDriver();
    driver.send(update({ audio: { input: { format: { type: 'audio/pcmu' }, turn_detection: null } } }));
    driver.append(encodeMulaw(narrow));
    const id = driver.send({ type: 'input_audio_buffer.commit' })[0]?.['item_id'];
    const part = partOf(driver.send({ type: 'conversation.item.retrieve', item_id: id })[0]);
    expect(part.format).toBe('g711_ulaw');
    expect(decodeMulaw(Buffer.from(part.audio, 'base64'))).toEqual(decodeMulaw(encodeMulaw(narrow)));
    expect(decodeAlaw(Buffer.from(part.audio, 'base64'))).not.toEqual(decodeMulaw(encodeMulaw(narrow)));
  });

  test('that is a minute of sound ago has none any more', () => {
    const driver = new SessionDriver();
    driver.send(update({ audio: { input: { turn_detection: null } } }));
    const say = (seconds: number): unknown => {
      driver.append(new Uint8Array(seconds * 48_000));
      return driver.send({ type: 'input_audio_buffer.commit' })[0]?.['item_id'];
    };
    const [old, recent] = [say(30), say(31)];
    expect(partOf(driver.send({ type: 'conversation.item.retrieve', item_id: old })[0]).audio).toBeUndefined();
    expect(partOf(driver.send({ type: 'conversation.item.retrieve', item_id: recent })[0]).audio.length).toBeGreaterThan(1_000_000);
  });
});

describe('turns', () => {
  test('are cut at the threshold that the client sets', () => {
    const quiet = pcm16ToSamples(STOP).map((sample) => Math.round(sample / 40));
    const bytes = new Uint8Array(quiet.buffer, quiet.byteOffset, quiet.byteLength);
    const starts = [0.1, 0.9].map((threshold) => {
      const driver = new SessionDriver();
      driver.send(update({ audio: { input: { turn_detection: { type: 'server_vad', threshold } } } }));
      return driver.append(bytes).some((event) => event.type === 'input_audio_buffer.speech_started');
    });
    expect(starts).toEqual([true, false]);
  });

  test('are found and not answered without create_response', async () => {
    const driver = new SessionDriver();
    driver.send(update({ audio: { input: { turn_detection: { type: 'server_vad', create_response: false, interrupt_response: false } } } }));
    driver.append(HELLO);
    await driver.advance(5_000);
    expect(driver.last.type).toBe('conversation.item.done');
  });
});
