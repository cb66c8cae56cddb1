import type { WireSessionEvent } from '../protocol/voicewire/index.js';

/** How long both sides are quiet after the caller's last word before the call is over. */
const QUIET_MS = 2_000;
/** For an agent that owes an answer and never gives it. */
const OWED_MS = 15_000;

/**
 * Follows a call from the caller's end of the line: whether a conversation takes place, and when it is over. It is told events and the time,
 * and decides; it waits for nothing itself.
 */
export class CallProgress {
  callerTurns = 0;
  /** Parts of the agent's speech of which anything was heard, the greeting among them. */
  answersHeard = 0;
  interruptions = 0;
  toolCalls = 0;
  readonly #heardItems = new Set<string>();
  readonly #responses = new Set<string>();
  readonly #tools = new Set<string>();
  #callerWasAnswered = false;
  #callerSpeaks = false;
  #answerOwed = false;
  #lastActiveMs: number;

  constructor(nowMs: number) {
    this.#lastActiveMs = nowMs;
  }

  onEvent(event: WireSessionEvent, nowMs: number): void {
    switch (event.type) {
      case 'input_speech_started':
        this.#callerSpeaks = true;
        break;
      case 'input_speech_stopped':
        this.#callerSpeaks = false;
        break;
      case 'input_committed':
        this.callerTurns += 1;
        this.#answerOwed = true;
        break;
      case 'agent_start':
        this.#responses.add(event.responseId);
        this.#answerOwed = false;
        break;
      case 'agent_end':
        this.#responses.delete(event.responseId);
        break;
      case 'tool_start':
        this.toolCalls += 1;
        this.#tools.add(event.callId);
        break;
      case 'tool_end':
        this.#tools.delete(event.callId);
        // Its result is still to be spoken.
        this.#answerOwed = true;
        break;
      case 'audio_interrupted':
        this.interruptions += 1;
        break;
      default:
        return;
    }
    this.#lastActiveMs = nowMs;
  }

  onPlayed(itemId: string, samples: number, nowMs: number): void {
    if (samples === 0) return;
    this.#lastActiveMs = nowMs;
    if (this.#heardItems.has(itemId)) return;
    this.#heardItems.add(itemId);
    this.answersHeard += 1;
    if (this.callerTurns > 0) this.#callerWasAnswered = true;
  }

  /** Whether nothing more is to come, once the caller has nothing more to say. */
  isQuiet(nowMs: number): boolean {
    const quietMs = nowMs - this.#lastActiveMs;
    const owed = this.#answerOwed || this.#callerSpeaks || this.#responses.size > 0 || this.#tools.size > 0;
    return quietMs >= (owed ? OWED_MS : QUIET_MS);
  }

  /** What a conversation would have needed and this call did not have; empty when it took place. */
  missing(): string[] {
    const missing: string[] = [];
    if (this.callerTurns === 0) missing.push('the model heard no turn of the caller');
    if (this.answersHeard === 0) missing.push('nothing of the agent was heard');
    else if (this.callerTurns > 0 && !this.#callerWasAnswered) missing.push('the agent greeted, but no answer to the caller was heard');
    return missing;
  }
}
