import type { HistoryItem } from '../../session/index.js';
import { wordsPattern } from '../caller/index.js';
import type { CallEvent, FinishedCall } from '../caller/index.js';
import { heardSound } from './heard-sound.js';
import type { ItemSound } from './heard-sound.js';

/** One thing that the agent said. */
export interface Saying {
  readonly itemId: string;
  /** Everything that was generated. */
  readonly text: string;
  /** What was heard of it, as well as it is known. */
  readonly heard: string;
  /** When the character at `position` of `text` was heard, or would have been: an estimate that lays the text evenly over the sound. */
  heardAtMs(position: number): number;
}

interface Draft {
  deltas: string;
  item?: Extract<HistoryItem, { role: 'assistant' }>;
  readonly toldMs: number;
}

/** Everything that the agent said, in order, heard or not. Text that was deleted from the history afterwards is among it. */
export function sayings(call: FinishedCall): readonly Saying[] {
  const sounds = heardSound(call);
  const drafts = new Map<string, Draft>();
  const draftOf = (itemId: string, nowMs: number): Draft => {
    const draft = drafts.get(itemId) ?? { deltas: '', toldMs: nowMs };
    drafts.set(itemId, draft);
    return draft;
  };
  const onItem = (item: HistoryItem, nowMs: number): void => {
    if (item.type === 'message' && item.role === 'assistant') draftOf(item.itemId, nowMs).item = item;
  };
  for (const event of call.events) {
    const nowMs = event.info.timestamp;
    if (event.type === 'history_added') onItem(event.item, nowMs);
    else if (event.type === 'history_updated') for (const change of event.changes) if (change.op !== 'delete') onItem(change.item, nowMs);
    if (event.type === 'transcript_delta' && event.role === 'agent') draftOf(event.itemId, nowMs).deltas += event.delta;
  }
  return [...drafts].flatMap(([itemId, { deltas, item, toldMs }]) => {
    // A call may have ended before the whole text stood in the history.
    const text = item === undefined || deltas.length > item.text.length ? deltas : item.text;
    if (text === '') return [];
    const sound = sounds.get(itemId);
    const isSound = sound !== undefined && (sound.generatedMs > 0 || item?.spoken === true);
    return [{ itemId, text, heard: heardText(text, item, isSound ? sound : undefined), heardAtMs: (position: number) => (isSound ? momentOf(sound, (position / text.length) * sound.generatedMs, toldMs) : toldMs) }];
  });
}

function heardText(text: string, item: Extract<HistoryItem, { role: 'assistant' }> | undefined, sound: ItemSound | undefined): string {
  // The session's own word is the best, where it has cut the item.
  if (item?.heardMs !== undefined) return item.heardText;
  if (sound === undefined) return item?.spoken === true ? '' : text;
  const heardMs = Math.max(0, ...sound.spans.map(({ partUntilMs }) => partUntilMs));
  return heardMs >= sound.generatedMs - 1 ? text : text.slice(0, Math.floor((text.length * heardMs) / sound.generatedMs)).trimEnd();
}

function momentOf({ spans }: ItemSound, partMs: number, otherwiseMs: number): number {
  const span = spans.find(({ partUntilMs }) => partMs < partUntilMs) ?? spans.at(-1);
  return span === undefined ? otherwiseMs : span.fromMs + Math.max(0, Math.min(partMs, span.partUntilMs) - span.partFromMs);
}

/** Where a pattern stands in a text, or -1. Words as a string are looked for whatever their case and spacing. */
export function positionOf(pattern: string | RegExp, text: string): number {
  return text.search(wordsPattern(pattern));
}

/** The tools that the model called, in order, with their arguments as far as they are known. */
export interface ToolUse {
  readonly callId: string;
  readonly name: string;
  readonly arguments: string;
  readonly atMs: number;
  readonly outcome?: string;
}

export function toolUses(events: readonly CallEvent[]): readonly ToolUse[] {
  const uses = new Map<string, ToolUse>();
  for (const event of events) {
    if (event.type === 'tool_start') uses.set(event.callId, { callId: event.callId, name: event.toolName, arguments: '', atMs: event.info.timestamp });
    const known = 'callId' in event ? uses.get(event.callId) : undefined;
    if (event.type === 'tool_arguments_delta' && known !== undefined) uses.set(event.callId, { ...known, arguments: event.textSoFar });
    if (event.type === 'tool_end') {
      uses.set(event.callId, { callId: event.callId, name: event.toolName, arguments: event.arguments, atMs: known?.atMs ?? event.info.timestamp, outcome: event.outcome });
    }
  }
  return [...uses.values()];
}
