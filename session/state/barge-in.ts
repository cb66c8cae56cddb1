import { cut, isPlaying, samplesToMs } from '../../audio/index.js';
import type { Cut } from '../../audio/index.js';
import { splitHeard } from './heard-text.js';
import { letPlayOn, release } from './held-sound.js';
import { spillHeld } from './hold-back.js';
import { cutItem, textOf } from './history.js';
import { stopResponse } from './responses.js';
import { replaceRestored } from './restore.js';
import type { StepContext } from './step-context.js';
import { emit, forgive, newId, send } from './step-context.js';
import { reportTurn } from './turn-marks.js';
import { expectCut } from './watch-timer.js';

/**
 * Stops the agent, in one ordered step and the same way whoever asks: a new epoch and `audio_interrupted` (the player clears), then
 * `cancel_response` where something is being generated and the model does not stop by itself, then the truncation of every item whose audio
 * was not heard to its end. Nothing is sent that has no effect: an idle session sends nothing, and a second call finds it idle.
 *
 * `modelStops`: the model heard the user itself and cancels its response on its own.
 */
export function interrupt(context: StepContext, modelStops: boolean): void {
  stopSound(context, modelStops, true);
}

/** The same, and what has been asked for and has not begun may be left to come: it is another matter than what sounds. */
export function stopSound(context: StepContext, modelStops: boolean, askedToo: boolean): void {
  const { state, nowMs } = context;
  spillHeld(context);
  const generating = [...state.live.values()].filter((response) => !response.interrupted);
  const asked = askedToo && state.request.name === 'requested' && !state.request.interrupted;
  if (generating.length === 0 && !asked && !isPlaying(state.ledger, nowMs)) return letPlayOn(context);
  release(context);
  state.bargeIn.overSound.clear();

  const cuts = cut(state.ledger, nowMs);
  const texts = new Map(cuts.map((each) => [each, heardOf(context, each)]));
  const audible = cuts.find((each) => each.audible) ?? cuts[0];
  const heard = audible === undefined ? undefined : texts.get(audible);
  emit(context, {
    type: 'audio_interrupted',
    epoch: state.ledger.epoch,
    ...(audible === undefined
      ? {}
      : { itemId: audible.entry.itemId, responseId: audible.entry.responseId, contentIndex: audible.entry.contentIndex }),
    heardMs: audible?.heardMs ?? 0,
    heardText: heard?.heard ?? '',
    unheardText: heard?.unheard ?? '',
  });

  // A response that has been asked for and has not begun can only be cancelled once it has an id.
  if (askedToo && state.request.name === 'requested') state.request.interrupted = true;
  for (const response of generating) {
    stopResponse(context, response, modelStops);
    reportTurn(context, response.turn, response.responseId);
  }
  for (const each of cuts) {
    const turn = state.unheard.get(each.entry.responseId);
    if (turn !== undefined) reportTurn(context, turn, each.entry.responseId);
    // A clip is in no model's memory.
    if (state.clips.has(each.entry.itemId)) continue;
    const heardText = texts.get(each)?.heard ?? '';
    if (!replaceRestored(context, each.entry.itemId, heardText)) truncate(context, each);
    cutItem(context, each.entry.itemId, { heardMs: each.heardMs, heardText });
  }
}

/** That the model has less of the item than we, or none of it any more, is no error. */
function truncate(context: StepContext, { entry, heardMs }: Cut): void {
  const eventId = newId(context.state, 'evt');
  forgive(context.state, eventId);
  send(context, { type: 'truncate_item', eventId, itemId: entry.itemId, contentIndex: entry.contentIndex, audioEndMs: heardMs });
  expectCut(context);
}

function heardOf(context: StepContext, { entry, heardMs }: Cut): { heard: string; unheard: string } {
  const receivedMs = samplesToMs(entry.format, entry.receivedSamples);
  return splitHeard(textOf(context.state.history, entry.itemId), heardMs, { receivedMs, complete: entry.complete });
}
