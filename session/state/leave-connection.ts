import { completeEntry, samplesToMs } from '../../audio/index.js';
import { endBeside } from './beside.js';
import { splitHeard } from './heard-text.js';
import { cutItem, failOpenItems, textOf } from './history.js';
import { dropHeld } from './hold-back.js';
import { carryHosted } from './hosted-approval.js';
import { CONNECTION_LOST } from './link-state.js';
import { keepForReplay } from './microphone.js';
import { putBack, settleHandles } from './response-queue.js';
import { answersByItself, endResponse } from './responses.js';
import type { LiveResponse } from './session-state.js';
import { forgetSpeech } from './speech-watch.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';
import { cancelUnfinishedCalls } from './tool-calls.js';
import { onSpeechDropped } from './two-stage.js';

/** The conversation leaves its connection: what ran on it has failed, what was asked of it is asked again of the next one. */
export function leaveConnection(context: StepContext, reason: string): void {
  const { state, nowMs } = context;
  const { link } = state;
  state.connection = { name: 'reconnecting', sinceMs: nowMs, reason };
  onSpeechDropped(context);
  dropHeld(context);
  carryHosted(context);
  endBeside(context, CONNECTION_LOST);
  const heardAgain = keepForReplay(context);
  const stopped = [...state.live.values()];
  const owed = state.turnEndedMs !== undefined && answersByItself(state);
  for (const response of stopped) {
    cancelUnfinishedCalls(context, response.responseId);
    endAudio(context, response.responseId);
    if (!response.hasAudio && !response.interrupted) for (const itemId of response.texts.keys()) markUnheard(context, itemId);
    endResponse(context, response, { outcome: response.interrupted ? 'interrupted' : 'failed', reason: CONNECTION_LOST });
  }
  const { request } = state;
  if (request.name === 'requested') {
    if (request.interrupted) settleHandles(context, request.wanted.handles, { outcome: 'interrupted', text: '', reason: 'stopped' });
    else putBack(context, request.wanted);
  }
  state.request = { name: 'free' };
  context.effects.push({ type: 'cancel_timer', timer: 'response_retry' });
  // A server may count its responses anew on each connection; what is late is known by its connection.
  state.ended.clear();
  // Words that nobody has heard, and nobody but us knows to be missing: first words of an agent, a safe answer.
  const unsaid = stopped.filter((response) => isUnsaid(context, response));
  for (const { wanted } of unsaid.reverse()) if (wanted !== undefined) putBack(context, { ...wanted, handles: [] });
  const unanswered = owed || link.askAgain || stopped.some((response) => !response.interrupted && !unsaid.includes(response));
  failOpenItems(context);
  // A turn that is heard again is answered again; tools that run ask for their own answer; so does what is wanted already.
  link.askAgain = unanswered && !heardAgain && state.calls.size === 0 && !state.userSpeaking && state.wanted.length === 0;
  delete state.turnEndedMs;
  forgetSpeech(context);
  delete state.watch.cutMs;
  state.userSpeaking = false;
}

function isUnsaid({ state }: StepContext, { responseId, wanted, interrupted, hasAudio, handles }: LiveResponse): boolean {
  if (wanted === undefined || interrupted || hasAudio || handles.length > 0 || Object.keys(wanted.request).length === 0) return false;
  return wanted.origin !== 'entry' || !state.handoff.former.has(responseId);
}

/** No more audio of a response will come: what has come is played to its end. */
function endAudio(context: StepContext, responseId: string): void {
  for (const entry of [...context.state.ledger.entries]) {
    if (entry.responseId !== responseId || entry.complete) continue;
    const { itemId, contentIndex } = entry;
    const durationMs = samplesToMs(entry.format, entry.receivedSamples);
    const text = textOf(context.state.history, itemId);
    cutItem(context, itemId, { heardMs: Math.floor(durationMs), heardText: splitHeard(text, durationMs, { receivedMs: durationMs, complete: false }).heard });
    completeEntry(context.state.ledger, entry);
    emit(context, { type: 'audio_end', responseId, itemId, contentIndex, durationMs });
  }
}

/** An item whose text ran ahead of a voice that never came was not heard at all. */
function markUnheard(context: StepContext, itemId: string): void {
  const { state } = context;
  const draft = state.history.drafts.get(itemId);
  if (draft?.status === 'in_progress' && state.config.outputModality === 'audio') cutItem(context, itemId, { heardMs: 0, heardText: '' });
}
