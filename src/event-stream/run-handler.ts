import { errorFields, silentLogger } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import { STOPPED_BODY, answerRun } from './answer-run.js';
import { eventResponse } from './event-response.js';
import { bodyLimits, readJsonBodyOf } from './read-body.js';
import { JSON_HEADERS, errorAnswer, runAddress } from './run-requests.js';
import type { RunRoutesOptions } from './run-routes.js';

/** Answers a request for one of the three addresses, or gives `undefined` for any other. Never rejects. */
export type RunHandler = (request: Request) => Promise<Response> | undefined;

/** The same three addresses as {@link runRoutes}, for servers of the Fetch standard: Hono, Next, Deno, Bun, workers. */
export function runHandler(options: RunRoutesOptions<Request>): RunHandler {
  const { desk, chat, owner, stream, clock = systemClock, logger = silentLogger } = options;
  const limits = bodyLimits(options);

  return (request) => {
    const { pathname, search } = new URL(request.url);
    const route = runAddress(pathname);
    if (route === undefined) return undefined;
    return perform(request, route, search).catch((error: unknown) => {
      const { status, headers, body } = errorAnswer(error);
      if (status === 500) logger.error('A request for a run failed.', errorFields(error));
      return new Response(body, { status, headers });
    });
  };

  async function perform(request: Request, { address, method }: NonNullable<ReturnType<typeof runAddress>>, query: string): Promise<Response> {
    if (request.method !== method) return new Response(`Only ${method} is answered here.\n`, { status: 405, headers: { allow: method } });
    const answer = await answerRun(desk, chat, {
      ...{ address, query, owner: await owner(request), lastEventId: request.headers.get('last-event-id') },
      body: () => readJsonBodyOf(request, limits, clock),
    });
    switch (answer.kind) {
      case 'events':
        return eventResponse(answer.events, { ...stream, encode: (message) => message, headers: { 'x-run-id': answer.runId }, clock, logger });
      case 'over':
        return new Response(null, { status: 204 });
      case 'stopped':
        return new Response(STOPPED_BODY, { headers: JSON_HEADERS });
    }
  }
}
