import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PCM16_24K, decodeWav, loadOpus, resampleWhole } from '../../../audio/index.js';
import { VoicePipeline, recogniserOf, synthesiserOf } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { rmsOf } from '../../audio/helpers/tones.js';
import { joinSamples } from '../../audio/helpers/random.js';
import { OpusClient, serveOpus } from '../../helpers/opus-conversation.js';
import type { OpusClientOptions, OpusServer } from '../../helpers/opus-conversation.js';
import { random } from '../../helpers/random.js';
import { settle } from '../../helpers/settle.js';

const opus = await loadOpus();
const question = decodeWav(readFileSync(new URL('../../../fixtures/voice/how-can-i-help-you.wav', import.meta.url)));

/** Each sentence has a tone of its own. */
const TONES: Readonly<Record<string, number>> = { 'We are open every day.': 400, 'You can park behind the house.': 800, 'Is there anything else?': 1_600 };
const SENTENCES = Object.keys(TONES);
const LEVEL = 8_000;
const SENTENCE_MS = 600;

/** In pieces, as speech is streamed. */
async function* tone(text: string, ms: number): AsyncGenerator<Int16Array> {
  const frequency = TONES[text.trim()] ?? 200;
  for (let from = 0; from < ms * 24; from += 1_000) {
    yield Int16Array.from({ length: Math.min(1_000, ms * 24 - from) }, (_, at) => LEVEL * Math.sin((2 * Math.PI * frequency * (from + at)) / 24_000));
  }
}

interface Conversation {
  readonly clock: ManualClock;
  readonly server: OpusServer;
  readonly client: OpusClient;
  readonly turns: Int16Array[];
  readonly told: { heardText: string; unheardText: string }[];
  /** The client is silent, and sends what silence is: nothing. */
  pause(ms: number): Promise<void>;
  /** The question, frame by frame, as time goes; `at` may do something before a frame. */
  ask(at?: (frame: number) => void): Promise<void>;
  hangUp(): Promise<void>;
}

async function converse(options: OpusClientOptions, sentenceMs = SENTENCE_MS): Promise<Conversation & AsyncDisposable> {
  const clock = new ManualClock();
  const turns: Int16Array[] = [];
  const told: { heardText: string; unheardText: string }[] = [];
  const pipeline = new VoicePipeline({
    clock,
    recogniser: recogniserOf((samples) => {
      turns.push(samples);
      return 'How can I help you?';
    }),
    workflow: {
      async *answer() {
        yield `${SENTENCES.slice(0, 2).join(' ')} `;
        yield SENTENCES[2] ?? '';
      },
      heard: (heardText, unheardText) => void told.push({ heardText, unheardText }),
    },
    synthesiser: synthesiserOf((text) => tone(text, sentenceMs), { sampleRate: 24_000 }),
    output: { format: PCM16_24K },
    aheadMs: 200,
  });
  const server = await serveOpus(opus, pipeline);
  const client = new OpusClient(server.url, opus, options);
  await once(client.socket, 'open');
  const mono = resampleWhole(question.samples, question.sampleRate, options.sampleRate);
  const frame = options.sampleRate / 50;
  const arrive = async (): Promise<void> => {
    while (server.arrived < client.sent || client.arrived < server.sent) await settle();
  };
  // Each packet is there before time goes on, so that a slow machine hears the same.
  const step = async (samples: Int16Array, swapped: boolean): Promise<void> => {
    client.speak(samples, { swapped });
    await arrive();
    await clock.run(20);
    await arrive();
  };
  return {
    ...{ clock, server, client, turns, told },
    async pause(ms) {
      for (let passedMs = 0; passedMs < ms; passedMs += 20) await step(new Int16Array(frame), false);
    },
    async ask(at = () => {}) {
      for (let index = 0; (index + 1) * frame <= mono.length; index += 1) {
        at(index);
        await step(mono.subarray(index * frame, (index + 1) * frame), index === 30);
      }
    },
    async hangUp() {
      client.socket.close();
      let over = false;
      const ended = server.over.finally(() => (over = true));
      while (!over) {
        await settle();
        await clock.run(20);
      }
      await ended;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const story = ({ events }: OpusServer): string[] =>
  events.flatMap((event) => {
    if (event.type === 'voice_stream_event_lifecycle') return [`${event.event}${event.event === 'turn_ended' ? ` ${event.outcome}` : ''}`];
    if (event.type === 'voice_stream_event_transcript') return event.final ? [`${event.of}: ${event.text.trim()}`] : [];
    return event.type === 'voice_stream_event_interrupted' ? ['interrupted'] : event.type === 'voice_stream_event_error' ? [event.details] : [];
  });

/** The tone that is in each 20 ms: the one with the most power, 0 where it is quiet. */
function tonesOf(sound: Int16Array): number[] {
  const tones: number[] = [];
  for (let at = 0; at + 480 <= sound.length; at += 480) {
    const frame = sound.subarray(at, at + 480);
    const power = (frequency: number): number => {
      const [re, im] = frame.reduce(([re, im], sample, i) => [re + sample * Math.cos((2 * Math.PI * frequency * i) / 24_000), im + sample * Math.sin((2 * Math.PI * frequency * i) / 24_000)] as [number, number], [0, 0] as [number, number]);
      return re * re + im * im;
    };
    tones.push(rmsOf(frame) < LEVEL / 10 ? 0 : (Object.values(TONES).sort((a, b) => power(b) - power(a))[0] as number));
  }
  return tones;
}

const ANSWERED = ['turn_started', 'user: How can I help you?', ...SENTENCES.map((sentence) => `agent: ${sentence}`), 'turn_ended answered'];
const soundOf = (heard: OpusClient['heard']): Int16Array => joinSamples(heard.filter((piece) => piece !== 'clear'));

test.each<OpusClientOptions>([
  { sampleRate: 48_000, channels: 2, loseEvery: 20 },
  { sampleRate: 24_000, channels: 1, loseEvery: 20 },
])('a client with Opus of $sampleRate Hz and $channels channels, losses and silence that is not sent is heard, and hears each sentence', async (options) => {
  await using talk = await converse(options);
  await talk.pause(300);
  await talk.ask();
  await talk.pause(3_500);
  const answer = talk.client.heard.splice(0);
  // The silence was no packet: the turn has ended by time alone, and a second one is found after it.
  await talk.ask();
  await talk.pause(3_500);
  await talk.hangUp();
  expect(story(talk.server)).toEqual([...ANSWERED, ...ANSWERED, 'session_ended']);

  // What the recogniser got is the question: no shorter, as loud, losses and all.
  const questionMs = question.samples.length / (question.sampleRate / 1000);
  for (const turn of talk.turns) {
    expect(turn.length / 24).toBeGreaterThan(questionMs - 250);
    expect(turn.length / 24).toBeLessThan(questionMs + 1_200);
    const energy = (samples: Int16Array, rate: number): number => rmsOf(samples) ** 2 * (samples.length / rate);
    expect(Math.abs(10 * Math.log10(energy(turn, 24_000) / energy(question.samples, question.sampleRate)))).toBeLessThan(1.5);
  }

  for (const sound of [soundOf(answer), soundOf(talk.client.heard)]) {
    const tones = tonesOf(sound);
    const spoken = tones.slice(tones.findIndex((each) => each > 0), tones.findLastIndex((each) => each > 0) + 1);
    // In order, each as long as it was made, and no hole of more than a frame.
    expect(spoken.some((each, at) => each === 0 && spoken[at - 1] === 0)).toBe(false);
    // A single frame in which the sound begins, ends or is made up is nobody's.
    const sure = spoken.filter((each, at) => each !== 0 && (each === spoken[at - 1] || each === spoken[at + 1]));
    expect(sure.filter((each, at) => each !== sure[at - 1])).toEqual([400, 800, 1_600]);
    for (const each of [400, 800, 1_600]) expect(Math.abs(spoken.filter((other) => other === each).length - SENTENCE_MS / 20)).toBeLessThanOrEqual(2);
    expect(Math.abs(20 * Math.log10(rmsOf(sound) / (LEVEL / Math.SQRT2)))).toBeLessThan(1.5);
  }
});

test('who speaks over the answer stops it: the client is told to clear, and no sound comes after that before the next answer', async () => {
  await using talk = await converse({ sampleRate: 48_000, channels: 2, loseEvery: 20 }, 3_000);
  await talk.ask();
  await talk.pause(1_700);
  const before = soundOf(talk.client.heard).length / 24;
  expect(before).toBeGreaterThan(500);
  await talk.ask();
  const at = talk.client.heard.indexOf('clear');
  expect(at).toBeGreaterThan(0);
  expect(talk.client.heard.slice(at + 1)).toEqual([]);
  // Sent is never more than 200 ms ahead of heard: the rest was not made, or not sent.
  const [event] = talk.server.events.filter(({ type }) => type === 'voice_stream_event_interrupted');
  const heardMs = event?.type === 'voice_stream_event_interrupted' ? event.heardMs : 0;
  expect(heardMs).toBeGreaterThan(before - 220);
  expect(soundOf(talk.client.heard).length / 24 - heardMs).toBeLessThan(260);
  expect(talk.told).toHaveLength(1);
  expect(`${talk.told[0]?.heardText}${talk.told[0]?.unheardText}`).toContain(SENTENCES.slice(1).join(' '));
  await talk.pause(12_000);
  await talk.hangUp();
  expect(story(talk.server)).toEqual([...ANSWERED.slice(0, 3), 'interrupted', 'turn_ended interrupted', ...ANSWERED, 'session_ended']);
  expect([...new Set(tonesOf(soundOf(talk.client.heard.slice(at + 1))).filter((each) => each > 0))]).toEqual([400, 800, 1_600]);
});

test('packets that are none, of any length and at any place, end nothing', async () => {
  const { seed, int } = random();
  console.log(`hostile packets: TEST_SEED=${seed}`);
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => int(0, 256));
  await using talk = await converse({ sampleRate: 24_000, channels: 1, loseEvery: 20 });
  for (const length of [0, 1, 5, 6, 7, 60_000]) talk.client.send(bytes(length));
  for (const text of ['', '{"type":"clear"}', 'x'.repeat(10_000)]) talk.client.send(text);
  await talk.ask((frame) => {
    if (frame % 7 !== 0) return;
    // Of bytes that no codec has made, a valid-looking first one with nothing behind it, and far too much.
    talk.client.sendAsPacket(frame % 2 === 0 ? bytes(int(1, 400)) : Uint8Array.of(0xff));
    talk.client.send(bytes(int(7, 2_000)));
  });
  await talk.pause(4_000);
  expect(story(talk.server).at(-1)).toMatch(/^turn_ended/u);
  // The sequence of a random header is as good as any: the next question finds everything in its place.
  talk.server.events.length = 0;
  await talk.ask();
  await talk.pause(4_000);
  await talk.hangUp();
  expect(story(talk.server)).toEqual([...ANSWERED, 'session_ended']);
});
