import { bytesToSamples, completeEntry, createLedger, cut, heardSamples, ledgerEntry, msToSamples, openEntry, pauseLedger, receiveAndSend, reportHeard, resumeLedger, samplesToMs, unheardMs } from '../../audio/index.js';
import type { LedgerEntry, PlaybackLedger } from '../../audio/index.js';
import type { SessionEvent, SessionInput } from '../../session/index.js';
import type { AudioRef, RecordingLine } from '../recording/index.js';
import { DepthCurve } from './depth-curve.js';
import { EndPlacement } from './placement.js';
import type { PlacedSound } from './placement.js';
import type { DepthSeries, HeardItem } from './timeline.js';

/** What became of the agent's sound. */
export interface AgentSound {
  readonly source: 'reports' | 'clock';
  /** As it came: squeezed to where it came faster than it plays. */
  readonly received: readonly PlacedSound[];
  readonly heard: readonly PlacedSound[];
  readonly items: readonly Omit<HeardItem, 'text'>[];
  readonly depth: DepthSeries;
  /** Of each interruption, in order: sound that was sent and not heard, and what the ledger says was heard of the item that sounded. */
  readonly cuts: readonly { readonly unheardMs: number; readonly heardMs: number }[];
}

type Audio = Extract<SessionEvent, { type: 'audio' }>;

/** Sound of one part as it lies in the track: audio that is not there (it was made out of other audio) has no `trackByte`. */
interface Piece {
  readonly firstSample: number;
  readonly samples: number;
  readonly trackByte: number | undefined;
}

/** Where a run of a part's samples was heard. */
interface HeardRun {
  readonly entry: LedgerEntry;
  readonly fromSample: number;
  readonly toSample: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Leads the playback ledger of the session through the recording: what was heard is told by the same account as in the call. Takes a recording of a
 * session; `endMs` is where the call ends, beyond which nothing is heard.
 */
export function agentSound(lines: readonly RecordingLine[], initial: PlaybackLedger['source'], endMs: number): AgentSound {
  const follower = new LedgerFollower(initial, lines.some((line) => line.type === 'input' && line.input.type === 'playback'));
  for (const line of lines) follower.take(line);
  return follower.end(endMs);
}

class LedgerFollower {
  readonly #ledger: PlaybackLedger;
  readonly #reported: boolean;
  readonly #received: PlacedSound[] = [];
  readonly #pieces = new Map<string, (Piece & { readonly endByte: number })[]>();
  readonly #order: LedgerEntry[] = [];
  #runs: HeardRun[] = [];
  readonly #depth = new DepthCurve();
  readonly #cuts: { unheardMs: number; heardMs: number }[] = [];
  readonly #placement = new EndPlacement();

  constructor(source: PlaybackLedger['source'], reported: boolean) {
    this.#ledger = createLedger(source);
    this.#reported = reported;
  }

  take(line: RecordingLine): void {
    if (line.type === 'input' && line.input.type === 'playback') {
      const { report } = line.input as Extract<SessionInput, { type: 'playback' }>;
      return this.#change(line.at, () => this.#onReport(() => reportHeard(this.#ledger, report, line.at), line.at));
    }
    if (line.type !== 'event') return;
    const event = line.event as SessionEvent;
    switch (event.type) {
      case 'audio':
        return this.#change(line.at, () => this.#onAudio(event, line.at));
      case 'audio_end': {
        const entry = ledgerEntry(this.#ledger, event.itemId, event.contentIndex);
        return entry === undefined ? undefined : completeEntry(this.#ledger, entry);
      }
      case 'audio_paused':
        return event.how === 'pause' ? this.#change(line.at, () => this.#onPause(line.at)) : undefined;
      case 'audio_resumed':
        return this.#change(line.at, () => this.#onResume(line.at));
      case 'audio_interrupted':
        return this.#change(line.at, () => this.#onCut(event.itemId, line.at));
      default:
        return;
    }
  }

  end(endMs: number): AgentSound {
    this.#silenceFrom(endMs);
    this.#reach(endMs);
    return {
      source: this.#reported ? 'reports' : 'clock',
      received: this.#received,
      heard: this.#runs.flatMap((run) => this.#sounding(run)),
      items: this.#order.flatMap((entry) => heardItem(this.#runs.filter((run) => run.entry === entry))),
      depth: this.#depth.series(),
      cuts: this.#cuts,
    };
  }

  /** The depth before and after whatever changes it. */
  #change(at: number, act: () => void): void {
    this.#reach(at);
    act();
    this.#depth.add(at, unheardMs(this.#ledger, at));
  }

  /** The depth as time goes on to `at`, with the moment at which the sound runs out. */
  #reach(at: number): void {
    const { playedOutAtMs, pausedAtMs, source } = this.#ledger;
    if (source === 'clock' && pausedAtMs === undefined && playedOutAtMs < at && this.#order.length > 0) this.#depth.add(playedOutAtMs, 0);
    this.#depth.add(at, unheardMs(this.#ledger, at));
  }

  #onAudio({ responseId, itemId, contentIndex, chunk }: Audio, at: number): void {
    const ref = chunk.bytes as unknown as AudioRef;
    const samples = bytesToSamples(chunk.format, ref.bytes);
    const kept = ref.$audio === 'agent' && ref.at !== undefined;
    let entry = ledgerEntry(this.#ledger, itemId, contentIndex);
    if (entry === undefined) {
      entry = openEntry(this.#ledger, { responseId, itemId, contentIndex, format: chunk.format });
      this.#order.push(entry);
    }
    this.#keepPiece(entry, { firstSample: chunk.firstSample, samples, trackByte: kept ? ref.at : undefined }, ref.bytes);
    const startMs = Math.max(this.#ledger.playedOutAtMs, at);
    receiveAndSend(this.#ledger, entry, samples, at);
    if (!this.#reported) this.#sound({ entry, fromSample: chunk.firstSample, toSample: chunk.firstSample + samples, fromMs: startMs, toMs: this.#ledger.playedOutAtMs });
    const last = this.#received.at(-1);
    if (last !== undefined && last.toMs > at) this.#received[this.#received.length - 1] = { ...last, toMs: at };
    if (kept) this.#received.push({ trackSample: bytesToSamples(chunk.format, ref.at ?? 0), samples, fromMs: at, toMs: at + samplesToMs(chunk.format, samples) });
  }

  /** What a report makes of each part, from its end backwards in time. */
  #onReport(report: () => void, at: number): void {
    const before = this.#ledger.entries.map((entry) => ({ entry, samples: entry.reportedSamples }));
    report();
    this.#grow(before.map(({ entry, samples }) => ({ entry, fromSample: samples, toSample: entry.reportedSamples })), at);
  }

  #grow(grown: readonly { entry: LedgerEntry; fromSample: number; toSample: number }[], at: number): void {
    let laterMs = grown.reduce((sum, { entry, fromSample, toSample }) => sum + samplesToMs(entry.format, toSample - fromSample), 0);
    for (const { entry, fromSample, toSample } of grown) {
      if (toSample <= fromSample) continue;
      const durationMs = samplesToMs(entry.format, toSample - fromSample);
      laterMs -= durationMs;
      this.#sound({ entry, fromSample, toSample, ...this.#placement.place(durationMs, at - laterMs) });
    }
  }

  /** Goes on with the last run where it can. */
  #sound(run: HeardRun): void {
    const last = this.#runs.at(-1);
    const goesOn = last !== undefined && last.entry === run.entry && last.toSample === run.fromSample && Math.abs(last.toMs - run.fromMs) < 0.01;
    if (goesOn) this.#runs[this.#runs.length - 1] = { ...last, toSample: run.toSample, toMs: run.toMs };
    else this.#runs.push(run);
  }

  /** Goes on with the last piece where it can. */
  #keepPiece(entry: LedgerEntry, piece: Piece, bytes: number): void {
    const pieces = this.#pieces.get(partKey(entry));
    if (pieces === undefined) return void this.#pieces.set(partKey(entry), [{ ...piece, endByte: (piece.trackByte ?? 0) + bytes }]);
    const last = pieces.at(-1);
    const goesOn = last !== undefined && last.trackByte !== undefined && last.endByte === piece.trackByte && last.firstSample + last.samples === piece.firstSample;
    if (goesOn) pieces[pieces.length - 1] = { ...last, samples: last.samples + piece.samples, endByte: last.endByte + bytes };
    else pieces.push({ ...piece, endByte: (piece.trackByte ?? 0) + bytes });
  }

  #onPause(at: number): void {
    pauseLedger(this.#ledger, at);
  }

  #onResume(at: number): void {
    const { pausedAtMs } = this.#ledger;
    resumeLedger(this.#ledger, at);
    if (pausedAtMs === undefined || this.#reported) return;
    // What the clock had planned for later than the pause is heard later by the pause's length.
    this.#runs = this.#runs.flatMap((run) => split(run, pausedAtMs)).map((run) => (run.fromMs >= pausedAtMs ? { ...run, fromMs: run.fromMs + at - pausedAtMs, toMs: run.toMs + at - pausedAtMs } : run));
  }

  #onCut(itemId: string | undefined, at: number): void {
    const unheard = unheardMs(this.#ledger, at);
    const silentFromMs = this.#ledger.pausedAtMs ?? at;
    const before = this.#ledger.entries.map((entry) => ({ entry, fromSample: entry.reportedSamples, toSample: Math.max(entry.reportedSamples, heardSamples(this.#ledger, entry, at)) }));
    const cuts = cut(this.#ledger, at);
    this.#cuts.push({ unheardMs: unheard, heardMs: cuts.find(({ entry }) => entry.itemId === itemId)?.heardMs ?? 0 });
    if (this.#reported) this.#grow(before, at);
    else this.#silenceFrom(silentFromMs);
  }

  #silenceFrom(atMs: number): void {
    this.#runs = this.#runs.flatMap((run) => split(run, atMs)).filter(({ fromMs }) => fromMs < atMs);
  }

  #sounding({ entry, fromSample, toSample, fromMs }: HeardRun): PlacedSound[] {
    return (this.#pieces.get(partKey(entry)) ?? []).flatMap(({ firstSample, samples, trackByte }) => {
      const [first, last] = [Math.max(fromSample, firstSample), Math.min(toSample, firstSample + samples)];
      if (last <= first || trackByte === undefined) return [];
      const startMs = fromMs + samplesToMs(entry.format, first - fromSample);
      return [{ trackSample: bytesToSamples(entry.format, trackByte) + first - firstSample, samples: last - first, fromMs: startMs, toMs: startMs + samplesToMs(entry.format, last - first) }];
    });
  }
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

function heardItem(runs: readonly HeardRun[]): Omit<HeardItem, 'text'>[] {
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined) return [];
  return [{ itemId: first.entry.itemId, fromMs: first.fromMs, toMs: last.toMs, heardMs: runs.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0) }];
}

function partKey({ itemId, contentIndex }: LedgerEntry): string {
  return `${contentIndex} ${itemId}`;
}
