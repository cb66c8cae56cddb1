import { samplesToMs } from '../../audio/index.js';
import type { PipelineEffect } from './pipeline-effect.js';
import type { PipelineEventBody } from './pipeline-event.js';
import { turnNumber } from './pipeline-state.js';
import type { PipelineState } from './pipeline-state.js';

/** What one step works with: the state, the moment, and the effects so far. */
export interface PipelineContext {
  readonly state: PipelineState;
  readonly nowMs: number;
  readonly effects: PipelineEffect[];
}

/** Tells something of the turn that is going on. */
export function emit({ state, effects }: PipelineContext, event: PipelineEventBody): void {
  effects.push({ type: 'emit', turn: turnNumber(state.turn), event });
}

/** A time in samples of the microphone. */
export function microphoneSamples({ policy }: PipelineState, ms: number): number {
  return Math.round((ms * policy.microphoneRate) / 1000);
}

export function microphoneMs({ policy }: PipelineState, samples: number): number {
  return (samples * 1000) / policy.microphoneRate;
}

export function outputMs({ policy }: PipelineState, samples: number): number {
  return samplesToMs(policy.outputFormat, samples);
}
