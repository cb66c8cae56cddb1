import { HeardSound, bytesToSamples, samplesToMs } from '../../audio/index.js';
import type { Cut, HeardRun, LedgerEntry, PlaybackLedger } from '../../audio/index.js';
import type { SessionEvent, SessionInput } from '../../session/index.js';
import type { AudioRef, RecordingLine, StartLine } from './format.js';

/** Sound of one part as it lies in the agent's track. */
interface Piece {
  readonly firstSample: number;
  readonly samples: number;
  readonly trackSample: number;
}

/** A run of a track's samples at its place in the call. */
export interface PlacedSound {
  /** The first sample within the track. */
  readonly trackSample: number;
  readonly samples: number;
  /** Ms of the recorded clock. */
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Takes the lines of a session's recording in order: what was heard is told by the same account as in the call. Whoever looks at a recorded call asks
 * here, and all get the same answer.
 */
export class RecordedPlayout {
  /** Whether a listener reported, or the clock's estimate stands in. */
  readonly reported: boolean;
  readonly #heard: HeardSound;
  /** Audio that is in no track (it was made out of other audio) has no piece. */
  readonly #pieces = new Map<LedgerEntry, Piece[]>();

  constructor(lines: readonly RecordingLine[], source = sourceAtStart(lines)) {
    this.reported = lines.some((line) => line.type === 'input' && line.input.type === 'playback');
    this.#heard = new HeardSound(this.reported, source);
  }

  /** Borrowed: read it and change nothing. */
  get ledger(): PlaybackLedger {
    return this.#heard.ledger;
  }

  /** Parts in the order in which they came. */
  get entries(): readonly LedgerEntry[] {
    return [...this.#pieces.keys()];
  }

  /** Gives what an interruption has cut; nothing for every other line. */
  take(line: RecordingLine): readonly Cut[] {
    if (line.type === 'input' && line.input.type === 'playback') this.#heard.report((line.input as Extract<SessionInput, { type: 'playback' }>).report, line.at);
    if (line.type !== 'event') return [];
    const event = line.event as SessionEvent;
    switch (event.type) {
      case 'audio':
        this.#onAudio(event, line.at);
        return [];
      case 'audio_end':
        this.#heard.complete(event.itemId, event.contentIndex);
        return [];
      case 'audio_paused':
        if (event.how === 'pause') this.#heard.pause(line.at);
        return [];
      case 'audio_resumed':
        this.#heard.resume(line.at);
        return [];
      case 'audio_interrupted':
        return this.#heard.cut(line.at, event);
      default:
        return [];
    }
  }

  /** What was heard of a call that was over at `endMs`, in order. */
  runs(endMs: number): readonly HeardRun[] {
    return this.#heard.runs(endMs);
  }

  /** Where in the track a run stands; nothing of what is in none. */
  pieces({ entry, fromSample, toSample, fromMs }: HeardRun): readonly PlacedSound[] {
    return (this.#pieces.get(entry) ?? []).flatMap(({ firstSample, samples, trackSample }) => {
      const [first, end] = [Math.max(fromSample, firstSample), Math.min(toSample, firstSample + samples)];
      if (first >= end) return [];
      const startMs = fromMs + samplesToMs(entry.format, first - fromSample);
      return [{ trackSample: trackSample + first - firstSample, samples: end - first, fromMs: startMs, toMs: startMs + samplesToMs(entry.format, end - first) }];
    });
  }

  #onAudio({ responseId, itemId, contentIndex, chunk }: Extract<SessionEvent, { type: 'audio' }>, atMs: number): void {
    const { format, firstSample } = chunk;
    const ref = chunk.bytes as unknown as AudioRef;
    const samples = bytesToSamples(format, ref.bytes);
    const entry = this.#heard.send({ responseId, itemId, contentIndex, format }, samples, atMs, firstSample);
    const pieces = this.#pieces.get(entry) ?? [];
    this.#pieces.set(entry, pieces);
    if (ref.$audio !== 'agent' || ref.at === undefined) return;
    const trackSample = bytesToSamples(format, ref.at);
    const last = pieces.at(-1);
    const goesOn = last !== undefined && last.trackSample + last.samples === trackSample && last.firstSample + last.samples === firstSample;
    if (goesOn) pieces[pieces.length - 1] = { ...last, samples: last.samples + samples };
    else pieces.push({ firstSample, samples, trackSample });
  }
}

function sourceAtStart(lines: readonly RecordingLine[]): PlaybackLedger['source'] {
  const start = lines.find((line): line is StartLine => line.type === 'start');
  return (start?.state as { readonly ledger?: PlaybackLedger } | undefined)?.ledger?.source ?? 'clock';
}
