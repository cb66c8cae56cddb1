import { RealtimeSession as SessionOnAnyClock } from '../../session/index.js';
import type { Clock, RealtimeAgent, RealtimeSessionOptions as OptionsWithClock } from '../../session/index.js';
import { systemClock } from './system-clock.js';

export interface RealtimeSessionOptions extends Omit<OptionsWithClock, 'clock'> {
  /** Default: the machine's own clock. Tests and replays give a manual one. */
  readonly clock?: Clock;
}

/** A session on this machine: the same as the one in `session/`, with the machine's clock where none is given. */
export class RealtimeSession extends SessionOnAnyClock {
  constructor(agent: RealtimeAgent, options: RealtimeSessionOptions) {
    super(agent, { clock: systemClock, ...options });
  }
}
