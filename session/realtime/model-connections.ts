import type { Clock } from '../ports/clock.js';
import type { ModelCommand, ModelConnection, RealtimeModel } from '../ports/model.js';
import type { SessionInput } from '../state/session-input.js';

interface Opened {
  readonly attemptId: number;
  readonly abort: AbortController;
  connection: ModelConnection | undefined;
}

/**
 * The sockets of one session: the one that serves and those that are being made. It decides nothing. Everything that a socket says goes on with
 * the id of its attempt; whether that still matters is decided by who reads it.
 */
export class ModelConnections {
  readonly #models: readonly RealtimeModel[];
  readonly #clock: Clock;
  readonly #dispatch: (input: SessionInput) => void;
  #attempts: readonly Opened[] = [];
  #closing: readonly Promise<void>[] = [];
  #serving: Opened | undefined;

  constructor(models: readonly RealtimeModel[], clock: Clock, dispatch: (input: SessionInput) => void) {
    this.#models = models;
    this.#clock = clock;
    this.#dispatch = dispatch;
  }

  /** Bytes that the serving socket has not handed to the network. */
  get bufferedBytes(): number {
    return this.#serving?.connection?.bufferedBytes ?? 0;
  }

  open(attemptId: number, modelIndex: number): void {
    const opened: Opened = { attemptId, abort: new AbortController(), connection: undefined };
    this.#attempts = this.#attempts.concat(opened);
    void this.#connect(opened, modelIndex);
  }

  /** To the connection that serves, or to the attempt that is named. */
  send(command: ModelCommand, attemptId: number | undefined): void {
    (attemptId === undefined ? this.#serving : this.#attempt(attemptId))?.connection?.send(command);
  }

  use(attemptId: number): void {
    this.#serving = this.#attempt(attemptId);
  }

  /** Closes one attempt, or all; one that is still opening is aborted. */
  close(attemptId: number | undefined, reason: string): void {
    for (const opened of this.#attempts) {
      if (attemptId !== undefined && opened.attemptId !== attemptId) continue;
      this.#forget(opened);
      if (this.#serving === opened) this.#serving = undefined;
      if (opened.connection === undefined) opened.abort.abort(new DOMException(reason, 'AbortError'));
      else this.#close(opened, opened.connection, reason);
    }
  }

  /** Resolves when every socket that was closed is gone. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing);
  }

  #attempt(attemptId: number): Opened | undefined {
    return this.#attempts.find((each) => each.attemptId === attemptId);
  }

  #forget(opened: Opened): void {
    this.#attempts = this.#attempts.filter((each) => each !== opened);
  }

  async #connect(opened: Opened, modelIndex: number): Promise<void> {
    const { attemptId } = opened;
    try {
      const model = this.#models[modelIndex];
      if (model === undefined) throw new RangeError(`There is no model number ${modelIndex}.`);
      const connection = await model.connect({
        signal: opened.abort.signal,
        onInput: (input) => this.#dispatch({ type: 'from_model', attemptId, input }),
        onClose: (close) => {
          this.#forget(opened);
          this.#dispatch({ type: 'connection_closed', attemptId, close });
        },
      });
      // An attempt that was given up may still open: it is closed at once.
      if (!this.#attempts.includes(opened)) return this.#close(opened, connection, 'abandoned');
      opened.connection = connection;
      const unixMs = this.#clock.unixMs?.();
      this.#dispatch({ type: 'connection_opened', attemptId, ...(unixMs === undefined ? {} : { unixMs }) });
    } catch (error) {
      this.#dispatch({ type: 'connection_failed', attemptId, error });
    }
  }

  #close(opened: Opened, connection: ModelConnection, reason: string): void {
    const closing = connection
      .close(reason)
      .catch(() => undefined)
      .then(() => {
        this.#closing = this.#closing.filter((each) => each !== closing);
        opened.abort.abort(new DOMException(reason, 'AbortError'));
      });
    this.#closing = [...this.#closing, closing];
  }
}
