import type { FailureOptions, FallbackClip, RealtimeSession, VoicewireError } from '../../../session/index.js';

/** One thing that goes wrong, and what must come of it. */
export interface Fault {
  readonly name: string;
  /** Of the error that says so; absent: it is no error at all. */
  readonly code?: string;
  /** How often that error comes; default 1. */
  readonly count?: number;
  readonly providerCode?: string;
  readonly retryable?: boolean;
  /** Whether the caller hears the clip. */
  readonly clip: boolean;
  /** Whether the call is over afterwards, by itself. */
  readonly ends: boolean;
  readonly provoke: () => Promise<FaultOutcome>;
}

export interface FaultOutcome {
  /** Everything that was reported: `error` events, and what `connect` rejected with. */
  readonly errors: readonly VoicewireError[];
  readonly clips: number;
  /** How often `connection closed` was told, before whoever holds the session closed it, and in the end. */
  readonly closes: number;
  readonly closesInTheEnd: number;
}

/** 20 ms: nobody need wait for it. */
export const CLIP: FallbackClip = { samples: new Int16Array(480).fill(2_000), sampleRate: 24_000 };
/** The clip alone, so that what is told is told once. */
export const ON_FAILURE: FailureOptions = { play: CLIP, then: 'continue' };

/** Watches a session from before its opening to its end. */
export class Witness {
  readonly errors: VoicewireError[] = [];
  clips = 0;
  closes = 0;
  committed = 0;
  readonly #waiting = new Set<() => void>();

  constructor(session: RealtimeSession) {
    session.on('error', ({ error }) => this.#note(() => this.errors.push(error)));
    session.on('audio', ({ source }) => this.#note(() => source === 'fallback' && (this.clips += 1)));
    session.on('connection', ({ connection }) => this.#note(() => connection.state === 'closed' && (this.closes += 1)));
    session.on('input_committed', () => this.#note(() => (this.committed += 1)));
  }

  /** Resolves when `holds` does, which is looked at with each event. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  #note(change: () => unknown): void {
    change();
    for (const check of [...this.#waiting]) check();
  }
}

/** Closes the session and sums up. */
export async function outcomeOf(session: RealtimeSession, witness: Witness, rejected: readonly VoicewireError[] = []): Promise<FaultOutcome> {
  const { closes } = witness;
  await session.close();
  return { errors: [...rejected, ...witness.errors], clips: witness.clips, closes, closesInTheEnd: witness.closes };
}
