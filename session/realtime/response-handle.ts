import type { ResponseResult } from '../events/response-result.js';
import type { HandleNews } from '../state/session-effect.js';

/**
 * What the application holds of a response that it asked for. Its promises always settle and never reject: how it went is a value, also when the
 * session ends. They need not be awaited.
 */
export interface ResponseHandle {
  /** Unique within the session; `response_waiting` names it. */
  readonly id: string;
  /** The model's id of the response when it begins; `undefined` when it never will. Several handles may share a response. */
  readonly created: Promise<string | undefined>;
  /**
   * From `created` on: whether that response is the likeliest one and not surely this one. It happens only with models that give no metadata back,
   * and only where they could have begun a response by themselves at that moment.
   */
  readonly guessed: boolean;
  /** The item of its first audio, when that is handed on; `undefined` when it ended without. */
  readonly firstAudio: Promise<string | undefined>;
  /** When the model has generated all of it, or never will. What was generated may still be playing then. */
  readonly done: Promise<ResponseResult>;
  /** Withdraws it, or stops it as `interrupt()` does when it has begun. Leaves a response alone that others asked for too. Nothing after `done`. */
  cancel(): void;
}

interface Settle {
  guessed: boolean;
  readonly created: (responseId: string | undefined) => void;
  readonly firstAudio: (itemId: string | undefined) => void;
  readonly done: (result: ResponseResult) => void;
}

/** The handles of one session that have not come to their end. */
export class ResponseHandles {
  readonly #open = new Map<string, Settle>();
  readonly #cancel: (handleId: string) => void;
  #count = 0;

  constructor(cancel: (handleId: string) => void) {
    this.#cancel = cancel;
  }

  get size(): number {
    return this.#open.size;
  }

  make(): ResponseHandle {
    this.#count += 1;
    const id = `ask_${this.#count}`;
    const settle: { -readonly [Key in keyof Settle]?: Settle[Key] } = { guessed: false };
    const created = new Promise<string | undefined>((resolve) => (settle.created = resolve));
    const firstAudio = new Promise<string | undefined>((resolve) => (settle.firstAudio = resolve));
    const done = new Promise<ResponseResult>((resolve) => (settle.done = resolve));
    this.#open.set(id, settle as Settle);
    return {
      id,
      created,
      firstAudio,
      done,
      get guessed() {
        return settle.guessed === true;
      },
      cancel: () => this.#open.has(id) && this.#cancel(id),
    };
  }

  tell(handleId: string, news: HandleNews): void {
    const settle = this.#open.get(handleId);
    if (settle === undefined) return;
    if (news.name === 'created') {
      settle.guessed = news.guessed;
      return settle.created(news.responseId);
    }
    if (news.name === 'first_audio') return settle.firstAudio(news.itemId);
    this.#open.delete(handleId);
    settle.guessed = news.result.guessed === true;
    // What has been settled before stays as it is.
    settle.created(news.result.responseId);
    settle.firstAudio(undefined);
    settle.done(news.result);
  }

  /** The session is over. */
  settleAll(): void {
    for (const handleId of [...this.#open.keys()]) this.tell(handleId, { name: 'done', result: { outcome: 'cancelled', text: '', reason: 'session_closed' } });
  }
}
