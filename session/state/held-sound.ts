import { audiblePart, pauseLedger, resumeLedger } from '../../audio/index.js';
import type { Doubt } from './barge-in-state.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';

/** Holds the agent's sound where it is. What the model generates meanwhile is received and waits. */
export function holdSound(context: StepContext, doubt: Doubt): void {
  const { bargeIn, ledger } = context.state;
  bargeIn.phase = { name: 'held', doubt };
  bargeIn.counts.tentative += 1;
  emit(context, { type: 'audio_paused', how: bargeIn.policy.pause, epoch: ledger.epoch, ...position(context) });
  if (bargeIn.policy.pause === 'pause') pauseLedger(ledger, context.nowMs);
}

/** Lets it play on, from the sample at which it was held. Does nothing when it is not. */
export function letPlayOn(context: StepContext): void {
  const { ledger } = context.state;
  if (!release(context)) return;
  emit(context, { type: 'audio_resumed', epoch: ledger.epoch, ...position(context) });
  resumeLedger(ledger, context.nowMs);
}

/** The question is settled without an answer to the listener: an interruption tells it to clear. True when the sound was held. */
export function release(context: StepContext): boolean {
  const { bargeIn } = context.state;
  const held = bargeIn.phase.name === 'held';
  bargeIn.phase = { name: 'calm' };
  if (held) context.effects.push({ type: 'cancel_timer', timer: 'barge_in' });
  return held;
}

function position({ state, nowMs }: StepContext): { itemId: string; responseId: string; contentIndex: number; sample: number } | Record<string, never> {
  const audible = audiblePart(state.ledger, nowMs);
  if (audible === undefined) return {};
  const { itemId, responseId, contentIndex } = audible.entry;
  return { itemId, responseId, contentIndex, sample: audible.heardSamples };
}
