import type { Answer } from './server.js';

export type WireItem = Readonly<Record<string, unknown>>;

let serial = 0;

export function message(text: string, id = `msg_${(serial += 1)}`): WireItem {
  return { id, type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text, annotations: [], logprobs: [] }] };
}

export function refusal(words: string, id = `msg_${(serial += 1)}`): WireItem {
  return { id, type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'refusal', refusal: words }] };
}

export function functionCall(name: string, args: object, callId: string, id = `fc_${(serial += 1)}`): WireItem {
  return { id, type: 'function_call', status: 'completed', name, arguments: JSON.stringify(args), call_id: callId };
}

export function reasoning(summary: string, id = `rs_${(serial += 1)}`): WireItem {
  return { id, type: 'reasoning', summary: summary === '' ? [] : [{ type: 'summary_text', text: summary }], encrypted_content: `enc-${id}`, status: null };
}

export interface ResponseEnd {
  readonly id?: string;
  readonly status?: 'completed' | 'incomplete' | 'failed' | 'in_progress';
  readonly reason?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

export const RESPONSE_USAGE = { input_tokens: 36, input_tokens_details: { cached_tokens: 4 }, output_tokens: 87, output_tokens_details: { reasoning_tokens: 20 }, total_tokens: 123 };

/** The response object as it stands in events, and as the whole answer without streaming. */
export function responseObject(output: readonly WireItem[], { id = 'resp_1', status = 'completed', reason, error }: ResponseEnd = {}): WireItem {
  return {
    id,
    object: 'response',
    created_at: 1_741_290_958,
    status,
    error: error ?? null,
    incomplete_details: reason === undefined ? null : { reason },
    instructions: null,
    model: 'gpt-5-mini-2025-08-07',
    output,
    parallel_tool_calls: true,
    usage: status === 'in_progress' ? null : RESPONSE_USAGE,
    metadata: {},
  };
}

/** The events of a streamed response, in the order and with the members of the real API. */
export function responseEvents(output: readonly WireItem[], end: ResponseEnd = {}): WireItem[] {
  const { status = 'completed' } = end;
  const events: Record<string, unknown>[] = [];
  const push = (type: string, members: Record<string, unknown>): void => void events.push({ type, sequence_number: events.length, ...members });
  push('response.created', { response: responseObject([], { ...end, status: 'in_progress' }) });
  push('response.in_progress', { response: responseObject([], { ...end, status: 'in_progress' }) });
  output.forEach((item, output_index) => {
    const item_id = item['id'];
    push('response.output_item.added', { output_index, item: begun(item) });
    const parts = (item['content'] ?? []) as readonly WireItem[];
    parts.forEach((part, content_index) => {
      const at = { item_id, output_index, content_index };
      const kind = part['type'] === 'refusal' ? 'refusal' : 'output_text';
      const words = (part['refusal'] ?? part['text']) as string;
      push('response.content_part.added', { ...at, part: { ...part, [kind === 'refusal' ? 'refusal' : 'text']: '' } });
      for (const delta of pieces(words)) push(`response.${kind}.delta`, { ...at, delta, ...(kind === 'refusal' ? {} : { logprobs: [] }), obfuscation: 'aBcD1234efGH' });
      push(`response.${kind}.done`, { ...at, ...(kind === 'refusal' ? { refusal: words } : { text: words, logprobs: [] }) });
      push('response.content_part.done', { ...at, part });
    });
    ((item['summary'] ?? []) as readonly WireItem[]).forEach((part, summary_index) => {
      const at = { item_id, output_index, summary_index };
      push('response.reasoning_summary_part.added', { ...at, part: { ...part, text: '' } });
      for (const delta of pieces(part['text'] as string)) push('response.reasoning_summary_text.delta', { ...at, delta, obfuscation: 'x' });
      push('response.reasoning_summary_text.done', { ...at, text: part['text'] });
      push('response.reasoning_summary_part.done', { ...at, part });
    });
    if (item['type'] === 'function_call') {
      for (const delta of pieces(item['arguments'] as string)) push('response.function_call_arguments.delta', { item_id, output_index, delta, obfuscation: 'yz' });
      push('response.function_call_arguments.done', { item_id, output_index, name: item['name'], arguments: item['arguments'] });
    }
    push('response.output_item.done', { output_index, item });
  });
  push(`response.${status}`, { response: responseObject(output, end) });
  return events;
}

/** In the framing of the real API: the event's name, its data, a blank line. */
export function sse(events: readonly WireItem[]): string {
  return events.map((event) => `event: ${event['type'] as string}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

export function streamedResponse(output: readonly WireItem[], end: ResponseEnd = {}): Answer {
  return { parts: [sse(responseEvents(output, end))] };
}

export function wholeResponse(output: readonly WireItem[], end: ResponseEnd = {}): Answer {
  return { contentType: 'application/json', parts: [JSON.stringify(responseObject(output, end))] };
}

function begun(item: WireItem): WireItem {
  return item['type'] === 'message' ? { ...item, status: 'in_progress', content: [] } : item['type'] === 'function_call' ? { ...item, status: 'in_progress', arguments: '' } : item['type'] === 'reasoning' ? { ...item, summary: [] } : item;
}

/** Words as a model makes them: a piece is a word with the space before it. */
export function pieces(text: string): string[] {
  return text.match(/\s*\S+/g) ?? [];
}
