/**
 * The account of what a listener has heard. Audio of a reply is generated faster than it is played, so "received from the model", "sent to the
 * listener" and "heard" are three numbers, counted here in samples for each (item, content part). Everything that depends on hearing
 * (truncation, history, latency) is a view of this ledger.
 *
 * Who knows what was heard? The best source is a listener that reports the samples that it has really played. Until one does, the ledger
 * assumes a player that plays without a pause from the moment the audio is sent: the clock's estimate.
 *
 * The ledger is plain data, so that a session's state can be kept and replayed; times are handed in.
 */
import { samplesToMs } from '../format/audio-format.js';
import type { AudioFormat } from '../format/audio-format.js';

/** Playback of one content part of one item. */
export interface LedgerEntry {
  readonly responseId: string;
  readonly itemId: string;
  readonly contentIndex: number;
  /** The format that the part was created with. */
  readonly format: AudioFormat;
  /** Samples that the model has generated and we have received. */
  receivedSamples: number;
  /** Samples handed to the listener. */
  sentSamples: number;
  /** Samples that the listener has reported as heard. */
  reportedSamples: number;
  /** When that report came, in ms of the caller's clock; absent before the first. */
  reportedAtMs?: number;
  /** Whether the model has generated all of it. */
  complete: boolean;
}

/** The account itself. Times are ms of the clock of whoever leads it. */
export interface PlaybackLedger {
  /** Raised by each cut; audio of an older epoch is stale. */
  epoch: number;
  /** Whether somebody reports, or the clock's estimate stands in. */
  source: 'clock' | 'reports';
  /** In the order of playing. Entries that were heard to their end are taken out. */
  readonly entries: LedgerEntry[];
  /** The clock's estimate: when everything sent so far has been played. */
  playedOutAtMs: number;
  /** Since when the listener holds its sound; absent while it plays. */
  pausedAtMs?: number;
}

/** One item at the moment of an interruption. */
export interface Cut {
  readonly entry: LedgerEntry;
  /** min(heard, received) */
  readonly heardSamples: number;
  /** Whole ms, rounded down, never more than what was received. */
  readonly heardMs: number;
  /** Whether any of it has been heard. */
  readonly audible: boolean;
}

/** What a listener tells: so much of one part has been played. */
export interface PlaybackReport {
  readonly itemId: string;
  readonly contentIndex: number;
  /** Samples of that part heard in total. */
  readonly samples: number;
}

/**
 * How far a report may be carried on by the clock. Reports come every 20 to 100 ms and the sound goes on between them; a listener that has been
 * silent for longer has probably stopped playing, and what it may have played is not counted as heard.
 */
const MAX_EXTRAPOLATION_MS = 250;

/** An empty ledger; `reports` for a listener that is known to report. */
export function createLedger(source: PlaybackLedger['source'] = 'clock'): PlaybackLedger {
  return { epoch: 0, source, entries: [], playedOutAtMs: 0 };
}

/** Finds the entry of a part that is still being played or waits to be. */
export function ledgerEntry(ledger: PlaybackLedger, itemId: string, contentIndex: number): LedgerEntry | undefined {
  // The newest entry is nearly always the one that is asked for.
  for (let index = ledger.entries.length - 1; index >= 0; index -= 1) {
    const entry = ledger.entries[index];
    if (entry !== undefined && entry.itemId === itemId && entry.contentIndex === contentIndex) return entry;
  }
  return undefined;
}

/** Opens the entry of a part at its first audio. It is played after everything that is already there. */
export function openEntry(
  ledger: PlaybackLedger,
  part: { responseId: string; itemId: string; contentIndex: number; format: AudioFormat },
): LedgerEntry {
  const entry: LedgerEntry = { ...part, receivedSamples: 0, sentSamples: 0, reportedSamples: 0, complete: false };
  ledger.entries.push(entry);
  return entry;
}

/** Counts `samples` that were received and handed to the listener in the same moment. */
export function receiveAndSend(ledger: PlaybackLedger, entry: LedgerEntry, samples: number, nowMs: number): void {
  entry.receivedSamples += samples;
  entry.sentSamples += samples;
  ledger.playedOutAtMs = Math.max(ledger.playedOutAtMs, soundTime(ledger, nowMs)) + samplesToMs(entry.format, samples);
}

/** The model has generated all of this part. */
export function completeEntry(ledger: PlaybackLedger, entry: LedgerEntry): void {
  entry.complete = true;
  dropHeard(ledger);
}

/**
 * Takes in a listener's report; from the first one on, reports are the source. A report beyond what was sent counts as what was sent, one that
 * goes back changes nothing. Returns the entry, or nothing for a part that is not (or no longer) in the ledger.
 */
export function reportHeard(ledger: PlaybackLedger, report: PlaybackReport, nowMs: number): LedgerEntry | undefined {
  ledger.source = 'reports';
  const entry = ledgerEntry(ledger, report.itemId, report.contentIndex);
  if (entry === undefined || !Number.isFinite(report.samples)) return undefined;
  const samples = Math.min(Math.max(0, Math.floor(report.samples)), entry.sentSamples);
  if (samples >= entry.reportedSamples) {
    entry.reportedSamples = samples;
    entry.reportedAtMs = nowMs;
  }
  if (entry.reportedSamples > 0) {
    // Playing is in order: what stands before the reported part has been heard.
    for (const earlier of ledger.entries) {
      if (earlier === entry) break;
      earlier.reportedSamples = earlier.sentSamples;
      earlier.reportedAtMs = nowMs;
    }
  }
  dropHeard(ledger);
  return entry;
}

/** Samples of `entry` heard by `nowMs`, as well as it is known. Never more than were sent. */
export function heardSamples(ledger: PlaybackLedger, entry: LedgerEntry, nowMs: number): number {
  if (ledger.source === 'reports') {
    if (entry.reportedAtMs === undefined || entry.reportedSamples === 0) return 0;
    const sinceMs = Math.min(Math.max(0, soundTime(ledger, nowMs) - entry.reportedAtMs), MAX_EXTRAPOLATION_MS);
    return Math.min(entry.sentSamples, entry.reportedSamples + Math.floor((sinceMs * entry.format.sampleRate) / 1000));
  }
  // What is not yet played out stands at the end of the queue: take it off from there.
  let aheadMs = Math.max(0, ledger.playedOutAtMs - soundTime(ledger, nowMs));
  for (let index = ledger.entries.length - 1; index >= 0; index -= 1) {
    const other = ledger.entries[index];
    if (other === undefined) continue;
    const sentMs = samplesToMs(other.format, other.sentSamples);
    if (other === entry) return Math.floor((Math.max(0, sentMs - aheadMs) * other.format.sampleRate) / 1000 + 1e-6);
    aheadMs = Math.max(0, aheadMs - sentMs);
  }
  return 0;
}

/** Whether a listener still has something to play at `nowMs`. */
export function isPlaying(ledger: PlaybackLedger, nowMs: number): boolean {
  return ledger.entries.some((entry) => heardSamples(ledger, entry, nowMs) < entry.sentSamples);
}

/** The part that sounds at `nowMs`, or will next, and how much of it has been heard; nothing when all was heard. */
export function audiblePart(ledger: PlaybackLedger, nowMs: number): { readonly entry: LedgerEntry; readonly heardSamples: number } | undefined {
  for (const entry of ledger.entries) {
    const heard = heardSamples(ledger, entry, nowMs);
    if (heard < entry.sentSamples) return { entry, heardSamples: heard };
  }
  return undefined;
}

/** How long the listener still has to play of what was sent. */
export function unheardMs(ledger: PlaybackLedger, nowMs: number): number {
  return ledger.entries.reduce((sum, entry) => sum + samplesToMs(entry.format, entry.sentSamples - heardSamples(ledger, entry, nowMs)), 0);
}

/**
 * The listener holds its sound from now on: time counts nothing as heard until {@link resumeLedger}. Its reports still count: a listener is told a
 * little later than we, and its word is better than ours. Does nothing when it is paused already.
 */
export function pauseLedger(ledger: PlaybackLedger, nowMs: number): void {
  ledger.pausedAtMs ??= nowMs;
}

/** The listener plays on, from the sample at which it stopped. Does nothing when it is not paused. */
export function resumeLedger(ledger: PlaybackLedger, nowMs: number): void {
  const { pausedAtMs } = ledger;
  if (pausedAtMs === undefined) return;
  delete ledger.pausedAtMs;
  if (ledger.playedOutAtMs > pausedAtMs) ledger.playedOutAtMs += nowMs - pausedAtMs;
  for (const entry of ledger.entries) {
    if (entry.reportedAtMs !== undefined) entry.reportedAtMs += nowMs - Math.max(pausedAtMs, entry.reportedAtMs);
  }
}

/**
 * Stops playing: empties the ledger, raises the epoch, and tells how each part stood, in the order of playing. A part that was heard to its end
 * is not among them: it is left alone.
 */
export function cut(ledger: PlaybackLedger, nowMs: number): readonly Cut[] {
  const cuts: Cut[] = [];
  for (const entry of ledger.entries) {
    const heard = Math.min(heardSamples(ledger, entry, nowMs), entry.receivedSamples);
    if (entry.complete && heard >= entry.receivedSamples) continue;
    cuts.push({ entry, heardSamples: heard, heardMs: Math.floor(samplesToMs(entry.format, heard) + 1e-6), audible: heard > 0 });
  }
  ledger.entries.length = 0;
  ledger.playedOutAtMs = nowMs;
  delete ledger.pausedAtMs;
  ledger.epoch += 1;
  return cuts;
}

/** Takes out what was heard to its end, so that the ledger stays as short as the queue of the listener. */
export function settleHeard(ledger: PlaybackLedger, nowMs: number): void {
  if (ledger.source === 'reports') return;
  while (ledger.entries.length > 1) {
    const first = ledger.entries[0];
    if (first === undefined || !first.complete || heardSamples(ledger, first, nowMs) < first.sentSamples) return;
    ledger.entries.shift();
  }
}

/** The moment up to which sound was played: it stands still in a pause. */
function soundTime(ledger: PlaybackLedger, nowMs: number): number {
  return ledger.pausedAtMs === undefined ? nowMs : Math.min(nowMs, ledger.pausedAtMs);
}

function dropHeard(ledger: PlaybackLedger): void {
  if (ledger.source !== 'reports') return;
  while (ledger.entries.length > 0) {
    const first = ledger.entries[0];
    if (first === undefined || !first.complete || first.reportedSamples < first.sentSamples) return;
    ledger.entries.shift();
  }
}
