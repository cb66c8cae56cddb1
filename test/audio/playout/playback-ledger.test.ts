import { describe, expect, it } from 'vitest';
import { PCM16_24K, audiblePart, completeEntry, createLedger, cut, heardSamples, isPlaying, ledgerEntry, openEntry, pauseLedger, receiveAndSend, reportHeard, resumeLedger, unheardMs } from '../../../audio/index.js';
import type { LedgerEntry, PlaybackLedger } from '../../../audio/index.js';
import { random } from '../../helpers/random.js';

const SECOND = 24_000;

function part(ledger: PlaybackLedger, itemId: string): LedgerEntry {
  return openEntry(ledger, { responseId: 'r', itemId, contentIndex: 0, format: PCM16_24K });
}

describe('a ledger that goes by the clock', () => {
  it('counts time since the audio was sent as heard, and never more than was sent', () => {
    const ledger = createLedger();
    const entry = part(ledger, 'a');
    receiveAndSend(ledger, entry, 2 * SECOND, 1_000);
    expect(heardSamples(ledger, entry, 1_000)).toBe(0);
    expect(heardSamples(ledger, entry, 1_500)).toBe(SECOND / 2);
    expect(heardSamples(ledger, entry, 9_000)).toBe(2 * SECOND);
  });

  it('does not count a gap between two pieces as heard', () => {
    const ledger = createLedger();
    const entry = part(ledger, 'a');
    receiveAndSend(ledger, entry, SECOND, 0);
    receiveAndSend(ledger, entry, SECOND, 5_000);
    expect(heardSamples(ledger, entry, 5_250)).toBe(SECOND + SECOND / 4);
  });

  it('plays queued items one after the other', () => {
    const ledger = createLedger();
    const first = part(ledger, 'a');
    receiveAndSend(ledger, first, SECOND, 0);
    completeEntry(ledger, first);
    const second = part(ledger, 'b');
    receiveAndSend(ledger, second, SECOND, 10);
    expect([heardSamples(ledger, first, 900), heardSamples(ledger, second, 900)]).toEqual([0.9 * SECOND, 0]);
    expect([heardSamples(ledger, first, 1_500), heardSamples(ledger, second, 1_500)]).toEqual([SECOND, SECOND / 2]);
  });
});

describe('a ledger that is told what was heard', () => {
  it('carries a report on by the clock, for at most 250 ms', () => {
    const ledger = createLedger();
    const entry = part(ledger, 'a');
    receiveAndSend(ledger, entry, 10 * SECOND, 0);
    reportHeard(ledger, { itemId: 'a', contentIndex: 0, samples: SECOND }, 1_100);
    expect(heardSamples(ledger, entry, 1_150)).toBe(SECOND + 1_200);
    expect(heardSamples(ledger, entry, 60_000)).toBe(SECOND + SECOND / 4);
  });

  it('counts nothing of an item that nobody has reported yet, however long ago it was sent', () => {
    const ledger = createLedger('reports');
    const entry = part(ledger, 'a');
    receiveAndSend(ledger, entry, SECOND, 0);
    expect(heardSamples(ledger, entry, 60_000)).toBe(0);
  });

  it('takes a report beyond what was sent as what was sent, and one that goes back as nothing new', () => {
    const ledger = createLedger('reports');
    const entry = part(ledger, 'a');
    receiveAndSend(ledger, entry, 1_000, 0);
    reportHeard(ledger, { itemId: 'a', contentIndex: 0, samples: 5_000 }, 10);
    expect(entry.reportedSamples).toBe(1_000);
    reportHeard(ledger, { itemId: 'a', contentIndex: 0, samples: 3 }, 20);
    expect(entry.reportedSamples).toBe(1_000);
    reportHeard(ledger, { itemId: 'a', contentIndex: 0, samples: Number.NaN }, 30);
    expect(entry.reportedSamples).toBe(1_000);
  });

  it('lets go of items that were heard to their end, and of those before a later one', () => {
    const ledger = createLedger('reports');
    for (const itemId of ['a', 'b']) {
      const entry = part(ledger, itemId);
      receiveAndSend(ledger, entry, 1_000, 0);
      completeEntry(ledger, entry);
    }
    reportHeard(ledger, { itemId: 'b', contentIndex: 0, samples: 10 }, 5);
    expect(ledgerEntry(ledger, 'a', 0)).toBeUndefined();
    reportHeard(ledger, { itemId: 'b', contentIndex: 0, samples: 1_000 }, 50);
    expect(ledger.entries).toEqual([]);
    expect(isPlaying(ledger, 50)).toBe(false);
  });
});

describe('a pause', () => {
  it('counts nothing by the clock, however long it lasts, and goes on where it stopped', () => {
    const ledger = createLedger();
    const entry = part(ledger, 'a');
    receiveAndSend(ledger, entry, 2 * SECOND, 0);
    pauseLedger(ledger, 500);
    pauseLedger(ledger, 700);
    expect(heardSamples(ledger, entry, 9_000)).toBe(SECOND / 2);
    expect(isPlaying(ledger, 9_000)).toBe(true);
    expect(audiblePart(ledger, 9_000)).toEqual({ entry, heardSamples: SECOND / 2 });
    expect(unheardMs(ledger, 9_000)).toBe(1_500);
    resumeLedger(ledger, 9_000);
    resumeLedger(ledger, 9_100);
    expect(heardSamples(ledger, entry, 9_000)).toBe(SECOND / 2);
    expect(heardSamples(ledger, entry, 9_250)).toBe(0.75 * SECOND);
  });

  it('plays what comes meanwhile after what was there', () => {
    const ledger = createLedger();
    const entry = part(ledger, 'a');
    receiveAndSend(ledger, entry, SECOND, 0);
    pauseLedger(ledger, 400);
    receiveAndSend(ledger, entry, SECOND, 5_000);
    resumeLedger(ledger, 6_000);
    expect(heardSamples(ledger, entry, 6_000)).toBe(0.4 * SECOND);
    expect(heardSamples(ledger, entry, 7_600)).toBe(2 * SECOND);
  });

  it('is silence for what comes when all before it was heard', () => {
    const ledger = createLedger();
    const entry = part(ledger, 'a');
    receiveAndSend(ledger, entry, SECOND, 0);
    pauseLedger(ledger, 3_000);
    receiveAndSend(ledger, entry, SECOND, 3_500);
    expect(heardSamples(ledger, entry, 4_000)).toBe(SECOND);
    resumeLedger(ledger, 5_000);
    expect(heardSamples(ledger, entry, 5_250)).toBe(1.25 * SECOND);
  });

  it('carries a report on up to the pause, believes the report that comes after it, and adds no time of the pause', () => {
    const ledger = createLedger('reports');
    const entry = part(ledger, 'a');
    receiveAndSend(ledger, entry, 10 * SECOND, 0);
    reportHeard(ledger, { itemId: 'a', contentIndex: 0, samples: SECOND }, 1_000);
    pauseLedger(ledger, 1_050);
    expect(heardSamples(ledger, entry, 8_000)).toBe(SECOND + 1_200);
    reportHeard(ledger, { itemId: 'a', contentIndex: 0, samples: SECOND + 2_000 }, 1_090);
    expect(heardSamples(ledger, entry, 8_000)).toBe(SECOND + 2_000);
    resumeLedger(ledger, 8_000);
    expect(heardSamples(ledger, entry, 8_010)).toBe(SECOND + 2_240);
  });

  it('ends with a cut, which tells where it was paused', () => {
    const ledger = createLedger();
    receiveAndSend(ledger, part(ledger, 'a'), 4 * SECOND, 0);
    pauseLedger(ledger, 1_200);
    expect(cut(ledger, 3_000).map(({ heardMs }) => heardMs)).toEqual([1_200]);
    const next = part(ledger, 'b');
    receiveAndSend(ledger, next, SECOND, 3_000);
    expect(heardSamples(ledger, next, 3_500)).toBe(SECOND / 2);
  });
});

describe('a cut', () => {
  it('tells the audible item at what was heard and the queued one at 0, and leaves a finished one alone', () => {
    const ledger = createLedger();
    for (const itemId of ['a', 'b', 'c']) {
      const entry = part(ledger, itemId);
      receiveAndSend(ledger, entry, SECOND, 0);
      completeEntry(ledger, entry);
    }
    const cuts = cut(ledger, 1_333.7);
    expect(cuts.map(({ entry, heardMs, audible }) => ({ itemId: entry.itemId, heardMs, audible }))).toEqual([
      { itemId: 'b', heardMs: 333, audible: true },
      { itemId: 'c', heardMs: 0, audible: false },
    ]);
    expect(ledger.epoch).toBe(1);
    expect(cut(ledger, 1_400)).toEqual([]);
  });

  it('cuts an item that has been heard as far as it came and is still being generated', () => {
    const ledger = createLedger();
    receiveAndSend(ledger, part(ledger, 'a'), SECOND, 0);
    expect(cut(ledger, 5_000).map((each) => each.heardMs)).toEqual([1_000]);
  });

  it('is whole milliseconds and never beyond what was received, for any course of events', () => {
    const rng = random();
    for (let round = 0; round < 3_000; round += 1) {
      const ledger = createLedger(rng.pick(['clock', 'reports'] as const));
      let nowMs = 0;
      for (let event = rng.int(1, 30); event > 0; event -= 1) {
        nowMs += rng.int(0, 200);
        const itemId = rng.pick(['a', 'b', 'c']);
        const entry = ledgerEntry(ledger, itemId, 0) ?? part(ledger, itemId);
        if (rng.next() < 0.6) receiveAndSend(ledger, entry, rng.int(1, 9_600), nowMs);
        else reportHeard(ledger, { itemId, contentIndex: 0, samples: rng.int(0, 50_000) }, nowMs);
        if (rng.next() < 0.1) completeEntry(ledger, entry);
        if (rng.next() < 0.1) rng.pick([pauseLedger, resumeLedger])(ledger, nowMs);
      }
      for (const { entry, heardMs, heardSamples: heard } of cut(ledger, nowMs + rng.int(0, 500))) {
        const where = `seed ${rng.seed}, round ${round}`;
        expect(Number.isInteger(heardMs), where).toBe(true);
        expect(heard, where).toBeLessThanOrEqual(entry.receivedSamples);
        expect(heardMs, where).toBeLessThanOrEqual((entry.receivedSamples * 1000) / 24_000);
        expect(heard, where).toBeGreaterThanOrEqual(0);
      }
    }
  });
});
