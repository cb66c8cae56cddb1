import { arrayAt, jsonAt, objectAt, oneOf, onlyFields, required, stringAt } from './checks.js';
import { Refusal } from './wire.js';
import type { JsonObject } from './wire.js';

export interface FunctionTool {
  readonly type: 'function';
  readonly name: string;
  readonly description?: string;
  readonly parameters?: unknown;
}

/** A server whose tools the model calls by itself. Secrets in it are not echoed. */
export interface McpTool {
  readonly type: 'mcp';
  readonly server_label: string;
  readonly [field: string]: unknown;
}

export type WireTool = FunctionTool | McpTool;

const MCP_LOCATORS = ['server_url', 'connector_id', 'tunnel_id'];
const MCP_FIELDS = ['type', 'server_label', ...MCP_LOCATORS, 'authorization', 'headers', 'allowed_tools', 'require_approval', 'server_description', 'defer_loading', 'allowed_callers'];

export function toolsAt(value: unknown, path: string): readonly WireTool[] {
  return arrayAt(value, path, 128).map((entry, index) => {
    const at = `${path}[${index}]`;
    const tool = objectAt(entry, at);
    return oneOf(required(tool, 'type', at), `${at}.type`, ['function', 'mcp']) === 'function' ? functionAt(tool, at) : mcpAt(tool, at);
  });
}

function functionAt(tool: JsonObject, at: string): FunctionTool {
  onlyFields(tool, at, ['type', 'name', 'description', 'parameters']);
  const name = stringAt(required(tool, 'name', at), `${at}.name`, 64);
  if (!/^[\w.-]+$/.test(name)) throw new Refusal('invalid_value', `'${at}.name' may hold letters, digits, '_', '-' and '.'.`, `${at}.name`);
  return {
    type: 'function',
    name,
    ...(tool['description'] === undefined ? {} : { description: stringAt(tool['description'], `${at}.description`) }),
    ...(tool['parameters'] === undefined ? {} : { parameters: jsonAt(objectAt(tool['parameters'], `${at}.parameters`), `${at}.parameters`) }),
  };
}

function mcpAt(tool: JsonObject, at: string): McpTool {
  onlyFields(tool, at, MCP_FIELDS);
  const label = stringAt(required(tool, 'server_label', at), `${at}.server_label`, 64);
  const located = MCP_LOCATORS.filter((key) => tool[key] !== undefined);
  if (located.length !== 1) throw new Refusal('invalid_value', `'${at}' needs exactly one of ${MCP_LOCATORS.map((key) => `'${key}'`).join(', ')}.`, at);
  const { authorization: _secret, headers: _secrets, ...echoed } = jsonAt(tool, at) as { [key: string]: unknown };
  if (echoed['require_approval'] !== undefined && typeof echoed['require_approval'] === 'string') oneOf(echoed['require_approval'], `${at}.require_approval`, ['always', 'never']);
  return { ...echoed, type: 'mcp', server_label: label };
}

/** Whether a person must allow a call of that tool first; what the client left out is asked. */
export function needsApproval(tool: McpTool, name: string): boolean {
  const rule = tool['require_approval'];
  if (typeof rule !== 'object' || rule === null) return rule !== 'never';
  const { never } = rule as { readonly never?: { readonly tool_names?: readonly unknown[] } };
  return !(Array.isArray(never?.tool_names) && never.tool_names.includes(name));
}

export type ToolChoice = 'auto' | 'none' | 'required' | { readonly type: 'function'; readonly name: string } | { readonly type: 'mcp'; readonly server_label: string; readonly name?: string };

export function toolChoiceAt(value: unknown, path: string): ToolChoice {
  if (typeof value === 'string') return oneOf<'auto' | 'none' | 'required'>(value, path, ['auto', 'none', 'required']);
  const choice = objectAt(value, path);
  if (oneOf(required(choice, 'type', path), `${path}.type`, ['function', 'mcp']) === 'function') {
    onlyFields(choice, path, ['type', 'name']);
    return { type: 'function', name: stringAt(required(choice, 'name', path), `${path}.name`, 64) };
  }
  onlyFields(choice, path, ['type', 'server_label', 'name']);
  return {
    type: 'mcp',
    server_label: stringAt(required(choice, 'server_label', path), `${path}.server_label`, 64),
    ...(choice['name'] === undefined ? {} : { name: stringAt(choice['name'], `${path}.name`, 64) }),
  };
}
