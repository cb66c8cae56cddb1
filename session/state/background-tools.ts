import { isPlaying } from '../../audio/index.js';
import { playClip } from './play-clip.js';
import { want } from './responses.js';
import type { StepContext } from './step-context.js';
import { newId } from './step-context.js';
import { answer, join, tell } from './tool-answers.js';
import type { ToolCall } from './tool-state.js';

/** How often it is looked whether both sides are quiet, while something waits for that. */
export const QUIET_CHECK_MS = 100;
/** A clip whose moment was not quiet waits this long, so that it does not follow on the heels of somebody's last word. */
const FILLER_RETRY_MS = 1_000;
/** A result waits no longer than this for quiet: somebody may talk without end, or a listener never report what it has heard. */
const RESULT_WAIT_MS = 30_000;
/** For so long after the user's turn an answer is on its way, whether or not it has been asked for. */
const ANSWER_DUE_MS = 2_000;
/** Calls are bounded, and so are their results; those that come late are few. */
const MAX_RESULTS = 128;

/** The tool takes long: the model gets an output that says so, and the call works on in the background. */
export function acknowledgeCall(context: StepContext, call: ToolCall): void {
  if (call.phase.name !== 'running') return;
  const { plan, sinceMs } = call.phase;
  const { background } = plan;
  if (background === undefined) return;
  const firstFillerMs = context.nowMs + (background.respond ? background.everyMs : 0);
  call.phase = { name: 'background', plan, background, sinceMs, fillers: 0, fillerAtMs: firstFillerMs };
  answer(context, call, background.acknowledge, background.respond);
  join(context, call.responseId);
}

/** A call of the background has ended, or one that was given up has after all: the model is told as soon as both sides are quiet. */
export function addResult(context: StepContext, call: { callId: string; name: string }, output: string, respond: boolean): void {
  const { results } = context.state.tools;
  results.push({ callId: call.callId, name: call.name, output, respond, untilMs: context.nowMs + RESULT_WAIT_MS });
  if (results.length > MAX_RESULTS) results.shift();
  deliverResults(context);
}

/** What falls due: acknowledgements, clips, results. */
export function onBackgroundTime(context: StepContext): void {
  const { nowMs, state } = context;
  for (const call of state.calls.values()) {
    if (call.phase.name === 'running' && (call.phase.acknowledgeAtMs ?? Infinity) <= nowMs) acknowledgeCall(context, call);
  }
  deliverResults(context);
  for (const call of state.calls.values()) {
    if (call.phase.name === 'background' && (call.phase.fillerAtMs ?? Infinity) <= nowMs) playFiller(context, call);
  }
}

/** Results that wait go out together, as items of their own: the calls' one output each was the acknowledgement. */
function deliverResults(context: StepContext): void {
  const { state, nowMs } = context;
  const { results } = state.tools;
  delete state.tools.checkAtMs;
  if (results.length === 0) return;
  if (state.connection.name !== 'open' || !(bothQuiet(context) || results.some(({ untilMs }) => untilMs <= nowMs))) {
    state.tools.checkAtMs = nowMs + QUIET_CHECK_MS;
    return;
  }
  const told = results.splice(0);
  for (const { callId, name, output, respond } of told) {
    const text = `The tool ${name}, which was still running when you called it (call ${callId}), has ended. Its result: ${output}${respond ? ' Tell the user now.' : ''}`;
    tell(context, { type: 'message', id: newId(state, 'item_vw'), role: 'system', content: [{ type: 'input_text', text }] });
  }
  if (told.some(({ respond }) => respond)) want(context, { request: {}, origin: 'tools' });
}

function playFiller(context: StepContext, call: ToolCall): void {
  const { state, nowMs } = context;
  if (call.phase.name !== 'background') return;
  const { phase } = call;
  const { fillers, max, everyMs } = phase.background;
  const clip = fillers[phase.fillers % fillers.length];
  if (clip === undefined || phase.fillers >= max) {
    delete phase.fillerAtMs;
    return;
  }
  if (!bothQuiet(context) || state.tools.results.length > 0) {
    phase.fillerAtMs = nowMs + FILLER_RETRY_MS;
    return;
  }
  phase.fillers += 1;
  phase.fillerAtMs = nowMs + playClip(context, { bytes: clip, source: 'filler' }) + everyMs;
}

/** Nobody speaks, nobody is heard, and no answer is being made or about to be. */
function bothQuiet({ state, nowMs }: StepContext): boolean {
  if (state.userSpeaking || state.live.size > 0 || state.request.name !== 'free' || state.wanted.length > 0) return false;
  if (isPlaying(state.ledger, nowMs)) return false;
  const decidedMs = state.turn?.marks.endpointDecidedMs;
  return decidedMs === undefined || nowMs - decidedMs > ANSWER_DUE_MS;
}
