import type { TextOutputItem } from '../../../session/index.js';
import { isObject, text, textOr } from '../openai-realtime/wire-fields.js';
import type { WireObject } from '../openai-realtime/wire-fields.js';

/** An output item of `/responses`. Kinds that have no meaning here are kept as they came. Throws `BadField` for a call without a name. */
export function readOutputItem(item: WireObject, outputIndex: number): TextOutputItem {
  const kind = textOr(item, 'type', 'unknown');
  // Not every server gives its items ids.
  const id = textOr(item, 'id', `item-${outputIndex}`);
  switch (kind) {
    case 'message': {
      const parts = partsOf(item['content']);
      const refusal = parts.flatMap((part) => (part['type'] === 'refusal' ? [textOr(part, 'refusal', '')] : [])).join('');
      return { type: 'message', id, text: textOfParts(parts, 'output_text'), ...(refusal === '' ? {} : { refusal }) };
    }
    case 'function_call':
      return { type: 'function_call', id, callId: textOr(item, 'call_id', id), name: text(item, 'name'), arguments: readArguments(item['arguments']) };
    case 'reasoning': {
      const summary = textOfParts(partsOf(item['summary']), 'summary_text');
      return { type: 'reasoning', id, text: summary === '' ? textOfParts(partsOf(item['content']), 'reasoning_text') : summary, raw: item };
    }
    case 'mcp_list_tools':
      return { type: 'mcp_list_tools', id, serverLabel: textOr(item, 'server_label', ''), raw: item };
    case 'mcp_approval_request':
      return { type: 'mcp_approval_request', id, serverLabel: textOr(item, 'server_label', ''), name: text(item, 'name'), arguments: readArguments(item['arguments']), raw: item };
    default:
      return { type: 'other', id, kind, raw: item };
  }
}

/** A JSON text; some servers write the object itself, or nothing where there are no arguments. */
export function readArguments(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

function partsOf(value: unknown): WireObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Parts of a summary are paragraphs; those of a message are one text. */
function textOfParts(parts: readonly WireObject[], kind: string): string {
  return parts.flatMap((part) => (part['type'] === kind ? [textOr(part, 'text', '')] : [])).join(kind === 'summary_text' ? '\n\n' : '');
}
