import { ToolError } from '../errors.js';
import type { HistoryItem } from '../events/history-item.js';
import type { TokenUsage } from '../ports/model.js';
import { historyItems } from './history.js';
import { deleteItem, setContext } from './history-edit.js';
import type { SessionState } from './session-state.js';
import type { ContextInput } from './session-input.js';
import { add } from './sparse.js';
import { emit } from './step-context.js';
import type { StepContext } from './step-context.js';

/** The key under which the summary stands. */
export const SUMMARY_KEY = 'voicewire summary';

const RETAIN = 0.7;
const SUMMARY_MS = 30_000;
const MAX_UNSUMMED = 500;
/** What was said last is never deleted: the model is about to answer it. */
const KEPT_ITEMS = 4;

/** Estimated, since only the model can count: about 4 characters of Latin text are a token, and about 15 are said in a second. */
const CHARACTERS_PER_TOKEN = 4;
const SPOKEN_MS_PER_CHARACTER = 62;
const USER_MS_PER_TOKEN = 100;
const AGENT_MS_PER_TOKEN = 50;
const TOKENS_PER_ITEM = 4;
const TOKENS_PER_IMAGE = 800;

/** Tokens of the conversation as the model last counted them, and as estimated since. */
export function contextTokens(state: SessionState): number {
  let tokens = 0;
  for (const item of historyItems(state.history)) if (!isLeaving(state, item.itemId)) tokens += estimate(item);
  return Math.max(0, Math.round(tokens + state.context.beyond));
}

/** The model has counted: what it read and said is what the conversation holds now. */
export function countContext(context: StepContext, { responseId, usage }: { readonly responseId: string; readonly usage?: TokenUsage }): void {
  const { state } = context;
  if (state.context.options === undefined || state.ended.has(responseId)) return;
  if (usage !== undefined && usage.inputTokens > 0) {
    const counted = usage.inputTokens + usage.outputTokens;
    state.context.beyond += counted - contextTokens(state);
  }
  keepBudget(context);
}

/** Deletes the oldest items until the conversation is within its budget again. Looks at the whole list, which the budget bounds. */
export function keepBudget(context: StepContext): void {
  const { state } = context;
  const { options } = state.context;
  if (options === undefined || state.connection.name !== 'open') return;
  const tokensBefore = contextTokens(state);
  if (tokensBefore <= options.budgetTokens) {
    state.context.over = false;
    return;
  }
  let tokens = tokensBefore;
  const evicted: { itemId: string; tokens: number }[] = [];
  const items = historyItems(state.history);
  const outputs = new Map(items.flatMap((item) => (item.type === 'function_call_output' ? [[item.callId, item] as const] : [])));
  const pinned = pinnedItems(state);
  const evict = (item: HistoryItem): void => {
    const size = estimate(item);
    deleteItem(context, item.itemId);
    evicted.push({ itemId: item.itemId, tokens: size });
    tokens -= size;
    if (state.context.summarises) state.context.unsummed.push(item);
  };
  const goal = options.budgetTokens * (options.retain ?? RETAIN);
  for (const item of items.slice(0, Math.max(0, items.length - KEPT_ITEMS))) {
    if (tokens <= goal) break;
    if (pinned.has(item.itemId) || isLeaving(state, item.itemId) || ('status' in item && item.status === 'in_progress')) continue;
    // A list of a server's tools, say: what only the model makes it may need.
    if (item.type === 'other') continue;
    if (item.type === 'function_call_output') {
      // It goes with its call, unless that has gone before it.
      if (!items.some((call) => call.type === 'function_call' && call.callId === item.callId)) evict(item);
      continue;
    }
    if (item.type === 'function_call') {
      const output = outputs.get(item.callId);
      if (output === undefined || pinned.has(output.itemId)) continue;
      evict(item);
      if (!isLeaving(state, output.itemId)) evict(output);
      continue;
    }
    evict(item);
  }
  state.context.unsummed.splice(0, Math.max(0, state.context.unsummed.length - MAX_UNSUMMED));
  if (evicted.length > 0) emit(context, { type: 'context_evicted', items: evicted, tokensBefore, tokensAfter: Math.round(tokens), budgetTokens: options.budgetTokens });
  if (tokens > options.budgetTokens && !state.context.over) {
    state.context.over = true;
    emit(context, { type: 'pressure', queue: 'context', state: 'high', dropped: 0 });
  }
  summarise(context);
}

/** The application pins an item, or has written a summary (or not). */
export function onContextInput(context: StepContext, input: ContextInput): void {
  const { state } = context;
  if (input.type === 'pin') {
    if (input.pinned) add(state.context, 'pinned', input.itemId);
    else state.context.pinned.delete(input.itemId);
    return;
  }
  if (state.context.writing !== input.job) return;
  state.context.writing = undefined;
  context.effects.push({ type: 'cancel_timer', timer: 'context_summary' });
  if (input.text === undefined) return noSummary(context, 'The function that summarises the conversation failed.', input.error);
  if (input.text.trim() !== '') {
    state.context.summary = input.text;
    setContext(context, SUMMARY_KEY, input.text, null);
    emit(context, { type: 'context_summarised', text: input.text });
  }
  summarise(context);
}

export function onSummaryTimer(context: StepContext): void {
  if (context.state.context.writing === undefined) return;
  context.state.context.writing = undefined;
  noSummary(context, `The function that summarises the conversation took longer than ${SUMMARY_MS / 1000} s.`, undefined);
}

// ---- helpers, in the order of their use ----

function isLeaving({ edits }: SessionState, itemId: string): boolean {
  return edits.byItem.has(`delete ${itemId}`);
}

function estimate(item: HistoryItem): number {
  switch (item.type) {
    case 'function_call':
      return TOKENS_PER_ITEM + (item.name.length + item.arguments.length) / CHARACTERS_PER_TOKEN;
    case 'function_call_output':
      return TOKENS_PER_ITEM + item.output.length / CHARACTERS_PER_TOKEN;
    case 'other':
      return TOKENS_PER_ITEM + (JSON.stringify(item.raw) ?? '').length / CHARACTERS_PER_TOKEN;
    case 'mcp_call':
      return TOKENS_PER_ITEM + (item.name.length + item.arguments.length + (item.output?.length ?? 0)) / CHARACTERS_PER_TOKEN;
    case 'message':
      break;
  }
  // The model keeps of an answer what was heard.
  const text = item.role === 'assistant' ? item.heardText : item.text;
  const written = text.length / CHARACTERS_PER_TOKEN;
  if (item.role === 'system') return TOKENS_PER_ITEM + written;
  const spokenMs = item.role === 'assistant' && item.heardMs !== undefined ? item.heardMs : text.length * SPOKEN_MS_PER_CHARACTER;
  if (item.role === 'assistant') return TOKENS_PER_ITEM + written + (item.spoken ? spokenMs / AGENT_MS_PER_TOKEN : 0);
  return TOKENS_PER_ITEM + (item.spoken ? spokenMs / USER_MS_PER_TOKEN : written) + item.images * TOKENS_PER_IMAGE;
}

function pinnedItems({ context, edits }: SessionState): ReadonlySet<string> {
  return new Set([...context.pinned, ...edits.refused, ...[...edits.keyed.values()].map(({ itemId }) => itemId)]);
}

/** One summary at a time; what is deleted meanwhile goes into the next. */
function summarise(context: StepContext): void {
  const { context: kept, nextId } = context.state;
  if (kept.writing !== undefined || kept.unsummed.length === 0) return;
  kept.writing = nextId;
  context.state.nextId += 1;
  const effect = { type: 'summarise', job: kept.writing, items: kept.unsummed.splice(0), ...(kept.summary === undefined ? {} : { previous: kept.summary }) } as const;
  context.effects.push(effect, { type: 'arm_timer', timer: 'context_summary', delayMs: SUMMARY_MS });
}

/** What it was to sum up is lost; the summary before it stands. */
function noSummary(context: StepContext, message: string, cause: unknown): void {
  emit(context, { type: 'error', error: new ToolError('HANDLER_FAILED', message, { stage: 'handler', ...(cause === undefined ? {} : { cause }) }) });
  summarise(context);
}
