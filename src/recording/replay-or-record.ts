import { existsSync, renameSync, statSync, unlinkSync } from 'node:fs';
import type { Clock, RealtimeModel, SessionRecorder } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { systemClock } from '../host/system-clock.js';
import { recordSession } from './record-session.js';
import { readRecording } from './recording-reader.js';
import type { Recording } from './recording-reader.js';
import { RECORDING_ENDING, trackPath } from './recording-store.js';
import type { RecordingOptions } from './recording-writer.js';
import { replayModel } from './replay-model.js';
import type { ReplayModel, ReplayOptions } from './replay-model.js';
import { difference } from './trace-difference.js';

export interface ReplayOrRecordOptions extends ReplayOptions, RecordingOptions {
  /** The model that costs money: it is asked only when there is no recording, or an old one. */
  readonly live: RealtimeModel;
  /** A recording older than this is made anew; default: never too old. */
  readonly maxAgeDays?: number;
  /** Default true. With false (in CI, say) a live call is an error: `RECORDING_MISMATCH` for a recording that is missing or too old. */
  readonly allowLive?: boolean;
}

/** What to give to a session, and what to do when it is over. */
export interface ReplayedOrRecorded {
  /** `replayed`: out of the recording. `recorded`: there was none. `refreshed`: it was too old. */
  readonly how: 'replayed' | 'recorded' | 'refreshed';
  readonly options: { readonly model: RealtimeModel; readonly recorder?: SessionRecorder };
  /**
   * Call it when the session is closed. A replay is checked: throws `HostError` `RECORDING_MISMATCH` in strict mode when it differed. A new recording takes
   * the place of the old one, and what has changed is given back, for people: one line for each event that is not the same, none when nothing is.
   */
  finish(): Promise<readonly string[]>;
}

const DAY_MS = 86_400_000;
const MAX_CHANGES = 50;

/** Replays a session's model out of `path`, or records it there from the live one. Throws `HostError` as {@link readRecording} does. */
export function replayOrRecord(path: string, options: ReplayOrRecordOptions): ReplayedOrRecorded {
  const { clock = systemClock, maxAgeDays = Infinity, allowLive = true, live } = options;
  const known = existsSync(path) ? readRecording(path) : undefined;
  const fresh = known !== undefined && ageMs(known, path, clock) <= maxAgeDays * DAY_MS;
  if (known !== undefined && fresh) {
    const model = replayModel(known, options);
    return { how: 'replayed', options: { model }, finish: () => Promise.resolve(checked(model, options)) };
  }
  if (!allowLive) {
    const why = known === undefined ? 'there is no recording' : `the recording is older than ${maxAgeDays} days`;
    throw new HostError('RECORDING_MISMATCH', `${path}: ${why}, and live calls are not allowed.`, { hint: 'Record it on your own machine and commit it with its WAV files.' });
  }
  const next = `${path.slice(0, -RECORDING_ENDING.length)}.next${RECORDING_ENDING}`;
  const recorder = recordSession(next, options);
  return {
    how: known === undefined ? 'recorded' : 'refreshed',
    options: { model: live, recorder },
    async finish() {
      await recorder.done;
      const changes = known === undefined ? [] : changesBetween(known, readRecording(next));
      replace(path, next, known);
      return changes;
    },
  };
}

function checked(model: ReplayModel, { mode = 'strict' }: ReplayOptions): readonly string[] {
  if (mode === 'strict') model.assertComplete();
  return [];
}

/** By what the recording says of itself; a file's own date changes with each checkout. */
function ageMs({ header }: Recording, path: string, clock: Clock): number {
  const startedMs = header.startedAt === undefined ? statSync(path).mtimeMs : Date.parse(header.startedAt);
  return (clock.unixMs?.() ?? Date.now()) - startedMs;
}

function replace(path: string, next: string, old: Recording | undefined): void {
  for (const track of old?.tracks.keys() ?? []) if (existsSync(trackPath(path, track))) unlinkSync(trackPath(path, track));
  const { tracks } = readRecording(next);
  for (const track of tracks.keys()) if (existsSync(trackPath(next, track))) renameSync(trackPath(next, track), trackPath(path, track));
  renameSync(next, path);
}

/** What a person looks at: the order of what happened, and the words; not ids, times and sound, which are others each time. */
function changesBetween(before: Recording, after: Recording): string[] {
  const [old, now] = [before, after].map((recording) => recording.lines.flatMap((line) => (line.type === 'event' ? [essence(line.event)] : [])).filter((event) => event !== undefined)) as [object[], object[]];
  const changes: string[] = [];
  for (let index = 0; index < Math.max(old.length, now.length) && changes.length < MAX_CHANGES; index += 1) {
    const found = difference(old[index], now[index], '');
    if (found !== undefined) changes.push(`event ${index + 1}: ${JSON.stringify(old[index]) ?? '(nothing)'} is now ${JSON.stringify(now[index]) ?? '(nothing)'}`);
  }
  return changes;
}

const ESSENTIAL = new Set(['agent_end', 'handoff', 'tool_end', 'guardrail_tripped', 'audio_interrupted', 'error']);

function essence(event: unknown): object | undefined {
  const { type, outcome, text, toolName, arguments: args, output, toAgent, error } = event as Record<string, unknown>;
  if (!ESSENTIAL.has(String(type))) return undefined;
  const { code } = (error as { $error?: { code?: string } } | undefined)?.$error ?? {};
  return JSON.parse(JSON.stringify({ type, outcome, text, toolName, arguments: args, output, toAgent, code })) as object;
}
