import { VoicePipeline as PipelineOnAnyClock } from '../../session/index.js';
import type { Clock, VoicePipelineOptions as OptionsWithClock } from '../../session/index.js';
import { systemClock } from './system-clock.js';

export interface VoicePipelineOptions extends Omit<OptionsWithClock, 'clock'> {
  /** Default: the machine's own clock. Tests and replays give a manual one. */
  readonly clock?: Clock;
}

/** A pipeline on this machine: the same as the one in `session/`, with the machine's clock where none is given. */
export class VoicePipeline extends PipelineOnAnyClock {
  constructor(options: VoicePipelineOptions = {}) {
    super({ clock: systemClock, ...options });
  }
}
