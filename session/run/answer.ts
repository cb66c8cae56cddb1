import type { TextModelEvent, TextOutputItem } from '../ports/text-model.js';

export type FinishedAnswer = Omit<Extract<TextModelEvent, { type: 'response_done' }>, 'type'>;

type DeltaType = 'text_delta' | 'reasoning_delta' | 'arguments_delta';

/** An answer of the model while it comes. Plain data, changed in place. */
export interface AnswerDraft {
  /** What has come as deltas, by item. */
  readonly streamed: Map<string, { readonly of: DeltaType; readonly text: string }>;
  /** Items whose call was announced. */
  readonly begun: Set<string>;
  readonly items: TextOutputItem[];
  finished?: FinishedAnswer;
}

export function createAnswer(): AnswerDraft {
  return { streamed: new Map(), begun: new Set(), items: [] };
}

/**
 * Takes an event of the model, and gives what is to be told of it: what a model that does not stream gave in one piece is told like the rest, deltas
 * first. Pure but for `draft`, which it takes over.
 */
export function readAnswer(draft: AnswerDraft, event: TextModelEvent): TextModelEvent[] {
  switch (event.type) {
    case 'text_delta':
    case 'reasoning_delta':
    case 'arguments_delta':
      draft.streamed.set(event.itemId, { of: event.type, text: (draft.streamed.get(event.itemId)?.text ?? '') + event.delta });
      return [event];
    case 'function_call_started':
      draft.begun.add(event.itemId);
      return [event];
    case 'item_done':
      return [...takeItem(draft, event.item), event];
    case 'response_done': {
      const { type: _type, ...finished } = event;
      const late = finished.output.filter(({ id }) => !draft.items.some((item) => item.id === id)).flatMap((item): TextModelEvent[] => [...takeItem(draft, item), { type: 'item_done', item }]);
      // A failed answer may come without what was said before it failed.
      draft.finished = finished.output.length === 0 ? { ...finished, output: draft.items } : finished;
      return [...late, event];
    }
    case 'response_started':
    case 'raw':
      return [event];
  }
}

/** What a message says: a model that does not want to answer says so. */
export function wordsOf({ text, refusal = '' }: Extract<TextOutputItem, { type: 'message' }>): string {
  return text === '' ? refusal : text;
}

/** What was said when an answer is given up: its finished items, and the words of one that was not finished. */
export function saidSoFar(draft: AnswerDraft): TextOutputItem[] {
  const done = new Set(draft.items.map(({ id }) => id));
  const cut = [...draft.streamed].flatMap(([id, { of, text }]): TextOutputItem[] => (of === 'text_delta' && !done.has(id) ? [{ type: 'message', id, text }] : []));
  return [...draft.items, ...cut];
}

/** Keeps a finished item, and gives the deltas that never came. */
function takeItem(draft: AnswerDraft, item: TextOutputItem): TextModelEvent[] {
  draft.items.push(item);
  switch (item.type) {
    case 'message':
      return rest(draft, item.id, wordsOf(item)).map((delta) => ({ type: 'text_delta', itemId: item.id, delta }));
    case 'reasoning':
      return rest(draft, item.id, item.text).map((delta) => ({ type: 'reasoning_delta', itemId: item.id, delta }));
    case 'function_call': {
      const { id: itemId, callId, name } = item;
      const started: TextModelEvent[] = draft.begun.has(itemId) ? [] : [{ type: 'function_call_started', itemId, callId, name }];
      draft.begun.add(itemId);
      return [...started, ...rest(draft, itemId, item.arguments).map((delta): TextModelEvent => ({ type: 'arguments_delta', itemId, callId, delta }))];
    }
    default:
      return [];
  }
}

/** What of a text has not been told yet. Where the deltas were another text there is nothing to add: the finished item is what counts. */
function rest(draft: AnswerDraft, itemId: string, whole: string): string[] {
  const streamed = draft.streamed.get(itemId)?.text ?? '';
  return whole.length > streamed.length && whole.startsWith(streamed) ? [whole.slice(streamed.length)] : [];
}
