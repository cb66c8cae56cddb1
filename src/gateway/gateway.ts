import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { bargeInPolicy, greetingPolicy, silentLogger } from '../../session/index.js';
import type { AnomalyOptions, BargeInOptions, Clock, ConnectionOptions, FailureOptions, GreetingOptions, Logger, RealtimeAgent, RealtimeModel, ResponseRequest, SessionRecorder } from '../../session/index.js';
import type { Chat } from '../event-stream/index.js';
import { HostError } from '../host/errors.js';
import { systemClock } from '../host/system-clock.js';
import { CLOSE, SOCKET_PATH, SUBPROTOCOL } from '../protocol/voicewire/index.js';
import { listenHttp } from '../transport/listen-http.js';
import type { Transport } from '../transport/transport.js';
import { attachWebSockets } from '../transport/ws-server.js';
import { isLoopbackHost, refuseHost, refuseSocket } from './doors.js';
import type { DoorRules, Refusal, RequestHead } from './doors.js';
import { httpPages } from './http-pages.js';
import { gatewayLimits } from './limits.js';
import type { GatewayLimits } from './limits.js';
import { runDoor } from './run-door.js';
import type { ChatOptions } from './run-door.js';
import { VoiceConnection } from './voice-connection.js';
import type { GatewayTotals } from './voice-connection.js';

export interface GatewayOptions {
  /** Address to bind. Default 127.0.0.1; any other than a loopback address needs a token. */
  readonly host?: string;
  /** Default 3000; 0 takes a free one. */
  readonly port?: number;
  /** One, or several in the order of preference. */
  readonly model: RealtimeModel | readonly RealtimeModel[];
  /** What becomes of a call whose connection to the model is lost; by default the session makes a new one and the client stays. */
  readonly connection?: ConnectionOptions;
  /** Who answers: one agent for all callers, or a function called for each conversation. */
  readonly agent: RealtimeAgent | (() => RealtimeAgent);
  /** What clients must know: letters, digits and the marks of an HTTP token, so that browsers can send it as a subprotocol. */
  readonly token?: string;
  /** Pages of other origins that may open the voice socket, exactly as a browser writes them: `https://app.example.com`. */
  readonly allowedOrigins?: readonly string[];
  /** Host names under which the gateway is reached, beside loopback names and the address a request came in on. Without a port. */
  readonly allowedHosts?: readonly string[];
  readonly limits?: Partial<GatewayLimits>;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Folder of the built page. Without it only the socket is served. */
  readonly pageDir?: string;
  /** What a person should know about the model, shown by clients. */
  readonly modelNote?: string;
  /**
   * Who says the first word, and what the agent says: see {@link GreetingOptions}; it waits until the client listens. Or the response to ask for when a
   * conversation begins; default: one with no words of ours. `false`: the caller speaks first.
   */
  readonly greeting?: GreetingOptions | ResponseRequest | false;
  /** What a caller's voice does to the agent's: `{ mode: 'two-stage' }` for callers without headphones in lively rooms. Default: it stops it at once. */
  readonly bargeIn?: BargeInOptions;
  /** What a caller hears when something fails, and what follows; by default nothing is heard. A transfer is told to the client as an event. */
  readonly onFailure?: FailureOptions;
  /** Whether the agent's sound is looked at for what cannot be right; by default not. */
  readonly anomalies?: AnomalyOptions | boolean;
  /** Makes what records a conversation, or nothing; called once for each. One that throws is logged, and the conversation goes on unrecorded. */
  readonly recorder?: (sessionId: string) => SessionRecorder | undefined;
  /** Answers `POST /chat/stream` with events that can be resumed and stopped: see docs/streaming/server-sent-events.md. Without it there are no text runs. */
  readonly chat?: Chat | ChatOptions;
}

/** A running gateway. */
export interface Gateway extends AsyncDisposable {
  /** `http://127.0.0.1:3000`, with the real port; for a gateway on all networks, the address on this machine. */
  readonly url: string;
  /** Of the voice socket: `ws://127.0.0.1:3000/v1/voice`. */
  readonly socketUrl: string;
  readonly address: { readonly host: string; readonly port: number };
  /** Open client sockets. */
  readonly sessions: number;
  /** Text runs that have not ended. */
  readonly runs: number;
  /** Since the start: conversations that became ready, and answers of the agent in them. */
  readonly totals: GatewayTotals;
  /** Ends every conversation with 1001, their tools and model connections too, and frees the port. May be called twice. */
  close(): Promise<void>;
}

/** A client that has vanished is found by two pings without an answer. */
const PING_INTERVAL_MS = 20_000;
const RETRY_AFTER_S = '5';

/**
 * Serves the page and the voice socket, and holds one model session for each caller. Resolves when it listens. Rejects with `HostError`:
 * `TOKEN_REQUIRED`, `PAGE_NOT_BUILT`, `PORT_IN_USE`, `ADDRESS_UNAVAILABLE`, or `USAGE` for a token that no browser could send;
 * with `RangeError` or `TypeError` for a barge-in policy or a greeting that cannot be.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { host = '127.0.0.1', port = 3000, clock = systemClock, logger = silentLogger, agent } = options;
  const models = [options.model].flat() as readonly RealtimeModel[];
  const label = models.map((model) => model.label).join(', ');
  const limits = gatewayLimits(options.limits);
  const rules: DoorRules = { token: options.token, allowedOrigins: options.allowedOrigins ?? [], allowedHosts: options.allowedHosts ?? [] };
  checkToken(host, options.token);
  bargeInPolicy(options.bargeIn);
  if (options.greeting !== undefined && options.greeting !== false && 'who' in options.greeting) greetingPolicy(options.greeting);
  const connections = new Set<VoiceConnection>();
  const totals = { calls: 0, turns: 0 };
  const connectionOptions = {
    model: models,
    connection: options.connection ?? {},
    agent: typeof agent === 'function' ? agent : () => agent,
    describeModel: { label, ...(options.modelNote === undefined ? {} : { note: options.modelNote }) },
    greeting: options.greeting ?? {},
    ...(options.bargeIn === undefined ? {} : { bargeIn: options.bargeIn }),
    ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
    ...(options.anomalies === undefined ? {} : { anomalies: options.anomalies }),
    ...(options.recorder === undefined ? {} : { recorder: options.recorder }),
    limits,
    clock,
    logger,
    totals,
  };

  const runs = options.chat === undefined ? undefined : runDoor({ chat: options.chat, rules, headOf, limits, clock, logger });
  const server = createServer(
    httpPages({
      pageDir: options.pageDir,
      runs: runs?.answer,
      refuse: (request) => refuseHost(headOf(request), rules),
      health: () => ({ status: 'ok', sessions: connections.size, maxSessions: limits.maxSessions, model: label, ...(runs === undefined ? {} : { runs: runs.runs, maxRuns: limits.maxRuns }) }),
    }),
  );
  const door = attachWebSockets(server, {
    path: SOCKET_PATH,
    maxPayloadBytes: limits.maxFrameBytes,
    protocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    pingIntervalMs: PING_INTERVAL_MS,
    clock,
    verify: (request) => admission(refuseSocket(headOf(request), rules) ?? refuseFull()),
    onConnection,
  });

  function refuseFull(): Refusal | undefined {
    if (connections.size < limits.maxSessions) return undefined;
    logger.warn('A caller was turned away: the gateway is full.', { sessions: connections.size });
    return { status: 503, headers: { 'Retry-After': RETRY_AFTER_S }, body: 'The gateway is full; try again in a moment.\n' };
  }

  function onConnection(transport: Transport): void {
    // Several may have come through the door at once, before any of them was counted.
    if (connections.size >= limits.maxSessions) {
      void transport.close(CLOSE.tryLater, 'GATEWAY_FULL');
      return;
    }
    const connection = new VoiceConnection(transport, connectionOptions);
    connections.add(connection);
    void connection.done.then(() => connections.delete(connection));
  }

  const listening = await listenHttp(server, { host, port });
  const { authority } = listening;
  logger.info('The gateway listens.', { host: listening.host, port: listening.port });
  let closing: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    const ends = [...connections].map((connection) => connection.close());
    await Promise.all([door.close(CLOSE.goingAway, 'GATEWAY_CLOSING'), runs?.close(), ...ends]);
    await listening.close();
    logger.info('The gateway is closed.');
  }

  function close(): Promise<void> {
    closing ??= closeAll();
    return closing;
  }

  return {
    url: `http://${authority}`,
    socketUrl: `ws://${authority}${SOCKET_PATH}`,
    address: { host: listening.host, port: listening.port },
    get sessions() {
      return connections.size;
    },
    get runs() {
      return runs?.runs ?? 0;
    },
    get totals() {
      return { ...totals };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Checked before the port is bound: on a network, everyone who reaches the port would talk at the operator's cost. */
function checkToken(host: string, token: string | undefined): void {
  if (token === undefined && !isLoopbackHost(host)) {
    throw new HostError('TOKEN_REQUIRED', `${host} is reachable from other machines, and no token is set: anyone could talk at your cost.`, {
      hint: 'Set a token (--token or VOICEWIRE_TOKEN), or bind to 127.0.0.1.',
    });
  }
  // RFC 7230 section 3.2.6: a subprotocol is an HTTP token.
  if (token !== undefined && !/^[\w!#$%&'*+.^`|~-]+$/.test(token)) {
    throw new HostError('USAGE', 'The token is empty or has a character that a browser cannot send.', { hint: "Use letters, digits and !#$%&'*+-.^_`|~ only." });
  }
}

function headOf(request: IncomingMessage): RequestHead {
  const { host, origin, authorization } = request.headers;
  return { host, origin, authorization, protocols: request.headers['sec-websocket-protocol'], localAddress: request.socket.localAddress };
}

function admission(refusal: Refusal | undefined): { ok: true } | ({ ok: false } & Refusal) {
  return refusal === undefined ? { ok: true } : { ok: false, ...refusal };
}
