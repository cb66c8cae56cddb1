import type { HistoryChange, HistoryItem } from '../../session/index.js';
import type { VoiceClientEvent } from '../client/voice-client.js';
import type { WireSessionEvent } from '../protocol/voicewire/index.js';

/** One line of a conversation, as a person reads it. */
export type VoiceLine =
  | {
      readonly type: 'message';
      readonly id: string;
      readonly role: 'user' | 'agent';
      /** Of the agent's words, those that were heard once it was interrupted. Empty while speech is being written down. */
      readonly text: string;
      /** What the agent would have said and was not heard; empty unless it was interrupted. */
      readonly unheardText: string;
    }
  | { readonly type: 'tool'; readonly id: string; readonly name: string; readonly state: 'running' | 'ok' | 'error' | 'cancelled' | 'unsettled'; readonly arguments?: string; readonly output?: string };

/** The lines after one more event of a call. Neither list is changed; the same one comes back when nothing is new in it. */
export function foldVoiceEvent(lines: readonly VoiceLine[], event: VoiceClientEvent): readonly VoiceLine[] {
  return event.type === 'event' ? foldSessionEvent(lines, event.event) : lines;
}

function foldSessionEvent(lines: readonly VoiceLine[], event: WireSessionEvent): readonly VoiceLine[] {
  switch (event.type) {
    case 'input_speech_started':
      return withLine(lines, { type: 'message', id: event.itemId, role: 'user', text: textOf(lines, event.itemId), unheardText: '' });
    case 'transcript_delta':
      return withLine(lines, { type: 'message', id: event.itemId, role: event.role, text: textOf(lines, event.itemId) + event.delta, unheardText: '' });
    case 'audio_interrupted':
      if (event.itemId === undefined) return lines;
      return withLine(lines, { type: 'message', id: event.itemId, role: 'agent', text: event.heardText, unheardText: event.unheardText });
    case 'history_added':
      return withItem(lines, event.item);
    case 'history_updated':
      return event.changes.reduce(withChange, lines);
    case 'tool_start':
      return withLine(lines, { type: 'tool', id: event.callId, name: event.toolName, state: 'running' });
    case 'tool_end':
      return withLine(lines, { type: 'tool', id: event.callId, name: event.toolName, state: event.outcome, arguments: event.arguments, output: event.output });
    default:
      return lines;
  }
}

function withChange(lines: readonly VoiceLine[], change: HistoryChange): readonly VoiceLine[] {
  if (change.op === 'delete') return lines.filter(({ id }) => id !== change.itemId);
  const next = withItem(lines, change.item);
  return change.op === 'insert' ? moved(next, change.item.itemId, change.afterItemId) : next;
}

/** The history says where an item stands; speech may be written down after the answer to it has begun. */
function moved(lines: readonly VoiceLine[], id: string, afterId: string | null): readonly VoiceLine[] {
  const line = lines.find((each) => each.id === id);
  const after = lines.findIndex((each) => each.id === afterId);
  // Behind something that is no line, as the output of a tool, it stays where it is.
  if (line === undefined || (afterId !== null && after === -1) || lines[after + 1] === line) return lines;
  return [...lines.slice(0, after + 1), line, ...lines.slice(after + 1)].filter((each, index) => each !== line || index === after + 1);
}

function withItem(lines: readonly VoiceLine[], item: HistoryItem): readonly VoiceLine[] {
  if (item.type !== 'message' || item.role === 'system') return lines;
  if (item.role === 'user') return withLine(lines, { type: 'message', id: item.itemId, role: 'user', text: item.text === '' ? textOf(lines, item.itemId) : item.text, unheardText: '' });
  const text = item.unheardText === '' ? item.text : item.heardText;
  return withLine(lines, { type: 'message', id: item.itemId, role: 'agent', text: text === '' && item.unheardText === '' ? textOf(lines, item.itemId) : text, unheardText: item.unheardText });
}

function textOf(lines: readonly VoiceLine[], id: string): string {
  const line = lines.find((each) => each.id === id);
  return line?.type === 'message' ? line.text : '';
}

function withLine(lines: readonly VoiceLine[], line: VoiceLine): readonly VoiceLine[] {
  return lines.some(({ id }) => id === line.id) ? lines.map((each) => (each.id === line.id ? line : each)) : [...lines, line];
}
