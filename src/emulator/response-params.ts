import { arrayAt, booleanAt, metadataAt, objectAt, oneOf, onlyFields, required, stringAt } from './checks.js';
import type { Conversation, ConversationEntry } from './conversation.js';
import type { IdSource } from './ids.js';
import { formatAt } from './input-config.js';
import { readItem } from './item-reader.js';
import { maxTokensAt, modalitiesAt, promptAt, reasoningAt, voiceAt } from './session-config.js';
import type { SessionConfig } from './session-config.js';
import { toolChoiceAt, toolsAt } from './session-tools.js';
import type { ToolChoice, WireTool } from './session-tools.js';
import { Refusal } from './wire.js';
import type { JsonObject, WireFormat } from './wire.js';

/** What a response is made with: the session's configuration, and over it what its `response.create` said. */
export interface ResponseParams {
  /** Whether it stands beside the conversation. */
  readonly beside: boolean;
  readonly instructions: string;
  readonly modality: 'audio' | 'text';
  readonly format: WireFormat;
  readonly voice: unknown;
  readonly tools: readonly WireTool[];
  readonly toolChoice: ToolChoice;
  readonly maxOutputTokens: number | 'inf';
  readonly metadata: Readonly<Record<string, string>> | null;
  /** What it answers: the conversation, or what stands in its place. */
  readonly context: readonly ConversationEntry[];
}

const FIELDS = ['instructions', 'output_modalities', 'audio', 'tools', 'tool_choice', 'max_output_tokens', 'conversation', 'input', 'metadata', 'prompt', 'reasoning', 'parallel_tool_calls'];

/** Reads the `response` of a `response.create`. Throws {@link Refusal}. */
export function responseParams(params: JsonObject, config: SessionConfig, conversation: Conversation, ids: IdSource): ResponseParams {
  onlyFields(params, 'response', FIELDS);
  const given = <Value>(key: string, read: (value: unknown, path: string) => Value, other: Value): Value =>
    params[key] === undefined ? other : read(params[key], `response.${key}`);
  const output = given('audio', outputAt, {});
  given<unknown>('parallel_tool_calls', booleanAt, undefined);
  given('prompt', promptAt, undefined);
  given<unknown>('reasoning', reasoningAt, undefined);
  const tools = given('tools', toolsAt, config.tools);
  const toolChoice = given('tool_choice', toolChoiceAt, config.tool_choice);
  if (typeof toolChoice === 'object' && toolChoice.type === 'function' && !tools.some((tool) => tool.type === 'function' && tool.name === toolChoice.name)) {
    throw new Refusal('invalid_value', `There is no tool '${toolChoice.name}' to choose.`, params['tool_choice'] === undefined ? 'session.tool_choice' : 'response.tool_choice');
  }
  return {
    beside: given('conversation', conversationAt, 'auto') === 'none',
    instructions: given('instructions', stringAt, config.instructions),
    modality: given('output_modalities', modalitiesAt, config.output_modalities)[0],
    format: output.format ?? config.audio.output.format,
    voice: output.voice ?? config.audio.output.voice,
    tools,
    toolChoice,
    maxOutputTokens: given('max_output_tokens', maxTokensAt, config.max_output_tokens),
    metadata: given('metadata', metadataAt, null),
    context: given('input', (value, path) => contextAt(value, path, conversation, ids), conversation.entries),
  };
}

function conversationAt(value: unknown, path: string): 'auto' | 'none' {
  return oneOf(value, path, ['auto', 'none']);
}

/** `input` stands in place of the conversation: new items, and references to items that are there. */
function contextAt(value: unknown, path: string, conversation: Conversation, ids: IdSource): readonly ConversationEntry[] {
  return arrayAt(value, path, 256).map((entry, index) => {
    const at = `${path}[${index}]`;
    const item = objectAt(entry, at);
    if (item['type'] !== 'item_reference') return readItem(item, at, ids);
    return conversation.retrieve(stringAt(required(item, 'id', at), `${at}.id`, 512));
  });
}

function outputAt(value: unknown, path: string): { format?: WireFormat; voice?: unknown } {
  const audio = objectAt(value, path);
  onlyFields(audio, path, ['output']);
  const output = audio['output'] === undefined ? {} : objectAt(audio['output'], `${path}.output`);
  onlyFields(output, `${path}.output`, ['format', 'voice']);
  return {
    ...(output['format'] === undefined ? {} : { format: formatAt(output['format'], `${path}.output.format`) }),
    ...(output['voice'] === undefined ? {} : { voice: voiceAt(output['voice'], `${path}.output.voice`) }),
  };
}
