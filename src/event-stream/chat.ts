import type { RunDesk, StartedRun } from './run-desk.js';
import type { ChatBody } from './run-requests.js';
import type { RunContext, RunStreamEvent } from './run.js';
import { stepTranslator } from './step-dialect.js';

/** What a chat is asked: the words of the caller, and what there is to know of the run that answers them. */
export interface ChatRequest extends RunContext {
  readonly input: string;
  /** The caller's name of the conversation that this belongs to. It is no proof of anything: look it up together with `owner`. */
  readonly conversationId?: string;
  /** Which events are wanted: those of the run itself (`RunEvent`), or the flat line of them (`FlatRunEvent`). */
  readonly view: 'run' | 'flat';
}

/** Answers one request: with a run's events, in plain data. */
export type Chat = (request: ChatRequest) => AsyncIterable<RunStreamEvent>;

/** Starts the run that answers a request, in the dialect that it asks for. Rejects like {@link RunDesk.start}. */
export function startChat(desk: RunDesk, owner: string, chat: Chat, { input, conversationId, dialect }: ChatBody): Promise<StartedRun> {
  const view = dialect === 'run' ? 'run' : 'flat';
  const source = (context: RunContext): AsyncIterable<RunStreamEvent> => chat({ ...context, input, view, ...(conversationId === undefined ? {} : { conversationId }) });
  return dialect === 'steps' ? desk.start(owner, source, stepTranslator()) : desk.start(owner, source);
}
