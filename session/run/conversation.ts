import type { HandoffMemory } from '../agent/prepare-handoff.js';
import type { HistoryItem } from '../events/history-item.js';
import type { TextInputItem, TextOutputItem } from '../ports/text-model.js';
import { wordsOf } from './answer.js';

/** What the model is told of its own answer when it is asked again; what only its provider understands goes back as it came. */
export function asInput(item: TextOutputItem): TextInputItem[] {
  switch (item.type) {
    case 'message':
      return [{ type: 'message', role: 'assistant', text: wordsOf(item) }];
    case 'function_call':
      return [{ type: 'function_call', callId: item.callId, name: item.name, arguments: item.arguments }];
    case 'reasoning':
      return item.raw === undefined ? [] : [{ type: 'other', kind: item.type, raw: item.raw }];
    case 'mcp_list_tools':
    case 'mcp_approval_request':
      return [{ type: 'other', kind: item.type, raw: item.raw }];
    case 'other':
      return [{ type: 'other', kind: item.kind, raw: item.raw }];
  }
}

/** A conversation as guardrails and hand-offs see it. Items have no ids of their own: they are known by their place. */
export function historyOf(conversation: readonly TextInputItem[]): HistoryItem[] {
  return conversation.map((item, index): HistoryItem => {
    const itemId = idOf(index);
    switch (item.type) {
      case 'message': {
        const { role, text } = item;
        if (role === 'system') return { type: 'message', itemId, role, status: 'completed', text };
        if (role === 'user') return { type: 'message', itemId, role, status: 'completed', text, spoken: false, images: item.images?.length ?? 0 };
        return { type: 'message', itemId, role, status: item.interrupted === true ? 'interrupted' : 'completed', text, spoken: false, heardText: text, unheardText: '' };
      }
      case 'function_call':
        return { ...item, itemId, status: 'completed' };
      case 'function_call_output':
      case 'other':
        return { ...item, itemId };
    }
  });
}

export interface CutOptions {
  /** The call that hands over: its output is what the new agent begins with. */
  readonly keepCall: string;
  /** Whether the new agent has the same model: another one does not understand what only its provider does. */
  readonly keepProviderItems: boolean;
}

/** What the new agent of a hand-off gets. A call and its output stay or go together. */
export function cutConversation(conversation: readonly TextInputItem[], { drop, carried }: HandoffMemory, { keepCall, keepProviderItems }: CutOptions): TextInputItem[] {
  const dropped = new Set(drop);
  const kept = new Set([keepCall]);
  conversation.forEach((item, index) => {
    if (isCall(item) && !dropped.has(idOf(index))) kept.add(item.callId);
  });
  const stays = (item: TextInputItem, index: number): boolean => {
    if (isCall(item)) return kept.has(item.callId);
    return !dropped.has(idOf(index)) && (item.type !== 'other' || keepProviderItems);
  };
  const rest = conversation.filter(stays);
  return carried === undefined ? rest : [{ type: 'message', role: 'system', text: carried }, ...rest];
}

/** Calls without an output, oldest first. */
export function openCalls(conversation: readonly TextInputItem[]): Extract<TextInputItem, { type: 'function_call' }>[] {
  const answered = new Set(conversation.flatMap((item) => (item.type === 'function_call_output' ? [item.callId] : [])));
  return conversation.flatMap((item) => (item.type === 'function_call' && !answered.has(item.callId) ? [item] : []));
}

function isCall(item: TextInputItem): item is Extract<TextInputItem, { callId: string }> {
  return item.type === 'function_call' || item.type === 'function_call_output';
}

function idOf(index: number): string {
  return `item_${index + 1}`;
}
