import type { RealtimeSession } from '../../session/index.js';
import { callGateway } from './call-gateway.js';
import type { CallGatewayOptions } from './call-gateway.js';
import { callSession } from './call-session.js';
import type { CallLine, CallSessionOptions } from './call-session.js';
import { checkSteps } from './caller-steps.js';
import type { CallerStep, Said } from './caller-steps.js';
import type { FinishedCall } from './finished-call.js';

/** How long a step waits, in ms; default 10 000. */
export interface Waiting {
  readonly withinMs?: number;
}

/**
 * A caller who follows a script. Each method gives a new script, one step longer; nothing happens before {@link CallerScript.calls} or
 * {@link CallerScript.dials}, and a script may be used for many calls. At its end the caller hangs up.
 */
export class CallerScript {
  /** As data: what {@link caller} takes. */
  readonly steps: readonly CallerStep[];

  constructor(steps: readonly CallerStep[] = []) {
    this.steps = checkSteps(steps);
  }

  /** Speaks: the path of a WAV file, a text, or samples (mono, 24 kHz). */
  says(what: Said): CallerScript {
    return this.#then({ does: 'says', what });
  }

  /** Sends a typed message. */
  types(text: string): CallerScript {
    return this.#then({ does: 'types', text });
  }

  /** Is silent for `ms`, with an open microphone. */
  waits(ms: number): CallerScript {
    return this.#then({ does: 'waits', ms });
  }

  /** Waits until this has been heard, in what no `hears` before it has found; it may have been said already. */
  hears(pattern: string | RegExp, options: Waiting = {}): CallerScript {
    return this.#then({ does: 'hears', pattern, ...options });
  }

  /** Waits until the agent is heard. */
  untilAgentSpeaks(options: Waiting = {}): CallerScript {
    return this.#then({ does: 'until_agent_speaks', ...options });
  }

  /** Waits until nothing has been heard for `forMs`, 600 by default. */
  untilSilent(options: Waiting & { readonly forMs?: number } = {}): CallerScript {
    return this.#then({ does: 'until_silent', ...options });
  }

  /** Waits until the agent has been heard for `afterMs`, 500 by default, and speaks over it. */
  interrupts(what: Said = 'Sorry, wait a moment.', options: Waiting & { readonly afterMs?: number } = {}): CallerScript {
    return this.#then({ does: 'interrupts', what, ...options });
  }

  hangsUp(): CallerScript {
    return this.#then({ does: 'hangs_up' });
  }

  /** Talks to a session; see {@link callSession}. */
  calls(to: RealtimeSession | ((line: CallLine) => RealtimeSession), options: CallSessionOptions = {}): Promise<FinishedCall> {
    return callSession(this.steps, to, options);
  }

  /** Calls a gateway; see {@link callGateway}. */
  dials(options: CallGatewayOptions): Promise<FinishedCall> {
    return callGateway(this.steps, options);
  }

  #then(step: CallerStep): CallerScript {
    return new CallerScript([...this.steps, step]);
  }
}

/** A caller with these steps, by default none yet. Throws `TypeError` or `RangeError` for a step that cannot be. */
export function caller(steps: readonly CallerStep[] = []): CallerScript {
  return new CallerScript(steps);
}
