import { InProcessMemory } from '../../session/index.js';
import type { Agent, ConversationMemory, TextModel } from '../../session/index.js';
import type { Chat } from '../event-stream/index.js';
import { runStreamed } from '../host/run.js';

/** Conversations that are remembered; the one that was silent the longest is forgotten first. */
const MAX_CONVERSATIONS = 1_000;
/** Of each, so many items: the newest. */
const MAX_ITEMS = 200;

/** Answers the chat of a gateway by an agent, which remembers conversations as long as the process lives. */
export function chatOf(agent: Agent, model: TextModel): Chat {
  const conversations = new Map<string, ConversationMemory>();
  return ({ runId, input, owner, conversationId, view, signal }) => {
    const session = conversationId === undefined ? undefined : remembered(conversations, JSON.stringify([owner, conversationId]));
    const run = runStreamed(agent, input, { model, runId, signal, ...(session === undefined ? {} : { session }) });
    return view === 'run' ? run.events() : run.flatEvents();
  };
}

function remembered(conversations: Map<string, ConversationMemory>, key: string): ConversationMemory {
  const memory = conversations.get(key) ?? new InProcessMemory([], { maxItems: MAX_ITEMS });
  // Last in the order is who spoke last.
  conversations.delete(key);
  conversations.set(key, memory);
  for (const oldest of conversations.keys()) if (conversations.size > MAX_CONVERSATIONS) conversations.delete(oldest);
  return memory;
}
