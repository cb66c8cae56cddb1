import { bytesToSamples, ledgerEntry, openEntry } from '../../audio/index.js';
import type { GuardedResponse } from './guardrail-state.js';
import type { SessionInput } from './session-input.js';
import { put } from './sparse.js';
import type { StepContext } from './step-context.js';

const MAX_RESPONSES = 32;

/**
 * Keeps audio until the text that came before it has been checked, and the end of its item and response behind it. True when the input is kept.
 * Without a hold-back nothing is kept, and nothing is added to an event's way.
 */
export function holdBack(context: StepContext, input: SessionInput): boolean {
  const { policy } = context.state.guardrails;
  if (policy.holdBackMs === 0 || (input.type !== 'audio_delta' && input.type !== 'audio_done' && input.type !== 'response_done')) return false;
  const guarded = input.type === 'audio_delta' ? guardedResponse(context, input.responseId, input.itemId) : context.state.guardrails.responses.get(input.responseId);
  if (guarded === undefined || guarded.tripped || context.state.live.get(input.responseId)?.interrupted === true) return false;
  // Nothing of a response is let out before something of its text has passed.
  const version = Math.max(1, guarded.version);
  if (guarded.held.length === 0 && (input.type !== 'audio_delta' || guarded.passedVersion >= version)) return false;
  // A verdict that comes in the very last millisecond still counts.
  guarded.held.push({ input, version, untilMs: context.nowMs + policy.holdBackMs + 1 });
  if (guarded.held.length === 1) armHoldTimer(context);
  return true;
}

/** Lets out what has been checked, or has been kept for long enough. */
export function letOut(context: StepContext, guarded: GuardedResponse): void {
  const { guardrails } = context.state;
  const { held, passedVersion } = guarded;
  while (held[0] !== undefined) {
    const { input, version, untilMs } = held[0];
    const over = !guardrails.policy.closed && untilMs <= context.nowMs;
    if (input.type === 'audio_delta' && passedVersion < version && !over) return;
    held.shift();
    guardrails.released.push(input);
  }
}

export function onHoldTimer(context: StepContext): void {
  for (const guarded of context.state.guardrails.responses.values()) letOut(context, guarded);
  armHoldTimer(context);
}

/**
 * The agent is stopped: audio that is kept was received and never sent, so nobody has heard it. What stands behind it is dealt with now.
 */
export function spillHeld({ state }: StepContext): void {
  const { guardrails, ledger, live } = state;
  if (guardrails.policy.holdBackMs === 0) return;
  for (const { held, responseId } of guardrails.responses.values()) {
    const response = live.get(responseId);
    for (const { input } of held.splice(0)) {
      if (input.type !== 'audio_delta') guardrails.released.push(input);
      else if (response !== undefined && !response.interrupted) {
        const { itemId, contentIndex, bytes } = input;
        const entry = ledgerEntry(ledger, itemId, contentIndex) ?? openEntry(ledger, { responseId, itemId, contentIndex, format: response.format });
        entry.receivedSamples += bytesToSamples(response.format, bytes.length);
      }
    }
  }
}

/** The connection is gone: what is kept of its responses was not heard, and never will be. */
export function dropHeld({ state: { guardrails } }: StepContext): void {
  for (const guarded of guardrails.responses.values()) guarded.held.length = 0;
  guardrails.released.length = 0;
}

/** The account of a response's text, begun when there is none. */
export function guardedResponse({ state }: StepContext, responseId: string, itemId: string): GuardedResponse {
  const { responses } = state.guardrails;
  const known = responses.get(responseId);
  if (known !== undefined) return known;
  const agentName = state.handoff.former.get(responseId)?.name ?? state.agent.name;
  const guarded: GuardedResponse = {
    responseId,
    agentName,
    itemId,
    text: '',
    version: 0,
    sentVersion: 0,
    sentLength: 0,
    passedVersion: 0,
    inFlight: 0,
    due: false,
    tripped: false,
    held: [],
  };
  put(state.guardrails, 'responses', responseId, guarded, MAX_RESPONSES);
  return guarded;
}

/** One timer for all that is kept. Where a failure is closed, only a verdict lets anything out, and each check has its own time-out. */
function armHoldTimer({ state, nowMs, effects }: StepContext): void {
  const { policy, responses } = state.guardrails;
  if (policy.closed) return;
  let firstMs = Infinity;
  for (const { held } of responses.values()) if (held[0] !== undefined) firstMs = Math.min(firstMs, held[0].untilMs);
  if (firstMs !== Infinity) effects.push({ type: 'arm_timer', timer: 'guardrail_hold', delayMs: Math.max(0, firstMs - nowMs) });
}
