import type { RunSourceContext, TypedEvent } from './run.js';

/** What a chat is asked: the words of the caller, and what there is to know of the run that answers them. */
export interface ChatRequest extends RunSourceContext {
  readonly input: string;
  /** The caller's name of the conversation that this belongs to. It is no proof of anything: look it up together with `owner`. */
  readonly conversationId?: string;
  /** Which events are wanted: those of the run itself (`RunEvent`), or the flat line of them (`FlatRunEvent`). */
  readonly view: 'run' | 'flat';
}

/** Answers one request: with a run's events, in plain data. */
export type Chat = (request: ChatRequest) => AsyncIterable<TypedEvent>;
