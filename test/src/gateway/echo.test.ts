import { describe, expect, it } from 'vitest';
import type { SessionEvent } from '../../../session/index.js';
import type { BargeInOptions } from '../../../session/index.js';
import { SeededRandom } from '../../audio/helpers/random.js';
import { utterances } from '../../audio/helpers/speech-in-noise.js';
import { rmsOf } from '../../audio/helpers/tones.js';
import { countOf, openRoom, sounds } from '../../helpers/echo-room.js';
import type { EchoRoom } from '../../helpers/echo-room.js';

const MEASURE = process.env['MEASURE'] === '1';
const GUARDED: BargeInOptions = { mode: 'two-stage', aboveEchoDb: 6 };

function echoTests({ line }: EchoRoom): { mode: string; echoDb: number }[] {
  return line.events.flatMap((told) => {
    const event = told.type === 'event' ? (told.event as SessionEvent) : undefined;
    return event?.type === 'echo_test' ? [{ mode: event.mode, echoDb: event.echoDb }] : [];
  });
}

/** The agent talks for so long, with a new answer as soon as one is over; `each` is called every second. */
function talk(room: EchoRoom, seconds: number, each: (second: number) => void = () => {}): void {
  for (let second = 0; second < seconds; second += 1) {
    each(second);
    room.line.run(1_000, 5);
    if (!sounds(room) && countOf(room, 'pause') === countOf(room, 'resume')) room.reply();
  }
}

function atLevel(samples: Int16Array, db: number): Int16Array {
  const gain = (10 ** (db / 20) * 32_768) / rmsOf(samples);
  return Int16Array.from(samples, (sample) => Math.max(-32_768, Math.min(32_767, sample * gain)));
}

describe('two-stage with a threshold above the echo', () => {
  it.each([
    [-33, -50],
    [-20, -45],
    [-6, -50],
  ])('is not held by an echo of %i dB in noise of %i dB: ten minutes, no interruption, and hardly a pause', async (echoDb, noiseDb) => {
    const room = await openRoom({ bargeIn: GUARDED, echoDb, noiseDb, seed: 13, delaySlots: 6 });
    talk(room, 600);
    if (MEASURE) console.log({ echoDb, noiseDb, pauses: countOf(room, 'pause') });
    expect(room.given.length).toBeGreaterThan(200);
    expect(countOf(room, 'clear')).toBe(0);
    expect(room.model.commandsOf('create_response')).toEqual([]);
    expect(countOf(room, 'pause')).toBeLessThanOrEqual(3);
  }, 60_000);

  it('is held all the time without it, and interrupts nothing all the same', async () => {
    const room = await openRoom({ bargeIn: { mode: 'two-stage' }, echoDb: -20, noiseDb: -50, seed: 13, delaySlots: 6 });
    talk(room, 120);
    expect(countOf(room, 'pause')).toBeGreaterThan(20);
    expect(countOf(room, 'clear')).toBe(0);
  }, 30_000);

  it.each([[-45]])('follows a volume that jumps between -33 and -6 dB every 20 s, in noise of %i dB: no interruption in ten minutes, and a pause or two for a jump', async (noiseDb) => {
    const random = new SeededRandom(Number(process.env['TEST_SEED'] ?? 7));
    const room = await openRoom({ bargeIn: GUARDED, echoDb: -20, noiseDb, seed: random.seed, delaySlots: random.integer(1, 15) });
    talk(room, 600, (second) => {
      if (second % 20 === 0) room.echo(random.integer(-33, -6));
    });
    if (MEASURE) console.log({ noiseDb, pauses: countOf(room, 'pause') });
    expect(countOf(room, 'clear'), `seed ${random.seed}`).toBe(0);
    expect(room.model.commandsOf('create_response')).toEqual([]);
    expect(countOf(room, 'pause'), `seed ${random.seed}`).toBeLessThanOrEqual(60);
  }, 60_000);

  it.each([
    [-33, -50],
    [-18, -50],
  ])('stops the sound within 250 ms of a true voice in nearly all cases: echo %i dB, noise %i dB', async (echoDb, noiseDb) => {
    const delays: number[] = [];
    const random = new SeededRandom(Number(process.env['TEST_SEED'] ?? 29));
    for (let round = 0; round < 4; round += 1) {
      for (const { samples } of utterances(24_000)) {
        const room = await openRoom({ bargeIn: GUARDED, echoDb, noiseDb, seed: random.seed + round, delaySlots: random.integer(1, 8) });
        room.line.run(2_000 + random.integer(0, 3_000), 5);
        const spokenFrom = room.played.length;
        room.speak(atLevel(samples, -20));
        room.line.run(1_500, 1);
        const stop = room.played.findIndex(({ rms }, at) => at >= spokenFrom && rms === 0 && room.played.slice(at, at + 10).every((each) => each.rms === 0));
        delays.push(stop === -1 ? Infinity : (stop - spokenFrom) * 20);
      }
    }
    if (MEASURE) console.log(echoDb, noiseDb, delays.join(' '));
    expect(delays.filter((delay) => delay <= 250).length / delays.length, `seed ${random.seed}: ${delays.join(' ')}`).toBeGreaterThanOrEqual(0.95);
  }, 60_000);

  it('plays on from the very sample after each cough', async () => {
    const random = new SeededRandom(Number(process.env['TEST_SEED'] ?? 3));
    const room = await openRoom({ bargeIn: GUARDED, echoDb: -20, noiseDb: -55, seed: random.seed, keepSound: true });
    room.line.run(2_000, 5);
    const [, cough] = utterances(24_000);
    for (let round = 0; round < 6; round += 1) {
      room.speak(atLevel((cough as { samples: Int16Array }).samples.subarray(0, 24 * 250), -15));
      room.line.run(2_500 + random.integer(0, 500), 5);
    }
    room.line.run(30_000, 5);
    expect(countOf(room, 'pause')).toBeGreaterThanOrEqual(4);
    expect(countOf(room, 'resume')).toBe(countOf(room, 'pause'));
    expect(countOf(room, 'clear')).toBe(0);
    // A pause is silence and nothing else: without the zeros both are the same.
    const heard = room.sound.flatMap((samples) => [...samples].filter((sample) => sample !== 0));
    const given = room.given.flatMap((samples) => [...samples].filter((sample) => sample !== 0));
    expect(heard.length).toBe(given.length);
    expect(heard.findIndex((sample, at) => sample !== given[at])).toBe(-1);
  }, 30_000);
});

describe('the start-up echo test of mode auto', () => {
  it.each([
    [-6, -50, 'half-duplex'],
    [-10, -50, 'half-duplex'],
    [-22, -50, 'two-stage'],
    [-33, -50, 'two-stage'],
    [-90, -45, 'two-stage'],
  ])('finds an echo of %i dB in noise of %i dB, goes on as %s, and holds and interrupts nothing', async (echoDb, noiseDb, mode) => {
    const room = await openRoom({ bargeIn: { mode: 'auto' }, echoDb, noiseDb, seed: 5 });
    talk(room, 60);
    const [test, ...more] = echoTests(room);
    if (MEASURE) console.log({ echoDb, noiseDb, test, pauses: countOf(room, 'pause') });
    expect(more).toEqual([]);
    expect(test?.mode).toBe(mode);
    if (echoDb > -30) expect(Math.abs((test?.echoDb ?? 0) - echoDb)).toBeLessThanOrEqual(4);
    expect([countOf(room, 'clear'), countOf(room, 'pause')]).toEqual([0, 0]);
    expect(room.model.commandsOf('create_response')).toEqual([]);
  }, 30_000);

  it('does not take a caller who talks over the first words for an echo', async () => {
    for (const { samples, name } of utterances(24_000)) {
      if (samples.length < 24_000) continue;
      const room = await openRoom({ bargeIn: { mode: 'auto' }, echoDb: -60, noiseDb: -50, seed: 5 });
      room.line.run(300, 5);
      room.speak(atLevel(samples, -20));
      talk(room, 20);
      expect(echoTests(room).map((test) => test.mode), name).toEqual(['two-stage']);
    }
  }, 30_000);
});
