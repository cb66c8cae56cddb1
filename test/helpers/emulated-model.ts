import { EmulatedModel as Model } from '../../src/emulator/index.js';
import type { EmulatedModelOptions, WireListener } from '../../src/emulator/index.js';
import type { ManualClock } from '../../src/host/manual-clock.js';

export type { WireListener } from '../../src/emulator/index.js';

/** The emulator as a model, on a manual clock that it moves. */
export class EmulatedModel extends Model {
  readonly #clock: ManualClock;

  constructor(clock: ManualClock, options: Omit<EmulatedModelOptions, 'clock' | 'listener'> = {}, listener: WireListener = {}) {
    super({ ...options, clock, listener });
    this.#clock = clock;
  }

  /** Moves time on. */
  advance(ms: number): Promise<void> {
    return this.#clock.run(ms);
  }
}
