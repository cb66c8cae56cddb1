import { expect, test } from 'vitest';
import { bytesAt } from '../../../src/emulator/checks.js';
import { KeptSound } from '../../../src/emulator/kept-sound.js';
import { random } from '../../helpers/random.js';

test('keeps the newest samples, whatever the pieces and the limits', () => {
  const rng = random();
  try {
    for (let round = 0; round < 50; round += 1) {
      const kept = new KeptSound();
      let model: number[] = [];
      for (let step = 0; step < 40; step += 1) {
        const piece = Int16Array.from({ length: rng.int(0, 3_000) }, () => rng.int(-1_000, 1_000));
        const most = rng.pick([0, 5, 1_000, 20_000, 100_000]);
        kept.push(piece, most);
        model = [...model, ...piece].slice(Math.max(0, model.length + piece.length - most));
        expect(kept.length).toBe(model.length);
        if (rng.int(0, 10) === 0) {
          kept.keepNewest(7);
          model = model.slice(Math.max(0, model.length - 7));
        }
        if (rng.int(0, 15) > 0) continue;
        expect([...kept.take()]).toEqual(model);
        model = [];
      }
      expect([...kept.take()]).toEqual(model);
    }
  } catch (error) {
    throw new Error(`TEST_SEED=${rng.seed}`, { cause: error });
  }
});

test.each(['A', 'AA', 'AAA', 'AAA!', 'AA A', 'AA\nA', '-AAA', 'AA_A', '=AAA', 'A===', 'AA=A', 'AAAA=AAA', 'é'.repeat(4)])('"%s" is no base64', (text) => {
  expect(() => bytesAt(text, 'audio')).toThrow('base64');
});

test.each([['', 0], ['AAAA', 3], ['AAA=', 2], ['AA==', 1], ['+/+/', 3]])('"%s" is, of %i bytes', (text, length) => {
  expect(bytesAt(text, 'audio').length).toBe(length);
});
