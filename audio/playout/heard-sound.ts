import { msToSamples, samplesToMs } from '../format/audio-format.js';
import type { AudioFormat } from '../format/audio-format.js';
import { completeEntry, createLedger, cut, heardSamples, ledgerEntry, openEntry, pauseLedger, receiveAndSend, reportHeard, resumeLedger } from './playback-ledger.js';
import type { Cut, LedgerEntry, PlaybackLedger, PlaybackReport } from './playback-ledger.js';
import { steady } from './steady-clock.js';
import type { Sighting } from './steady-clock.js';

/** Samples of one part that were heard without a pause, and when, in ms of the ledger's clock. */
export interface HeardRun {
  readonly entry: LedgerEntry;
  readonly fromSample: number;
  readonly toSample: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a listener told of one part. */
interface ReportedPart {
  readonly sightings: Sighting[];
  /** How far it was heard. */
  heardSamples: number;
}

/**
 * The last report of a part may tell its sound so much later than it was: the player's slot was not full, or the report waited for its turn. Whether
 * silence stood before that sound or after it nobody knows, and silence after the end is no gap.
 */
const LAST_REPORT_MS = 100;

/**
 * Leads a playback ledger through a call and remembers when each sample was heard, for whoever looks at the call afterwards. With a listener's reports the
 * reports place the sound, and the ledger says how far it went; without, a run sounds from its moment on, or from the end of what stood before it.
 */
export class HeardSound {
  readonly ledger: PlaybackLedger;
  readonly #reported: boolean;
  /** By the clock: what is to be heard unless it is cut. */
  #planned: HeardRun[] = [];
  readonly #parts = new Map<LedgerEntry, ReportedPart>();

  /** `reported`: whether anybody reports in the whole of the call. `source`: what the ledger begins with. */
  constructor(reported: boolean, source: PlaybackLedger['source'] = 'clock') {
    this.#reported = reported;
    this.ledger = createLedger(source);
  }

  /**
   * Sound was handed to the listener. `firstSample` is its place within the part: by default it goes on where the part ended. Of a part that was cut, or
   * heard to its end, nothing more is heard.
   */
  send(part: { responseId: string; itemId: string; contentIndex: number; format: AudioFormat }, samples: number, nowMs: number, firstSample?: number): LedgerEntry {
    const { ledger } = this;
    let entry = ledgerEntry(ledger, part.itemId, part.contentIndex);
    if (entry === undefined) {
      const over = [...this.#parts.keys()].find(({ itemId, contentIndex }) => itemId === part.itemId && contentIndex === part.contentIndex);
      if (over !== undefined) return over;
      entry = openEntry(ledger, part);
      this.#parts.set(entry, { sightings: [], heardSamples: 0 });
    }
    const fromSample = firstSample ?? entry.receivedSamples;
    receiveAndSend(ledger, entry, samples, nowMs);
    const toMs = ledger.playedOutAtMs;
    if (!this.#reported) this.#plan({ entry, fromSample, toSample: fromSample + samples, fromMs: toMs - samplesToMs(entry.format, samples), toMs });
    return entry;
  }

  complete(itemId: string, contentIndex: number): void {
    const entry = ledgerEntry(this.ledger, itemId, contentIndex);
    if (entry !== undefined) completeEntry(this.ledger, entry);
  }

  report(report: PlaybackReport, nowMs: number): void {
    const entries = [...this.ledger.entries];
    const told = reportHeard(this.ledger, report, nowMs);
    let laterMs = 0;
    for (const entry of entries.reverse()) {
      const part = this.#parts.get(entry);
      if (part === undefined || entry.reportedSamples <= part.heardSamples) continue;
      // A part that was passed over was heard just before the one that was told of.
      if (entry === told || part.sightings.length === 0) part.sightings.push({ samples: entry.reportedSamples, atMs: nowMs - laterMs });
      laterMs += samplesToMs(entry.format, entry.reportedSamples - part.heardSamples);
      part.heardSamples = entry.reportedSamples;
    }
  }

  pause(nowMs: number): void {
    pauseLedger(this.ledger, nowMs);
  }

  resume(nowMs: number): void {
    const { pausedAtMs } = this.ledger;
    resumeLedger(this.ledger, nowMs);
    if (pausedAtMs === undefined) return;
    const movedMs = nowMs - pausedAtMs;
    this.#planned = this.#planned.flatMap((run) => split(run, pausedAtMs)).map((run) => (run.fromMs >= pausedAtMs ? { ...run, fromMs: run.fromMs + movedMs, toMs: run.toMs + movedMs } : run));
  }

  /** Stops playing, as {@link cut} does. `told`: what the session that made the cut says was heard of the part that sounded, where that is known. */
  cut(nowMs: number, told: { readonly itemId?: string; readonly contentIndex?: number; readonly heardMs?: number } = {}): readonly Cut[] {
    const silentFromMs = this.ledger.pausedAtMs ?? nowMs;
    for (const entry of this.ledger.entries) {
      const part = this.#parts.get(entry);
      if (part === undefined) continue;
      const isTold = told.heardMs !== undefined && entry.itemId === told.itemId && entry.contentIndex === (told.contentIndex ?? 0);
      part.heardSamples = isTold ? msToSamples(entry.format, told.heardMs ?? 0) : Math.max(part.heardSamples, heardSamples(this.ledger, entry, nowMs));
    }
    this.#planned = until(this.#planned, silentFromMs);
    return cut(this.ledger, nowMs);
  }

  /** What was heard of a call that was over at `endMs`, in the order of the moments. */
  runs(endMs: number): readonly HeardRun[] {
    if (!this.#reported) return until(this.#planned, this.ledger.pausedAtMs ?? endMs);
    const runs = [...this.#parts].flatMap(([entry, part]) => reportedRuns(entry, part));
    return until(runs, endMs).sort((a, b) => a.fromMs - b.fromMs);
  }

  /** Goes on with the last run where it can. */
  #plan(run: HeardRun): void {
    const last = this.#planned.at(-1);
    const goesOn = last !== undefined && last.entry === run.entry && last.toSample === run.fromSample && Math.abs(last.toMs - run.fromMs) < 0.01;
    if (goesOn) this.#planned[this.#planned.length - 1] = { ...last, toSample: run.toSample, toMs: run.toMs };
    else this.#planned.push(run);
  }
}

function reportedRuns(entry: LedgerEntry, { sightings, heardSamples: end }: ReportedPart): HeardRun[] {
  const { format } = entry;
  const stretches = steady(withoutLastDelay(sightings, format), format.sampleRate);
  return stretches.flatMap(({ fromSample, toSample, startMs }, index) => {
    // What was heard after the last report goes on from there.
    const untilSample = index === stretches.length - 1 ? end : Math.min(toSample, end);
    return untilSample <= fromSample ? [] : [{ entry, fromSample, toSample: untilSample, fromMs: startMs, toMs: startMs + samplesToMs(format, untilSample - fromSample) }];
  });
}

function withoutLastDelay(sightings: readonly Sighting[], format: AudioFormat): readonly Sighting[] {
  const [last, before] = [sightings.at(-1), sightings.at(-2)];
  if (last === undefined || before === undefined) return sightings;
  const lateMs = last.atMs - before.atMs - samplesToMs(format, last.samples - before.samples);
  return lateMs > 0 && lateMs <= LAST_REPORT_MS ? [...sightings.slice(0, -1), { ...last, atMs: last.atMs - lateMs }] : sightings;
}

function until(runs: readonly HeardRun[], atMs: number): HeardRun[] {
  return runs.flatMap((run) => split(run, atMs)).filter(({ fromMs }) => fromMs < atMs);
}

/** A run in two where it crosses the moment; as it is where it does not. */
function split(run: HeardRun, atMs: number): HeardRun[] {
  if (run.fromMs >= atMs || run.toMs <= atMs) return [run];
  const sample = run.fromSample + msToSamples(run.entry.format, atMs - run.fromMs);
  return [
    { ...run, toSample: sample, toMs: atMs },
    { ...run, fromSample: sample, fromMs: atMs },
  ];
}
