/**
 * The first words of a call. The agent's must not fall on the caller's: a voice in the microphone, measured here because the model tells of it some
 * hundred ms later, holds them back; and where the caller has said something, the answer to that is the greeting.
 *
 * A clip needs no model, so that it can be heard while the connection is made. It is sound like any other to the listener and the ledger, and an item
 * of the conversation: the model is told its words, as far as they were heard, as it is told those of an earlier connection.
 */
import { bytesToMs, movementDb } from '../../audio/index.js';
import { stopSound } from './barge-in.js';
import type { GreetingPhase } from './greeting-state.js';
import { addItem } from './history.js';
import { playClip } from './play-clip.js';
import { want, withdrawHandle } from './responses.js';
import { tellItem } from './restore.js';
import type { StepContext } from './step-context.js';
import { newId } from './step-context.js';

/** The handle under which the greeting is asked for; nobody holds it outside. */
const HANDLE = 'greeting';
/** A pause between words is shorter; and nobody begins within 300 ms of somebody else. */
const QUIET_MS = 500;
/** Cautious on purpose: a click holds the greeting back for half a second, a voice that is missed would be talked over. */
const VOICE_OVER_ROOM_DB = 12;
const QUIETEST_VOICE_DB = -45;
const ROOM_RISE_DB_PER_MS = 0.01;
const QUIETEST_ROOM_DB = -70;

/** There is somebody who hears what is said from now on. */
export function onListenerStarted(context: StepContext): void {
  const { phase } = context.state.greeting;
  if (phase.name === 'over' || phase.listenerMs !== undefined) return;
  phase.listenerMs = context.nowMs;
  look(context);
}

/** The opening has begun. */
export function onGreetingConnect(context: StepContext): void {
  if (!context.state.greeting.policy.waitForListener) onListenerStarted(context);
}

/** The time has come to look again, or the model is ready. */
export function look(context: StepContext): void {
  const { state, nowMs } = context;
  const { greeting, connection } = state;
  const { policy, phase } = greeting;
  if (phase.name !== 'waiting' || phase.listenerMs === undefined) return;
  if (policy.clip === undefined && connection.name !== 'open') return;
  const dueMs = Math.max(policy.who === 'whoever-first' ? phase.listenerMs + policy.waitForSpeechMs : 0, phase.voiceMs + QUIET_MS);
  if (nowMs < dueMs) return void context.effects.push({ type: 'arm_timer', timer: 'greeting', delayMs: dueMs - nowMs });
  // The model hears somebody: it will say when they have ended, and what came of it.
  if (state.userSpeaking) return void context.effects.push({ type: 'arm_timer', timer: 'greeting', delayMs: QUIET_MS });
  if (policy.clip !== undefined) return play(context, policy.clip);
  greeting.phase = { ...phase, name: 'asked' };
  want(context, { request: policy.request, origin: 'application', handleId: HANDLE });
}

/** Microphone audio, while the greeting is not over. */
export function onGreetingMicrophone(context: StepContext, phase: Exclude<GreetingPhase, { name: 'over' }>, bytes: Uint8Array): void {
  const { inputFormat } = context.state.config;
  const ms = bytesToMs(inputFormat, bytes.length);
  const levelDb = movementDb(inputFormat, bytes);
  const overRoomDb = levelDb - phase.roomDb;
  phase.roomDb = Math.max(QUIETEST_ROOM_DB, Math.min(levelDb, phase.roomDb + ROOM_RISE_DB_PER_MS * ms));
  if (levelDb < QUIETEST_VOICE_DB || overRoomDb < VOICE_OVER_ROOM_DB) return;
  onCallerHeard(context);
}

/** The caller is heard, before anything of the greeting has been: it is held back. */
export function onCallerHeard(context: StepContext): void {
  const { greeting } = context.state;
  const { phase } = greeting;
  if (phase.name === 'over') return;
  phase.voiceMs = context.nowMs;
  if (phase.name === 'waiting') return look(context);
  takeBack(context);
  greeting.phase = { ...phase, name: 'waiting' };
  look(context);
}

/** What it heard of the caller has become a turn: the answer to it is the first word. Or it was nothing. */
export function onCallerTurn(context: StepContext, isTurn: boolean): void {
  const { greeting } = context.state;
  if (greeting.phase.name === 'over') return;
  if (!isTurn) return look(context);
  takeBack(context);
  end(context);
}

/** The greeting has begun to sound, or something else has: there is nothing to hold back any more. */
export function onAgentSounds(context: StepContext): void {
  const { phase } = context.state.greeting;
  if (phase.name !== 'over') end(context);
}

// ---- helpers, in the order of their use ----

function takeBack(context: StepContext): void {
  if (context.state.greeting.phase.name !== 'asked') return;
  if (withdrawHandle(context, HANDLE) !== undefined) stopSound(context, false, false);
}

function end(context: StepContext): void {
  context.state.greeting.phase = { name: 'over' };
  context.effects.push({ type: 'cancel_timer', timer: 'greeting' });
}

function play(context: StepContext, clip: { readonly bytes: Uint8Array; readonly text: string }): void {
  const { state } = context;
  end(context);
  const itemId = newId(state, 'item_vw');
  addItem(context, { type: 'message', id: itemId, role: 'assistant', status: 'completed', content: [{ type: 'output_audio', transcript: clip.text }] }, undefined);
  if (state.connection.name === 'open') tellItem(context, itemId);
  playClip(context, { bytes: clip.bytes, itemId, source: 'greeting' });
}
