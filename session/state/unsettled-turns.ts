/**
 * Which of the microphone's audio the conversation has as words already. A turn of the user is settled when its words are known or its answer has
 * begun; until then its audio is kept, and a new connection hears it again.
 */
import { msToBytes } from '../../audio/index.js';
import { forgetBefore } from './microphone-ring.js';
import type { SessionState } from './session-state.js';

/** Turns that wait for their words: a caller cannot be further ahead. */
const MAX_TURNS = 32;

export function noteSpeechStarted(state: SessionState, itemId: string, audioStartMs: number): void {
  const { microphone } = state;
  const startByte = placeOf(state, audioStartMs);
  microphone.speech = { itemId, startByte };
  // What stands before it was no speech, and nobody will ask for it again.
  if (microphone.turns.length === 0) forgetBefore(microphone.ring, startByte);
}

export function noteSpeechStopped(state: SessionState, itemId: string, audioEndMs: number): void {
  const { microphone } = state;
  const endByte = placeOf(state, audioEndMs);
  microphone.turns.push({ itemId, startByte: microphone.speech?.startByte ?? microphone.ring.startByte, endByte, answeredBy: '' });
  delete microphone.speech;
  if (microphone.turns.length > MAX_TURNS) microphone.turns.shift();
}

export function noteCommitted(state: SessionState, itemId: string): void {
  const { microphone } = state;
  if (microphone.turns.some((turn) => turn.itemId === itemId)) return;
  // Committed by hand: everything up to the moment of asking.
  const endByte = microphone.commits.shift()?.atByte ?? microphone.ring.endByte;
  const startByte = microphone.turns.at(-1)?.endByte ?? microphone.ring.startByte;
  microphone.turns.push({ itemId, startByte, endByte, answeredBy: '' });
  delete microphone.speech;
  if (microphone.turns.length > MAX_TURNS) microphone.turns.shift();
}

/** The words of a turn are known, as far as they ever will be. Those of an earlier one may still come: its audio is kept. */
export function settleTurn(state: SessionState, itemId: string): void {
  const { turns } = state.microphone;
  const settled = turns.find((turn) => turn.itemId === itemId);
  if (settled === undefined) return;
  settled.settled = true;
  const open = turns.findIndex((turn) => turn.settled !== true);
  settleTurns(state, (open === -1 ? turns.length : open) - 1);
}

/** A response has begun: it answers every turn that was committed before. */
export function turnsAnsweredBy(state: SessionState, responseId: string): void {
  for (const turn of state.microphone.turns) if (turn.answeredBy === '') turn.answeredBy = responseId;
}

/** Something of a response has arrived: the turns that it answers have been understood. */
export function settleAnswered(state: SessionState, responseId: string): void {
  const { turns } = state.microphone;
  if (turns.length === 0) return;
  const at = turns.findLastIndex((turn) => turn.answeredBy === responseId);
  if (at !== -1) settleTurns(state, at);
}

// ---- helpers, in the order of their use ----

/** A place in the audio that the serving connection counts from its own first sample. */
function placeOf({ config, microphone }: SessionState, audioMs: number): number {
  return Math.min(microphone.baseByte + msToBytes(config.inputFormat, Math.max(0, audioMs)), microphone.ring.endByte);
}

function settleTurns({ microphone }: SessionState, last: number): void {
  for (const turn of microphone.turns.splice(0, last + 1)) forgetBefore(microphone.ring, turn.endByte);
}
