import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Logger } from '../../session/index.js';
import { RunDesk, isRunAddress, runRoutes } from '../event-stream/index.js';
import type { Chat, RunDeskOptions } from '../event-stream/index.js';
import { isOwnOrigin, refuseOrigin, refuseToken } from './doors.js';
import type { DoorRules, RequestHead } from './doors.js';
import type { GatewayLimits } from './limits.js';

export interface ChatOptions extends Pick<RunDeskOptions, 'store' | 'onDisconnect' | 'graceMs' | 'retentionMs' | 'maxRunsPerOwner'> {
  /** Called for each request that was let in; its events are the answer. */
  readonly answer: Chat;
  /** Who asks, of those who were let in: runs are read and stopped by their owner alone. Default: all of them are one. */
  readonly owner?: (request: IncomingMessage) => string | Promise<string>;
}

export interface RunDoorOptions {
  readonly chat: Chat | ChatOptions;
  readonly rules: DoorRules;
  readonly headOf: (request: IncomingMessage) => RequestHead;
  readonly limits: GatewayLimits;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface RunDoor {
  /** Answers a request for one of the addresses of runs; false, and nothing done, for any other. The door of host names is passed before. */
  answer(request: IncomingMessage, response: ServerResponse): boolean;
  /** Runs that have not ended. */
  readonly runs: number;
  /** Stops every run, and gives those who read it the time to take its end. */
  close(): Promise<void>;
}

/** How long a browser may keep the answer to the question whether a page may ask. */
const PREFLIGHT_S = '600';

/** The text runs of a gateway: {@link runRoutes} behind the doors of the voice socket, with the words that a page of another origin needs (CORS). */
export function runDoor({ chat, rules, headOf, limits, clock, logger }: RunDoorOptions): RunDoor {
  const { answer, owner, ...deskOptions }: ChatOptions = typeof chat === 'function' ? { answer: chat } : chat;
  const { maxRuns, maxRunMs, maxBodyBytes, bodyTimeoutMs, maxStreamMs, slowReaderMs } = limits;
  const desk = new RunDesk({ ...(owner === undefined ? { maxRunsPerOwner: maxRuns } : {}), ...deskOptions, maxRuns, maxRunMs, clock, logger });
  const routes = runRoutes({
    ...{ desk, chat: answer, owner: owner ?? ((): string => 'everyone'), maxBodyBytes, bodyTimeoutMs, clock, logger },
    stream: { maxStreamMs, stuckMs: slowReaderMs },
  });

  return {
    answer(request, response) {
      if (!isRunAddress(request.url ?? '')) return false;
      const head = headOf(request);
      const strangePage = refuseOrigin(head, rules);
      if (strangePage === undefined && head.origin !== undefined && !isOwnOrigin(head)) letPageRead(response, head.origin);
      // A browser asks first, and sends no token with the question.
      const asksFirst = request.method === 'OPTIONS' && head.origin !== undefined;
      const refusal = strangePage ?? (asksFirst ? undefined : refuseToken(head, rules));
      if (refusal !== undefined) response.writeHead(refusal.status, { ...refusal.headers, 'Content-Type': 'text/plain; charset=utf-8' }).end(refusal.body);
      else if (asksFirst) response.writeHead(204).end();
      else return routes(request, response);
      return true;
    },
    get runs() {
      return desk.running;
    },
    async close() {
      await desk.close();
      // What was handed to a socket is written by the end of this turn.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** Fetch standard, section 3.3 (CORS): without these a browser keeps the answer from its page. */
function letPageRead(response: ServerResponse, origin: string): void {
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Vary', 'Origin');
  response.setHeader('Access-Control-Expose-Headers', 'X-Run-Id, Retry-After');
  response.setHeader('Access-Control-Allow-Methods', 'GET, POST');
  response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, Last-Event-ID');
  response.setHeader('Access-Control-Max-Age', PREFLIGHT_S);
}
