import { bytesToSamples, samplesToPcm16 } from '../../audio/index.js';
import type { Vad } from '../../audio/index.js';
import { InvalidStateError, assertNever } from '../errors.js';
import type { Timer } from '../ports/clock.js';
import { Channel } from '../stream/channel.js';
import { AnswerRun } from './answer-run.js';
import { Microphone } from './microphone.js';
import type { PipelineEffect } from './pipeline-effect.js';
import type { PipelineEvent, PipelineEventBody } from './pipeline-event.js';
import type { PipelineInbox, PipelineInput, PipelineTimer } from './pipeline-input.js';
import type { PipelineSetup } from './pipeline-options.js';
import { createPipelineState } from './pipeline-state.js';
import { pipelineStep } from './pipeline-step.js';
import { Recognitions } from './recognitions.js';
import { faultOf, stageError, stageLate, within } from './stage-error.js';
import { StageReader } from './stage-reader.js';

/** Events that wait for their reader; then everything that makes events waits. */
const EVENTS_AHEAD = 32;
/** The silence that a source left out is made up for no longer than that at once: a machine may have slept. */
const MAX_SILENCE_MS = 1_000;
/**
 * One conversation of a pipeline: takes inputs in order, performs effects in order, and decides nothing. Each loop that brings inputs (microphone,
 * recogniser, workflow, voice) waits until the events of the last one have room, so that nothing in here grows.
 */
export class PipelineRun implements PipelineInbox {
  readonly #setup: PipelineSetup;
  readonly #state;
  readonly #life = new AbortController();
  readonly #events: Channel<PipelineEvent>;
  readonly #recognitions: Recognitions;
  readonly #microphone: Microphone;
  readonly #timers = new Map<PipelineTimer, Timer>();
  readonly #inbox: PipelineInput[] = [];
  readonly #onOver: () => void;
  #vad: Vad | undefined;
  #sent: Promise<unknown> = Promise.resolve();
  #told: Promise<void> = Promise.resolve();
  #answer: AnswerRun | undefined;
  #stepping = false;
  #nowMs = 0;
  /** The sound of turns up to this one is not given out any more. */
  #discarded = 0;
  #cancelled = false;

  /** `onOver` is called once, when nothing of it runs any more. */
  constructor(setup: PipelineSetup, onOver: () => void) {
    this.#setup = setup;
    this.#onOver = onOver;
    this.#state = createPipelineState(setup.policy);
    this.#events = new Channel({ capacity: EVENTS_AHEAD, whenFull: 'wait' });
    this.#microphone = new Microphone(setup, this.#life.signal, (error) => this.dispatch({ type: 'trouble', stage: 'input', error }));
    this.#recognitions = new Recognitions(setup, this);
  }

  start(source: AsyncIterable<Uint8Array>): void {
    this.#state.lastAudioAtMs = this.#setup.clock.now();
    if (this.#setup.workflow.greeting !== undefined) this.dispatch({ type: 'greet' });
    void this.#hear(source);
  }

  /** The next event that is still of use. Sound counts as given to the listener from here on. */
  async next(): Promise<IteratorResult<PipelineEvent, undefined>> {
    for (;;) {
      const next = await this.#events.next();
      if (next.done === true) return next;
      const event = next.value;
      // After an abort only the error at the end of the queue is left to be told.
      if (this.#cancelled) continue;
      if (event.type !== 'voice_stream_event_audio') return next;
      const { turn } = event.info;
      if (turn <= this.#discarded) continue;
      this.dispatch({ type: 'taken', turn, sentence: event.contentIndex, samples: bytesToSamples(event.format, event.data.length) });
      return next;
    }
  }

  /** Stops everything at once. With a reason, the reader's loop throws it; without, the reader has left. */
  stop(cancelled?: { readonly reason: unknown }): void {
    if (this.#life.signal.aborted) return;
    const unheard = this.#cutShort();
    const reason = cancelled === undefined ? new InvalidStateError('PIPELINE_NOT_RUNNING', 'The conversation of the pipeline is over.') : cancelled.reason;
    this.#state.over = true;
    this.#cancelled = cancelled !== undefined;
    this.#inbox.length = 0;
    if (cancelled === undefined) void this.#events.return();
    else this.#events.fail(cancelled.reason);
    this.#answer?.stop(reason);
    if (unheard !== undefined) this.#tellHeard(unheard.heardText, unheard.unheardText);
    this.#end(reason);
  }

  /** What was heard of the answer that goes on, if one does: its end is an interruption, of which nobody but the workflow is told any more. */
  #cutShort(): Extract<PipelineEffect, { type: 'tell_heard' }> | undefined {
    const { effects } = pipelineStep(this.#state, { type: 'interrupt' }, this.#setup.clock.now());
    return effects.find((effect): effect is Extract<PipelineEffect, { type: 'tell_heard' }> => effect.type === 'tell_heard');
  }

  dispatch(input: PipelineInput): void {
    // An effect may cause an input; it waits until the effects before it are done.
    if (this.#stepping) return void this.#inbox.push(input);
    this.#stepping = true;
    try {
      let next: PipelineInput | undefined = input;
      while (next !== undefined) {
        this.#nowMs = this.#setup.clock.now();
        for (const effect of pipelineStep(this.#state, next, this.#nowMs).effects) this.#perform(effect);
        next = this.#inbox.shift();
      }
    } finally {
      this.#stepping = false;
    }
  }

  // ---- the loops ----

  async #hear(source: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      this.#vad = await within('turn_detection', this.#setup.vad);
      await this.#microphone.run(source, (samples) => this.#withRoom(() => this.#onSamples(samples)));
      const last = await within('turn_detection', () => this.#vad?.flush() ?? []);
      this.dispatch({ type: 'audio', samples: 0, transitions: last });
      // A recogniser that finds the turns has not said all that it will of the tail.
      await this.#recognitions.inputOver();
      this.dispatch({ type: 'input_over' });
    } catch (thrown) {
      this.#failHearing(thrown);
    }
  }

  /** What the microphone gave, or the silence in its place: into the ring, past the detector, and on to whoever recognises. */
  #onSamples(samples: Int16Array): void {
    if (samples.length === 0 || this.#state.over) return;
    this.#recognitions.keep(samples);
    const transitions = this.#vad?.push(samples) ?? [];
    this.dispatch({ type: 'audio', samples: samples.length, transitions });
    if (this.#setup.recogniser === undefined && this.#setup.microphone === 'all') this.dispatch({ type: 'microphone', data: samplesToPcm16(samples).slice(), ofTurn: false });
    this.#recognitions.feed();
  }

  /** A detector that throws has failed for good. */
  #onSilence(ms: number): void {
    try {
      this.#onSamples(new Int16Array(Math.round((Math.min(ms, MAX_SILENCE_MS) * this.#setup.policy.microphoneRate) / 1000)));
    } catch (thrown) {
      this.#failHearing(thrown);
    }
  }

  #failHearing(thrown: unknown): void {
    if (!this.#life.signal.aborted) this.dispatch({ type: 'stage_failed', of: 0, ...faultOf(thrown, 'turn_detection') });
  }

  /** Takes an input of one of the loops; settled when its events have room. */
  async give(input: PipelineInput): Promise<void> {
    if (!this.#life.signal.aborted) await this.#withRoom(() => this.dispatch(input));
  }

  /** Whoever makes events waits until they have room. Who makes none does not: the user is heard while the queue is full of the answer's sound. */
  async #withRoom(work: () => void): Promise<void> {
    const before = this.#sent;
    work();
    if (this.#sent !== before) await this.#sent;
  }

  // ---- effects ----

  #perform(effect: PipelineEffect): void {
    switch (effect.type) {
      case 'emit':
        return this.#emit(effect.turn, effect.event);
      case 'start_recognition':
        return this.#recognitions.start(effect.utterance, effect.fromSample);
      case 'end_recognition':
        return this.#recognitions.end(effect.byHand);
      case 'drop_recognition':
        return this.#recognitions.drop();
      case 'start_answer':
        this.#answer = new AnswerRun(effect.turn, this.#setup, this);
        return this.#answer.start(effect.text, this.#told);
      case 'speak':
        return this.#answer?.speak(effect.sentence, effect.text);
      case 'hold_voice':
      case 'release_voice':
        return this.#answer?.holdVoice(effect.type === 'hold_voice');
      case 'hold_text':
      case 'release_text':
        return this.#answer?.holdText(effect.type === 'hold_text');
      case 'close_answer':
        return this.#answer?.close();
      case 'stop_answer':
        return this.#answer?.stop(new InvalidStateError('PIPELINE_NOT_RUNNING', 'The answer was cut short.'));
      case 'discard_sound':
        this.#discarded = effect.turn;
        return;
      case 'tell_heard':
        return this.#tellHeard(effect.heardText, effect.unheardText);
      case 'give_silence':
        // Audio that lies here was sent: it is the pipeline that is behind, not the source.
        if (!this.#microphone.waits) this.#onSilence(effect.ms);
        return;
      case 'arm_timer':
        this.#timers.get(effect.timer)?.cancel();
        this.#timers.set(
          effect.timer,
          this.#setup.clock.after(effect.delayMs, () => this.dispatch({ type: 'timer', timer: effect.timer })),
        );
        return;
      case 'cancel_timer':
        this.#timers.get(effect.timer)?.cancel();
        this.#timers.delete(effect.timer);
        return;
      case 'finish':
        void this.#sent.then(() => this.#events.close());
        return this.#end(new InvalidStateError('PIPELINE_NOT_RUNNING', 'The conversation of the pipeline is over.'));
      default:
        assertNever(effect);
    }
  }

  #emit(turn: number, body: PipelineEventBody): void {
    const event: PipelineEvent = { ...body, info: { turn, timestamp: this.#nowMs } };
    this.#sent = this.#sent.then(() => this.#events.send(event));
  }

  /** Told at once and once; the next answer waits until the workflow has taken it in. A workflow that was never asked has nothing to correct. */
  #tellHeard(heardText: string, unheardText: string): void {
    const { workflow, clock, timeouts } = this.#setup;
    if (this.#answer?.asked !== true || workflow.heard === undefined) return;
    const fail = (thrown: unknown): void => {
      if (!this.#life.signal.aborted) this.dispatch({ type: 'trouble', stage: 'workflow', error: stageError('workflow', thrown) });
    };
    try {
      const taken = Promise.resolve(workflow.heard(heardText, unheardText));
      const reader = new StageReader(once(taken), { clock, signal: this.#life.signal, late: (ms) => stageLate('workflow', 'no sign that it knows what was heard', ms) });
      reader.limit(timeouts.workflowFirstMs);
      this.#told = reader.next().then(() => reader.close(), fail);
    } catch (thrown) {
      fail(thrown);
    }
  }

  #end(reason: unknown): void {
    this.#life.abort(reason);
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#recognitions.stop(reason);
    this.#answer?.stop(reason);
    this.#onOver();
  }
}

async function* once(promise: Promise<unknown>): AsyncGenerator<void> {
  await promise;
}
