import { AnswerVoice } from './answer-voice.js';
import { Gate } from './gate.js';
import type { PipelineInbox, SaidSentence } from './pipeline-input.js';
import type { PipelineStage } from './pipeline-event.js';
import type { PipelineSetup } from './pipeline-options.js';
import { faultOf, stageLate, within } from './stage-error.js';
import { StageReader } from './stage-reader.js';

/** The workflow and the voice of one turn: two loops that tell what comes, until they are done, fail, or are stopped. */
export class AnswerRun {
  readonly turn: number;
  readonly #setup: PipelineSetup;
  readonly #inbox: PipelineInbox;
  readonly #life = new AbortController();
  readonly #text = new Gate();
  readonly #voice: AnswerVoice;
  #asked = false;
  #working = 2;

  constructor(turn: number, setup: PipelineSetup, inbox: PipelineInbox) {
    this.turn = turn;
    this.#setup = setup;
    this.#inbox = inbox;
    this.#voice = new AnswerVoice(setup, this.#life.signal, {
      sound: (sentence, data, samples) => inbox.give({ type: 'sound', turn, sentence, data, samples }),
      spoken: (sentence) => inbox.give({ type: 'sentence_spoken', turn, sentence }),
    });
  }

  /** Asks the workflow, once `ready` is settled; without a text, to greet. */
  start(text: string | undefined, ready: Promise<void>): void {
    void this.#guard('workflow', () => this.#think(text, ready));
    void this.#guard('synthesise', () => this.#voice.run());
  }

  /** Whether the workflow knows of this turn. */
  get asked(): boolean {
    return this.#asked;
  }

  speak(sentence: number, text: string): void {
    this.#voice.speak(sentence, text);
  }

  holdVoice(held: boolean): void {
    if (held) this.#voice.hold();
    else this.#voice.release();
  }

  holdText(held: boolean): void {
    if (held) this.#text.shut();
    else this.#text.open();
  }

  /** All has been said: the voice waits for no more sentences. */
  close(): void {
    this.#voice.close();
  }

  /** Ends both loops and lets go of the stages. Stages that have done their work are left alone. May be called twice. */
  stop(reason: unknown): void {
    if (this.#working === 0) return;
    this.#life.abort(reason);
    this.#text.open();
  }

  async #think(words: string | undefined, ready: Promise<void>): Promise<void> {
    const { workflow, clock, timeouts, splitter: makeSplitter, spoken: makeSpoken } = this.#setup;
    const { turn } = this;
    const { signal } = this.#life;
    await ready;
    if (signal.aborted) return;
    const splitter = await within('split', makeSplitter);
    const spoken = await within('split', makeSpoken);
    const said = (texts: readonly string[]): SaidSentence[] => texts.map((text) => ({ text, spoken: spoken.of(text) }));
    this.#asked = true;
    const source = await within('workflow', () => (words === undefined ? (workflow.greeting?.() ?? nothing()) : workflow.answer({ text: words, signal })));
    let any = false;
    const reader = new StageReader(source, { clock, signal, late: (ms) => stageLate('workflow', any ? 'no more text' : 'no text', ms) });
    reader.limit(timeouts.workflowFirstMs);
    try {
      for (;;) {
        const next = await within('workflow', () => reader.next());
        if (next.done === true) break;
        const delta = next.value;
        if (delta === '') continue;
        any = true;
        reader.limit(timeouts.workflowIdleMs);
        const sentences = await within('split', () => said(splitter.push(delta)));
        if (signal.aborted) return;
        await this.#inbox.give({ type: 'answer_text', turn, delta, sentences, over: false });
        await this.#text.passed();
      }
      const sentences = await within('split', () => said(splitter.end()));
      if (!signal.aborted) await this.#inbox.give({ type: 'answer_text', turn, delta: '', sentences, over: true });
    } finally {
      reader.close();
    }
  }

  async #guard(stage: PipelineStage, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      // What a stage throws when it is stopped is no failure.
      if (this.#life.signal.aborted) return;
      await this.#inbox.give({ type: 'stage_failed', of: this.turn, ...faultOf(thrown, stage) });
    } finally {
      this.#working -= 1;
    }
  }
}

async function* nothing(): AsyncGenerator<string> {}
