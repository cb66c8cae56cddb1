import { describe, expect, test } from 'vitest';
import { PlaybackQueue } from '../../../src/client/playback-queue.js';
import { PlaybackRing } from '../../../src/client/browser/playback-ring.js';
import type { PlayedReport } from '../../../src/client/ports.js';
import { random } from '../../helpers/random.js';

describe('the queue of samples to be played, under random interleavings', () => {
  test('what was taken out is what is reported, in order, with one last word for each item that was heard', () => {
    for (let run = 0; run < 80; run += 1) {
      const chance = random();
      const queue = new PlaybackQueue();
      const reports: PlayedReport[] = [];
      /** By item: samples pushed, taken out, and whether its end was told. */
      const items = new Map<number, { epoch: number; pushed: number; heard: number; ended: boolean }>();
      let epoch = 0;
      let item = 1;
      // Each sample carries its item's number, so that what comes out can be told apart.
      const read = (samples: number): void => {
        const target = new Int16Array(samples);
        const count = queue.read(target);
        for (const owner of target.subarray(0, count)) {
          const state = items.get(owner);
          if (state === undefined || state.epoch < epoch) throw new Error(`A sample of item ${owner} came out too late (seed ${chance.seed}).`);
          state.heard += 1;
        }
        expect(target.subarray(0, count), `seed ${chance.seed}`).toEqual(target.slice(0, count).sort());
      };
      for (let step = 0; step < 120; step += 1) {
        const state = items.get(item);
        switch (chance.int(0, 10)) {
          case 0:
            epoch += 1;
            item += 1;
            queue.clear(epoch);
            break;
          case 1:
            if (state === undefined) break;
            state.ended = true;
            queue.end(item, state.pushed);
            item += 1;
            break;
          case 2: case 3: case 4: {
            const current = state ?? { epoch, pushed: 0, heard: 0, ended: false };
            items.set(item, current);
            const samples = new Int16Array(chance.int(1, 900)).fill(item);
            queue.push({ epoch, item, firstSample: current.pushed, samples });
            current.pushed += samples.length;
            break;
          }
          case 5:
            // Late audio of an old epoch must not be heard.
            if (epoch > 0) queue.push({ epoch: epoch - 1, item: 9_999, firstSample: 0, samples: new Int16Array(50).fill(9_999) });
            break;
          default:
            read(chance.int(1, 600));
        }
        if (chance.int(0, 3) === 0) reports.push(...queue.takeReports());
      }
      while (queue.bufferedSamples > 0) read(500);
      queue.clear(epoch + 1);
      reports.push(...queue.takeReports());

      for (const [number, state] of items) {
        const own = reports.filter((report) => report.item === number);
        const finals = own.filter((report) => report.final);
        expect(finals.map((report) => report.samples), `item ${number}, seed ${chance.seed}`).toEqual(state.heard > 0 || (state.ended && state.pushed === 0) ? [state.heard] : []);
        expect(own.map((report) => report.samples)).toEqual(own.map((report) => report.samples).sort((a, b) => a - b));
        expect(own.slice(0, -1).some((report) => report.final), `a report after the last one, seed ${chance.seed}`).toBe(false);
      }
      expect(reports.some((report) => report.item === 9_999), `seed ${chance.seed}`).toBe(false);
    }
  });
});

describe('the ring, under random interleavings', () => {
  test('never clicks, whatever comes when', () => {
    for (let run = 0; run < 20; run += 1) {
      const chance = random();
      const rate = chance.pick([16_000, 24_000, 44_100, 48_000]);
      const ring = new PlaybackRing({ outputRate: rate });
      let epoch = 0;
      let item = 1;
      let position = 0;
      let last = 0;
      let steepest = 0;
      for (let block = 0; block < 400; block += 1) {
        const what = chance.int(0, 30);
        if (what === 0) {
          ring.clear((epoch += 1));
          item += 1;
          position = 0;
        } else if (what < 12) {
          const length = chance.int(1, 900);
          // 300 Hz at half scale; each item begins at zero, as speech does.
          ring.play({ epoch, item, firstSample: position, samples: Int16Array.from({ length }, (_, index) => 16_384 * Math.sin((2 * Math.PI * 300 * (position + index)) / 24_000)) });
          position += length;
        }
        const out = new Float32Array(128);
        ring.render(out);
        for (const sample of out) {
          steepest = Math.max(steepest, Math.abs(sample - last));
          last = sample;
        }
      }
      // The tone's own steepest step, and the ramp of 5 ms from its peak on top of a fade of the same length.
      const tone = 2 * 0.5 * Math.sin((Math.PI * 300) / rate);
      const ramp = 0.5 / (0.005 * rate);
      expect(steepest, `rate ${rate}, seed ${chance.seed}`).toBeLessThan((tone + 2 * ramp) * 1.1);
    }
  });
});
