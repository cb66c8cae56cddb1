import { createServer } from 'node:http';
import { silentLogger } from '../../session/index.js';
import type { Logger, Timer } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { systemClock } from '../host/system-clock.js';
import { listenHttp } from '../transport/listen-http.js';
import type { Transport } from '../transport/transport.js';
import { attachWebSockets } from '../transport/ws-server.js';
import { RecordedPeer } from './recorded-peer.js';
import type { PeerEffect, ReplayProblem } from './recorded-peer.js';
import { readRecording } from './recording-reader.js';
import type { Recording } from './recording-reader.js';
import { checkSpeed, mismatch } from './replay-model.js';
import type { ReplayOptions } from './replay-model.js';
import { connectionScripts } from './replay-script.js';
import type { ConnectionScript } from './replay-script.js';
import { wireText } from './wire-recorder.js';

export interface ReplayServerOptions extends ReplayOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  readonly logger?: Logger;
}

/** A recorded model behind a socket, for a client in any language. */
export interface ReplayServer extends AsyncDisposable {
  /** `ws://127.0.0.1:PORT/v1/realtime` */
  readonly url: string;
  readonly port: number;
  readonly sessions: number;
  readonly problems: readonly ReplayProblem[];
  close(): Promise<void>;
}

const PATH = '/v1/realtime';
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const PING_INTERVAL_MS = 30_000;
/** RFC 6455 section 7.4.1: the client broke the rules of this conversation. */
const POLICY = 1008;

/**
 * Serves a recording of level `wire` as the realtime server that it came from. Each connection gets the next recorded one; after the last it begins again,
 * with new ids. Rejects with `HostError`: as {@link readRecording} does, `RECORDING_INVALID` for a recording of another level, `PORT_IN_USE`,
 * `ADDRESS_UNAVAILABLE`.
 */
export async function startReplayServer(source: string | Recording, options: ReplayServerOptions = {}): Promise<ReplayServer> {
  const recording = typeof source === 'string' ? readRecording(source) : source;
  assertWire(recording);
  const { host = '127.0.0.1', port = 0, clock = systemClock, logger = silentLogger, mode = 'strict', speed = 1 } = options;
  checkSpeed(speed);
  const scripts = connectionScripts(recording).filter(({ refused }) => refused === undefined);
  const problems: ReplayProblem[] = [];
  let connections = 0;

  function serve(transport: Transport, script: ConnectionScript, play: number): void {
    const peer = new RecordedPeer(script.entries, { mode, speed, play, openedAt: script.openedAt });
    let timer: Timer | undefined;
    let over = false;
    const perform = (effects: readonly PeerEffect[]): void => {
      for (const effect of effects) {
        if (effect.type === 'say') transport.send(messageOf(effect.message));
        else if (effect.type === 'close') closeLike(transport, effect.code, effect.reason);
        else {
          problems.push(effect.problem);
          options.onProblem?.(effect.problem);
          logger.warn('A client goes another way than the recording.', { line: effect.problem.line, message: effect.problem.message });
          if (mode === 'strict') refuse(transport, recording, effect.problem);
        }
      }
      timer?.cancel();
      const dueMs = over ? undefined : peer.nextWakeMs;
      if (dueMs !== undefined) timer = clock.after(Math.max(0, dueMs - clock.now()), () => perform(peer.wake(clock.now())));
    };
    transport.listen({
      onMessage: (data) => perform(peer.receive(parsedMessage(data), clock.now())),
      onClose() {
        over = true;
        timer?.cancel();
      },
    });
    perform(peer.open(clock.now()));
  }

  const http = createServer((_request, response) => {
    response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(`A recording is played at ${PATH} only.\n`);
  });
  const door = attachWebSockets(http, {
    path: PATH,
    maxPayloadBytes: MAX_MESSAGE_BYTES,
    clock,
    pingIntervalMs: PING_INTERVAL_MS,
    protocols: (offered) => (offered.has('realtime') ? 'realtime' : false),
    onConnection(transport) {
      const script = scripts[connections % scripts.length];
      const play = Math.floor(connections / scripts.length) + 1;
      connections += 1;
      if (script !== undefined) serve(transport, script, play);
    },
  });
  const listening = await listenHttp(http, { host, port });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= door.close(1001, 'the replay is closing').then(() => listening.close()));
  return {
    url: `ws://${listening.authority}${PATH}`,
    port: listening.port,
    problems,
    get sessions() {
      return door.connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export function assertWire({ header, path }: Recording): void {
  if (header.level !== 'wire') {
    throw new HostError('RECORDING_INVALID', `${path} is the recording of a session; a socket needs one of level "wire".`, { hint: 'Record one with "voicewire record"; replayModel() and replaySession() play this one.' });
  }
}

/** What a recorded message is on a socket. */
export function messageOf(message: object): string | Uint8Array {
  const { type, text, binary } = message as { type?: string; text?: string; binary?: Uint8Array };
  return type === '' ? (text ?? binary ?? '') : wireText(message);
}

/** A message of a socket as a recording would hold it. */
export function parsedMessage(data: string | Uint8Array): object {
  if (typeof data !== 'string') return { type: '', binary: data };
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? value : { type: '', text: data };
  } catch {
    return { type: '', text: data };
  }
}

/** A close that was a loss is one again. */
export function closeLike(transport: Transport, code: number, reason: string): void {
  if (code === 1005) void transport.close();
  else if (code === 1006 || code === 1015) transport.destroy();
  else void transport.close(code, reason);
}

/** The client learns what differs in the words of its own protocol, and that this is the end. */
function refuse(transport: Transport, recording: Recording, problem: ReplayProblem): void {
  const { code, message } = mismatch(recording, problem);
  transport.send(JSON.stringify({ type: 'error', event_id: 'event_replay', error: { type: 'invalid_request_error', code: code.toLowerCase(), message, param: null, event_id: null } }));
  void transport.close(POLICY, code);
}
