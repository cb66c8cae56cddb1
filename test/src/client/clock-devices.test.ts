import { describe, expect, test } from 'vitest';
import { ClockSpeaker, PacedMicrophone } from '../../../src/client/index.js';
import type { PlayedReport } from '../../../src/client/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';

const MS = 24;

describe('a speaker without a device', () => {
  test('plays by absolute deadlines and hands the agent as heard to its sink, silence included', () => {
    const clock = new ManualClock(5);
    const heard: number[] = [];
    const positions: number[] = [];
    const speaker = new ClockSpeaker({
      clock,
      sink: (samples, firstSample) => {
        positions.push(firstSample);
        heard.push(...samples);
      },
    });
    clock.advance(50);
    speaker.play({ epoch: 0, item: 1, firstSample: 0, samples: new Int16Array(30 * MS).fill(7) });
    clock.advance(50);
    expect(positions).toEqual([0, 480, 960, 1440, 1920]);
    expect(heard.indexOf(7)).toBe(40 * MS);
    expect(heard.filter((sample) => sample === 7)).toHaveLength(30 * MS);
    speaker.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('a timer that is late is made up for, up to 200 ms; after that the time is lost and the audio is not', () => {
    const clock = new ManualClock();
    let timers: (() => void)[] = [];
    let nowMs = 0;
    const stuck = { now: () => nowMs, after: (_ms: number, fire: () => void) => (timers.push(fire), { cancel: () => {} }) };
    const reports: PlayedReport[] = [];
    const slots: number[] = [];
    const speaker = new ClockSpeaker({ clock: stuck, sink: (_samples, firstSample) => slots.push(firstSample / 480) });
    speaker.listen({ onPlayed: (report) => reports.push(report), onLevel: () => {}, onTrouble: () => {} });
    speaker.play({ epoch: 0, item: 1, firstSample: 0, samples: new Int16Array(2000 * MS) });
    const fire = () => timers.splice(0).forEach((timer) => timer());
    nowMs = 100;
    fire();
    expect(slots).toEqual([0, 1, 2, 3, 4]);
    nowMs = 1000;
    fire();
    expect(slots.slice(5)).toEqual([40, 41, 42, 43, 44, 45, 46, 47, 48, 49]);
    expect(reports.at(-1)).toMatchObject({ samples: 15 * 480, final: false });
    speaker.close();
    timers = [];
    expect(clock.pendingTimers).toBe(0);
  });

  test('counts an underrun in the middle of an item, and none at its end', () => {
    const clock = new ManualClock();
    const underruns: number[] = [];
    const speaker = new ClockSpeaker({ clock });
    speaker.listen({ onPlayed: () => {}, onLevel: () => {}, onTrouble: (counts) => underruns.push(counts.underruns) });
    speaker.play({ epoch: 0, item: 1, firstSample: 0, samples: new Int16Array(100) });
    clock.advance(100);
    expect(underruns).toEqual([1]);
    speaker.play({ epoch: 0, item: 1, firstSample: 100, samples: new Int16Array(100) });
    speaker.end(1, 200);
    clock.advance(100);
    expect(underruns).toEqual([1]);
    speaker.close();
  });

  test('holds 6 s, and counts what does not fit', () => {
    const clock = new ManualClock();
    const dropped: number[] = [];
    const speaker = new ClockSpeaker({ clock });
    speaker.listen({ onPlayed: () => {}, onLevel: () => {}, onTrouble: (counts) => dropped.push(counts.droppedSamples) });
    for (let second = 0; second < 8; second += 1) speaker.play({ epoch: 0, item: 1, firstSample: second * 24000, samples: new Int16Array(24000) });
    expect(speaker.bufferedSamples).toBe(8 * 24000);
    speaker.play({ epoch: 0, item: 1, firstSample: 8 * 24000, samples: new Int16Array(24000) });
    clock.advance(20);
    expect(dropped).toEqual([24000]);
    speaker.close();
  });
});

describe('a pause of a speaker without a device', () => {
  test('holds the sound at a sample, reports it at once, and plays on from it', () => {
    const clock = new ManualClock();
    const heard: number[] = [];
    const reports: PlayedReport[] = [];
    const speaker = new ClockSpeaker({ clock, sink: (samples) => heard.push(...samples) });
    speaker.listen({ onPlayed: (report) => reports.push(report), onLevel: () => {}, onTrouble: () => {} });
    speaker.play({ epoch: 0, item: 1, firstSample: 0, samples: Int16Array.from({ length: 200 * MS }, (_, index) => index + 1) });
    clock.advance(65);
    speaker.pause('pause');
    expect(reports.at(-1)?.samples).toBe(60 * MS);
    clock.advance(500);
    expect(reports.at(-1)?.samples).toBe(60 * MS);
    expect(heard.slice(60 * MS).every((sample) => sample === 0)).toBe(true);
    speaker.resume();
    clock.advance(300);
    expect(heard.filter((sample) => sample !== 0)).toEqual(Array.from({ length: 200 * MS }, (_, index) => index + 1));
    speaker.close();
  });

  test('ends with a clear or a reset; a duck is 12 dB softer', () => {
    const clock = new ManualClock();
    let heard: number[] = [];
    const speaker = new ClockSpeaker({ clock, sink: (samples) => (heard = [...samples]) });
    const play = (epoch: number) => speaker.play({ epoch, item: epoch, firstSample: 0, samples: new Int16Array(1000 * MS).fill(10_000) });
    play(1);
    speaker.pause('pause');
    speaker.clear(2);
    play(2);
    clock.advance(40);
    expect(heard.at(-1)).toBe(10_000);
    speaker.pause('duck');
    clock.advance(40);
    expect(heard.at(-1)).toBe(2_512);
    speaker.reset();
    play(3);
    clock.advance(40);
    expect(heard.at(-1)).toBe(10_000);
    speaker.close();
  });
});

describe('a recording as a microphone', () => {
  test('is on the speaker\'s timeline, ends, and goes on as silence', async () => {
    const clock = new ManualClock(3);
    const speaker = new ClockSpeaker({ clock });
    clock.advance(47);
    const positions: number[] = [];
    const given: number[] = [];
    const microphone = new PacedMicrophone(new Int16Array(700).fill(9), { clock, originMs: speaker.originMs, sink: (_samples, firstSample) => positions.push(firstSample) });
    microphone.start((samples) => given.push(...samples));
    clock.advance(13 + 60);
    expect(positions).toEqual([1440, 1920, 2400]);
    expect(given.filter((sample) => sample === 9)).toHaveLength(700);
    await microphone.ended;
    expect(microphone.position).toBe(700);
    microphone.stop();
    clock.advance(100);
    expect(positions).toHaveLength(3);
    speaker.close();
  });
});
