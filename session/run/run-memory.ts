import { errorText, problem } from '../error-text.js';
import { RunError, VoicewireError } from '../errors.js';
import type { Clock } from '../ports/clock.js';
import type { TextInputItem, TextOutputItem } from '../ports/text-model.js';
import { asInput, openCalls } from './conversation.js';
import type { ConversationMemory } from './conversation-memory.js';
import type { RunItem } from './run-event.js';
import type { RunState } from './run-state.js';
import { unlessAborted } from './unless-aborted.js';
import { within } from './within.js';

export type CallOutput = Extract<RunItem, { type: 'function_call_output' }>;

/** Time for the session, in ms: it is a file or a database near by. */
const SESSION_MS = 5_000;
/** What the model is told of calls that were left open. */
const NOT_RUN = problem('The run ended before the call was begun. Nothing was done.');
const STOPPED = JSON.stringify({ status: 'unsettled', error: 'The run ended while the call ran. Whether it had an effect is not known: find out before you do it again.' });

/** What was said in a run: in its state, and as soon as it is sure in the session, if it has one. */
export class RunMemory {
  readonly #state: RunState;
  readonly #session: ConversationMemory | undefined;
  readonly #clock: Clock;
  /** What the session has not been given yet. */
  #unsaved: TextInputItem[] = [];

  constructor(state: RunState, session: ConversationMemory | undefined, clock: Clock) {
    this.#state = state;
    this.#session = session;
    this.#clock = clock;
  }

  /** Puts what was said before in front of the input. Calls that a crash has left open are answered. */
  async takeInput(limit: number | undefined, life: AbortSignal): Promise<void> {
    const given = this.#state.conversation;
    const session = this.#session;
    let before: readonly TextInputItem[] = [];
    if (session !== undefined) {
      const read = (async () => session.items(limit))();
      before = await unlessAborted(life, within(this.#clock, SESSION_MS, read)).catch((cause: unknown) => {
        throw life.aborted ? cause : failed('What was said before could not be read', cause);
      });
    }
    // A limit may have left the outputs of calls that it has cut off.
    const known = withoutOrphans(before);
    this.#unsaved = [...openCalls(known).map(({ callId }): TextInputItem => ({ type: 'function_call_output', callId, output: STOPPED })), ...given];
    this.#state.conversation = [...known, ...this.#unsaved];
  }

  add(item: TextOutputItem | CallOutput): void {
    this.#state.items.push(item);
    const input: readonly TextInputItem[] = item.type === 'function_call_output' ? [{ type: item.type, callId: item.callId, output: item.output }] : asInput(item);
    this.#state.conversation.push(...input);
    this.#unsaved.push(...input);
  }

  /** The user's words were against a rule: nothing of the run is kept. */
  forget(): void {
    this.#unsaved = [];
  }

  /** Answers the calls that are open. `begun`: those that were given to their tools. */
  closeCalls(begun: ReadonlySet<string>): void {
    for (const { callId, name } of openCalls(this.#state.conversation)) {
      const ran = begun.has(callId);
      this.add({ type: 'function_call_output', callId, name, output: ran ? STOPPED : NOT_RUN, outcome: ran ? 'unsettled' : 'cancelled' });
    }
  }

  async save(): Promise<void> {
    const session = this.#session;
    const items = this.#unsaved;
    this.#unsaved = [];
    if (session === undefined || items.length === 0) return;
    try {
      await within(this.#clock, SESSION_MS, (async () => session.add(items))());
    } catch (cause) {
      throw failed('What was said could not be kept', cause);
    }
  }
}

function failed(what: string, cause: unknown): RunError {
  // The words of a database are for whoever began the run, and this message is for whoever reads it.
  const isOurs = cause instanceof VoicewireError || (cause instanceof DOMException && cause.name === 'TimeoutError');
  return new RunError('MEMORY_FAILED', isOurs ? `${what}: ${errorText(cause)}` : `${what}.`, { cause });
}

function withoutOrphans(items: readonly TextInputItem[]): TextInputItem[] {
  const called = new Set<string>();
  return items.filter((item) => {
    if (item.type === 'function_call') called.add(item.callId);
    return item.type !== 'function_call_output' || called.has(item.callId);
  });
}
