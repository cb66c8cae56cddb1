import { randomInt } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { silentLogger } from '../../session/index.js';
import type { Clock, Logger } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import { listenHttp } from '../transport/listen-http.js';
import type { Transport } from '../transport/transport.js';
import { attachWebSockets } from '../transport/ws-server.js';
import type { Admission } from '../transport/ws-server.js';
import { admit, refusal, secretOf, wantsBeta } from './admission.js';
import { BetaDialect } from './beta-dialect.js';
import type { BrainFactory, Recogniser } from './brain.js';
import { selfSignedCertificate } from './certificate.js';
import type { Certificate } from './certificate.js';
import { ClientSecrets } from './client-secrets.js';
import type { ClientSecret } from './client-secrets.js';
import { EmulatorConnection } from './connection.js';
import { controlRoutes } from './control.js';
import { demoScript } from './demo-script.js';
import type { DrivenSession } from './driven-session.js';
import { EmulatedSession } from './emulated-session.js';
import type { Fault } from './fault.js';
import { answerHttp } from './http-routes.js';
import type { Routes } from './http-routes.js';
import type { IdSource } from './ids.js';
import { ParrotBrain } from './parrot-brain.js';
import { ScriptBrain } from './script-brain.js';
import { PipelineBrain } from './pipeline-brain.js';
import { wholeTurns } from './pipeline-model.js';
import type { PipelineOptions } from './pipeline-model.js';
import { parseScript } from './script.js';
import type { Script } from './script.js';
import { StandingFaults } from './standing-faults.js';
import type { Voice } from './speech.js';
import { TranslationSession } from './translation-session.js';
import { createVoice } from './voice.js';

export interface EmulatorOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** `wss:` in place of `ws:`; `true` makes a self-signed certificate for this run. Default: `ws:`. */
  readonly tls?: boolean | Certificate;
  /** What it says and when. Default: {@link demoScript}. */
  readonly script?: Script;
  /**
   * `parrot` says back what the caller said, in the caller's own voice; `pipeline` answers by the recogniser, the text model and the synthesiser of the
   * option of that name. Default `script`.
   */
  readonly mode?: 'script' | 'parrot' | 'pipeline';
  readonly pipeline?: PipelineOptions;
  /** Makes the brain of each session, in place of those that `mode` names. */
  readonly brain?: BrainFactory;
  /** Understands what is said; without one a spoken turn means what the script says. */
  readonly recogniser?: Recogniser;
  /** When set, a client without this key (or a client secret) gets 401. Default: everyone may come in. */
  readonly apiKey?: string;
  /** Whether clients of the first version of the protocol are served. Default false: they get an error and the close code 4000, as they do elsewhere. */
  readonly beta?: boolean;
  /** What goes wrong on every connection; those of the script come first. */
  readonly faults?: readonly Fault[];
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
  /** Makes the ids of the first session, and what faults leave to chance; the next sessions count on from it. Default: random. */
  readonly seed?: number;
}

/** A running emulator. */
export interface Emulator extends AsyncDisposable {
  /** `ws://127.0.0.1:PORT/v1/realtime` */
  readonly url: string;
  readonly port: number;
  /** Sessions that are open. */
  readonly sessions: number;
  /** The certificate of `wss:`, as PEM, for clients that are to trust it. */
  readonly certificate: string | undefined;
  /** Sets a fault on every open session and every later one; or on one session alone, by its number (the first one is 1). False where that is not open. */
  addFault(fault: Fault, session?: number): boolean;
  /** Takes all faults back; what they have done stays done. */
  clearFaults(): void;
  /** Ends every session (1001) and frees the port. May be called twice. */
  close(): Promise<void>;
}

const PATH = '/v1/realtime';
const TRANSLATION_PATH = '/v1/realtime/translations';
/** An append event may carry 15 MiB of base64 and its envelope (an event id of 512 characters); a longer message closes its socket with 1009. */
const MAX_MESSAGE_BYTES = 15 * 1024 * 1024 + 4 * 1024;
const PING_INTERVAL_MS = 30_000;

/**
 * Starts a server that speaks the realtime protocol without a model behind it. Rejects with `HostError` `SCRIPT_INVALID`, `PORT_IN_USE` or
 * `ADDRESS_UNAVAILABLE`; throws `RangeError` for a pace or limit out of its range.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, apiKey, beta = false, clock = systemClock, logger = silentLogger, pace = 8, sessionLimitMs = 3_600_000, thinkMs = 120 } = options;
  const newRecogniser = recogniserOf(options, logger);
  if (!(pace >= 0.1 && pace <= 1000)) throw new RangeError(`pace must be from 0.1 to 1000, not ${pace}.`);
  if (!(sessionLimitMs > 0)) throw new RangeError(`sessionLimitMs must be above 0, not ${sessionLimitMs}.`);
  const script = parseScript(options.script ?? demoScript);
  const newBrain = options.brain ?? brainOf(options, script);
  const voice = options.voice ?? createVoice({ logger, ...(options.onNotice === undefined ? {} : { onNotice: options.onNotice }) });
  const notice = noticeOnce(logger, options.onNotice);
  const firstSeed = options.seed ?? randomInt(2 ** 31);
  let session = 0;
  const standing = new StandingFaults([...(script.faults ?? []), ...(options.faults ?? [])], clock);
  const secrets = new ClientSecrets(firstSeed);
  const unixSeconds = (): number => (clock.unixMs?.() ?? Date.now()) / 1000 + standing.skewSeconds;

  const certificate = options.tls === true ? selfSignedCertificate([host]) : options.tls === false ? undefined : options.tls;
  const http = serverFor(certificate, (request, response) => void answerHttp(request, response, routes, [PATH, TRANSLATION_PATH]));
  const routes: Routes = new Map([...controlRoutes(standing), ...secretRoutes()]);

  function secretRoutes(): Routes {
    const admitted = (request: IncomingMessage): ReturnType<typeof refusal> | undefined => {
      const answer = admit(request, apiKey, secrets, unixSeconds());
      return answer.ok ? undefined : answer;
    };
    return new Map([
      ['POST /v1/realtime/client_secrets', { admit: admitted, answer: (_request, body) => ({ status: 200, body: secrets.create(body, unixSeconds()) }) }],
      ['POST /v1/realtime/translations/client_secrets', { admit: admitted, answer: (_request, body) => ({ status: 200, body: secrets.createTranslation(body, unixSeconds()) }) }],
    ]);
  }

  /** The session that a client has asked for, by its address and its secret. */
  function sessionFor(secret: ClientSecret | undefined, translates: boolean, query: URLSearchParams, seed: number, wantsOld: boolean): { readonly session: DrivenSession; readonly model: string } {
    const model = secret?.model ?? query.get('model')?.slice(0, 128) ?? (translates ? 'gpt-realtime-translate' : 'gpt-realtime');
    const common = { brain: newBrain(), model, sessionLimitMs, recognises: newRecogniser !== undefined, seed, unixSeconds: unixSeconds(), nowMs: clock.now() };
    if (translates) return { model, session: new TranslationSession({ ...common, ...(secret?.kind === 'translation' ? { config: secret.config } : {}) }) };
    const kind = secret?.kind === 'transcription' || (secret === undefined && query.get('intent') === 'transcription') ? 'transcription' : 'realtime';
    const session = new EmulatedSession({
      ...common,
      kind,
      ...(secret === undefined || secret.kind === 'translation' ? {} : { config: secret.config }),
      ...(wantsOld ? { dialect: (conversationId: string, ids: IdSource) => new BetaDialect(conversationId, ids, kind) } : {}),
      pace,
      thinkMs,
      mcpServers: script.mcpServers ?? [],
    });
    return { model, session };
  }

  const door = attachWebSockets(http, {
    path: [PATH, TRANSLATION_PATH],
    maxPayloadBytes: MAX_MESSAGE_BYTES,
    clock,
    pingIntervalMs: PING_INTERVAL_MS,
    protocols: (offered) => (offered.has('realtime') ? 'realtime' : false),
    verify: (request) => refusedByFault(standing) ?? admit(request, apiKey, secrets, unixSeconds()),
    onConnection(transport, request) {
      const wantsOld = wantsBeta(request);
      if (wantsOld && !beta) return refuseBeta(transport);
      session += 1;
      const number = session;
      const seed = firstSeed + number;
      const [path, query = ''] = (request.url ?? '').split('?');
      const opened = sessionFor(secretOf(request, secrets, unixSeconds()), path === TRANSLATION_PATH, new URLSearchParams(query), seed, wantsOld);
      const connection = new EmulatorConnection(transport, request.socket, opened.session, { clock, voice, recogniser: newRecogniser?.(), notice, seed, logger: logger.child({ emulatedSession: number }), onGone: () => standing.left(number) });
      standing.joined(number, opened.model, connection);
      connection.start(standing.faults);
    },
  });
  const listening = await listenHttp(http, { host, port });
  let closed: Promise<void> | undefined;

  const emulator: Emulator = {
    url: `${certificate === undefined ? 'ws' : 'wss'}://${listening.authority}${PATH}`,
    port: listening.port,
    certificate: certificate?.cert,
    get sessions() {
      return door.connections;
    },
    addFault: (fault, number) => standing.set(fault, number),
    clearFaults: () => standing.clear(),
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

/** Makes what understands the callers of one session; undefined where nothing does. */
function recogniserOf({ recogniser, mode, pipeline }: EmulatorOptions, logger: Logger): (() => Recogniser) | undefined {
  if (recogniser !== undefined) return () => recogniser;
  return mode === 'pipeline' && pipeline !== undefined ? () => wholeTurns(pipeline.recogniser, logger) : undefined;
}

function brainOf({ mode = 'script', pipeline }: EmulatorOptions, script: Script): BrainFactory {
  if (mode === 'parrot') return () => new ParrotBrain();
  if (mode === 'script') return () => new ScriptBrain(script);
  if (pipeline === undefined) throw new TypeError("The mode 'pipeline' needs the option of that name: a recogniser, a text model and a synthesiser.");
  return () => new PipelineBrain(pipeline);
}

function serverFor(certificate: Certificate | undefined, listener: RequestListener): Server {
  return certificate === undefined ? createServer(listener) : createSecureServer({ key: certificate.key, cert: certificate.cert }, listener);
}

/** Tells people the same thing once. */
function noticeOnce(logger: Logger, onNotice: ((message: string) => void) | undefined): (message: string, detail: string) => void {
  const told = new Set<string>();
  return (message, detail) => {
    if (told.has(detail)) return;
    told.add(detail);
    logger.warn(message, { name: detail });
    onNotice?.(`${message}: ${detail}`);
  };
}

function refusedByFault(standing: StandingFaults): Admission | undefined {
  const fault = standing.takeRefusal();
  if (fault === undefined) return undefined;
  const status = fault.status ?? 429;
  const headers = fault.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(fault.retryAfterSeconds) };
  return refusal(status, 'Refused on purpose: a fault was set.', status === 429 ? 'rate_limit_exceeded' : 'server_error', headers);
}

/** The header of the retired first version: current servers answer with this error and close. */
function refuseBeta(transport: Transport): void {
  const code = 'beta_api_shape_disabled';
  const message = "The first version of the protocol is not spoken here. Leave out the header 'OpenAI-Beta: realtime=v1'.";
  transport.listen({ onMessage: () => {}, onClose: () => {} });
  transport.send(JSON.stringify({ type: 'error', event_id: 'event_beta', error: { type: 'invalid_request_error', code, message, param: null, event_id: null } }));
  void transport.close(4000, `invalid_request_error.${code}`);
}
