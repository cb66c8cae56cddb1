import { errorText } from '../error-text.js';
import { ToolError } from '../errors.js';
import { Emitter } from '../events/emitter.js';
import type { SessionEvent, SessionEventMap } from '../events/session-event.js';
import { Channel } from '../stream/channel.js';

/** Events that wait for a slow `for await`: about half a minute of a lively conversation. */
const EVENT_QUEUE = 4096;

/** Where a session's events go out: to handlers by type, and to loops, each with a queue of its own. */
export class EventOutlet {
  readonly #emitter: Emitter<SessionEventMap>;
  /** Replaced and never changed, like the emitter's lists. */
  #readers: readonly Channel<SessionEvent>[] = [];
  #closed = false;

  /** `onFailure` gets what a handler threw, as an error that may be told; never for a handler of errors, which is not told of its own. */
  constructor(onFailure: (failure: ToolError, type: keyof SessionEventMap) => void) {
    this.#emitter = new Emitter((error, type) => onFailure(handlerFailed(error, type), type));
  }

  on<Type extends keyof SessionEventMap>(type: Type, handler: (event: SessionEventMap[Type]) => unknown): () => void {
    return this.#emitter.on(type, handler);
  }

  emit(event: SessionEvent): void {
    this.#emitter.emit(event as never);
    for (const reader of this.#readers) reader.push(event);
  }

  /** Subscribes at the first `next()`, not before. */
  events(capacity = EVENT_QUEUE): AsyncIterableIterator<SessionEvent> {
    let channel: Channel<SessionEvent> | undefined;
    const open = (): Channel<SessionEvent> => {
      if (channel !== undefined) return channel;
      const reader: Channel<SessionEvent> = new Channel({ capacity, whenFull: 'fail' }, () => (this.#readers = this.#readers.filter((each) => each !== reader)));
      if (this.#closed) reader.close();
      else this.#readers = [...this.#readers, reader];
      return (channel = reader);
    };
    return {
      next: () => open().next(),
      return: () => open().return(),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Ends every loop after what is queued for it. */
  close(): void {
    this.#closed = true;
    for (const reader of this.#readers) reader.close();
    this.#readers = [];
  }
}

function handlerFailed(error: unknown, type: keyof SessionEventMap): ToolError {
  const text = errorText(error);
  return new ToolError('HANDLER_FAILED', `A handler of ${type} events threw: ${text}`, { cause: error, stage: 'handler' });
}
