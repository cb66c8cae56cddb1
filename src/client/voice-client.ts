import { pcm16ToSamples } from '../../audio/index.js';
import { Channel, Emitter, InvalidStateError, ProtocolError, VoicewireError } from '../../session/index.js';
import type { Clock } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { CLOSE, MAX_TEXT_CHARACTERS, PROTOCOL_VERSION, SAMPLE_RATE, decodeAudioFrame, offeredSubprotocols, parseGatewayMessage, serializeMessage } from '../protocol/voicewire/index.js';
import type { ClientMessage, GatewayMessage, WireSessionEvent } from '../protocol/voicewire/index.js';
import type { Transport, TransportClose } from '../transport/transport.js';
import { closeFailure, connectFailure, gatewayFailure } from './connection-errors.js';
import { gatewaySocketUrl } from './gateway-address.js';
import { MicrophoneOutbox } from './microphone-outbox.js';
import { PlaybackReporter } from './playback-reporter.js';
import type { Microphone, OpenSocket, PlayedReport, Speaker } from './ports.js';

export type GatewayReady = Extract<GatewayMessage, { readonly type: 'ready' }>;

/** What a voice client tells. `itemId` and `contentIndex` name the part of the conversation that a number of the wire stands for. */
export type VoiceClientEvent =
  /** A session event of the gateway. */
  | { readonly type: 'event'; readonly event: WireSessionEvent }
  /** Audio of this part begins to arrive. */
  | { readonly type: 'audio_start'; readonly itemId: string; readonly contentIndex: number; readonly responseId: string }
  /** All audio of this part has arrived. */
  | { readonly type: 'audio_received'; readonly itemId: string; readonly contentIndex: number; readonly samples: number }
  /** So many samples of this part have been played here. */
  | { readonly type: 'played'; readonly itemId: string; readonly contentIndex: number; readonly samples: number; readonly final: boolean }
  /** The agent was interrupted: the speaker has been told to fall silent. */
  | { readonly type: 'cleared'; readonly epoch: number }
  /** The user may be interrupting: the speaker has been told to hold the sound, or to play it softer. `resumed` or `cleared` follows. */
  | { readonly type: 'paused'; readonly how: 'pause' | 'duck' }
  /** It was no interruption: the speaker plays on. */
  | { readonly type: 'resumed' }
  /** Root mean square, 0..1. */
  | { readonly type: 'level'; readonly source: 'microphone' | 'agent'; readonly rms: number }
  /** Audio was lost here; totals since the start. */
  | { readonly type: 'pressure'; readonly queue: 'microphone' | 'speaker'; readonly droppedFrames: number; readonly underruns: number }
  | { readonly type: 'error'; readonly error: VoicewireError }
  /** The last event. `error` is absent when the conversation simply ended. */
  | { readonly type: 'closed'; readonly code: number; readonly reason: string; readonly error?: VoicewireError };

export type VoiceClientEventMap = { [E in VoiceClientEvent as E['type']]: E };

export interface VoiceClientOptions {
  /** As the gateway prints it: `http://127.0.0.1:3000`, or the socket's own `ws://…/v1/voice`. */
  readonly url: string | URL;
  readonly token?: string;
  readonly openSocket: OpenSocket;
  readonly clock: Clock;
  /** Name and version, for the gateway's log. */
  readonly client: string;
  /** Borrowed: started and stopped here, opened and closed by its owner. Without both the conversation is typed. */
  readonly speaker?: Speaker;
  readonly microphone?: Microphone;
  /** The life of the whole conversation: its abort closes the socket. */
  readonly signal?: AbortSignal;
  /** From the call to the gateway's `ready`, which comes when the model is connected. Default 15 s. */
  readonly connectTimeoutMs?: number;
}

/** Where in its life a client is. */
export type VoiceClientState = 'idle' | 'connecting' | 'open' | 'closed';

interface ItemName {
  readonly itemId: string;
  readonly contentIndex: number;
}

/** Items kept by number: only the newest few can still be played. */
const ITEMS_KEPT = 256;
const EVENTS_KEPT = 1024;
/** How long the gateway may take to say goodbye after `end`. */
const END_TIMEOUT_MS = 3_000;

/**
 * One conversation with a gateway. Handlers are put on before `connect`, so that no event is missed.
 *
 *      idle ──connect──▶ connecting ──ready──▶ open ──end, close, or the gateway──▶ closed
 *                             └──── refused, unreachable, aborted: rejects ────────▶ closed
 */
export class VoiceClient {
  readonly #options: VoiceClientOptions;
  readonly #emitter: Emitter<VoiceClientEventMap>;
  readonly #iterators = new Set<Channel<VoiceClientEvent>>();
  readonly #reporter: PlaybackReporter;
  readonly #items = new Map<number, ItemName>();
  /** Its abort ends the attempt to connect. */
  readonly #attempt = new AbortController();
  readonly #closed: Promise<void>;
  #confirmClosed: () => void = () => {};
  #state: VoiceClientState = 'idle';
  #transport: Transport | undefined;
  #outbox: MicrophoneOutbox | undefined;
  #ready: GatewayReady | undefined;
  #epoch = 0;
  #told: VoicewireError | undefined;
  #droppedFrames = 0;
  #underruns = 0;

  constructor(options: VoiceClientOptions) {
    this.#options = options;
    this.#emitter = new Emitter((error, type) => this.#onHandlerFailure(error, type));
    this.#reporter = new PlaybackReporter(options.clock, (report) => this.#send({ type: 'playback', epoch: report.epoch, item: report.item, samples: report.samples }));
    this.#closed = new Promise((resolve) => (this.#confirmClosed = resolve));
  }

  get state(): VoiceClientState {
    return this.#state;
  }

  /** What the gateway said when the conversation began. Throws `SESSION_NOT_CONNECTED` before that. */
  get ready(): GatewayReady {
    if (this.#ready === undefined) throw new InvalidStateError('SESSION_NOT_CONNECTED', 'The conversation has not begun.', 'Wait for connect() first.');
    return this.#ready;
  }

  /** Returns a function that takes the handler off again. */
  on<Type extends keyof VoiceClientEventMap>(type: Type, handler: (event: VoiceClientEventMap[Type]) => unknown): () => void {
    return this.#emitter.on(type, handler);
  }

  /** Every event from now on but `level`, until `closed`. A reader that is 1024 events behind loses the oldest. */
  [Symbol.asyncIterator](): Channel<VoiceClientEvent> {
    const channel: Channel<VoiceClientEvent> = new Channel({ capacity: EVENTS_KEPT, whenFull: 'drop-oldest' }, () => this.#iterators.delete(channel));
    if (this.#state === 'closed') channel.close();
    else this.#iterators.add(channel);
    return channel;
  }

  /**
   * Opens the socket and resolves when the model is connected. Rejects with `GATEWAY_UNREACHABLE`, `GATEWAY_REFUSED`, the code that the gateway
   * gives for a model that is not there, or with `signal.reason`.
   */
  async connect(): Promise<GatewayReady> {
    if (this.#state !== 'idle') throw new InvalidStateError('SESSION_ALREADY_CONNECTED', 'A voice client holds one conversation.', 'Make a new one for the next.');
    this.#state = 'connecting';
    try {
      return await this.#open();
    } catch (error) {
      this.#transport?.destroy();
      this.#finish();
      throw error;
    }
  }

  /** The user typed this, 1 to 8000 characters (`RangeError` otherwise); it interrupts the agent. */
  sendText(text: string): void {
    if (text.length < 1 || text.length > MAX_TEXT_CHARACTERS) throw new RangeError(`A typed message has 1 to ${MAX_TEXT_CHARACTERS} characters, not ${text.length}.`);
    this.#outbox?.flush();
    this.#request({ type: 'text', text });
  }

  /** Asks the agent to stop talking; the gateway answers with a clear. */
  interrupt(): void {
    this.#request({ type: 'interrupt' });
  }

  /** The user's turn ends here; for agents that do not detect turns. */
  commit(): void {
    this.#outbox?.flush();
    this.#request({ type: 'commit' });
  }

  /** Says goodbye and resolves when the gateway has closed the socket. May be called in any state, and twice. */
  async end(): Promise<void> {
    if (this.#state !== 'open') return this.close();
    this.#options.microphone?.stop();
    this.#outbox?.flush();
    this.#send({ type: 'end' });
    const timeout = this.#options.clock.after(END_TIMEOUT_MS, () => void this.close());
    await this.#closed;
    timeout.cancel();
  }

  /** Closes the socket, without a goodbye. May be called twice. */
  async close(): Promise<void> {
    if (this.#state === 'idle' || this.#state === 'closed') return;
    if (this.#state === 'connecting') this.#attempt.abort(new InvalidStateError('SESSION_CLOSED', 'The client was closed before the conversation began.'));
    else await this.#transport?.close(CLOSE.ended, 'client closed');
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(): Promise<GatewayReady> {
    const { token, clock, signal } = this.#options;
    signal?.throwIfAborted();
    const url = gatewaySocketUrl(this.#options.url);
    const connectTimeoutMs = this.#options.connectTimeoutMs ?? 15_000;
    const attempt = this.#attempt;
    const onAbort = (): void => attempt.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const timeout = clock.after(connectTimeoutMs, () =>
      attempt.abort(new HostError('GATEWAY_UNREACHABLE', `The gateway at ${new URL(url).host} was not ready within ${connectTimeoutMs} ms.`, { hint: 'Its log says whether the model answers.', retryable: true })),
    );
    try {
      const transport = await this.#options.openSocket(url, {
        protocols: offeredSubprotocols(token),
        ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
        signal: attempt.signal,
        connectTimeoutMs,
      });
      this.#transport = transport;
      attempt.signal.throwIfAborted();
      return await this.#begin(transport, attempt.signal);
    } catch (error) {
      throw connectFailure(error, url);
    } finally {
      timeout.cancel();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Starts the conversation on an open socket and waits for `ready`. */
  #begin(transport: Transport, attempt: AbortSignal): Promise<GatewayReady> {
    const { clock, microphone, signal, speaker } = this.#options;
    this.#outbox = new MicrophoneOutbox(transport, clock, (dropped) => {
      this.#droppedFrames = dropped;
      this.#emitPressure('microphone');
    });
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(attempt.reason as Error);
      const onCut = (): void => void this.close();
      attempt.addEventListener('abort', onAbort, { once: true });
      const settle = (): void => attempt.removeEventListener('abort', onAbort);
      transport.listen({
        onMessage: (data) => {
          const message = this.#read(data);
          if (message?.type !== 'ready' || this.#state !== 'connecting') return;
          settle();
          if (message.protocol !== PROTOCOL_VERSION || message.sampleRate !== SAMPLE_RATE) {
            reject(new HostError('GATEWAY_REFUSED', `The gateway speaks version ${message.protocol} at ${message.sampleRate} Hz.`, { hint: 'Use the same version of voicewire on both sides.' }));
            return;
          }
          this.#ready = message;
          this.#state = 'open';
          signal?.addEventListener('abort', onCut, { once: true });
          this.#startAudio();
          resolve(message);
        },
        onClose: (close) => {
          settle();
          signal?.removeEventListener('abort', onCut);
          const failure = closeFailure(close, this.#told);
          if (this.#state === 'connecting') reject(failure ?? new HostError('CONNECTION_LOST', 'The gateway closed the connection before the conversation began.', { retryable: true }));
          else this.#onClose(close, failure);
        },
      });
      transport.send(serializeMessage({ type: 'start', client: this.#options.client, audio: speaker !== undefined || microphone !== undefined }));
    });
  }

  #startAudio(): void {
    const { microphone, speaker } = this.#options;
    speaker?.reset();
    speaker?.listen({
      onPlayed: (report) => this.#onPlayed(report),
      onLevel: (rms) => this.#emit({ type: 'level', source: 'agent', rms }),
      onTrouble: ({ underruns }) => {
        this.#underruns = underruns;
        this.#emitPressure('speaker');
      },
    });
    microphone?.start((samples) => {
      if (this.#state !== 'open') return;
      this.#outbox?.push(samples);
      this.#emit({ type: 'level', source: 'microphone', rms: rootMeanSquare(samples) });
    });
  }

  /** Handles one message; gives it back when it is a text message that is known. */
  #read(data: string | Uint8Array): GatewayMessage | undefined {
    try {
      if (typeof data !== 'string') {
        this.#onAudio(data);
        return undefined;
      }
      const message = parseGatewayMessage(data);
      if (message !== undefined) this.#onMessage(message);
      return message;
    } catch (error) {
      // A gateway that breaks the protocol is reported and heard no further: guessing on would play or show what was never said.
      if (!(error instanceof ProtocolError)) throw error;
      this.#told = error;
      this.#emit({ type: 'error', error });
      void this.#transport?.close(CLOSE.brokenByGateway, error.code);
      return undefined;
    }
  }

  #onAudio(data: Uint8Array): void {
    const frame = decodeAudioFrame(data, 'agent');
    // What was on its way when the clear overtook it; and audio of no item that was announced has no place in the conversation.
    if (frame.epoch < this.#epoch || !this.#items.has(frame.item)) return;
    this.#options.speaker?.play({ epoch: frame.epoch, item: frame.item, firstSample: frame.firstSample, samples: pcm16ToSamples(frame.pcm).slice() });
  }

  #onMessage(message: GatewayMessage): void {
    switch (message.type) {
      case 'item':
        this.#items.set(message.item, { itemId: message.itemId, contentIndex: message.contentIndex });
        if (this.#items.size > ITEMS_KEPT) for (const oldest of this.#items.keys()) { this.#items.delete(oldest); break; }
        this.#emit({ type: 'audio_start', itemId: message.itemId, contentIndex: message.contentIndex, responseId: message.responseId });
        return;
      case 'item_end': {
        const name = this.#items.get(message.item);
        if (name === undefined || message.epoch < this.#epoch) return;
        this.#emit({ type: 'audio_received', ...name, samples: message.samples });
        this.#options.speaker?.end(message.item, message.samples);
        return;
      }
      case 'clear':
        if (message.epoch <= this.#epoch) return;
        this.#epoch = message.epoch;
        this.#options.speaker?.clear(message.epoch);
        this.#emit({ type: 'cleared', epoch: message.epoch });
        return;
      case 'pause':
        if (message.epoch !== this.#epoch) return;
        this.#options.speaker?.pause(message.how);
        this.#emit({ type: 'paused', how: message.how });
        return;
      case 'resume':
        if (message.epoch !== this.#epoch) return;
        this.#options.speaker?.resume();
        this.#emit({ type: 'resumed' });
        return;
      case 'event':
        this.#emit({ type: 'event', event: message.event });
        return;
      case 'error':
        this.#told = gatewayFailure(message);
        this.#emit({ type: 'error', error: this.#told });
        return;
      case 'ready':
      case 'ended':
        return;
    }
  }

  #onPlayed(report: PlayedReport): void {
    const name = this.#items.get(report.item);
    // A speaker in another thread may still report of the conversation before this one.
    if (this.#state !== 'open' || name === undefined) return;
    // Of an item that was cut only the last word counts.
    if (report.epoch < this.#epoch && !report.final) return;
    this.#reporter.report(report);
    this.#emit({ type: 'played', ...name, samples: report.samples, final: report.final });
  }

  #onClose(close: TransportClose, error: VoicewireError | undefined): void {
    if (this.#state === 'closed') return;
    this.#options.microphone?.stop();
    this.#options.speaker?.reset();
    this.#emit({ type: 'closed', code: close.code, reason: close.reason, ...(error === undefined ? {} : { error }) });
    this.#finish();
  }

  #finish(): void {
    this.#state = 'closed';
    this.#outbox?.close();
    this.#reporter.close();
    for (const iterator of this.#iterators) iterator.close();
    this.#iterators.clear();
    this.#confirmClosed();
  }

  #request(message: ClientMessage): void {
    if (this.#state === 'open') return this.#send(message);
    throw this.#state === 'closed'
      ? new InvalidStateError('SESSION_CLOSED', 'The conversation is over.', 'Make a new client to begin another.')
      : new InvalidStateError('SESSION_NOT_CONNECTED', 'The conversation has not begun.', 'Wait for connect() first.');
  }

  #send(message: ClientMessage): void {
    if (this.#state === 'open') this.#transport?.send(serializeMessage(message));
  }

  #emitPressure(queue: 'microphone' | 'speaker'): void {
    this.#emit({ type: 'pressure', queue, droppedFrames: this.#droppedFrames, underruns: this.#underruns });
  }

  #emit(event: VoiceClientEvent): void {
    // The union's members and the map's values are the same types; the compiler cannot see it through the generic.
    this.#emitter.emit(event as VoiceClientEventMap[VoiceClientEvent['type']]);
    if (event.type !== 'level') for (const iterator of this.#iterators) iterator.push(event);
  }

  #onHandlerFailure(cause: unknown, type: keyof VoiceClientEventMap): void {
    // A handler of errors that throws has nobody left to tell.
    if (type === 'error') return;
    this.#emit({ type: 'error', error: new VoicewireError('HANDLER_FAILED', `A handler of ${JSON.stringify(type)} failed.`, { stage: 'handler', hint: 'The cause is what it threw.', cause }) });
  }
}

/** Connects; `on` is a chance to put handlers on before the first event. */
export async function connectVoiceClient(options: VoiceClientOptions & { readonly on?: (client: VoiceClient) => void }): Promise<VoiceClient> {
  const client = new VoiceClient(options);
  options.on?.(client);
  await client.connect();
  return client;
}

function rootMeanSquare(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length) / 32768;
}
