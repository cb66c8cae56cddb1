import type { RunView } from 'voicewire/browser';

/** One question and what became of it. */
export interface ChatTurn {
  readonly input: string;
  readonly view: RunView;
}

export interface Chat {
  readonly conversationId: string;
  readonly turns: readonly ChatTurn[];
}

const KEY = 'voicewire chat';
/** As much as a reload needs to show; the agent's own memory is the server's. */
const TURNS_KEPT = 50;

/** What this tab knew before it was loaded anew, or a new conversation. */
export function recallChat(): Chat {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Chat | null;
    if (kept !== null && Array.isArray(kept.turns)) return kept;
  } catch {
    // A browser that keeps nothing, or another version's words: the chat begins empty.
  }
  return newChat();
}

export function newChat(): Chat {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return { conversationId: `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`, turns: [] };
}

export function keepChat(chat: Chat): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ...chat, turns: chat.turns.slice(-TURNS_KEPT) }));
  } catch {
    // Full, or not allowed: a reload will show less.
  }
}
