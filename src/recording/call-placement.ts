import type { HeardRun, LedgerEntry } from '../../audio/index.js';
import type { SessionEvent } from '../../session/index.js';
import type { Recording } from './recording-reader.js';
import { recordedMicrophone } from './recorded-microphone.js';
import { RecordedPlayout } from './recorded-playout.js';
import type { PlacedSound } from './recorded-playout.js';

/** A piece of a track and where in the call it was heard. */
export interface Placement {
  readonly side: 'caller' | 'agent';
  readonly track: string;
  /** Of the track. */
  readonly fromSample: number;
  readonly samples: number;
  /** Ms from the beginning of the recording. */
  readonly startMs: number;
}

export interface CallMark {
  readonly atMs: number;
  readonly text: string;
}

export interface CallTimeline {
  readonly placements: readonly Placement[];
  readonly marks: readonly CallMark[];
  readonly durationMs: number;
}

/**
 * Where in a call each piece of sound was heard. The caller's is put where the microphone took it up; the agent's where the listener reported to have
 * heard it, and by the clock where nobody reports. What an interruption cut off is left out. A function of the recording alone.
 */
export function placeCall(recording: Recording): CallTimeline {
  const { header, lines } = recording;
  const { clockMs } = header;
  const endMs = lines.at(-1)?.at ?? clockMs;
  const playout = new RecordedPlayout(lines);
  const cut = new Set<LedgerEntry>();
  const marks: CallMark[] = [];
  let turns = 0;
  for (const line of lines) {
    const atMs = line.at - clockMs;
    for (const { entry } of playout.take(line)) cut.add(entry);
    if (line.type !== 'event') continue;
    const event = line.event as unknown as SessionEvent;
    if (event.type === 'audio_interrupted') marks.push({ atMs, text: 'interrupted' });
    else if (event.type === 'input_speech_started') marks.push({ atMs, text: 'caller speaks' });
    else if (event.type === 'turn_metrics') {
      turns += 1;
      marks.push({ atMs: (event.marks.firstFrameHeardMs ?? event.marks.firstFrameSentMs ?? line.at) - clockMs, text: `turn ${turns} (${event.turnId})` });
    } else if (event.type === 'tool_start') marks.push({ atMs, text: `tool ${event.toolName}` });
    else if (event.type === 'tool_end') marks.push({ atMs, text: `tool ${event.toolName} ${event.outcome}` });
  }
  const runs = playout.runs(endMs);
  const heard = playout.reported ? carriedOn(runs, cut) : runs;
  const placed = (side: Placement['side'], sound: readonly PlacedSound[]): Placement[] => sound.map(({ trackSample, samples, fromMs }) => ({ side, track: side, fromSample: trackSample, samples, startMs: fromMs - clockMs }));
  const placements = [...placed('caller', recordedMicrophone(lines, header.audio.input)), ...placed('agent', heard.flatMap((run) => playout.pieces(run)))];
  placements.sort((a, b) => a.startMs - b.startMs);
  return { placements, marks: marks.sort((a, b) => a.atMs - b.atMs), durationMs: endMs - clockMs };
}

/** A player does not stop at its last report: what came of a part and was not cut off was heard to its end. */
function carriedOn(runs: readonly HeardRun[], cut: ReadonlySet<LedgerEntry>): readonly HeardRun[] {
  const last = new Map(runs.map((run) => [run.entry, run]));
  return runs.map((run) => (last.get(run.entry) === run && !cut.has(run.entry) ? { ...run, toSample: Math.max(run.toSample, run.entry.receivedSamples) } : run));
}
