import type { ModelConfig } from '../ports/model.js';
import type { StepContext } from './step-context.js';
import { newId, send } from './step-context.js';

/**
 * The one way in which an open session is configured anew: audio formats are those that the connection began with, whatever `config` says, and while tools are at
 * work the model asks nobody whether they are still there. The model answers in order. Gives the command's id.
 */
export function reconfigure(context: StepContext, config: ModelConfig): string {
  const { state } = context;
  const eventId = newId(state, 'evt');
  const { inputFormat, outputFormat } = state.config;
  const { turnDetection } = config;
  const quiet = state.tools.idle.paused && turnDetection?.type === 'server_vad' ? { turnDetection: { ...turnDetection, idleTimeoutMs: null } } : {};
  send(context, { type: 'configure', eventId, config: { ...config, ...quiet, inputFormat, outputFormat } });
  state.handoff.configures.push(eventId);
  return eventId;
}
