import type { Conversation, ConversationEntry } from './conversation.js';
import type { Machine } from './machine.js';
import type { ScriptMcpServer } from './script.js';
import { needsApproval } from './session-tools.js';
import type { WireTool } from './session-tools.js';

/** Reading a server's list of tools takes so long. */
const LISTING_MS = 40;

/** Hosted MCP servers, as far as a script knows them: their lists of tools, and which calls a person must allow. */
export class McpServers {
  readonly #machine: Machine;
  readonly #conversation: Conversation;
  readonly #known: readonly ScriptMcpServer[];
  readonly #listed = new Set<string>();
  /** Requests that a person has allowed, by server and tool. */
  readonly #granted = new Map<string, string>();

  constructor(machine: Machine, conversation: Conversation, known: readonly ScriptMcpServer[]) {
    this.#machine = machine;
    this.#conversation = conversation;
    this.#known = known;
  }

  /** Lists the tools of each server that the session has and that was not listed yet. */
  list(tools: readonly WireTool[]): void {
    for (const tool of tools) {
      if (tool.type !== 'mcp' || this.#listed.has(tool.server_label)) continue;
      this.#listed.add(tool.server_label);
      this.#machine.guard(() => this.#listOne(tool.server_label));
    }
  }

  #listOne(label: string): void {
    const id = this.#machine.ids.next('item');
    const item = { id, type: 'mcp_list_tools', server_label: label, tools: [] } as const;
    const entry: ConversationEntry = { item, audioMs: 0, byModel: true };
    const before = this.#conversation.insert(entry);
    this.#machine.send({ type: 'conversation.item.added', previous_item_id: before, item });
    this.#machine.send({ type: 'mcp_list_tools.in_progress', item_id: id });
    this.#machine.later(LISTING_MS, () => {
      const server = this.#known.find((other) => other.label === label);
      if (server === undefined || server.fails === true) return this.#machine.send({ type: 'mcp_list_tools.failed', item_id: id });
      const tools = server.tools.map(({ name, description, input }) => ({ name, description: description ?? null, input_schema: input ?? { type: 'object', properties: {} }, annotations: null }));
      entry.item = { ...item, tools };
      this.#machine.send({ type: 'mcp_list_tools.completed', item_id: id });
      this.#machine.send({ type: 'conversation.item.done', previous_item_id: this.#conversation.previousOf(entry), item: entry.item });
    });
  }

  /** A person's answer has joined the conversation. */
  answered(requestId: string, approve: boolean): void {
    const request = this.#conversation.find(requestId)?.item;
    if (approve && request?.type === 'mcp_approval_request') this.#granted.set(keyOf(request.server_label, request.name), requestId);
  }

  /** Whether a tool may be called now; an approval is for one call. */
  approval(tools: readonly WireTool[], server: string, name: string): { readonly granted: boolean; readonly requestId: string | null } {
    const tool = tools.find((other) => other.type === 'mcp' && other.server_label === server);
    if (tool?.type !== 'mcp' || !needsApproval(tool, name)) return { granted: true, requestId: null };
    const requestId = this.#granted.get(keyOf(server, name));
    this.#granted.delete(keyOf(server, name));
    return { granted: requestId !== undefined, requestId: requestId ?? null };
  }
}

function keyOf(server: string, name: string): string {
  return JSON.stringify([server, name]);
}
