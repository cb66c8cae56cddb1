/** What the presets of turn detection cost on real speech: how many turns are cut off at a pause within them, and how long after the last word a turn ends. */
import { describe, expect, it } from 'vitest';
import { samplesToPcm16 } from '../../../audio/index.js';
import { VoicePipeline } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { SeededRandom } from '../../audio/helpers/random.js';
import { makeNoise, utterances } from '../../audio/helpers/speech-in-noise.js';
import { TestMicrophone } from '../../helpers/scripted-stages.js';
import { settle } from '../../helpers/settle.js';

const RATE = 16_000;
const PIECE = RATE / 50;
/** Within turns people pause for a breath, a thought or a word that will not come; each pause once in these two rows is once in a turn of the corpus. */
const PAUSES_MS = [120, 200, 280, 340, 400, 460, 520, 580, 640, 720, 800, 900, 1_000, 1_200, 1_500, 250, 310, 370, 430, 150];
const BETWEEN_MS = 2_400;
const ROOM_RMS = 30;

interface Corpus {
  readonly samples: Int16Array;
  /** Each turn: two utterances with a pause between them, from the first sample of speech to the one after the last. */
  readonly turns: readonly { readonly from: number; readonly to: number; readonly pauseMs: number }[];
}

function corpus(): Corpus {
  const random = new SeededRandom(30);
  const clips = utterances(RATE);
  const turns: { from: number; to: number; pauseMs: number }[] = [];
  const placed: { at: number; samples: Int16Array }[] = [];
  let at = RATE / 2;
  const say = (index: number): void => {
    const { samples } = clips[index % clips.length] as (typeof clips)[number];
    placed.push({ at, samples });
    at += samples.length;
  };
  for (const [index, pauseMs] of PAUSES_MS.entries()) {
    const from = at;
    say(index);
    at += (pauseMs * RATE) / 1000;
    say(index * 3 + 1);
    turns.push({ from, to: at, pauseMs });
    at += (BETWEEN_MS * RATE) / 1000;
  }
  const room = makeNoise('pink', RATE, at, random);
  const rms = Math.sqrt(room.reduce((sum, value) => sum + value * value, 0) / room.length);
  const samples = Int16Array.from(room, (value) => (value * ROOM_RMS) / rms);
  for (const clip of placed) for (let index = 0; index < clip.samples.length; index += 1) samples[clip.at + index] = (samples[clip.at + index] ?? 0) + (clip.samples[index] ?? 0) / 2;
  return { samples, turns };
}

const { samples, turns } = corpus();

/** Where the pipeline took turns for ended: the number of samples that it had heard by then. */
async function endsOf(preset: 'snappy' | 'balanced' | 'patient'): Promise<number[]> {
  const clock = new ManualClock();
  const pipeline = new VoicePipeline({ clock, turnDetection: preset, input: { format: { encoding: 'pcm16', sampleRate: RATE, channels: 1 }, chunkMs: 20 } });
  const microphone = new TestMicrophone();
  const ends: number[] = [];
  let heard = 0;
  const reading = (async () => {
    for await (const event of pipeline.process(microphone)) if (event.type === 'voice_stream_event_speech' && event.event === 'stopped') ends.push(heard);
  })();
  for (let at = 0; at < samples.length; at += PIECE) {
    heard = Math.min(at + PIECE, samples.length);
    microphone.push(samplesToPcm16(samples.slice(at, heard)));
    await settle();
  }
  microphone.end();
  await reading;
  return ends;
}

describe(`on ${turns.length} turns of real speech with a pause in each`, () => {
  it.each([
    ['snappy', 9, 490],
    ['balanced', 6, 690],
    ['patient', 1, 1_290],
  ] as const)('%s cuts %i off, and ends a turn %i ms after its last word', async (preset, cutOff, delayMs) => {
    const ends = await endsOf(preset);
    const cut = turns.filter(({ from, to }) => ends.some((end) => end > from && end < to));
    const delays = turns.map(({ to }) => (((ends.find((end) => end >= to) ?? Infinity) - to) / RATE) * 1000);
    expect({ cutOff: cut.length, delayMs: Math.round(delays.reduce((sum, delay) => sum + delay, 0) / delays.length / 10) * 10 }).toEqual({ cutOff, delayMs });
    // Nobody waits for ever, and nobody is cut off at a pause that is shorter than what the preset waits for.
    expect(Math.max(...delays)).toBeLessThan(delayMs + 60);
    expect(Math.min(...cut.map(({ pauseMs }) => pauseMs))).toBeGreaterThan(delayMs);
    expect(ends.length).toBe(turns.length + cut.length);
  });
});
