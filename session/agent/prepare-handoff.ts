import { errorText } from '../error-text.js';
import { ToolError } from '../errors.js';
import type { HistoryItem } from '../events/history-item.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { Handoff, HandoffContext } from './handoff.js';

/** Time for the application's own functions: meanwhile the caller waits. */
const PREPARE_MS = 5_000;

export interface HandoffWish {
  readonly how: Pick<Handoff, 'inputFilter' | 'carry'>;
  readonly fromAgent: string;
  readonly toAgent: string;
  readonly reason: string;
  /** The model's own, where it was asked for one. */
  readonly summary: string;
  readonly history: readonly HistoryItem[];
  /** Aborts when the session ends. */
  readonly signal: AbortSignal;
}

/** What the new agent shall know. */
export interface HandoffMemory {
  /** Items to be taken out of the model's conversation. */
  readonly drop: readonly string[];
  /** A text that stands in their place. */
  readonly carried?: string;
}

/** Asks the application what the new agent shall know. Rejects with a `ToolError` when one of its functions throws or takes too long. */
export async function prepareHandoff(clock: Clock, wish: HandoffWish): Promise<HandoffMemory> {
  const { how, history, signal, summary, ...names } = wish;
  if (how.inputFilter === undefined && how.carry === 'all') return { drop: [] };
  const tooLate = new AbortController();
  const context: HandoffContext = { ...names, signal: AbortSignal.any([signal, tooLate.signal]) };
  let timer: Timer | undefined;
  const overdue = new Promise<never>((_resolve, reject) => {
    timer = clock.after(PREPARE_MS, () => {
      const error = new DOMException(`It took longer than ${PREPARE_MS / 1000} s.`, 'TimeoutError');
      tooLate.abort(error);
      reject(error);
    });
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: tooLate.signal });
  });
  overdue.catch(() => {});
  try {
    return await Promise.race([prepare(how, history, summary, context), overdue]);
  } catch (cause) {
    const text = errorText(cause);
    throw new ToolError('HANDOFF_FAILED', `What ${names.toAgent} shall know could not be prepared: ${text}`, { cause, stage: 'handoff' });
  } finally {
    timer?.cancel();
    tooLate.abort();
  }
}

async function prepare(how: HandoffWish['how'], history: readonly HistoryItem[], summary: string, context: HandoffContext): Promise<HandoffMemory> {
  const kept = how.inputFilter === undefined ? (how.carry === 'all' ? history : []) : await how.inputFilter(history, context);
  const carried = how.carry === 'all' ? '' : how.carry === 'summary' ? summary : await how.carry(history, context);
  // A model that gives no summary must not cost the conversation its memory.
  if (how.carry === 'summary' && carried.trim() === '' && how.inputFilter === undefined) return { drop: [] };
  const keptIds = new Set(kept.map(({ itemId }) => itemId));
  const drop = history.filter(({ itemId }) => !keptIds.has(itemId)).map(({ itemId }) => itemId);
  return { drop, ...(carried.trim() === '' ? {} : { carried: `What was said before, in short: ${carried}` }) };
}
