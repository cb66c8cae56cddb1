/**
 * The microphone's audio on its way to the model: what is sent, and what is kept in case the connection is lost, so that the next one hears it
 * too.
 */
import { bytesToMs, msToBytes } from '../../audio/index.js';
import { hearEcho } from './echo-guard.js';
import { watchFormat } from './format-watch.js';
import { onGreetingMicrophone } from './greeting.js';
import { removeItem, textOf } from './history.js';
import { heardByModel } from './microphone-gate.js';
import { forgetBefore, pushToRing, readRing } from './microphone-ring.js';
import type { SessionState } from './session-state.js';
import type { StepContext } from './step-context.js';
import { emit, newId, send } from './step-context.js';
import { onVoice } from './two-stage.js';
import { watchVoice } from './voice-watch.js';

/** Microphone audio kept while the first connection is made, in ms; what is older is lost, and told. */
const EARLY_AUDIO_MS = 6_000;
/** Bytes in the socket's queue above which microphone audio is dropped: at 24 kHz as base64, about 8 s that the network has not taken. */
const MICROPHONE_HIGH_BYTES = 512 * 1024;
/** Of what is kept for a connection; two losses in a row are kept whole. */
const MOST_KEPT = 4;
/** Kept audio goes out in pieces of this length: few messages, none of them large. */
const REPLAY_PIECE_MS = 500;

export function onMicrophone(context: StepContext, bytes: Uint8Array, queuedBytes: number): void {
  const { state, nowMs } = context;
  const { microphone } = state;
  microphone.lastAtMs = nowMs;
  if (state.formatWatch.input !== undefined) watchFormat(context, 'input', bytes);
  const { phase } = state.greeting;
  if (phase.name !== 'over') onGreetingMicrophone(context, phase, bytes);
  if (state.connection.name !== 'open') return keepForNext(state, heardByModel(context, bytes));
  if (queuedBytes > MICROPHONE_HIGH_BYTES) {
    microphone.dropped += 1;
    if (!microphone.high) emit(context, { type: 'pressure', queue: 'microphone', state: 'high', dropped: microphone.dropped });
    microphone.high = true;
    return;
  }
  if (microphone.high) {
    microphone.high = false;
    emit(context, { type: 'pressure', queue: 'microphone', state: 'normal', dropped: microphone.dropped });
  }
  if (state.bargeIn.echo !== undefined) hearEcho(context, bytes);
  const heard = heardByModel(context, bytes);
  sendMicrophone(context, heard);
  onVoice(context, heard);
  watchVoice(context, heard);
}

/** The first connection is being made: what comes before it is ready is kept for it. */
export function keepEarly({ config, microphone }: SessionState): void {
  microphone.limitBytes = msToBytes(config.inputFormat, EARLY_AUDIO_MS);
}

/**
 * The connection is lost. Turns that nobody knows the words of will be heard again, with all that was said after them, as new items, so the old ones
 * are taken out. Returns whether there is a finished one among them: the model will answer it by itself.
 */
export function keepForReplay(context: StepContext): boolean {
  const { state } = context;
  const { microphone } = state;
  const first = microphone.turns.find((turn) => textOf(state.history, turn.itemId) === '');
  const again = first === undefined ? [] : microphone.turns.slice(microphone.turns.indexOf(first));
  for (const { itemId } of again) removeItem(context, itemId);
  if (microphone.speech !== undefined && textOf(state.history, microphone.speech.itemId) === '') removeItem(context, microphone.speech.itemId);
  // Words that are known are put back as text: their audio is not sent again.
  for (const turn of microphone.turns) {
    if (turn === first) break;
    forgetBefore(microphone.ring, turn.endByte);
  }
  const neededFrom = first?.startByte ?? microphone.speech?.startByte ?? microphone.ring.startByte;
  if (neededFrom < microphone.ring.startByte) loseAudio(state, neededFrom, microphone.ring.startByte);
  microphone.limitBytes = moreBytes(state);
  microphone.turns.length = 0;
  delete microphone.speech;
  // Of a turn whose audio is gone nothing can be heard again.
  return again.some(({ startByte, endByte }) => endByte > Math.max(startByte, microphone.ring.startByte));
}

/** Gives a new connection the kept audio, with the commits that the old one did not confirm, each in its place. Returns what was lost. */
export function replayMicrophone(context: StepContext): { readonly fromMs: number; readonly toMs: number } | undefined {
  const { state } = context;
  const { microphone } = state;
  const { inputFormat } = state.config;
  const { ring } = microphone;
  const pieceBytes = msToBytes(inputFormat, REPLAY_PIECE_MS);
  const commits = microphone.commits.splice(0);
  microphone.baseByte = ring.startByte;
  microphone.sentBytes = ring.endByte - ring.startByte;
  let at = ring.startByte;
  const sendUntil = (byte: number): void => {
    for (const bytes of readRing(ring, at, byte, pieceBytes)) send(context, { type: 'append_audio', bytes });
    at = Math.max(at, byte);
  };
  for (const { atByte } of commits) {
    // An empty buffer cannot be committed: what it was for is lost, and told.
    if (atByte <= at) continue;
    sendUntil(atByte);
    const eventId = newId(state, 'evt');
    send(context, { type: 'commit_audio', eventId });
    const last = microphone.commits.at(-1);
    if (last?.eventId === eventId) last.atByte = atByte;
  }
  sendUntil(ring.endByte);
  microphone.replayedToByte = ring.endByte;
  microphone.limitBytes = moreBytes(state);
  const { lost } = microphone;
  delete microphone.lost;
  return lost === undefined ? undefined : { fromMs: bytesToMs(inputFormat, lost.fromByte), toMs: bytesToMs(inputFormat, lost.toByte) };
}

// ---- helpers, in the order of their use ----

function sendMicrophone(context: StepContext, bytes: Uint8Array): void {
  const { microphone } = context.state;
  const { ring, replayedToByte } = microphone;
  const keep = keptBytes(context.state);
  microphone.sentBytes += bytes.length;
  // A connection that is lost soon after it was given kept audio has perhaps not heard it either.
  pushToRing(ring, bytes, replayedToByte > 0 && ring.endByte - replayedToByte < keep ? Math.max(keep, microphone.limitBytes) : keep);
  send(context, { type: 'append_audio', bytes });
}

function keepForNext(state: SessionState, bytes: Uint8Array): void {
  const { ring, limitBytes } = state.microphone;
  const before = ring.startByte;
  pushToRing(ring, bytes, limitBytes);
  if (ring.startByte > before) loseAudio(state, before, ring.startByte);
}

/** What there is, and as much more as is kept anyway; a line that is lost again and again does not make it grow without end. */
function moreBytes(state: SessionState): number {
  const { ring } = state.microphone;
  const keep = keptBytes(state);
  return Math.min(ring.endByte - ring.startByte + keep, MOST_KEPT * keep);
}

function keptBytes({ config, link }: SessionState): number {
  return msToBytes(config.inputFormat, link.policy.keepAudioMs);
}

function loseAudio({ microphone }: SessionState, fromByte: number, toByte: number): void {
  microphone.lost = { fromByte: Math.min(microphone.lost?.fromByte ?? fromByte, fromByte), toByte: Math.max(microphone.lost?.toByte ?? toByte, toByte) };
}
