import { arrayAt, booleanAt, numberAt, objectAt, oneOf, onlyFields, required, stringAt } from './checks.js';
import type { ConversationEntry } from './conversation.js';
import type { IdSource } from './ids.js';
import type { WirePart } from './wire.js';

/** Reads the item of `conversation.item.create`; audio that it carries is measured and let go. Throws {@link Refusal}. */
export function readItem(value: unknown, path: string, ids: IdSource): ConversationEntry {
  const given = objectAt(value, path);
  const type = oneOf(required(given, 'type', path), `${path}.type`, ['message', 'function_call', 'function_call_output', 'mcp_approval_response']);
  const id = given['id'] === undefined || given['id'] === null ? ids.next('item') : stringAt(given['id'], `${path}.id`, 128);
  if (given['status'] !== undefined) oneOf(given['status'], `${path}.status`, ['in_progress', 'completed', 'incomplete']);
  if (type === 'function_call_output') {
    onlyFields(given, path, ['id', 'type', 'object', 'status', 'call_id', 'output']);
    const callId = stringAt(required(given, 'call_id', path), `${path}.call_id`, 128);
    return { item: { id, type, call_id: callId, output: stringAt(required(given, 'output', path), `${path}.output`, 1_000_000) }, audioMs: 0, byModel: false };
  }
  if (type === 'function_call') {
    onlyFields(given, path, ['id', 'type', 'object', 'status', 'call_id', 'name', 'arguments']);
    const name = stringAt(required(given, 'name', path), `${path}.name`, 64);
    const callId = given['call_id'] === undefined ? ids.next('call') : stringAt(given['call_id'], `${path}.call_id`, 128);
    const args = stringAt(required(given, 'arguments', path), `${path}.arguments`, 1_000_000);
    return { item: { id, type, status: 'completed', name, call_id: callId, arguments: args }, audioMs: 0, byModel: false };
  }
  if (type === 'mcp_approval_response') {
    onlyFields(given, path, ['id', 'type', 'object', 'approval_request_id', 'approve', 'reason']);
    const requestId = stringAt(required(given, 'approval_request_id', path), `${path}.approval_request_id`, 512);
    const reason = given['reason'] === undefined || given['reason'] === null ? null : stringAt(given['reason'], `${path}.reason`);
    return { item: { id, type, approval_request_id: requestId, approve: booleanAt(required(given, 'approve', path), `${path}.approve`), reason }, audioMs: 0, byModel: false };
  }
  onlyFields(given, path, ['id', 'type', 'object', 'status', 'role', 'content', 'phase']);
  const role = oneOf(required(given, 'role', path), `${path}.role`, ['user', 'assistant', 'system']);
  let audioMs = 0;
  let badImage = false;
  const content = arrayAt(required(given, 'content', path), `${path}.content`, 128).map((entry, index): WirePart => {
    const at = `${path}.content[${index}]`;
    const part = objectAt(entry, at);
    const kind = oneOf(required(part, 'type', at), `${at}.type`, PARTS_OF_ROLE[role]);
    if (kind === 'input_text' || kind === 'output_text') return { type: kind, text: stringAt(required(part, 'text', at), `${at}.text`) };
    if (kind === 'input_image') {
      const url = stringAt(required(part, 'image_url', at), `${at}.image_url`, MAX_PART_BYTES);
      badImage ||= !isImage(url);
      if (part['detail'] !== undefined) oneOf(part['detail'], `${at}.detail`, ['auto', 'low', 'high']);
      return { type: 'input_image' };
    }
    const audio = stringAt(required(part, 'audio', at), `${at}.audio`, MAX_PART_BYTES);
    audioMs += (audio.length * 3) / 4 / 48;
    return { type: 'input_audio', transcript: part['transcript'] === undefined || part['transcript'] === null ? null : stringAt(part['transcript'], `${at}.transcript`) };
  });
  return { item: { id, type, status: 'completed', role, content }, audioMs, byModel: false, ...(badImage ? { badImage } : {}) };
}

const MAX_PART_BYTES = 15 * 1024 * 1024;

/** Clients can seed what the assistant said as text only. */
const PARTS_OF_ROLE = {
  user: ['input_text', 'input_audio', 'input_image'],
  assistant: ['output_text'],
  system: ['input_text'],
} as const;

/** Reads the fields of `conversation.item.truncate`. */
export function readTruncation(event: { readonly [key: string]: unknown }): { itemId: string; contentIndex: number; audioEndMs: number } {
  return {
    itemId: stringAt(required(event, 'item_id', ''), 'item_id', 512),
    contentIndex: numberAt(required(event, 'content_index', ''), 'content_index', 0, 128, 'integer'),
    audioEndMs: numberAt(required(event, 'audio_end_ms', ''), 'audio_end_ms', 0, Number.MAX_SAFE_INTEGER, 'integer'),
  };
}

/** PNG and JPEG, by their first bytes; where an image lies elsewhere nobody looks. */
function isImage(url: string): boolean {
  if (!url.startsWith('data:')) return /^https?:/.test(url);
  return /^data:image\/(png;base64,iVBORw0KGgo|jpeg;base64,\/9j\/)/.test(url);
}
