import { isObject } from '../../protocol/openai-realtime/wire-fields.js';

/** Of what a server says about a refusal; a message of ours has 500 letters. */
const MAX_BYTES = 64 * 1024;

/**
 * `fetch`, with refusals in the form that the `openai` package reads: it knows `{ "error": … }` alone and drops what others write, `{ "detail": … }` of
 * FastAPI say. Reads no more than 64 KiB of one.
 */
export async function fetchWithErrorBody(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await globalThis.fetch(input, init);
  if (response.ok || response.body === null) return response;
  const text = await readBegin(response.body);
  return new Response(withErrorMember(text), { status: response.status, statusText: response.statusText, headers: response.headers });
}

async function readBegin(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let bytes = 0; bytes < MAX_BYTES; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text;
}

function withErrorMember(text: string): string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return text;
  }
  if (isObject(body) && (isObject(body['error']) || typeof body['error'] === 'string')) return text;
  const { detail, message } = isObject(body) ? body : {};
  const words = [detail, message].find((each) => typeof each === 'string' && each !== '') ?? (isObject(detail) ? detail['message'] : undefined);
  const code = isObject(detail) && typeof detail['error'] === 'string' ? detail['error'] : undefined;
  return JSON.stringify({ error: { message: typeof words === 'string' ? words : text, code } });
}
