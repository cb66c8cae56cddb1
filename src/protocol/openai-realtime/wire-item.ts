import type { McpToolInfo, ModelContentPart, ModelItem, ModelItemStatus, NewModelItem } from '../../../session/index.js';
import { readErrorInfo } from './wire-error.js';
import { BadField, isObject, text, textOr } from './wire-fields.js';
import type { WireObject } from './wire-fields.js';

/**
 * Reads an item of either dialect. `unsaid` is the status of an item that has none: servers leave it out where it goes without saying.
 * Throws `BadField`.
 */
export function readItem(value: unknown, unsaid: ModelItemStatus): ModelItem {
  if (!isObject(value)) throw new BadField('item');
  const kind = text(value, 'type');
  const id = text(value, 'id');
  switch (kind) {
    case 'message': {
      const { role } = value;
      if (role !== 'user' && role !== 'assistant' && role !== 'system') return { type: 'other', id, kind, raw: value };
      return { type: 'message', id, role, status: statusOf(value, unsaid), content: readContent(value['content'], role === 'assistant') };
    }
    case 'function_call':
      return { type: 'function_call', id, callId: text(value, 'call_id'), name: text(value, 'name'), arguments: textOr(value, 'arguments', ''), status: statusOf(value, unsaid) };
    case 'function_call_output':
      return { type: 'function_call_output', id, callId: text(value, 'call_id'), output: text(value, 'output') };
    default:
      return readHosted(value, kind, id) ?? { type: 'other', id, kind, raw: value };
  }
}

/** An item of a hosted tool; nothing for one that says less than such an item must, which is then kept as it came. */
function readHosted(value: WireObject, kind: string, id: string): ModelItem | undefined {
  const { server_label: serverLabel, name, error, output, approval_request_id: approvalRequestId } = value;
  if (typeof serverLabel !== 'string') return undefined;
  if (kind === 'mcp_list_tools') return { type: 'mcp_list_tools', id, serverLabel, tools: readMcpTools(value['tools']) };
  if (typeof name !== 'string') return undefined;
  const call = { id, serverLabel, name, arguments: textOr(value, 'arguments', '') };
  if (kind === 'mcp_approval_request') return { type: 'mcp_approval_request', ...call };
  if (kind !== 'mcp_call') return undefined;
  return {
    type: 'mcp_call',
    ...call,
    ...(typeof output === 'string' ? { output } : {}),
    ...(isObject(error) || typeof error === 'string' ? { error: readErrorInfo(error) } : {}),
    ...(typeof approvalRequestId === 'string' ? { approvalRequestId } : {}),
  };
}

function readMcpTools(value: unknown): McpToolInfo[] {
  const tools: McpToolInfo[] = [];
  for (const tool of Array.isArray(value) ? (value as unknown[]) : []) {
    if (!isObject(tool) || typeof tool['name'] !== 'string') continue;
    const { name, description } = tool;
    tools.push({ name, ...(typeof description === 'string' ? { description } : {}) });
  }
  return tools;
}

/** Reads the items of a finished response. What is no item is left out: a strange entry must not hide that the response has ended. */
export function readItems(values: unknown): ModelItem[] {
  const items: ModelItem[] = [];
  for (const value of Array.isArray(values) ? (values as unknown[]) : []) {
    try {
      items.push(readItem(value, 'completed'));
    } catch (error) {
      if (!(error instanceof BadField)) throw error;
    }
  }
  return items;
}

function statusOf(item: WireObject, unsaid: ModelItemStatus): ModelItemStatus {
  const { status } = item;
  return status === 'in_progress' || status === 'completed' || status === 'incomplete' ? status : unsaid;
}

/** Parts of a kind that is not known are left out. The beta writes `text` and `audio` where the current dialect says whose they are. */
function readContent(value: unknown, byAssistant: boolean): ModelContentPart[] {
  const parts: ModelContentPart[] = [];
  for (const part of Array.isArray(value) ? (value as unknown[]) : []) {
    if (!isObject(part)) continue;
    const transcript = textOr(part, 'transcript', null);
    switch (part['type']) {
      case 'input_text':
        parts.push({ type: 'input_text', text: textOr(part, 'text', '') });
        break;
      case 'output_text':
        parts.push({ type: 'output_text', text: textOr(part, 'text', '') });
        break;
      case 'text':
        parts.push({ type: byAssistant ? 'output_text' : 'input_text', text: textOr(part, 'text', '') });
        break;
      case 'input_audio':
        parts.push({ type: 'input_audio', transcript });
        break;
      case 'output_audio':
        parts.push({ type: 'output_audio', transcript });
        break;
      case 'audio':
        parts.push({ type: byAssistant ? 'output_audio' : 'input_audio', transcript });
        break;
      case 'input_image':
        parts.push(readImage(part));
        break;
    }
  }
  return parts;
}

function readImage(part: WireObject): ModelContentPart {
  const { image_url: url, detail } = part;
  return {
    type: 'input_image',
    ...(typeof url === 'string' ? { url } : {}),
    ...(detail === 'auto' || detail === 'low' || detail === 'high' ? { detail } : {}),
  };
}

/**
 * Writes an item that we put into the conversation. A client can put back what was said only as text, so that spoken parts go out as their
 * transcripts; a part of which nothing is known (no transcript, no image) is left out.
 */
export function writeItem(item: NewModelItem): object {
  switch (item.type) {
    case 'message':
      return { id: item.id, type: 'message', role: item.role, content: item.content.flatMap(writePart) };
    case 'function_call':
      return { id: item.id, type: 'function_call', call_id: item.callId, name: item.name, arguments: item.arguments };
    case 'function_call_output':
      return { id: item.id, type: 'function_call_output', call_id: item.callId, output: item.output };
    case 'mcp_approval_response':
      return { id: item.id, type: 'mcp_approval_response', approval_request_id: item.approvalRequestId, approve: item.approve, reason: item.reason };
  }
}

function writePart(part: ModelContentPart): object[] {
  switch (part.type) {
    case 'input_text':
    case 'output_text':
      return [{ type: part.type, text: part.text }];
    case 'input_audio':
      return part.transcript === null ? [] : [{ type: 'input_text', text: part.transcript }];
    case 'output_audio':
      return part.transcript === null ? [] : [{ type: 'output_text', text: part.transcript }];
    case 'input_image':
      return part.url === undefined ? [] : [{ type: 'input_image', image_url: part.url, ...(part.detail === undefined ? {} : { detail: part.detail }) }];
  }
}
