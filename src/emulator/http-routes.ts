import type { IncomingMessage, ServerResponse } from 'node:http';
import { refusal } from './admission.js';
import { Refusal } from './wire.js';

/** What a route answers; throws a `Refusal` for a request that cannot be. `body` is parsed JSON, undefined where there is none. */
export type Route = (request: IncomingMessage, body: unknown) => { readonly status: number; readonly body: unknown };

/** Routes by method and path: `POST /v1/realtime/client_secrets`. */
export type Routes = ReadonlyMap<string, { readonly admit: (request: IncomingMessage) => HttpRefusal | undefined; readonly answer: Route }>;

export type HttpRefusal = ReturnType<typeof refusal>;

const MAX_BODY_BYTES = 1024 * 1024;

/** Answers one HTTP request. `webSocketPaths` are told to be such. Never rejects. */
export async function answerHttp(request: IncomingMessage, response: ServerResponse, routes: Routes, webSocketPaths: readonly string[]): Promise<void> {
  const path = request.url?.split('?')[0] ?? '';
  const route = routes.get(`${request.method} ${path}`);
  if (route === undefined) {
    const isSocket = webSocketPaths.includes(path);
    const methods = [...routes.keys()].filter((name) => name.endsWith(` ${path}`)).map((name) => name.split(' ')[0]);
    const status = isSocket ? 426 : methods.length > 0 ? 405 : 404;
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...(isSocket ? { Upgrade: 'websocket' } : {}), ...(methods.length > 0 ? { Allow: methods.join(', ') } : {}) });
    response.end(isSocket ? 'This is a WebSocket: connect with a realtime client.\n' : methods.length > 0 ? 'Another method is wanted here.\n' : `The emulator answers at ${webSocketPaths[0]} only.\n`);
    request.resume();
    return;
  }
  const refused = route.admit(request);
  if (refused !== undefined) return send(response, refused.status, refused.headers ?? {}, refused.body ?? '');
  try {
    const { status, body } = route.answer(request, await bodyOf(request));
    send(response, status, { 'Content-Type': 'application/json' }, `${JSON.stringify(body)}\n`);
  } catch (error) {
    const { status, headers, body } = error instanceof Refusal ? refusal(400, error.message, error.code) : refusal(500, 'The server had an error while processing your request.', 'server_error');
    send(response, status, headers ?? {}, error instanceof Refusal ? `${JSON.stringify({ error: { type: 'invalid_request_error', code: error.code, message: error.message, param: error.param } })}\n` : (body ?? ''));
  }
}

function send(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>, body: string): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, 'Cache-Control': 'no-store' });
  response.end(body);
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Refusal('string_above_max_length', `The body is longer than ${MAX_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal('invalid_json', 'The body is not JSON.');
  }
}
