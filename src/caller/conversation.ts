import type { Clock, Timer } from '../../session/index.js';
import { SLOT_SAMPLES, SlotTimer } from '../client/index.js';
import type { Microphone } from '../client/index.js';
import { HostError } from '../host/errors.js';
import type { HostErrorCode } from '../host/errors.js';
import { SAMPLE_RATE } from '../protocol/voicewire/index.js';
import { CallerEar } from './caller-ear.js';
import type { PreparedStep } from './caller-steps.js';
import type { CallEvent, CallTrack, FinishedCall } from './finished-call.js';
import { ScriptedCaller } from './scripted-caller.js';
import type { CallerAction } from './scripted-caller.js';

/** A scripted call did not come to the end of its script. `call` is what took place. */
export class CallerError extends HostError {
  readonly call: FinishedCall;
  /** The step that it was at, from 1. */
  readonly step: number;
  constructor(code: HostErrorCode, message: string, hint: string, { call, step }: { readonly call: FinishedCall; readonly step: number }) {
    super(code, message, { hint });
    this.call = call;
    // Not with the message wherever the error is printed: a call is thousands of events, and its sound.
    Object.defineProperty(this, 'call', { enumerable: false });
    this.step = step;
  }
}

export interface ConversationOptions {
  readonly steps: readonly PreparedStep[];
  readonly clock: Clock;
  /** The moment of sample 0 of both tracks. */
  readonly originMs: number;
  /** The longest call; then it ends with `CALLER_TIMEOUT`. */
  readonly maxMs: number;
  readonly keepAudio: boolean;
  readonly onTyped: (text: string) => void;
}

/**
 * A scripted caller at one end of a call, whoever is at the other: it is the microphone, it is told what is played and what happens, and it keeps all
 * of it as a {@link FinishedCall}.
 */
export class Conversation implements Microphone {
  readonly ear = new CallerEar();
  readonly events: CallEvent[] = [];
  /** Resolves when the caller hangs up; rejects with {@link CallerError}. */
  readonly over: Promise<void>;
  readonly #options: ConversationOptions;
  readonly #caller: ScriptedCaller;
  readonly #said = new TrackKeeper();
  readonly #heard = new TrackKeeper();
  readonly #limit: Timer;
  #settle: { resolve: () => void; reject: (error: CallerError) => void } | undefined;
  #timer: SlotTimer | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.over = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Whoever runs the call waits for it later than it may fail.
    this.over.catch(() => {});
    this.#caller = new ScriptedCaller(options.steps, this.ear, options.originMs, (action) => this.#onAction(action));
    this.#limit = options.clock.after(options.maxMs, () => this.#fail('CALLER_TIMEOUT', `The call is longer than ${options.maxMs} ms.`, 'Give a larger maxMs, or let the script hang up earlier.'));
  }

  start(onSamples: (samples: Int16Array) => void): void {
    const { clock, originMs, keepAudio } = this.#options;
    this.#timer = new SlotTimer(clock, originMs, (slot) => {
      const samples = this.#caller.slot(clock.now());
      if (keepAudio) this.#said.place(slot * SLOT_SAMPLES, samples);
      if (this.#settle !== undefined) onSamples(samples);
    });
  }

  stop(): void {
    this.#timer?.stop();
  }

  /** What the loudspeaker plays, from its sink. */
  readonly onHeard = (samples: Int16Array, firstSample: number): void => {
    if (this.#options.keepAudio) this.#heard.place(firstSample, samples);
  };

  onEvent(event: CallEvent): void {
    this.events.push(event);
    this.ear.onEvent(event);
  }

  /** The other end is gone. */
  onEnded(why: string): void {
    if (this.#caller.needsNobody) this.#finish();
    else this.#fail('CALL_ENDED_EARLY', `The call ended at step ${this.#caller.step} of the caller's script: ${why}.`, 'The events of the call say why; error.call has them.');
  }

  /** Ends the microphone and the limit. */
  close(): void {
    this.stop();
    this.#limit.cancel();
  }

  /** What has taken place so far. */
  get call(): FinishedCall {
    const { originMs, keepAudio } = this.#options;
    const tracks = keepAudio ? { said: this.#said.track(originMs), heard: this.#heard.track(originMs) } : {};
    return { events: this.events, played: this.ear.played, ...tracks };
  }

  #onAction(action: CallerAction): void {
    if (this.#settle === undefined) return;
    switch (action.type) {
      case 'types':
        return this.#options.onTyped(action.text);
      case 'hangs_up':
        return this.#finish();
      case 'gives_up': {
        const heard = this.ear.text;
        const story = heard === '' ? 'Nothing of the agent has been heard.' : `Heard so far: ${JSON.stringify(heard.slice(-300))}.`;
        return this.#fail('CALLER_TIMEOUT', `Step ${action.step} of the caller's script, ${action.name}, waited ${Math.round(action.waitedMs)} ms in vain. ${story}`, 'Give the step a longer withinMs, or look at error.call for what took place.');
      }
    }
  }

  #finish(): void {
    this.#settle?.resolve();
    this.#settle = undefined;
  }

  #fail(code: HostErrorCode, message: string, hint: string): void {
    this.#settle?.reject(new CallerError(code, message, hint, { call: this.call, step: this.#caller.step }));
    this.#settle = undefined;
  }
}

/** Sound as it comes, in pieces, silence between them. */
class TrackKeeper {
  #samples = new Int16Array(SAMPLE_RATE * 8);
  #length = 0;

  place(at: number, samples: Int16Array): void {
    const end = at + samples.length;
    if (end > this.#samples.length) {
      const larger = new Int16Array(Math.max(end, this.#samples.length * 2));
      larger.set(this.#samples);
      this.#samples = larger;
    }
    this.#samples.set(samples, at);
    this.#length = Math.max(this.#length, end);
  }

  track(startMs: number): CallTrack {
    return { startMs, sampleRate: SAMPLE_RATE, samples: this.#samples.slice(0, this.#length) };
  }
}
