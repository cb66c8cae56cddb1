import type { Timer } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import type { Transport, TransportClose } from '../transport/transport.js';
import { RecordedPeer } from './recorded-peer.js';
import type { PeerEffect, ReplayProblem } from './recorded-peer.js';
import { readRecording } from './recording-reader.js';
import type { Recording } from './recording-reader.js';
import { checkSpeed } from './replay-model.js';
import type { ReplayOptions } from './replay-model.js';
import { connectionScripts } from './replay-script.js';
import { assertWire, closeLike, messageOf, parsedMessage } from './replay-server.js';

/** What came of a recorded client's connection. */
export interface ClientReplay {
  readonly close: TransportClose;
  /** What the server said that differs from what it said then. */
  readonly problems: readonly ReplayProblem[];
  /** Messages of the server. */
  readonly received: number;
}

export interface ReplayClientOptions extends ReplayOptions {
  /** Which connection of the recording; default 0, the first. */
  readonly connection?: number;
  /** How long it waits for the server after its own last word, in ms of the clock; default 5 000. */
  readonly lingerMs?: number;
  /** Sees each message of the server. */
  readonly onMessage?: (message: object) => void;
}

const LINGER_MS = 5_000;

/**
 * Plays the client of a recording of level `wire` against an open socket to any realtime server; it takes the socket over and resolves when that is
 * closed. Default mode `lenient`: another model says other things. In `strict` mode the first difference closes the socket with 1008.
 */
export function replayClient(source: string | Recording, transport: Transport, options: ReplayClientOptions = {}): Promise<ClientReplay> {
  const recording = typeof source === 'string' ? readRecording(source) : source;
  assertWire(recording);
  const { clock = systemClock, mode = 'lenient', speed = 1, lingerMs = LINGER_MS } = options;
  checkSpeed(speed);
  const script = connectionScripts(recording, 'client')[options.connection ?? 0];
  if (script === undefined) throw new RangeError(`${recording.path} has no connection number ${options.connection ?? 0}.`);
  const peer = new RecordedPeer(script.entries, { mode, speed, openedAt: script.openedAt });
  const problems: ReplayProblem[] = [];
  let received = 0;
  let timer: Timer | undefined;
  let over = false;

  function perform(effects: readonly PeerEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'say') transport.send(messageOf(effect.message));
      else if (effect.type === 'close') closeLike(transport, effect.code, effect.reason);
      else {
        problems.push(effect.problem);
        options.onProblem?.(effect.problem);
        if (mode === 'strict') void transport.close(1008, 'RECORDING_MISMATCH');
      }
    }
    timer?.cancel();
    if (over) return;
    const dueMs = peer.nextWakeMs;
    if (dueMs !== undefined) timer = clock.after(Math.max(0, dueMs - clock.now()), () => perform(peer.wake(clock.now())));
    // Nothing is planned: the server has to speak, or there is no more to come.
    else timer = clock.after(lingerMs, () => void transport.close(1000, 'end of the recording'));
  }

  return new Promise((resolve) => {
    transport.listen({
      onMessage(data) {
        const message = parsedMessage(data);
        received += 1;
        options.onMessage?.(message);
        perform(peer.receive(message, clock.now()));
      },
      onClose(close) {
        over = true;
        timer?.cancel();
        resolve({ close, problems, received });
      },
    });
    perform(peer.open(clock.now()));
  });
}
