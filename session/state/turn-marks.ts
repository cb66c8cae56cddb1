import { bytesToMs, ledgerEntry, samplesToMs } from '../../audio/index.js';
import type { LedgerEntry } from '../../audio/index.js';
import type { LiveResponse, Turn } from './session-state.js';
import { put } from './sparse.js';
import type { StepContext } from './step-context.js';
import { emit, newId } from './step-context.js';

const MAX_UNHEARD = 32;

/** The user's speech has ended: a new turn begins. `audioEndMs` counts the microphone's audio and includes the silence that decided it. */
export function beginSpokenTurn(context: StepContext, audioEndMs: number): void {
  const { state, nowMs } = context;
  const sentMs = bytesToMs(state.config.inputFormat, state.microphone.sentBytes);
  const speechEndInAudioMs = audioEndMs - state.silenceMs;
  // The microphone's audio runs in real time, so a place in it lies as far back from its newest sample in time as in audio.
  const speechEndMs = Math.min(nowMs, state.microphone.lastAtMs - (sentMs - speechEndInAudioMs));
  state.turn = { turnId: newId(state, 'turn'), marks: { speechEndMs, endpointDecidedMs: nowMs }, reported: false };
}

/** A turn that begins with something typed, or with the agent itself (`byUser` false). */
export function beginTurn(context: StepContext, byUser: boolean): Turn {
  const { state, nowMs } = context;
  state.turn = { turnId: newId(state, 'turn'), marks: byUser ? { speechEndMs: nowMs, endpointDecidedMs: nowMs, committedMs: nowMs } : {}, reported: false };
  return state.turn;
}

/** A turn of the agent's own, beside the one that waits for its answer. */
export function turnBeside({ state }: StepContext): Turn {
  return { turnId: newId(state, 'turn'), marks: {}, reported: false };
}

export function markCommitted(context: StepContext): void {
  const { turn } = context.state;
  if (turn !== undefined) turn.marks.committedMs ??= context.nowMs;
}

/** The first audio of a turn's answer has come and was handed on in the same step. */
export function markFirstAudio(context: StepContext, response: LiveResponse): void {
  const { marks } = response.turn;
  marks.firstDeltaMs ??= context.nowMs;
  marks.firstFrameSentMs ??= context.nowMs;
  if (response.turn.reported) return;
  put(context.state, 'unheard', response.responseId, response.turn, MAX_UNHEARD);
}

/** Somebody has heard the first of it: the turn's account is complete. */
export function markHeard(context: StepContext, turn: Turn, responseId: string, heardAtMs: number): void {
  if (turn.reported) return;
  turn.marks.firstFrameHeardMs ??= Math.max(heardAtMs, turn.marks.firstFrameSentMs ?? heardAtMs);
  reportTurn(context, turn, responseId);
}

/** When the listener began to hear an entry, from a report of `samples` that came now. */
export function heardSince(context: StepContext, entry: LedgerEntry): number {
  return context.nowMs - samplesToMs(entry.format, entry.reportedSamples);
}

/** With nobody to report, sound is taken to begin when what stood before it has been played. */
export function markByClock(context: StepContext, response: LiveResponse, itemId: string, contentIndex: number): void {
  const { ledger } = context.state;
  if (ledger.source !== 'clock' || response.turn.reported) return;
  const entry = ledgerEntry(ledger, itemId, contentIndex);
  if (entry === undefined) return;
  markHeard(context, response.turn, response.responseId, ledger.playedOutAtMs - samplesToMs(entry.format, entry.sentSamples));
}

export function reportTurn(context: StepContext, turn: Turn, responseId: string): void {
  if (turn.reported) return;
  turn.reported = true;
  context.state.unheard.delete(responseId);
  emit(context, { type: 'turn_metrics', turnId: turn.turnId, responseId, marks: { ...turn.marks } });
}
