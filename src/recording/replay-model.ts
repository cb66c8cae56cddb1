import { TransportError } from '../../session/index.js';
import type { Clock, ModelConnectOptions, ModelConnection, ModelInput, RealtimeModel, Timer } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { systemClock } from '../host/system-clock.js';
import { parseMessage } from '../protocol/openai-realtime/parse.js';
import { serialize } from '../protocol/openai-realtime/serialize.js';
import { RecordedPeer } from './recorded-peer.js';
import type { PeerEffect, ReplayMode, ReplayProblem } from './recorded-peer.js';
import { readRecording } from './recording-reader.js';
import type { Recording } from './recording-reader.js';
import { connectionScripts } from './replay-script.js';
import type { ConnectionScript } from './replay-script.js';
import { differenceText } from './trace-difference.js';
import { wireText } from './wire-recorder.js';

export interface ReplayOptions {
  /** Default `strict`. */
  readonly mode?: ReplayMode;
  /** Recorded ms to a ms of the clock; default 1. On a manual clock a call takes as long as its computing. */
  readonly speed?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** What differs from the recording, as it comes. */
  readonly onProblem?: (problem: ReplayProblem) => void;
}

/** A model out of a recording. */
export interface ReplayModel extends RealtimeModel {
  /** What differed so far, over all connections. */
  readonly problems: readonly ReplayProblem[];
  /** Throws `HostError` `RECORDING_MISMATCH` when something differed, or when something that was said in the recording was not said to this model. */
  assertComplete(): void;
}

/**
 * A model that answers as the recorded one did: when the session has said what it said then, and as long after it. Connections are played in their
 * order. In `strict` mode whatever differs ends the connection (1008) with `HostError` `RECORDING_MISMATCH`, which names the first difference, and a
 * connection more than was recorded is refused; in `lenient` mode the recording begins again. Throws as {@link readRecording} does.
 */
export function replayModel(source: string | Recording, options: ReplayOptions = {}): ReplayModel {
  const recording = typeof source === 'string' ? readRecording(source) : source;
  const scripts = connectionScripts(recording);
  const { mode = 'strict', speed = 1, clock = systemClock } = options;
  checkSpeed(speed);
  const problems: ReplayProblem[] = [];
  const peers: { readonly peer: RecordedPeer; readonly script: ConnectionScript }[] = [];
  const wire = recording.header.level === 'wire';
  let connects = 0;

  function open(script: ConnectionScript, play: number, { signal, onInput, onClose }: ModelConnectOptions): ModelConnection {
    const peer = new RecordedPeer(script.entries, { mode, speed, play, openedAt: script.openedAt });
    peers.push({ peer, script });
    let timer: Timer | undefined;
    let closed = false;
    const end = (code: number, reason: string, byUs: boolean, error?: Error): void => {
      if (closed) return;
      closed = true;
      timer?.cancel();
      signal.removeEventListener('abort', onAbort);
      onClose({ code, reason, byUs, ...(error === undefined ? {} : { error }) });
    };
    const onAbort = (): void => end(1000, 'aborted', true);
    const perform = (effects: readonly PeerEffect[]): void => {
      for (const effect of effects) {
        if (closed) return;
        if (effect.type === 'say') for (const input of wire ? readWire(effect.message) : [effect.message as ModelInput]) onInput(input);
        else if (effect.type === 'close') end(effect.code, effect.reason, false);
        else {
          problems.push(effect.problem);
          options.onProblem?.(effect.problem);
          if (mode === 'strict') end(1008, 'RECORDING_MISMATCH', false, mismatch(recording, effect.problem));
          else if (effect.problem.line === 0 || effect.problem.path === 'type') for (const input of unanswered(effect.said)) onInput(input);
        }
      }
      timer?.cancel();
      const dueMs = closed ? undefined : peer.nextWakeMs;
      if (dueMs !== undefined) timer = clock.after(Math.max(0, dueMs - clock.now()), () => perform(peer.wake(clock.now())));
    };
    signal.addEventListener('abort', onAbort);
    // Nothing arrives before whoever waits for the connection has it.
    const openedMs = clock.now();
    void Promise.resolve().then(() => {}).then(() => perform(closed ? [] : peer.open(openedMs)));
    return {
      bufferedBytes: 0,
      send(command) {
        if (closed) return;
        perform(peer.receive(wire ? (JSON.parse(serialize(command)) as object) : command, clock.now()));
      },
      async close(reason = '') {
        end(1000, reason, true);
      },
    };
  }

  return {
    label: recording.header.peers['model'] ?? 'recording',
    problems,
    connect(connect) {
      const script = scripts[connects % scripts.length];
      const play = Math.floor(connects / scripts.length) + 1;
      connects += 1;
      if (script === undefined || (play > 1 && mode === 'strict')) {
        return Promise.reject(new HostError('RECORDING_MISMATCH', `${recording.path} has ${scripts.length} connection(s), and one more was opened.`, { hint: 'Record the call anew, or replay it with mode "lenient".' }));
      }
      return new Promise((resolve, reject) => {
        const onAbort = (): void => {
          timer.cancel();
          reject(connect.signal.reason as Error);
        };
        const timer = clock.after(script.openingMs / speed, () => {
          connect.signal.removeEventListener('abort', onAbort);
          if (script.refused === undefined) resolve(open(script, play, connect));
          else reject(script.refused.error instanceof Error ? script.refused.error : new TransportError('MODEL_REFUSED', `The recorded model refused the connection: ${script.refused.reason}.`, { stage: 'connect' }));
        });
        if (connect.signal.aborted) onAbort();
        else connect.signal.addEventListener('abort', onAbort, { once: true });
      });
    },
    assertComplete() {
      const [first] = problems;
      if (first !== undefined) throw mismatch(recording, first);
      const [missing] = peers.flatMap(({ peer }) => peer.missing);
      if (missing?.message !== undefined) {
        const type = String((missing.message as { type?: unknown }).type);
        throw mismatch(recording, { line: missing.line, at: missing.at, message: type, path: 'type', recorded: type, replayed: undefined });
      }
      if (connects < scripts.length) throw new HostError('RECORDING_MISMATCH', `${recording.path} has ${scripts.length} connection(s), and ${connects} were opened.`);
    },
  };
}

/** Throws `RangeError`. */
export function checkSpeed(speed: number): void {
  if (!(speed > 0 && speed <= 100_000)) throw new RangeError(`speed must be above 0 and at most 100000, not ${speed}.`);
}

/** The first difference, as an error. */
export function mismatch({ path }: Recording, problem: ReplayProblem): HostError {
  const where = problem.line === 0 ? 'after its end' : 'here';
  return new HostError('RECORDING_MISMATCH', `${path} goes another way ${where}: ${problem.message}\n${differenceText(problem)}`, {
    hint: 'If the new way is right, record the call anew; "lenient" goes on over differences.',
  });
}

/** Somebody waits for an answer that no recording has: better told than left waiting. */
function unanswered(said: object): ModelInput[] {
  const { type, eventId, event_id: wireId = eventId } = said as { type?: string; eventId?: string; event_id?: string };
  if (type !== 'create_response' && type !== 'response.create') return [];
  return [{ type: 'model_error', error: { code: 'recording_has_no_answer', message: 'The recording has no answer to this.' }, ...(wireId === undefined ? {} : { eventId: wireId }) }];
}

function readWire(message: object): readonly ModelInput[] {
  const { type, text } = message as { type?: string; text?: string };
  if (type === '') return text === undefined ? [] : parseMessage(text);
  return parseMessage(wireText(message));
}

