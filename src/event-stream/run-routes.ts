import type { IncomingMessage, ServerResponse } from 'node:http';
import { silentLogger } from '../../session/index.js';
import type { Clock, Logger } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import type { SseMessage } from '../protocol/sse/encode.js';
import { startChat } from './chat.js';
import type { Chat } from './chat.js';
import type { EventStreamOptions } from './pump-events.js';
import { readJsonBody } from './read-body.js';
import type { BodyLimits } from './read-body.js';
import type { RunDesk } from './run-desk.js';
import { errorAnswer, lastEventOf, readChatBody, runAddress } from './run-requests.js';
import type { RunAddress } from './run-requests.js';
import { streamToResponse } from './stream-to-response.js';
import { errorFields } from './terminal-event.js';

export interface RunRoutesOptions extends Partial<BodyLimits> {
  readonly desk: RunDesk;
  readonly chat: Chat;
  /** Who asks, once it is known that they may: runs are read and stopped by their owner alone. What it throws is answered with 500. */
  readonly owner: (request: IncomingMessage) => string | Promise<string>;
  /** How each stream is sent. */
  readonly stream?: Pick<EventStreamOptions<SseMessage>, 'heartbeatMs' | 'stuckMs' | 'maxStreamMs' | 'retryMs' | 'paddingBytes' | 'random'>;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** Answers a request for one of the three addresses; false, and nothing done, for any other. */
export type RunRoutes = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A body of 64 KiB holds a long letter. */
const DEFAULT_BODY: BodyLimits = { maxBodyBytes: 65_536, bodyTimeoutMs: 10_000 };

/**
 * `POST /chat/stream`, `GET /runs/:id/events` and `POST /runs/:id/stop` for a Node server, or a framework on one. Who may come in at all is decided before, by
 * whoever calls this. Nothing that a peer sends throws out of here.
 */
export function runRoutes(options: RunRoutesOptions): RunRoutes {
  const { desk, chat, owner, stream, clock = systemClock, logger = silentLogger } = options;
  const limits: BodyLimits = { maxBodyBytes: options.maxBodyBytes ?? DEFAULT_BODY.maxBodyBytes, bodyTimeoutMs: options.bodyTimeoutMs ?? DEFAULT_BODY.bodyTimeoutMs };

  async function perform(address: RunAddress, query: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asker = await owner(request);
    switch (address.name) {
      case 'chat': {
        const run = await startChat(desk, asker, chat, readChatBody(await readJsonBody(request, limits, clock)));
        return send(response, run.runId, run.events);
      }
      case 'events': {
        const after = lastEventOf(address.runId, oneHeader(request.headers['last-event-id']), new URLSearchParams(query).get('after'));
        const events = await desk.follow(address.runId, asker, after);
        // The one answer to which a browser's EventSource does not come back.
        if (events === 'over') return void response.writeHead(204).end();
        return send(response, address.runId, events);
      }
      case 'stop':
        await desk.stop(address.runId, asker);
        response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
        response.end('{"stopped":true}\n');
    }
  }

  async function send(response: ServerResponse, runId: string, events: AsyncIterable<SseMessage>): Promise<void> {
    await streamToResponse(response, events, { ...stream, encode: (message) => message, headers: { 'x-run-id': runId }, clock, logger });
  }

  return (request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const route = runAddress(path);
    if (route === undefined) return false;
    if (request.method !== route.method) {
      response.writeHead(405, { allow: route.method, 'content-type': 'text/plain; charset=utf-8' }).end(`Only ${route.method} is answered here.\n`);
      return true;
    }
    perform(route.address, query, request, response).catch((error: unknown) => {
      const answer = errorAnswer(error);
      if (answer.status === 500) logger.error('A request for a run failed.', errorFields(error));
      if (response.headersSent || response.destroyed) return void response.destroy();
      // What is left of a body that was refused is not read: the connection ends with the answer.
      response.writeHead(answer.status, { ...answer.headers, ...(request.complete ? {} : { connection: 'close' }) }).end(answer.body);
    });
    return true;
  };
}

function oneHeader(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
