import { ProviderError } from '../errors.js';
import type { TokenUsage } from '../ports/model.js';
import type { LiveResponse, SessionState } from './session-state.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';

/** Names that are kept of a response: the one that matters comes again and again. */
const MAX_NAMES = 16;

/** The model said something that has no meaning here; which response it belongs to is not known, so each that is live may be meant. */
export function noteUnknown(state: SessionState, name: string): void {
  for (const { unknown } of state.live.values()) {
    if (unknown.length < MAX_NAMES && !unknown.includes(name)) unknown.push(name);
  }
}

/** A response is over that bills audio of which nothing was understood: a server that calls its audio by another name is silent in no other way. */
export function alarmIfSilent(context: StepContext, response: LiveResponse, usage: TokenUsage | undefined): void {
  const billed = usage?.output.audio ?? 0;
  if (billed === 0 || response.audioSeen) return;
  // What may have been the audio is named first.
  const names = [...response.unknown].sort((a, b) => Number(b.includes('audio')) - Number(a.includes('audio')));
  const heard = names.length === 0 ? 'it sent nothing that we do not know' : `unrecognised: ${names.map((name) => JSON.stringify(name.slice(0, 80))).join(', ')}`;
  emit(context, {
    type: 'error',
    error: new ProviderError('AUDIO_UNDECODED', `The model billed ${billed} audio tokens of a response and none of its audio was decoded; ${heard}.`, {
      stage: 'protocol',
      hint: 'The server speaks another dialect of the protocol, or its audio was lost on the way: look at raw_model_event.',
    }),
  });
}
