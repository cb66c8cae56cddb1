import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { silentLogger } from '../../session/index.js';
import type { Clock, Logger, Timer } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import { listenHttp } from '../transport/listen-http.js';
import type { Transport } from '../transport/transport.js';
import { attachWebSockets } from '../transport/ws-server.js';
import type { Admission } from '../transport/ws-server.js';
import { demoScript } from './demo-script.js';
import { EmulatedSession } from './emulated-session.js';
import type { EmulatorEffect } from './emulated-session.js';
import { parseScript } from './script.js';
import type { Script } from './script.js';
import type { Speech, Voice } from './speech.js';
import { createVoice } from './voice.js';

export interface EmulatorOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** What it says and when. Default: {@link demoScript}. */
  readonly script?: Script;
  /** `parrot` says back what the caller said, in the caller's own voice. Default `script`. */
  readonly mode?: 'script' | 'parrot';
  /** When set, a client without this key gets 401. Default: everyone may come in. */
  readonly apiKey?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly voice?: Voice;
  /** For people, e.g. that it murmurs what it cannot speak. Not for each text again. */
  readonly onNotice?: (message: string) => void;
  /** How many times faster than real time audio is sent, 0.1..1000. Default 8. */
  readonly pace?: number;
  /** After this a session ends with the error `session_expired` and the close code 1001. Default one hour. */
  readonly sessionLimitMs?: number;
  /** From `response.created` to the first output. Default 120. */
  readonly thinkMs?: number;
  /** Makes the ids of the first session; the next ones count on from it. Default: random. */
  readonly seed?: number;
}

/** A running emulator. */
export interface Emulator extends AsyncDisposable {
  /** `ws://127.0.0.1:PORT/v1/realtime` */
  readonly url: string;
  readonly port: number;
  /** Sessions that are open. */
  readonly sessions: number;
  /** Ends every session (1001) and frees the port. May be called twice. */
  close(): Promise<void>;
}

const PATH = '/v1/realtime';
/** An append event may carry 15 MiB of base64 and its envelope (an event id of 512 characters); a longer message closes its socket with 1009. */
const MAX_MESSAGE_BYTES = 15 * 1024 * 1024 + 4 * 1024;
/** A client that lets more than this pile up does not read any more; it is cut off. */
const MAX_UNREAD_BYTES = 32 * 1024 * 1024;
const PING_INTERVAL_MS = 30_000;
const KEY_PROTOCOL = 'openai-insecure-api-key.';

/**
 * Starts a server that speaks the realtime protocol without a model behind it. Rejects with `HostError` `SCRIPT_INVALID`, `PORT_IN_USE` or
 * `ADDRESS_UNAVAILABLE`; throws `RangeError` for a pace or limit out of its range.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, mode = 'script', apiKey, clock = systemClock, logger = silentLogger, pace = 8, sessionLimitMs = 3_600_000, thinkMs = 120 } = options;
  if (!(pace >= 0.1 && pace <= 1000)) throw new RangeError(`pace must be from 0.1 to 1000, not ${pace}.`);
  if (!(sessionLimitMs > 0)) throw new RangeError(`sessionLimitMs must be above 0, not ${sessionLimitMs}.`);
  const script = parseScript(options.script ?? demoScript);
  const voice = options.voice ?? createVoice({ logger, ...(options.onNotice === undefined ? {} : { onNotice: options.onNotice }) });
  const notices = new Set<string>();
  const notice = (message: string, detail: string): void => {
    if (notices.has(detail)) return;
    notices.add(detail);
    logger.warn(message, { name: detail });
    options.onNotice?.(`${message}: ${detail}`);
  };
  let seed = options.seed ?? randomInt(2 ** 31);

  const http = createServer((request, response) => {
    const known = request.url?.split('?')[0] === PATH;
    response.writeHead(known ? 426 : 404, { 'Content-Type': 'text/plain; charset=utf-8', ...(known ? { Upgrade: 'websocket' } : {}) });
    response.end(known ? 'This is a WebSocket: connect with a realtime client.\n' : `The emulator answers at ${PATH} only.\n`);
  });
  const door = attachWebSockets(http, {
    path: PATH,
    maxPayloadBytes: MAX_MESSAGE_BYTES,
    clock,
    pingIntervalMs: PING_INTERVAL_MS,
    protocols: (offered) => (offered.has('realtime') ? 'realtime' : false),
    verify: (request) => admit(request, apiKey),
    onConnection(transport, request) {
      if (request.headers['openai-beta']?.includes('realtime=v1') === true) return refuseBeta(transport);
      seed += 1;
      const session = new EmulatedSession({ script, mode, model: modelOf(request), pace, sessionLimitMs, thinkMs, seed, unixSeconds: Date.now() / 1000, nowMs: clock.now() });
      serve(transport, session, { clock, voice, notice, logger: logger.child({ emulatedSession: seed }) });
    },
  });
  const listening = await listenHttp(http, { host, port });
  let closed: Promise<void> | undefined;

  const emulator: Emulator = {
    url: `ws://${listening.authority}${PATH}`,
    port: listening.port,
    get sessions() {
      return door.connections;
    },
    close() {
      closed ??= door.close(1001, 'the emulator is closing').then(() => listening.close());
      return closed;
    },
    async [Symbol.asyncDispose]() {
      await emulator.close();
    },
  };
  return emulator;
}

interface Surroundings {
  readonly clock: Clock;
  readonly voice: Voice;
  readonly logger: Logger;
  readonly notice: (message: string, detail: string) => void;
}

/** Joins a session to its socket, the clock and the voice, until the socket is gone. */
function serve(transport: Transport, session: EmulatedSession, { clock, voice, logger, notice }: Surroundings): void {
  let timer: Timer | undefined;
  let gone = false;

  /** Whatever goes wrong in here ends this session and nothing else. */
  function drive(step: () => readonly EmulatorEffect[]): void {
    if (gone) return;
    try {
      perform(step());
    } catch (error) {
      logger.error('emulated session failed', { reason: (error as Error).name });
      gone = true;
      timer?.cancel();
      void transport.close(1011, 'internal error');
    }
  }

  function perform(effects: readonly EmulatorEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          transport.send(JSON.stringify(effect.event));
          break;
        case 'speak':
          void voice.speak(effect.text).then(
            (speech) => spoken(effect.responseId, speech),
            () => spoken(effect.responseId, undefined),
          );
          break;
        case 'notice':
          notice(effect.message, effect.detail);
          break;
        case 'close':
          void transport.close(effect.code, effect.reason);
          break;
      }
    }
    if (transport.bufferedBytes > MAX_UNREAD_BYTES) {
      logger.warn('emulator cuts off a client that does not read', { bufferedBytes: transport.bufferedBytes });
      transport.destroy();
      return;
    }
    timer?.cancel();
    const nextMs = session.nextWakeMs;
    timer = nextMs === undefined ? undefined : clock.after(Math.max(0, nextMs - clock.now()), () => drive(() => session.wake(clock.now())));
  }

  function spoken(responseId: string, speech: Speech | undefined): void {
    drive(() => session.spoken(responseId, speech, clock.now()));
  }

  drive(() => session.open());
  logger.info('emulated session open');
  transport.listen({
    onMessage: (data) => drive(() => (typeof data === 'string' ? session.receive(data, clock.now()) : session.receiveBinary(clock.now()))),
    onClose({ code }) {
      gone = true;
      timer?.cancel();
      logger.info('emulated session closed', { closeCode: code });
    },
  });
}

/** The header of the retired first version: current servers answer with this error and close. */
function refuseBeta(transport: Transport): void {
  const code = 'beta_api_shape_disabled';
  const message = "The first version of the protocol is not spoken here. Leave out the header 'OpenAI-Beta: realtime=v1'.";
  transport.listen({ onMessage: () => {}, onClose: () => {} });
  transport.send(JSON.stringify({ type: 'error', event_id: 'event_beta', error: { type: 'invalid_request_error', code, message, param: null, event_id: null } }));
  void transport.close(4000, `invalid_request_error.${code}`);
}

function admit(request: IncomingMessage, apiKey: string | undefined): Admission {
  if (apiKey === undefined || keysOf(request).some((key) => sameText(key, apiKey))) return { ok: true };
  const body = { error: { type: 'invalid_request_error', code: 'invalid_api_key', message: 'The key is missing or wrong.', param: null } };
  return { ok: false, status: 401, headers: { 'Content-Type': 'application/json', 'WWW-Authenticate': 'Bearer' }, body: `${JSON.stringify(body)}\n` };
}

/** Programs send their key in a header, browsers (which cannot) as a subprotocol. */
function keysOf(request: IncomingMessage): string[] {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const inProtocol = offered.find((name) => name.startsWith(KEY_PROTOCOL))?.slice(KEY_PROTOCOL.length);
  return [bearer, inProtocol].filter((key) => key !== undefined);
}

/** Takes the same time for every wrong key. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function modelOf(request: IncomingMessage): string {
  const query = (request.url ?? '').split('?')[1] ?? '';
  return new URLSearchParams(query).get('model')?.slice(0, 128) ?? 'gpt-realtime';
}
