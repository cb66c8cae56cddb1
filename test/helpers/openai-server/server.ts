import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readMultipart } from './multipart.js';
import type { FormPart } from './multipart.js';

/** What an answer is made of: bytes, a moment to wait for, or something to do when it has come so far. */
export type AnswerPart = string | Uint8Array | Promise<void> | (() => void);

export interface Answer {
  /** Default 200. */
  readonly status?: number;
  /** Default `text/event-stream; charset=utf-8`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly parts: readonly AnswerPart[];
  /** Nothing of the answer goes out before it. */
  readonly before?: Promise<void>;
  /** Breaks the connection off after so many bytes of the body. */
  readonly cutAfterBytes?: number;
  /** The body ends with the connection, as old servers and proxies have it: a cut looks like a good end then. */
  readonly endsWithConnection?: boolean;
  /** Writes pieces of this size, each by itself. */
  readonly dripBytes?: number;
}

export interface ServedRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Of a JSON body. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Of an upload. */
  readonly form: ReadonlyMap<string, FormPart>;
  /** Resolves when the exchange is over; true where the client went away before the answer was complete. */
  readonly over: Promise<boolean>;
}

/**
 * A server of OpenAI's API on a socket of this machine, with a list of answers instead of a mind: each request gets the next one. Its shapes are those
 * of the types of the `openai` package.
 */
export class OpenaiTestServer implements AsyncDisposable {
  readonly requests: ServedRequest[] = [];
  readonly #server: Server;
  readonly #answers: Answer[] = [];
  readonly #waiting: ((request: ServedRequest) => void)[] = [];
  #taken = 0;
  #connectionCount = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', () => (this.#connectionCount += 1));
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<OpenaiTestServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new OpenaiTestServer(server);
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** How often a client has connected so far. */
  get connectionCount(): number {
    return this.#connectionCount;
  }

  answer(...answers: Answer[]): void {
    this.#answers.push(...answers);
  }

  /** The next request that nobody has taken yet, as soon as it is here. */
  async taken(): Promise<ServedRequest> {
    const place = this.#taken;
    this.#taken += 1;
    return this.requests[place] ?? (await new Promise<ServedRequest>((resolve) => this.#waiting.push(resolve)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const bytes = Buffer.concat(pieces);
    const over = new Promise<boolean>((resolve) => response.on('close', () => resolve(!response.writableFinished)));
    const type = request.headers['content-type'] ?? '';
    const served: ServedRequest = {
      path: request.url ?? '',
      headers: request.headers,
      body: type.startsWith('application/json') ? (JSON.parse(bytes.toString()) as Record<string, unknown>) : {},
      form: type.startsWith('multipart/form-data') ? readMultipart(bytes, type) : new Map<string, FormPart>(),
      over,
    };
    this.requests.push(served);
    this.#waiting.shift()?.(served);
    const answer = this.#answers.shift() ?? { status: 500, contentType: 'application/json', parts: ['{"error":{"message":"The test has no answer for this request.","type":"test"}}'] };
    const gone = over.then(() => {});
    await Promise.race([answer.before, gone]);
    await write(response, answer, gone);
  }
}

async function write(response: ServerResponse, answer: Answer, gone: Promise<void>): Promise<void> {
  const { status = 200, contentType = 'text/event-stream; charset=utf-8', headers = {}, parts, cutAfterBytes = Infinity, dripBytes = Infinity, endsWithConnection = false } = answer;
  if (endsWithConnection) response.useChunkedEncodingByDefault = false;
  const cut = (): void => void (endsWithConnection ? response.end() : response.destroy());
  if (cutAfterBytes === 0 && !endsWithConnection) return cut();
  response.writeHead(status, { ...(contentType === '' ? {} : { 'content-type': contentType }), 'x-request-id': 'req_test', ...headers });
  // The head goes out even where the body waits.
  response.flushHeaders();
  let left = cutAfterBytes;
  for (const part of parts) {
    if (part instanceof Promise) {
      await Promise.race([part, gone]);
      continue;
    }
    if (typeof part === 'function') {
      part();
      continue;
    }
    const bytes = Buffer.from(part);
    for (let at = 0; at < bytes.length; at += dripBytes) {
      if (response.destroyed) return;
      const piece = bytes.subarray(at, Math.min(at + dripBytes, bytes.length, at + left));
      left -= piece.length;
      const written = new Promise((resolve) => response.write(piece, resolve));
      if (left <= 0) {
        await Promise.race([written, gone]);
        return cut();
      }
      if (dripBytes !== Infinity) await Promise.race([written, gone]);
    }
  }
  response.end();
}
