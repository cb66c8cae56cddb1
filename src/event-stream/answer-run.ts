import type { SseMessage } from '../protocol/sse/encode.js';
import type { Chat } from './chat.js';
import type { RunDesk, StartedRun } from './run-desk.js';
import { lastEventOf, readChatBody } from './run-requests.js';
import type { ChatBody, RunAddress } from './run-requests.js';
import type { RunSourceContext, TypedEvent } from './run.js';
import { stepTranslator } from './step-dialect.js';

/** A request for one of the addresses of runs, whatever server it came to. */
export interface RunRequest {
  readonly address: RunAddress;
  readonly owner: string;
  /** What stands behind the question mark. */
  readonly query: string;
  readonly lastEventId: string | null | undefined;
  /** Reads the body, where one is wanted. */
  readonly body: () => Promise<unknown>;
}

/** `over`: 204, the one answer to which a browser's `EventSource` does not come back. */
export type RunAnswer = { readonly kind: 'events'; readonly runId: string; readonly events: AsyncIterable<SseMessage> } | { readonly kind: 'over' } | { readonly kind: 'stopped' };

export const STOPPED_BODY = '{"stopped":true}\n';

/** Does what a request asks. Rejects with the `HostError` that `errorAnswer` puts into words. */
export async function answerRun(desk: RunDesk, chat: Chat, { address, owner, query, lastEventId, body }: RunRequest): Promise<RunAnswer> {
  switch (address.name) {
    case 'chat':
      return { kind: 'events', ...(await startChat(desk, owner, chat, readChatBody(await body()))) };
    case 'events': {
      const { runId } = address;
      const events = await desk.follow(runId, owner, lastEventOf(runId, lastEventId, new URLSearchParams(query).get('after')));
      return events === 'over' ? { kind: 'over' } : { kind: 'events', runId, events };
    }
    case 'stop':
      await desk.stop(address.runId, owner);
      return { kind: 'stopped' };
  }
}

function startChat(desk: RunDesk, owner: string, chat: Chat, { input, conversationId, dialect }: ChatBody): Promise<StartedRun> {
  const view = dialect === 'run' ? 'run' : 'flat';
  const source = (context: RunSourceContext): AsyncIterable<TypedEvent> => chat({ ...context, input, view, ...(conversationId === undefined ? {} : { conversationId }) });
  return dialect === 'steps' ? desk.start(owner, source, stepTranslator()) : desk.start(owner, source);
}
