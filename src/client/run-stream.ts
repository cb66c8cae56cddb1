import { Channel, VoicewireError, errorText } from '../../session/index.js';
import type { Clock, Timer } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { systemClock } from '../host/system-clock.js';
import { EventStreamParser } from '../protocol/sse/parse.js';
import { RunRequests } from './run-requests.js';
import type { FetchLike, RunAnswer, RunHeaders } from './run-requests.js';
import { readRunEvent } from './run-stream-event.js';
import type { RunDialect, RunDialects } from './run-stream-event.js';
import { createRunStreamState, stepRunStream } from './run-stream-state.js';
import type { RunStreamEffect, RunStreamInput, RunStreamNews, RunStreamState } from './run-stream-state.js';

/** Where in its life a stream is. */
export type RunStreamStatus = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'ended';

/** What a loop over a run reads: the run's own events, and what became of the connection. */
export type RunStreamEvent<Dialect extends RunDialect = 'flat'> = RunDialects[Dialect] | RunStreamNews;

/** How a client reaches a server of runs. */
export interface RunConnectionOptions {
  /** Sent with each request. A function is asked before each one. */
  readonly headers?: RunHeaders;
  /** The life of the stream: its abort ends everything at once, and the loop throws its reason. The run itself goes on, or not, as the server has it. */
  readonly signal?: AbortSignal;
  /** Default: the surroundings' own, looked up at each call. */
  readonly fetch?: FetchLike;
  readonly clock?: Clock;
  /** 0 to below 1, for the length of pauses. */
  readonly random?: () => number;
  /** Where `<id>/events` and `<id>/stop` of a run are. Default: `../runs/` beside the address. */
  readonly runsUrl?: string | URL;
  /** From a request to the head of its answer. Default 15 s. */
  readonly connectTimeoutMs?: number;
  /** How often the server sends something when there is nothing to send. Default 15 s; after 2.5 times that in silence the connection counts as lost. */
  readonly heartbeatMs?: number;
  /** Pauses between attempts: the first (default 1 s, unless the server names one), and the longest (default 30 s). */
  readonly retryMs?: number;
  readonly maxRetryMs?: number;
  /** Attempts in a row in which nothing came, 0 for none. Default 8, which are about two minutes. */
  readonly maxTries?: number;
  /** See {@link EventStreamParser}. Default 1 MiB. */
  readonly maxEventBytes?: number;
}

export interface StreamRunOptions<Dialect extends RunDialect = 'flat'> extends RunConnectionOptions {
  /** What the user says. */
  readonly input: string;
  /** Runs of one conversation know what was said before. */
  readonly conversationId?: string;
  /** Default `flat`. */
  readonly dialect?: Dialect;
}

export interface ResumeRunOptions extends RunConnectionOptions {
  readonly runId: string;
  /** Number of the last event that the application has had: {@link RunStream.position} of the stream before. Default 0: all of them. */
  readonly after?: number;
}

/** Missed heartbeats after which a connection is lost; the half is for their jitter. */
const SILENT_HEARTBEATS = 2.5;
/** Events that wait for a loop that is behind; the rest waits with the server. */
const EVENTS_KEPT = 256;

/**
 * The events of one run, for one loop. Nothing is asked for before the first `next()`. A lost connection is taken up again where it broke off: no event
 * comes twice, and none is missing without a `gap`. The loop ends after `run.done` or `run.error`. It throws a `VoicewireError` when the server says no,
 * sends what cannot be read, or cannot be reached again, and `signal.reason` after an abort. Leaving it closes the connection, and stops nothing.
 */
export class RunStream<Dialect extends RunDialect = 'flat'> implements AsyncIterable<RunStreamEvent<Dialect>>, AsyncIterator<RunStreamEvent<Dialect>, undefined> {
  readonly #options: RunConnectionOptions;
  readonly #body: object | undefined;
  readonly #requests: RunRequests;
  readonly #clock: Clock;
  readonly #state: RunStreamState;
  readonly #events: Channel<RunStreamEvent<Dialect>>;
  /** What was given so far: one after the other, also when the channel is full. */
  #given: Promise<unknown> = Promise.resolve();
  readonly #named: Promise<void>;
  #confirmNamed: () => void = () => {};
  /** The request that there is; one that is let go of is aborted, and what it still brings is not heard. */
  #attempt: AbortController | undefined;
  #timer: Timer | undefined;
  #begun = false;

  /** Use {@link streamRun} or {@link resumeRun}. */
  constructor(url: string | URL, what: { readonly body: object } | { readonly runId: string; readonly after?: number | undefined }, options: RunConnectionOptions) {
    const { connectTimeoutMs = 15_000, heartbeatMs = 15_000, retryMs = 1_000, maxRetryMs = 30_000, maxTries = 8 } = options;
    this.#options = options;
    this.#body = 'body' in what ? what.body : undefined;
    this.#requests = new RunRequests({ url, runsUrl: options.runsUrl, headers: options.headers, fetch: options.fetch });
    this.#clock = options.clock ?? systemClock;
    this.#state = createRunStreamState({ connectTimeoutMs, silenceMs: SILENT_HEARTBEATS * heartbeatMs, retryMs, maxRetryMs, maxTries }, 'body' in what ? {} : what);
    this.#events = new Channel({ capacity: EVENTS_KEPT, whenFull: 'wait' }, () => this.#leave());
    this.#named = new Promise((resolve) => (this.#confirmNamed = resolve));
  }

  get status(): RunStreamStatus {
    const { link, runId, tries } = this.#state;
    if (link.name === 'waiting') return 'reconnecting';
    return link.name === 'connecting' && (tries > 0 || (this.#body !== undefined && runId !== undefined)) ? 'reconnecting' : link.name;
  }

  /** Known once the server has answered. */
  get runId(): string | undefined {
    return this.#state.runId;
  }

  /** Number of the last event that has come; with the id, all that {@link resumeRun} needs after a reload. */
  get position(): number {
    return this.#state.position;
  }

  /** Events that came twice and were dropped. */
  get duplicates(): number {
    return this.#state.duplicates;
  }

  next(): Promise<IteratorResult<RunStreamEvent<Dialect>, undefined>> {
    const { signal } = this.#options;
    if (signal?.aborted === true) {
      this.#leave();
      return Promise.reject(signal.reason as Error);
    }
    if (!this.#begun) {
      this.#begun = true;
      signal?.addEventListener('abort', this.#onAbort, { once: true });
      this.#take({ type: 'start' });
    }
    return this.#events.next();
  }

  return(): Promise<IteratorResult<RunStreamEvent<Dialect>, undefined>> {
    return this.#events.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * Stops the run on the server, also while the connection to its events is lost. Resolves when the server has said that it is stopped, or the run is over
   * already; its last event still comes. Rejects with `HostError` `RUN_STOP_FAILED` when that is not certain: the run may go on, and cost. May be called
   * again then.
   */
  async stop(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    if (this.#state.over) return;
    if (this.#state.runId === undefined) {
      // Where no request is on its way there is no run.
      if (this.#state.link.name === 'idle' || this.#state.link.name === 'waiting') return void (await this.return());
      await this.#named;
    }
    const { runId } = this.#state;
    if (runId === undefined) throw stopFailed('Nobody knows its id: the connection was lost before the server had told it.');
    const limit = new AbortController();
    const onAbort = (): void => limit.abort(this.#options.signal?.reason);
    this.#options.signal?.addEventListener('abort', onAbort, { once: true });
    const timeoutMs = this.#state.policy.connectTimeoutMs;
    const timer = this.#clock.after(timeoutMs, () => limit.abort(new HostError('GATEWAY_UNREACHABLE', `The server did not answer within ${timeoutMs} ms.`, { retryable: true })));
    try {
      await this.#requests.stop(runId, limit.signal);
    } catch (error) {
      if (this.#options.signal?.aborted === true) throw error;
      throw stopFailed(errorText(error), error);
    } finally {
      timer.cancel();
      this.#options.signal?.removeEventListener('abort', onAbort);
    }
  }

  readonly #onAbort = (): void => {
    this.#leave();
    this.#events.fail(this.#options.signal?.reason);
  };

  /** Nobody wants more: whatever is open is closed. */
  #leave(): void {
    this.#state.link = { name: 'ended' };
    this.#release();
    this.#settle();
  }

  #take(input: RunStreamInput): void {
    void this.#takeAll(input);
  }

  /** Resolves when there is room for what the application was given. */
  async #takeAll(input: RunStreamInput): Promise<void> {
    const effects = stepRunStream(this.#state, input, this.#clock.now());
    if (this.#state.runId !== undefined) this.#confirmNamed();
    for (const effect of effects) await this.#perform(effect);
  }

  #perform(effect: RunStreamEffect): Promise<unknown> | undefined {
    switch (effect.type) {
      case 'request':
        void this.#request();
        return undefined;
      case 'release':
        this.#release();
        return undefined;
      case 'wake':
        this.#timer?.cancel();
        this.#timer = this.#clock.after(effect.delayMs, () => this.#take({ type: 'time', random: this.#random() }));
        return undefined;
      case 'give':
        // The server speaks the dialect that it was asked for.
        return (this.#given = this.#given.then(() => this.#events.send(effect.event as RunStreamEvent<Dialect>)));
      case 'end':
        this.#settle();
        if (effect.error === undefined) this.#events.close();
        else this.#events.fail(effect.error);
        return undefined;
    }
  }

  async #request(): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    try {
      const { runId, position } = this.#state;
      const answer = await (runId === undefined ? this.#requests.begin(this.#body ?? {}, attempt.signal) : this.#requests.resume(runId, position, attempt.signal));
      if (this.#attempt === attempt) await this.#onAnswer(answer, attempt);
      else if (answer.type === 'stream') await answer.body.cancel();
    } catch (error) {
      // What a request that was let go of ends with is of no interest.
      if (this.#attempt === attempt) this.#take(this.#failure(error));
    }
  }

  #onAnswer(answer: RunAnswer, attempt: AbortController): Promise<void> {
    switch (answer.type) {
      case 'stream':
        return this.#read(answer.body, answer.runId, attempt);
      case 'nothing_left':
        return this.#takeAll({ type: 'nothing_left' });
      case 'refused':
        return this.#takeAll({ ...answer, random: this.#random() });
    }
  }

  async #read(body: ReadableStream<Uint8Array>, runId: string | undefined, attempt: AbortController): Promise<void> {
    const parser = new EventStreamParser(this.#options.maxEventBytes === undefined ? {} : { maxEventBytes: this.#options.maxEventBytes });
    const reader = body.getReader();
    // A body that does not know of the signal, as that of a test, is let go of as well.
    attempt.signal.addEventListener('abort', () => void reader.cancel(attempt.signal.reason).catch(() => {}), { once: true });
    await this.#takeAll({ type: 'answered', runId });
    for (;;) {
      const { value, done } = await reader.read();
      if (this.#attempt !== attempt) return;
      if (done) throw new HostError('CONNECTION_LOST', 'The stream of the run ended before the run did.', { hint: 'The server or a proxy closed it; the client connects again.', retryable: true });
      this.#take({ type: 'bytes' });
      for (const sent of parser.push(value)) {
        await this.#takePatiently({ type: 'item', item: readRunEvent(sent) });
        if (this.#attempt !== attempt) return;
      }
      if (parser.retryMs !== undefined) this.#take({ type: 'retry', ms: parser.retryMs });
    }
  }

  /** While the application is behind nothing is read, and the silence is our own. */
  async #takePatiently(input: RunStreamInput): Promise<void> {
    this.#take({ type: 'reader_behind' });
    await this.#takeAll(input);
    this.#take({ type: 'bytes' });
  }

  #failure(error: unknown): RunStreamInput {
    if (error instanceof VoicewireError) return error.retryable ? { type: 'lost', error, random: this.#random() } : { type: 'failed', error };
    const lost = new HostError('CONNECTION_LOST', `The connection to the run was lost: ${errorText(error)}`, { hint: 'Check the network; the client connects again.', retryable: true, cause: error });
    return { type: 'lost', error: lost, random: this.#random() };
  }

  #random(): number {
    return (this.#options.random ?? Math.random)();
  }

  #release(): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.abort();
  }

  #settle(): void {
    this.#timer?.cancel();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#confirmNamed();
  }
}

/**
 * Begins a run and gives its events: `POST url` with `{ input, conversationId, dialect }`. A request that failed before the server named the run is not made
 * again by itself, for it may have begun one; a server that says 429 or 503 has not, and is asked again.
 */
export function streamRun<Dialect extends RunDialect = 'flat'>(url: string | URL, options: StreamRunOptions<Dialect>): RunStream<Dialect> {
  const { input, conversationId, dialect = 'flat', ...connection } = options;
  return new RunStream<Dialect>(url, { body: { input, dialect, ...(conversationId === undefined ? {} : { conversationId }) } }, connection);
}

/** Takes up the events of a run that was begun before, by another page say, after number `after`. `url` is where it was begun. */
export function resumeRun<Dialect extends RunDialect = 'flat'>(url: string | URL, options: ResumeRunOptions): RunStream<Dialect> {
  const { runId, after, ...connection } = options;
  return new RunStream<Dialect>(url, { runId, after }, connection);
}

function stopFailed(why: string, cause?: unknown): HostError {
  return new HostError('RUN_STOP_FAILED', `The run may not have been stopped. ${why}`, { hint: 'Try again; the server’s limits end a run that nobody stops.', retryable: true, ...(cause === undefined ? {} : { cause }) });
}
