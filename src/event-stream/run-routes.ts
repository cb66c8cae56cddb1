import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorFields, silentLogger } from '../../session/index.js';
import type { Clock, Logger } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import type { SseMessage } from '../protocol/sse/encode.js';
import { STOPPED_BODY, answerRun } from './answer-run.js';
import type { Chat } from './chat.js';
import type { EventStreamOptions } from './pump-events.js';
import { bodyLimits, readJsonBody } from './read-body.js';
import type { BodyLimits } from './read-body.js';
import type { RunDesk } from './run-desk.js';
import { JSON_HEADERS, errorAnswer, runAddress } from './run-requests.js';
import type { RunAddress } from './run-requests.js';
import { streamToResponse } from './stream-to-response.js';

/** What the routes of runs need; `Request` is that of the server. */
export interface RunRoutesOptions<Request = IncomingMessage> extends Partial<BodyLimits> {
  readonly desk: RunDesk;
  readonly chat: Chat;
  /** Who asks, once it is known that they may: runs are read and stopped by their owner alone. What it throws is answered with 500. */
  readonly owner: (request: Request) => string | Promise<string>;
  /** How each stream is sent. */
  readonly stream?: Pick<EventStreamOptions<SseMessage>, 'heartbeatMs' | 'stuckMs' | 'maxStreamMs' | 'retryMs' | 'paddingBytes' | 'random'>;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** Answers a request for one of the three addresses; false, and nothing done, for any other. */
export type RunRoutes = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * `POST /chat/stream`, `GET /runs/:id/events` and `POST /runs/:id/stop` for a Node server, or a framework on one. Who may come in at all is decided before, by
 * whoever calls this. Nothing that a peer sends throws out of here.
 */
export function runRoutes(options: RunRoutesOptions): RunRoutes {
  const { desk, chat, owner, stream, clock = systemClock, logger = silentLogger } = options;
  const limits = bodyLimits(options);

  async function perform(address: RunAddress, query: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await answerRun(desk, chat, {
      ...{ address, query, owner: await owner(request), lastEventId: oneHeader(request.headers['last-event-id']) },
      body: () => readJsonBody(request, limits, clock),
    });
    switch (answer.kind) {
      case 'events':
        await streamToResponse(response, answer.events, { ...stream, encode: asItIs, headers: { 'x-run-id': answer.runId }, clock, logger });
        return;
      case 'over':
        response.writeHead(204).end();
        return;
      case 'stopped':
        response.writeHead(200, JSON_HEADERS).end(STOPPED_BODY);
    }
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

function asItIs(message: SseMessage): SseMessage {
  return message;
}
