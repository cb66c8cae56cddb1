import { bytesToSamples, reportHeard, samplesToMs } from '../../audio/index.js';
import { ProtocolError, assertNever } from '../errors.js';
import type { ModelErrorInfo, ModelInput, ModelItem } from '../ports/model.js';
import { onAudio, onAudioDone } from './agent-audio.js';
import { compareWithWords } from './anomalies.js';
import { interrupt } from './barge-in.js';
import { askBeside, takeBeside, withdrawBeside } from './beside.js';
import { belongsToConversation, finish, onConnect, onConnectionClosed, onConnectionTimer, onModelExhausted, onModelHealth, onOpened, onOpeningFailed, recover } from './connection.js';
import { forgetFailures } from './failure-notes.js';
import { onFailureTimer, settleFailure } from './failures.js';
import { watchConfirmed } from './format-watch.js';
import { look, onCallerHeard, onCallerTurn, onListenerStarted } from './greeting.js';
import { onAgentText, onGuardedBegin, onGuardedEnd, onUserMessage, onUserText, onVerdict } from './guardrails.js';
import { onHandoff, onHandoffOverdue, onReconfigured, onReconfigureRefused } from './handoff.js';
import { addItem, appendText, commitSpeech, dropSpeech, expectSpeech, failTranscript, finishItem, removeItem, setArguments, setText } from './history.js';
import { holdBack, onHoldTimer } from './hold-back.js';
import { onMicrophone } from './microphone.js';
import { confirmed, refused } from './outbox.js';
import { providerError } from './provider-error.js';
import { confirmItem, dropPastimes, settleHandles } from './response-queue.js';
import {
  confirmPerhaps,
  doubtPerhaps,
  liveResponse,
  onRefusal,
  onResponseCreated,
  onResponseDone,
  onRetryTimer,
  onSpeechEnded,
  requestNext,
  want,
  withdrawHandle,
} from './responses.js';
import { isEchoOfRestored, isReplacement, isRestoreCommand, placeHere } from './restore.js';
import type { SessionEffect } from './session-effect.js';
import type { AppInput, SessionInput, TimerName } from './session-input.js';
import type { SessionState } from './session-state.js';
import { countContext, keepBudget, onContextInput, onSummaryTimer } from './context-budget.js';
import { listenerHeard } from './listener-watch.js';
import { noteUnknown } from './silence-alarm.js';
import { confirmEdit, onEditRefused, onEditTimer, onHistoryInput } from './history-edit.js';
import type { StepContext } from './step-context.js';
import { BUDGET_REASON, onBudgetTimer, spendResponse, spendTranscription } from './spending.js';
import { emit, newId, send } from './step-context.js';
import { onHostedArguments, onHostedItem, onHostedRunning, onToolListFailed } from './hosted-tools.js';
import { beginCall, cancelUnfinishedCalls, onArgumentsDelta, onToolInput, onToolTimer, runCall } from './tool-calls.js';
import { beginSpokenTurn, beginTurn, heardSince, markHeard } from './turn-marks.js';
import { decide, onSpeechDropped, onSpeechStarted, onSpeechStopped, onTurnCommitted, onUserWords } from './two-stage.js';
import { noteCommitted, noteSpeechStarted, noteSpeechStopped, settleAnswered, settleTurn } from './unsettled-turns.js';
import { answerEnded, speechEnded, watchSpeech } from './speech-watch.js';
import { voiceHeard } from './voice-watch.js';
import { cutConfirmed, onWatchdogTimer } from './watchdogs.js';

/**
 * One step of a conversation: takes an input and the moment, gives the effects to be done in order. No awaits, no clocks, no randomness: the same
 * inputs at the same times give the same effects. The state is taken over and given back; see {@link SessionState}.
 */
export function step(state: SessionState, input: SessionInput, nowMs: number): { readonly state: SessionState; readonly effects: readonly SessionEffect[] } {
  const context: StepContext = { state, nowMs, effects: [] };
  if (!isClosed(state)) take(context, input);
  for (let next = state.guardrails.released.shift(); next !== undefined; next = state.guardrails.released.shift()) if (!isClosed(state)) settle(context, next);
  if (state.failures.noted !== undefined) settleFailure(context);
  return { state, effects: context.effects };
}

/** What a connection says counts only while it serves. */
function take(context: StepContext, input: SessionInput): void {
  if (input.type !== 'from_model') {
    if (!holdBack(context, input)) settle(context, input);
  } else if (belongsToConversation(context, input.attemptId, input.input) && !holdBack(context, input.input)) onModel(context, input.input);
}

function isClosed({ connection }: SessionState): boolean {
  return connection.name === 'closed';
}

function settle(context: StepContext, input: Exclude<SessionInput, { type: 'from_model' }>): void {
  switch (input.type) {
    case 'connect':
    case 'connection_opened':
    case 'connection_failed':
    case 'connection_closed':
    case 'recover':
    case 'microphone':
    case 'commit':
    case 'message':
    case 'respond':
    case 'withdraw':
    case 'interrupt':
    case 'playback':
    case 'listener_started':
    case 'tool_prepared':
    case 'tool_decision':
    case 'tool_progress':
    case 'tool_settled':
    case 'tool_late':
    case 'handoff':
    case 'update_history':
    case 'set_context':
    case 'verdict':
    case 'pin':
    case 'summarised':
    case 'model_health':
    case 'timer':
    case 'close':
      return onApp(context, input);
    default:
      if (belongsToConversation(context, undefined, input)) onModel(context, input);
  }
}

// ---- the application, its tools and the clock ----

function onApp(context: StepContext, input: Exclude<AppInput, { type: 'from_model' }>): void {
  const { state, nowMs } = context;
  switch (input.type) {
    case 'connect':
      return onConnect(context);
    case 'connection_opened':
      return onOpened(context, input.attemptId, input.unixMs);
    case 'connection_failed':
      return onOpeningFailed(context, input.attemptId, input.error);
    case 'connection_closed':
      return onConnectionClosed(context, input.attemptId, input.close);
    case 'recover':
      return recover(context, input.reason);
    case 'microphone':
      return onMicrophone(context, input.bytes, input.queuedBytes);
    case 'commit':
      forgetFailures(state);
      send(context, { type: 'commit_audio', eventId: newId(state, 'evt') });
      beginSpokenTurn(context, samplesToMs(state.config.inputFormat, bytesToSamples(state.config.inputFormat, state.microphone.sentBytes)) + state.silenceMs);
      return want(context, { request: {}, origin: 'message', ...ownedBy(input) });
    case 'message': {
      forgetFailures(state);
      interrupt(context, false);
      const item = { type: 'message', id: newId(state, 'item_vw'), role: 'user', content: input.content } as const;
      send(context, { type: 'create_item', eventId: newId(state, 'evt'), item });
      onUserMessage(context, item.id, input.content);
      if (!input.respond) {
        if (input.handleId !== undefined) settleHandles(context, [input.handleId], { outcome: 'cancelled', text: '', reason: 'not_asked_for' });
        return;
      }
      onCallerTurn(context, true);
      beginTurn(context, true);
      return want(context, { request: {}, origin: 'message', ...ownedBy(input) });
    }
    case 'respond':
      if (input.request.conversation === 'none' && input.handleId !== undefined) return askBeside(context, input.request, input.handleId);
      return want(context, { request: input.request, origin: 'application', ...(input.priority === undefined ? {} : { priority: input.priority }), ...ownedBy(input) });
    case 'withdraw': {
      if (withdrawBeside(context, input.handleId)) return;
      const live = withdrawHandle(context, input.handleId);
      return live === undefined ? requestNext(context) : interrupt(context, false);
    }
    case 'interrupt':
      return interrupt(context, false);
    case 'playback': {
      const entry = reportHeard(state.ledger, input.report, nowMs);
      listenerHeard(context);
      if (entry === undefined || entry.reportedSamples === 0) return;
      const turn = state.unheard.get(entry.responseId);
      if (turn !== undefined) markHeard(context, turn, entry.responseId, heardSince(context, entry));
      return;
    }
    case 'listener_started':
      return onListenerStarted(context);
    case 'tool_prepared':
    case 'tool_decision':
    case 'tool_progress':
    case 'tool_settled':
    case 'tool_late':
      return onToolInput(context, input);
    case 'handoff':
      return onHandoff(context, input.plan);
    case 'update_history':
    case 'set_context':
      return onHistoryInput(context, input);
    case 'verdict':
      return onVerdict(context, input.checkId, input.result);
    case 'pin':
    case 'summarised':
      return onContextInput(context, input);
    case 'model_health':
      return onModelHealth(context, input.modelIndex, input.restsUntilMs);
    case 'timer':
      return onTimer(context, input.timer);
    case 'close':
      return endSession(context, 1000, input.reason);
    default:
      assertNever(input);
  }
}

function endSession(context: StepContext, code: number, reason: string): void {
  context.effects.push({ type: 'abort_tools', reason }, { type: 'close_connection', reason });
  finish(context, code, reason);
}

function ownedBy({ handleId }: { readonly handleId?: string }): { readonly handleId?: string } {
  return handleId === undefined ? {} : { handleId };
}

function onTimer(context: StepContext, timer: TimerName): void {
  switch (timer) {
    case 'response_retry':
      return onRetryTimer(context);
    case 'barge_in':
      return decide(context);
    case 'tools':
      return onToolTimer(context);
    case 'watchdog':
      return onWatchdogTimer(context);
    case 'history_edit':
      return onEditTimer(context);
    case 'context_summary':
      return onSummaryTimer(context);
    case 'budget_warning':
    case 'budget_limit':
    case 'budget_drain':
    case 'budget_stop':
      if (onBudgetTimer(context, timer)) onApp(context, { type: 'close', reason: BUDGET_REASON });
      return;
    case 'greeting':
      return look(context);
    case 'guardrail_hold':
      return onHoldTimer(context);
    case 'failure': {
      const end = onFailureTimer(context);
      return end === undefined ? undefined : endSession(context, end.code, end.reason);
    }
    case 'handoff_overdue':
      return onHandoffOverdue(context);
    case 'connect_attempt':
    case 'reconnect':
    case 'rotation':
      return onConnectionTimer(context, timer);
    default:
      assertNever(timer);
  }
}

// ---- the model ----

function onModel(context: StepContext, input: ModelInput): void {
  const { state, nowMs } = context;
  state.watch.modelMs = nowMs;
  if (state.beside.size > 0 && takeBeside(context, input)) return;
  switch (input.type) {
    case 'model_session_created':
      state.spending.model = input.model ?? state.spending.model;
      return;
    case 'model_session_configured':
      if (input.silenceMs !== undefined) state.silenceMs = input.silenceMs;
      state.spending.model = input.model ?? state.spending.model;
      watchConfirmed(context, input);
      return onReconfigured(context);

    case 'speech_started':
      state.userSpeaking = true;
      voiceHeard(context);
      watchSpeech(context);
      onCallerHeard(context);
      delete state.turnEndedMs;
      dropPastimes(context);
      expectSpeech(context, input.itemId);
      noteSpeechStarted(state, input.itemId, input.audioStartMs);
      emit(context, { type: 'input_speech_started', itemId: input.itemId, audioStartMs: input.audioStartMs });
      return onSpeechStarted(context, input.itemId, input.audioStartMs);
    case 'speech_stopped':
      state.userSpeaking = false;
      speechEnded(context);
      noteSpeechStopped(state, input.itemId, input.audioEndMs);
      emit(context, { type: 'input_speech_stopped', itemId: input.itemId, audioEndMs: input.audioEndMs });
      onSpeechEnded(context);
      return onSpeechStopped(context, input.itemId, input.audioEndMs);
    case 'input_committed': {
      const byHand = speechEnded(context);
      state.userSpeaking = false;
      delete state.turnEndedMs;
      forgetFailures(state);
      emit(context, { type: 'input_committed', itemId: input.itemId });
      onCallerTurn(context, true);
      commitSpeech(context, input.itemId, placeHere(state, input.previousItemId));
      state.guardrails.newestUserItem = input.itemId;
      noteCommitted(state, input.itemId);
      onTurnCommitted(context, input.itemId);
      return answerEnded(context, byHand);
    }
    case 'input_cleared':
      state.userSpeaking = false;
      speechEnded(context);
      delete state.turnEndedMs;
      onSpeechDropped(context);
      dropSpeech(context);
      onCallerTurn(context, false);
      return requestNext(context);

    case 'item_added':
      confirmEdit(context, 'create', input.item.id);
      confirmItem(context, input.item.id);
      doubtPerhaps(context);
      confirmed(state, input.item.id);
      if (isEchoOfRestored(state, input.item.id)) return;
      addItem(context, input.item, placeHere(state, input.previousItemId));
      return onHostedItem(context, input.item, undefined, false);
    case 'item_done':
      if (isEchoOfRestored(state, input.item.id)) return;
      finishItem(context, input.item);
      onHostedItem(context, input.item, undefined, true);
      return keepBudget(context);
    case 'item_deleted':
      if (isReplacement(state, input.itemId)) return;
      confirmed(state, input.itemId);
      confirmEdit(context, 'delete', input.itemId);
      return removeItem(context, input.itemId);
    case 'item_truncated':
      return cutConfirmed(context);

    case 'user_transcript_delta':
      appendText(context, input.itemId, input.contentIndex, input.delta, { role: 'user' });
      emit(context, { type: 'transcript_delta', role: 'user', itemId: input.itemId, delta: input.delta });
      return onUserWords(context, input.itemId, { delta: input.delta });
    case 'user_transcript':
      if (input.final) settleTurn(state, input.itemId);
      if (setText(context, input.itemId, input.contentIndex, input.text, { role: 'user' }, input.final)) spendTranscription(context, input.itemId, input.usage);
      if (input.final) onUserText(context, input.itemId, input.text);
      return onUserWords(context, input.itemId, { text: input.text, final: input.final });
    case 'user_transcript_failed':
      settleTurn(state, input.itemId);
      failTranscript(context, input.itemId);
      onUserWords(context, input.itemId, { text: '', final: true });
      return emit(context, {
        type: 'error',
        error: providerError('TRANSCRIPTION_FAILED', `What the user said could not be written down: ${input.error.message}`, input.error),
      });

    case 'response_created':
      onResponseCreated(context, input);
      return onGuardedBegin(context, input.responseId);
    case 'output_item_added':
      return onOutputItem(context, input.responseId, input.item, false);
    case 'output_item_done':
      return onOutputItem(context, input.responseId, input.item, true);
    case 'audio_delta':
      return onAudio(context, input);
    case 'audio_done':
      return onAudioDone(context, input);
    case 'output_text_delta': {
      const response = liveResponse(context, input.responseId);
      appendText(context, input.itemId, input.contentIndex, input.delta, { role: 'assistant', responseId: input.responseId });
      if (response === undefined) return;
      confirmPerhaps(context, response);
      response.texts.set(input.itemId, (response.texts.get(input.itemId) ?? '') + input.delta);
      if (input.of === 'text') {
        settleAnswered(state, input.responseId);
        response.turn.marks.firstDeltaMs ??= nowMs;
      }
      emit(context, { type: 'transcript_delta', role: 'agent', itemId: input.itemId, delta: input.delta });
      return onAgentText(context, input.responseId, input.itemId, input.delta);
    }
    case 'output_text_done':
      liveResponse(context, input.responseId)?.texts.set(input.itemId, input.text);
      setText(context, input.itemId, input.contentIndex, input.text, { role: 'assistant', responseId: input.responseId });
      return onAgentText(context, input.responseId, input.itemId);
    case 'arguments_delta':
      if (generating(context, input.responseId)) onArgumentsDelta(context, input);
      return;
    case 'arguments_done':
      settleAnswered(state, input.responseId);
      setArguments(context, input.itemId, input.arguments, input);
      if (generating(context, input.responseId)) runCall(context, input);
      return;
    case 'mcp_arguments_delta':
      if (generating(context, input.responseId)) onHostedArguments(context, input.itemId, input.delta);
      return;
    case 'mcp_call_running':
      return onHostedRunning(context, input.itemId);
    case 'mcp_list_failed':
      return onToolListFailed(context, input.itemId);
    case 'response_done':
      for (const item of input.output) onOutputItem(context, input.responseId, item, true);
      cancelUnfinishedCalls(context, input.responseId);
      spendResponse(context, input);
      countContext(context, input);
      compareWithWordsOf(context, input);
      if (input.status === 'completed') settleAnswered(state, input.responseId);
      onResponseDone(context, input);
      onGuardedEnd(context, input.responseId);
      return onModelExhausted(context, input.error);

    case 'model_error':
      return onModelError(context, input.error, input.eventId);
    case 'audio_elsewhere': {
      const response = state.live.get(input.responseId);
      if (response !== undefined) response.audioSeen = true;
      return;
    }
    case 'raw_message':
      noteUnknown(state, input.name);
      return emit(context, { type: 'raw_model_event', name: input.name, raw: input.raw });
    default:
      assertNever(input);
  }
}

/** The model generates a call. False when the response is over: the event is late. */
function generating(context: StepContext, responseId: string): boolean {
  const response = liveResponse(context, responseId);
  if (response !== undefined) confirmPerhaps(context, response);
  return response !== undefined;
}

function compareWithWordsOf(context: StepContext, { responseId, status }: Extract<ModelInput, { type: 'response_done' }>): void {
  const response = status === 'completed' ? context.state.live.get(responseId) : undefined;
  if (response !== undefined) compareWithWords(context, response);
}

function onOutputItem(context: StepContext, responseId: string, item: ModelItem, done: boolean): void {
  const response = liveResponse(context, responseId);
  if (done) finishItem(context, item, responseId);
  else addItem(context, item, undefined, responseId);
  if (response === undefined) return;
  if (item.type === 'message' && !response.texts.has(item.id)) response.texts.set(item.id, '');
  if (item.type !== 'function_call') return onHostedItem(context, item, responseId, done);
  if (done) settleAnswered(context.state, responseId);
  if (done && item.status === 'completed') confirmPerhaps(context, response);
  beginCall(context, { responseId, itemId: item.id, callId: item.callId, name: item.name });
  // A call that was cut off in the middle of its arguments is not run.
  if (done && item.status !== 'incomplete') runCall(context, { responseId, itemId: item.id, callId: item.callId, name: item.name, arguments: item.arguments });
}

function onModelError(context: StepContext, error: ModelErrorInfo, eventId: string | undefined): void {
  const { state } = context;
  if (eventId !== undefined) refused(state, eventId);
  if (eventId !== undefined && (state.forgivable.delete(eventId) || isRestoreCommand(eventId))) {
    state.namesRefused = true;
    return emit(context, { type: 'raw_model_event', name: 'error', raw: { ...error, eventId } });
  }
  if (onEditRefused(context, error, eventId)) return;
  if (error.kind === 'protocol_error') return emit(context, { type: 'error', error: new ProtocolError('PROTOCOL_BAD_EVENT', error.message) });
  const wrapped = providerError('PROVIDER_ERROR', `The model reported an error: ${error.message}`, error, eventId);
  if (onReconfigureRefused(context, error, eventId) || onRefusal(context, error, eventId, wrapped)) return;
  emit(context, { type: 'error', error: wrapped });
  requestNext(context);
  onModelExhausted(context, error);
}
