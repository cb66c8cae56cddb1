import { isPlaying } from '../../audio/index.js';
import { tallyResponse, tallyTranscription } from '../cost/cost-meter.js';
import type { BudgetLimit } from '../events/session-event.js';
import type { TranscriptionUsage, Usage } from '../events/usage.js';
import type { ModelInput } from '../ports/model.js';
import { reconfigure } from './reconfigure.js';
import { GOODBYE_TOKENS, outputBound, tighter } from './output-bound.js';
import { want } from './responses.js';
import type { BudgetOptions } from './spending-state.js';
import type { BudgetTimer } from './session-input.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';

const WARN_AT = 0.8;
const GRACE_MS = 15_000;
const DRAIN_MS = 250;
const GOODBYE = 'The time for this call is used up. Tell the user so in one short sentence, in the language of the conversation, and say goodbye.';

export const BUDGET_REASON = 'the budget of this call is used up';

/** The clock of the call runs from here: from the first time that a model is ready, and not from a later one. */
export function startBudgetClock(context: StepContext): void {
  const { spending } = context.state;
  const { msPerCall, warnAt = WARN_AT } = spending.budget;
  if (msPerCall === undefined || spending.clockRuns) return;
  spending.clockRuns = true;
  context.effects.push({ type: 'arm_timer', timer: 'budget_warning', delayMs: msPerCall * warnAt }, { type: 'arm_timer', timer: 'budget_limit', delayMs: msPerCall });
}

/** A response is done; each counts once, however often the model says so. */
export function spendResponse(context: StepContext, input: Extract<ModelInput, { type: 'response_done' }>): void {
  const { spending, ended } = context.state;
  if (ended.has(input.responseId)) return;
  // A goodbye that was cut at its bound has been said as well.
  const goodbye = spending.phase === 'wrapping' && (input.status === 'completed' || input.status === 'incomplete');
  if (input.usage !== undefined) spending.lastTokens = input.usage.totalTokens;
  const usd = tallyResponse(spending.tally, input.usage, spending.model, spending.prices);
  tell(context, { of: 'response', responseId: input.responseId, usd }, spending.model, input.usage);
  if (goodbye) context.effects.push({ type: 'arm_timer', timer: 'budget_drain', delayMs: DRAIN_MS });
  boundAnswers(context);
}

/** Answers that the model begins by itself are bound by its configuration: near the end of the budget that is made tighter. */
function boundAnswers(context: StepContext): void {
  const { state } = context;
  const maxOutputTokens = tighter(state.config.maxOutputTokens, outputBound(state));
  // A hand-off is answered first; the next response looks again.
  if (maxOutputTokens === undefined || maxOutputTokens === state.config.maxOutputTokens || state.handoff.current !== undefined || state.connection.name !== 'open') return;
  state.config = { ...state.config, maxOutputTokens };
  reconfigure(context, state.config);
}

/** A turn has been written down. */
export function spendTranscription(context: StepContext, itemId: string, usage: TranscriptionUsage | undefined): void {
  const { spending, config } = context.state;
  const model = config.transcription?.model;
  const usd = tallyTranscription(spending.tally, usage, model, spending.prices);
  // Many compatible servers write down for nothing and tell no numbers: that is no news.
  if (usage !== undefined) tell(context, { of: 'transcription', itemId, usd }, model, usage);
}

/** True when the call must end now. */
export function onBudgetTimer(context: StepContext, timer: BudgetTimer): boolean {
  const { spending, ledger, live, wanted, request } = context.state;
  switch (timer) {
    case 'budget_warning':
      if (spending.phase === 'within') warn(context, 'time', (spending.budget.msPerCall ?? 0) * (spending.budget.warnAt ?? WARN_AT));
      return false;
    case 'budget_limit':
      wrapUp(context, 'time', spending.budget.msPerCall ?? 0);
      return false;
    case 'budget_drain': {
      const speaking = isPlaying(ledger, context.nowMs) || live.size > 0 || wanted.length > 0 || request.name !== 'free';
      if (speaking) context.effects.push({ type: 'arm_timer', timer: 'budget_drain', delayMs: DRAIN_MS });
      return speaking ? false : stop(context);
    }
    case 'budget_stop':
      return stop(context);
  }
}

// ---- helpers, in the order of their use ----

type Spent = { readonly of: 'response'; readonly responseId: string; readonly usd: number | 'unpriced' } | { readonly of: 'transcription'; readonly itemId: string; readonly usd: number | 'unpriced' };

function tell(context: StepContext, spent: Spent, model: string | undefined, usage: Usage | TranscriptionUsage | undefined): void {
  const { spending } = context.state;
  const { tally, budget } = spending;
  const call = { ...tally.cost, unpricedModels: [...tally.cost.unpricedModels] };
  emit(context, { type: 'cost', ...spent, ...(model === undefined ? {} : { model }), call });
  if (budget.usdPerCall !== undefined && spent.usd === 'unpriced' && usage !== undefined && !spending.blind) {
    spending.blind = true;
    emit(context, { type: 'budget', state: 'unpriced', limit: 'usd', spent: tally.cost.usd, allowed: budget.usdPerCall });
  }
  check(context, 'usd', tally.cost.usd, budget.usdPerCall);
  check(context, 'tokens', tally.usage.totalTokens, budget.tokensPerCall);
}

function check(context: StepContext, limit: BudgetLimit, spent: number, allowed: number | undefined): void {
  const { phase, budget } = context.state.spending;
  if (allowed === undefined) return;
  // Sums of fractions of a cent fall a hair short of the limit that they reach.
  const counted = spent * (1 + 1e-9);
  if (counted >= allowed) wrapUp(context, limit, spent);
  else if (phase === 'within' && counted >= allowed * (budget.warnAt ?? WARN_AT)) warn(context, limit, spent);
}

function allowedOf({ usdPerCall, tokensPerCall, msPerCall }: BudgetOptions, limit: BudgetLimit): number {
  return (limit === 'usd' ? usdPerCall : limit === 'tokens' ? tokensPerCall : msPerCall) ?? 0;
}

function warn(context: StepContext, limit: BudgetLimit, spent: number): void {
  const { spending } = context.state;
  spending.phase = 'warned';
  emit(context, { type: 'budget', state: 'warning', limit, spent, allowed: allowedOf(spending.budget, limit) });
}

/** The stop is armed once and by nothing but the limit, so that no frame, tool or answer can put it off. */
function wrapUp(context: StepContext, limit: BudgetLimit, spent: number): void {
  const { spending } = context.state;
  if (spending.phase === 'wrapping' || spending.phase === 'stopped') return;
  spending.phase = 'wrapping';
  const { wrapUp: how } = spending.budget;
  const graceMs = how === null ? 0 : (how?.graceMs ?? GRACE_MS);
  context.effects.push({ type: 'arm_timer', timer: 'budget_stop', delayMs: graceMs });
  emit(context, { type: 'budget', state: 'wrap_up', limit, spent, allowed: allowedOf(spending.budget, limit), graceMs });
  if (graceMs > 0) want(context, { request: { instructions: how?.instructions ?? GOODBYE, maxOutputTokens: GOODBYE_TOKENS }, origin: 'application', priority: 'safety' });
}

function stop(context: StepContext): boolean {
  const { spending } = context.state;
  if (spending.phase === 'stopped') return false;
  spending.phase = 'stopped';
  context.effects.push({ type: 'cancel_timer', timer: 'budget_stop' }, { type: 'cancel_timer', timer: 'budget_drain' });
  emit(context, { type: 'budget', state: 'stopped' });
  return true;
}
