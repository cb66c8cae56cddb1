import type { Handoff } from '../agent/handoff.js';
import { prepareHandoff } from '../agent/prepare-handoff.js';
import type { RealtimeAgent } from '../agent/realtime-agent.js';
import { errorText } from '../error-text.js';
import { InvalidStateError, ToolError, VoicewireError } from '../errors.js';
import type { HistoryItem } from '../events/history-item.js';
import type { Clock } from '../ports/clock.js';
import type { SessionInput } from '../state/session-input.js';
import type { AgentRoster } from './agent-roster.js';
import type { HandoffOutcome } from './session-options.js';

/** What a hand-off is asked for with. */
export interface HandoffWish {
  readonly how: Omit<Handoff<RealtimeAgent>, 'definition'>;
  readonly from: RealtimeAgent;
  readonly reason: string;
  readonly summary: string;
  readonly history: readonly HistoryItem[];
  /** The model's own call for it, which is answered whatever happens. */
  readonly callId?: string;
}

export interface HandoffDeskOptions {
  readonly clock: Clock;
  readonly roster: AgentRoster;
  /** The life of the session. Its signal is made when somebody first asks for it: it takes more room than all the rest here. */
  readonly life: Pick<AbortController, 'signal'>;
  readonly dispatch: (input: SessionInput) => void;
  readonly onFailure: (error: VoicewireError) => void;
}

/** Prepares hand-offs (the application's functions may take their time), gives them to the step, and tells whoever asked how they ended. */
export class HandoffDesk {
  readonly #options: HandoffDeskOptions;
  readonly #waiting = new Map<string, (outcome: HandoffOutcome) => void>();
  #count = 0;

  constructor(options: HandoffDeskOptions) {
    this.#options = options;
  }

  async request({ how, from, reason, summary, history, callId }: HandoffWish): Promise<HandoffOutcome> {
    const { clock, roster, life, dispatch } = this.#options;
    const startedMs = clock.now();
    const handoffId = `handoff_${(this.#count += 1)}`;
    const settled = new Promise<HandoffOutcome>((resolve) => this.#waiting.set(handoffId, resolve));
    try {
      const agent = roster.profile(how.to);
      const prepared = await prepareHandoff(clock, { how, fromAgent: from.name, toAgent: how.to.name, reason, summary, history, signal: life.signal });
      const call = callId === undefined ? {} : { call: { callId, durationMs: clock.now() - startedMs } };
      dispatch({ type: 'handoff', plan: { handoffId, agent, reason, entry: how.entry, ...prepared, ...call } });
    } catch (cause) {
      this.#onUnprepared(handoffId, how.to.name, cause, callId);
    }
    return settled;
  }

  /** The step has ended a hand-off. */
  settle(handoffId: string, error: VoicewireError | undefined): void {
    this.#waiting.get(handoffId)?.(error === undefined ? { ok: true } : { ok: false, error });
    this.#waiting.delete(handoffId);
  }

  /** The session is over: what is under way will not take place. */
  close(): void {
    const error = new InvalidStateError('SESSION_CLOSED', 'The session ended before the hand-off did.');
    for (const settle of this.#waiting.values()) settle({ ok: false, error });
    this.#waiting.clear();
  }

  #onUnprepared(handoffId: string, toAgent: string, cause: unknown, callId: string | undefined): void {
    const { life, dispatch, onFailure } = this.#options;
    const text = errorText(cause);
    const error = cause instanceof VoicewireError ? cause : new ToolError('HANDOFF_FAILED', `${toAgent} cannot take over: ${text}`, { cause, stage: 'handoff' });
    this.settle(handoffId, error);
    if (!life.signal.aborted) onFailure(error);
    if (callId !== undefined) dispatch({ type: 'tool_prepared', callId, ok: false, problem: `The hand-over to ${toAgent} did not work. Say so and go on yourself.` });
  }
}
