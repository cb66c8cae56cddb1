import { ProviderError } from '../errors.js';
import type { Clock } from '../ports/clock.js';
import type { TextModel, TextModelEvent, TextRequest } from '../ports/text-model.js';
import { readAnswer } from './answer.js';
import type { AnswerDraft, FinishedAnswer } from './answer.js';
import { unlessAborted } from './unless-aborted.js';

export interface AskOptions {
  readonly model: TextModel;
  readonly request: TextRequest;
  /** Holds what has come, also when it rejects. */
  readonly draft: AnswerDraft;
  /** Aborted by whoever does not want the answer any more, and here when the model is silent for too long. */
  readonly ask: AbortController;
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
  /** Until it resolves nothing is told: the model works meanwhile. */
  readonly ready: Promise<void>;
  readonly onEvent: (event: TextModelEvent) => Promise<void>;
}

/** Asks a model once, and reads its answer no faster than `onEvent` takes it. Rejects with the reason of `ask`, or with the model's error. */
export async function askModel({ model, request, draft, ask, clock, idleTimeoutMs, ready, onEvent }: AskOptions): Promise<FinishedAnswer> {
  const { signal } = ask;
  const events = model.respond(request, { signal })[Symbol.asyncIterator]();
  try {
    for (let first = true; draft.finished === undefined; first = false) {
      const silent = new ProviderError('RESPONSE_TIMEOUT', `The model said nothing for ${idleTimeoutMs / 1000} s.`, { retryable: true });
      const overdue = clock.after(idleTimeoutMs, () => ask.abort(silent));
      const next = await unlessAborted(signal, events.next()).finally(() => overdue.cancel());
      if (first) await unlessAborted(signal, ready);
      if (next.done === true) throw new ProviderError('RESPONSE_FAILED', 'The answer broke off before its end.', { retryable: true });
      for (const event of readAnswer(draft, next.value)) await onEvent(event);
    }
    return draft.finished;
  } finally {
    // A model that does not let go keeps nobody waiting.
    void Promise.resolve(events.return?.()).catch(() => {});
  }
}
