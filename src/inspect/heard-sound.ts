import { bytesToSamples, samplesToMs, unheardMs } from '../../audio/index.js';
import type { HeardRun, PlaybackLedger } from '../../audio/index.js';
import type { SessionEvent } from '../../session/index.js';
import { RecordedPlayout } from '../recording/index.js';
import type { AudioRef, PlacedSound, RecordingLine } from '../recording/index.js';
import { DepthCurve } from './depth-curve.js';
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

/** Takes a recording of a session; `endMs` is where the call ends, beyond which nothing is heard. `source`: see the ledger; by default that of the recorded start. */
export function agentSound(lines: readonly RecordingLine[], endMs: number, source?: PlaybackLedger['source']): AgentSound {
  const playout = new RecordedPlayout(lines, source);
  const { ledger } = playout;
  const depth = new DepthCurve();
  const received: PlacedSound[] = [];
  const cuts: { unheardMs: number; heardMs: number }[] = [];
  let begun = false;
  /** The depth as time goes on to `at`, with the moment at which the sound runs out. */
  const reach = (at: number): void => {
    const { playedOutAtMs, pausedAtMs } = ledger;
    if (ledger.source === 'clock' && pausedAtMs === undefined && playedOutAtMs < at && begun) depth.add(playedOutAtMs, 0);
    depth.add(at, unheardMs(ledger, at));
  };
  for (const line of lines) {
    const type = line.type === 'event' ? line.event.type : line.type === 'input' ? line.input.type : undefined;
    if (type === undefined || !CHANGES_DEPTH.has(type)) {
      playout.take(line);
      continue;
    }
    // The depth before and after what changes it.
    reach(line.at);
    const beforeMs = unheardMs(ledger, line.at);
    const stopped = playout.take(line);
    depth.add(line.at, unheardMs(ledger, line.at));
    const event = line.type === 'event' ? (line.event as SessionEvent) : undefined;
    if (event?.type === 'audio') {
      begun = true;
      receive(received, event, line.at);
    }
    if (event?.type === 'audio_interrupted') cuts.push({ unheardMs: beforeMs, heardMs: stopped.find(({ entry }) => entry.itemId === event.itemId)?.heardMs ?? 0 });
  }
  reach(endMs);
  const runs = playout.runs(endMs);
  return {
    source: playout.reported ? 'reports' : 'clock',
    received,
    heard: runs.flatMap((run) => playout.pieces(run)),
    items: playout.entries.flatMap((entry) => heardItem(runs.filter((run) => run.entry === entry))),
    depth: depth.series(),
    cuts,
  };
}

const CHANGES_DEPTH: ReadonlySet<string> = new Set(['playback', 'audio', 'audio_paused', 'audio_resumed', 'audio_interrupted']);

function receive(received: PlacedSound[], { chunk }: Extract<SessionEvent, { type: 'audio' }>, at: number): void {
  const last = received.at(-1);
  if (last !== undefined && last.toMs > at) received[received.length - 1] = { ...last, toMs: at };
  const ref = chunk.bytes as unknown as AudioRef;
  if (ref.$audio !== 'agent' || ref.at === undefined) return;
  const samples = bytesToSamples(chunk.format, ref.bytes);
  received.push({ trackSample: bytesToSamples(chunk.format, ref.at), samples, fromMs: at, toMs: at + samplesToMs(chunk.format, samples) });
}

function heardItem(runs: readonly HeardRun[]): Omit<HeardItem, 'text'>[] {
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined) return [];
  return [{ itemId: first.entry.itemId, fromMs: first.fromMs, toMs: last.toMs, heardMs: runs.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0) }];
}
