import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeWav, EnergyVad, resampleWhole } from '../../../audio/index.js';
import { createVoice, startEmulator } from '../../../src/emulator/index.js';
import { speakInstalled } from '../../../src/emulator/installed-voice.js';
import type { Synthesizer } from '../../../src/emulator/installed-voice.js';
import { murmur } from '../../../src/emulator/murmur.js';
import { SPEECH_RATE } from '../../../src/emulator/speech.js';
import { EmulatorClient, audioMs } from './emulator-client.js';

const CLIP = 'How can I help you?';
const NO_CLIP = 'Nobody has ever recorded this sentence';
const ms = (samples: Int16Array): number => (samples.length * 1000) / SPEECH_RATE;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'voice-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program that stands in for a synthesiser: it writes down what it was given and then runs `body`. */
function program(name: string, body: string): { synthesizer: Synthesizer; calls: () => string[] } {
  const command = join(folder, name);
  const log = join(folder, `${name}.log`);
  writeFileSync(log, '');
  writeFileSync(command, `#!/bin/sh\nprintf '%s\\n' "$2" >> '${log}'\n${body}\n`);
  chmodSync(command, 0o755);
  return { synthesizer: { command, arguments: (text, wavFile) => [wavFile, text] }, calls: () => readFileSync(log, 'utf8').split('\n').slice(0, -1) };
}

/** One that speaks: a ready WAV of half a second at 16 kHz. */
function speaker(name = 'speaker'): ReturnType<typeof program> {
  const wav = join(folder, 'ready.wav');
  const samples = Int16Array.from({ length: 8_000 }, (_, index) => Math.round(8_000 * Math.sin((2 * Math.PI * 400 * index) / 16_000)));
  writeFileSync(wav, encodeWav(samples, { sampleRate: 16_000, channels: 1 }));
  return program(name, `cp '${wav}' "$1"`);
}

describe('a sentence', () => {
  test('with a clip is the clip, and no program is asked', async () => {
    const { synthesizer, calls } = speaker();
    const speech = await createVoice({ synthesizers: [synthesizer] }).speak(CLIP);
    const index = JSON.parse(readFileSync(new URL('../../../fixtures/voice/index.json', import.meta.url), 'utf8')) as { clips: { text: string; durationMs: number }[] };
    expect(ms(speech.samples)).toBeCloseTo(index.clips.find((clip) => clip.text === CLIP)?.durationMs as number, 0);
    expect(calls()).toEqual([]);
    expect(speech.words.map((word) => word.text)).toEqual(CLIP.split(' '));
    expect(speech.words[0]?.startMs).toBe(0);
    expect(speech.words.at(-1)?.startMs).toBeLessThan(ms(speech.samples));
  });

  test('without a clip is spoken by the installed program, once, however often it is wanted', async () => {
    const { synthesizer, calls } = speaker();
    const notices: string[] = [];
    const voice = createVoice({ synthesizers: [synthesizer], onNotice: (message) => notices.push(message) });
    const [first, second] = await Promise.all([voice.speak(NO_CLIP), voice.speak(NO_CLIP)]);
    expect(ms(first.samples)).toBe(500);
    expect(second.samples).toEqual(first.samples);
    expect(calls()).toEqual([NO_CLIP]);
    expect(notices).toEqual([]);
  });

  test('next to another keeps its own source: clip, then program, with the words in order', async () => {
    const { synthesizer, calls } = speaker();
    const voice = createVoice({ synthesizers: [synthesizer] });
    const clip = await voice.speak(CLIP);
    const both = await voice.speak(`${CLIP} ${NO_CLIP}.`);
    expect(calls()).toEqual([`${NO_CLIP}.`]);
    expect(both.samples.length).toBe(clip.samples.length + SPEECH_RATE / 2);
    const starts = both.words.map((word) => word.startMs);
    expect(starts.toSorted((a, b) => a - b)).toEqual(starts);
    expect(both.words.map((word) => word.text).join(' ')).toBe(`${CLIP} ${NO_CLIP}.`);
  });

  test('with neither is murmured, as long as it would take to say, and that is said once', async () => {
    const notices: string[] = [];
    const voice = createVoice({ synthesizers: [{ command: join(folder, 'not-there'), arguments: () => [] }], onNotice: (message) => notices.push(message) });
    const speech = await voice.speak(NO_CLIP);
    await voice.speak('And this is another one without a clip.');
    expect(ms(speech.samples)).toBe(NO_CLIP.length * 60);
    expect(speech.samples).toEqual(murmur(NO_CLIP));
    expect(notices).toEqual(['The emulator murmurs what it has no clip for: neither flite nor espeak-ng is installed.']);
  });
});

describe('a voice keeps to its bounds', () => {
  test('it says the first 2000 characters of a text', async () => {
    const speech = await createVoice({ clips: null, synthesizers: [] }).speak('word '.repeat(1_000));
    expect(speech.words).toHaveLength(400);
  });

  test('it remembers 64 sentences, and forgets the oldest first', async () => {
    const { synthesizer, calls } = speaker();
    const voice = createVoice({ clips: null, synthesizers: [synthesizer] });
    const sentences = Array.from({ length: 65 }, (_, index) => `Sentence ${index}`);
    for (const sentence of sentences) await voice.speak(sentence);
    await voice.speak('Sentence 64');
    expect(calls()).toEqual(sentences);
    await voice.speak('Sentence 0');
    expect(calls()).toEqual([...sentences, 'Sentence 0']);
  });
});

describe('a program', () => {
  test('gets the text as one argument: quotes, options and control characters do nothing', async () => {
    const { synthesizer, calls } = speaker();
    const text = `--help "; touch ${join(folder, 'pwned')}; $(touch ${join(folder, 'pwned')}) \`id\` \u0000 end`;
    expect(await speakInstalled(text, [synthesizer])).toBeDefined();
    expect(calls()).toEqual([text.replace('\u0000', ' ')]);
    expect(readdirSync(folder)).not.toContain('pwned');
  });

  test('that hangs is ended after its time, that fails or writes rubbish is passed over: the next one speaks', async () => {
    const hangs = program('hangs', 'exec sleep 60');
    const fails = program('fails', 'exit 3');
    const rubbish = program('rubbish', 'echo no wav > "$1"');
    const silent = program('silent', 'exit 0');
    // A right WAV, but of more than a minute.
    writeFileSync(join(folder, 'long.wav'), encodeWav(new Int16Array(2_100_000).fill(100), { sampleRate: 16_000, channels: 1 }));
    const endless = program('endless', `cp '${join(folder, 'long.wav')}' "$1"`);
    const good = speaker();
    const startedMs = performance.now();
    const samples = await speakInstalled(NO_CLIP, [hangs, fails, rubbish, silent, endless, good].map((one) => one.synthesizer), 1_500);
    expect(ms(samples as Int16Array)).toBe(500);
    expect(performance.now() - startedMs).toBeLessThan(15_000);
    expect([hangs, fails, rubbish, silent, endless, good].map((one) => one.calls().length)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(await speakInstalled(NO_CLIP, [rubbish.synthesizer, fails.synthesizer])).toBeUndefined();
  });

  test('is not asked to say nothing, nor without end', async () => {
    const { synthesizer, calls } = speaker();
    expect(await speakInstalled(' \u0007\n ', [synthesizer])).toBeUndefined();
    expect(calls()).toEqual([]);
    await speakInstalled('x'.repeat(5_000), [synthesizer]);
    expect(calls()[0]?.length).toBe(1_000);
  });
});

const installed = ['flite', 'espeak-ng'].filter((command) => spawnSync(command, ['--version']).error === undefined);
test.runIf(installed.length > 0)('what is installed here speaks a sentence in a sensible time', async () => {
  const samples = (await speakInstalled('The weather in Paris is sunny today.')) as Int16Array;
  expect(ms(samples)).toBeGreaterThan(1_500);
  expect(ms(samples)).toBeLessThan(4_000);
  expect(Math.max(...samples)).toBeGreaterThan(5_000);
});

describe('the murmur', () => {
  test('is as long as its text, from 300 ms to a minute, and the same each time', () => {
    expect(ms(murmur('Hi'))).toBe(300);
    expect(ms(murmur('x'.repeat(100)))).toBe(6_000);
    expect(ms(murmur('x '.repeat(5_000)))).toBe(60_000);
    expect(murmur(NO_CLIP)).toEqual(murmur(NO_CLIP));
    expect(murmur(NO_CLIP)).not.toEqual(murmur(NO_CLIP.toUpperCase()));
  });

  test('counts as speech for a voice detector, and is soft', () => {
    const vad = new EnergyVad({ sampleRate: SPEECH_RATE, hangMs: 300 });
    const samples = new Int16Array(SPEECH_RATE * 4);
    samples.set(murmur(NO_CLIP), SPEECH_RATE / 2);
    expect(vad.push(samples).map((transition) => transition.type)).toEqual(['start', 'end']);
    expect(Math.max(...murmur(NO_CLIP).map(Math.abs))).toBeLessThan(8_000);
  });
});

test('clips that cannot be read do not stop the voice', async () => {
  writeFileSync(join(folder, 'index.json'), '{');
  const speech = await createVoice({ clips: pathToFileURL(`${folder}/`), synthesizers: [] }).speak(CLIP);
  expect(ms(speech.samples)).toBe(CLIP.length * 60);
});

test('a change of rate keeps length and place: a click stays where it was', () => {
  const click = new Int16Array(1_600);
  click[800] = 20_000;
  const there = resampleWhole(click, 16_000, 24_000);
  expect(there.length).toBe(2_400);
  expect(there.indexOf(Math.max(...there))).toBe(1_200);
});

test('the emulator tells people once that it murmurs, and sends all of it', async () => {
  const notices: string[] = [];
  const script = { name: 't', greeting: `${NO_CLIP}.`, turns: [], fallback: 'Pardon me for this.' };
  const voice = createVoice({ synthesizers: [], onNotice: (message) => notices.push(message) });
  await using emulator = await startEmulator({ script, voice, pace: 100, thinkMs: 0 });
  const client = await EmulatorClient.open(emulator.url);
  client.send({ type: 'response.create' });
  const done = await client.next('response.done');
  expect(audioMs(client.events).reduce((sum, piece) => sum + piece, 0)).toBe((NO_CLIP.length + 1) * 60);
  client.send({ type: 'response.create' });
  await client.next('response.done', client.events.indexOf(done) + 1);
  expect(notices).toHaveLength(1);
  await client.close();
});
