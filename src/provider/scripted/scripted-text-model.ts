import { ProviderError } from '../../../session/index.js';
import type { Clock, ModelErrorInfo, TextModel, TextModelEvent, TextOutputItem, TextRequest, Usage } from '../../../session/index.js';

export interface ScriptedCall {
  readonly name: string;
  /** An object is written as JSON; a text goes out as it is, also where it is none. Default `{}`. */
  readonly arguments?: object | string;
  /** Default `call_1`, `call_2`, … over all answers. */
  readonly callId?: string;
}

/** One answer; its parts come in this order. */
export interface ScriptedAnswer {
  readonly reasoning?: string;
  readonly text?: string;
  /** The model's words for not answering. */
  readonly refusal?: string;
  readonly calls?: readonly ScriptedCall[];
  /** Waits so long before each event of the answer, in ms of the clock. */
  readonly delayMs?: number;
  /** Comes in one piece, as of a model that does not stream. */
  readonly whole?: boolean;
  readonly usage?: Usage;
  /** The model fails after its text and calls. */
  readonly fails?: ModelErrorInfo;
  /** The provider cuts it off, and why. */
  readonly incomplete?: string;
  /** What the request rejects with after the parts above: a server that is gone, refuses, or breaks off. */
  readonly throws?: Error;
  /** Nothing more comes after the parts above. */
  readonly hangs?: boolean;
}

/** A text alone; an answer; or a function that finds one for what it is asked. */
export type ScriptedTurn = string | ScriptedAnswer | ((request: TextRequest) => string | ScriptedAnswer);

export interface ScriptedTextModelOptions {
  readonly label?: string;
  /** Texts and arguments are cut into deltas of so many characters; default 6. */
  readonly deltaCharacters?: number;
  /** For `delayMs`. */
  readonly clock?: Clock;
}

export interface ScriptedTextModel extends TextModel {
  /** What it was asked so far. */
  readonly requests: readonly TextRequest[];
  /** Requests that have begun and not ended. */
  readonly open: number;
  /** Requests that were given up before their end. */
  readonly givenUp: number;
  /** Events that were taken from it. */
  readonly eventsRead: number;
}

/**
 * A language model that gives these answers in order, for tests and for work without a key. Asked more often than that, it rejects with `RESPONSE_FAILED`.
 * Throws `TypeError` for a `delayMs` without a clock.
 */
export function scriptedTextModel(turns: readonly ScriptedTurn[], options: ScriptedTextModelOptions = {}): ScriptedTextModel {
  const { label = 'script', deltaCharacters = 6, clock } = options;
  if (clock === undefined && turns.some((turn) => typeof turn === 'object' && turn.delayMs !== undefined)) throw new TypeError('An answer with delayMs needs a clock: pass { clock }.');
  const requests: TextRequest[] = [];
  const counts = { open: 0, givenUp: 0, eventsRead: 0, calls: 0 };

  function begin(request: TextRequest): { readonly answer: ScriptedAnswer; readonly events: readonly TextModelEvent[] } {
    requests.push(request);
    counts.open += 1;
    const turn = turns[requests.length - 1];
    if (turn === undefined) return { answer: { throws: new ProviderError('RESPONSE_FAILED', `The script has ${turns.length} answers and was asked for one more.`) }, events: [] };
    const given = typeof turn === 'function' ? turn(request) : turn;
    const answer = typeof given === 'string' ? { text: given } : given;
    return { answer, events: eventsOf(answer, requests.length, deltaCharacters, () => `call_${(counts.calls += 1)}`) };
  }

  function respond(request: TextRequest, { signal }: { readonly signal: AbortSignal }): AsyncIterator<TextModelEvent, undefined> & AsyncIterable<TextModelEvent> {
    let script: ReturnType<typeof begin> | undefined;
    let at = 0;
    let over = false;
    let leave = (): void => {};
    const end = (givenUp: boolean): void => {
      if (over) return;
      over = true;
      if (script !== undefined) counts.open -= 1;
      if (givenUp) counts.givenUp += 1;
    };
    /** Until the clock says so, the signal aborts, or the reader leaves. */
    function wait(delayMs: number | undefined): Promise<void> {
      return new Promise((resolve, reject) => {
        const timer = delayMs === undefined ? undefined : clock?.after(delayMs, () => settle(resolve));
        const onAbort = (): void => settle(() => reject(signal.reason as Error));
        const settle = (then: () => void): void => {
          timer?.cancel();
          signal.removeEventListener('abort', onAbort);
          then();
        };
        signal.addEventListener('abort', onAbort, { once: true });
        leave = () => settle(resolve);
      });
    }
    const done = { value: undefined, done: true } as const;
    return {
      async next() {
        if (over) return done;
        try {
          signal.throwIfAborted();
          script ??= begin(request);
          const { answer, events } = script;
          const last = at >= events.length;
          if (answer.delayMs !== undefined && !last) await wait(answer.delayMs);
          if (last && answer.hangs === true) await wait(undefined);
          if (over) return done;
          if (last && answer.throws !== undefined) throw answer.throws;
          const value = events[at];
          at += 1;
          if (value === undefined) {
            end(false);
            return done;
          }
          counts.eventsRead += 1;
          if (value.type === 'response_done') end(false);
          return { value, done: false };
        } catch (error) {
          end(signal.aborted);
          throw error;
        }
      },
      return() {
        end(true);
        leave();
        return Promise.resolve(done);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  return {
    label,
    requests,
    respond,
    get open() {
      return counts.open;
    },
    get givenUp() {
      return counts.givenUp;
    },
    get eventsRead() {
      return counts.eventsRead;
    },
  };
}

function eventsOf(answer: ScriptedAnswer, number: number, deltaCharacters: number, newCallId: () => string): TextModelEvent[] {
  const { reasoning, text, refusal, calls = [], fails, incomplete, usage } = answer;
  const responseId = `resp_${number}`;
  const output: TextOutputItem[] = [];
  if (reasoning !== undefined) output.push({ type: 'reasoning', id: `reasoning_${number}`, text: reasoning });
  if (text !== undefined || refusal !== undefined) output.push({ type: 'message', id: `message_${number}`, text: text ?? '', ...(refusal === undefined ? {} : { refusal }) });
  for (const { name, arguments: args = {}, callId = newCallId() } of calls) {
    output.push({ type: 'function_call', id: `item_${callId}`, callId, name, arguments: typeof args === 'string' ? args : JSON.stringify(args) });
  }
  const started: TextModelEvent = { type: 'response_started', responseId };
  const status = fails !== undefined ? 'failed' : incomplete !== undefined ? 'incomplete' : 'completed';
  const done: TextModelEvent = {
    type: 'response_done',
    responseId,
    status,
    output,
    ...(fails === undefined ? {} : { error: fails }),
    ...(incomplete === undefined ? {} : { reason: incomplete }),
    ...(usage === undefined ? {} : { usage }),
  };
  const breaksOff = answer.throws !== undefined || answer.hangs === true;
  if (answer.whole === true) return [started, ...(breaksOff ? [] : [done])];
  const streamed = output.flatMap((item) => streamedItem(item, deltaCharacters));
  // A connection that breaks, breaks before the end of its last item.
  return breaksOff ? [started, ...streamed.filter((event, index) => !(event.type === 'item_done' && index === streamed.length - 1))] : [started, ...streamed, done];
}

function streamedItem(item: TextOutputItem, characters: number): TextModelEvent[] {
  const done: TextModelEvent = { type: 'item_done', item };
  switch (item.type) {
    case 'message':
      return [...pieces(item.text, characters).map((delta): TextModelEvent => ({ type: 'text_delta', itemId: item.id, delta })), done];
    case 'reasoning':
      return [...pieces(item.text, characters).map((delta): TextModelEvent => ({ type: 'reasoning_delta', itemId: item.id, delta })), done];
    case 'function_call': {
      const { id: itemId, callId, name } = item;
      return [{ type: 'function_call_started', itemId, callId, name }, ...pieces(item.arguments, characters).map((delta): TextModelEvent => ({ type: 'arguments_delta', itemId, callId, delta })), done];
    }
    default:
      return [done];
  }
}

/** Cuts between characters, not within one. */
function pieces(text: string, characters: number): string[] {
  const all = [...text];
  return Array.from({ length: Math.ceil(all.length / characters) }, (_each, index) => all.slice(index * characters, (index + 1) * characters).join(''));
}
