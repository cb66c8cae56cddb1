import type { Agent, AnyAgent } from '../agent/agent.js';
import { RunError } from '../errors.js';
import type { TextInputItem } from '../ports/text-model.js';
import type { Workflow, WorkflowTurn } from '../ports/workflow.js';
import { Channel } from '../stream/channel.js';
import { InProcessMemory } from './conversation-memory.js';
import type { ConversationMemory } from './conversation-memory.js';
import { cutToHeard } from './heard.js';
import type { FunctionCall } from './next-action.js';
import type { ContextFor, RunInput, RunOptions } from './run-options.js';
import { createRun } from './run-streamed.js';
import type { StreamedRun } from './streamed-run.js';
import { unlessAborted } from './unless-aborted.js';

export interface AgentWorkflowOptions<Context = unknown> extends Omit<RunOptions<Context>, 'runId' | 'signal' | 'whenFull'> {
  /** Gives each run an id of its own. */
  readonly newRunId: () => string;
  /** Words that are spoken before the user has said anything; they stand in the conversation like an answer. */
  readonly greeting?: string;
  /** Asked about each call that needs a person; without it such a turn fails with `RUN_WAITS`. */
  readonly approve?: (call: FunctionCall) => boolean | Promise<boolean>;
  /** Told of each run as it begins: its state and its end may be looked at, its events are read here. */
  readonly onRun?: (run: StreamedRun<Context, string>) => void;
}

/**
 * An agent as what thinks in a voice pipeline: each turn of the user is a run, in a conversation of its own unless a `session` is given. Whom the agent hands
 * over to has the next turn. Of an answer that is cut short, the conversation keeps what was heard.
 */
export function agentWorkflow<Context>(agent: Agent<Context>, options: AgentWorkflowOptions<Context> & ContextFor<Context>): Workflow {
  const talk = new Talk(agent, options);
  const { greeting } = options;
  return {
    answer: (turn) => talk.answer(turn),
    heard: (heardText) => talk.cut(heardText),
    ...(greeting === undefined ? {} : { greeting: () => talk.greet(greeting) }),
  };
}

/** The turns of one conversation, one after the other. */
class Talk<Context> {
  readonly #options: AgentWorkflowOptions<Context>;
  readonly #session: ConversationMemory;
  #agent: AnyAgent<Context>;
  /** Resolves when everything of before stands in the session. */
  #settled: Promise<void> = Promise.resolve();
  /** How many items the newest answer has put into the session at most; none where it has said nothing, or nothing of it was kept. */
  #newest = 0;

  constructor(agent: Agent<Context>, options: AgentWorkflowOptions<Context>) {
    this.#agent = agent;
    this.#options = options;
    this.#session = options.session ?? new InProcessMemory();
  }

  answer(turn: WorkflowTurn): AsyncIterable<string> {
    const left = new AbortController();
    const words = new Channel<string>({ capacity: 1, whenFull: 'wait' }, () => left.abort(new RunError('RUN_CANCELLED', 'Nobody wants the answer any more.')));
    let begun = false;
    const next = (): Promise<IteratorResult<string, undefined>> => {
      if (!begun) void this.#speak(turn.text, AbortSignal.any([turn.signal, left.signal]), words);
      begun = true;
      return words.next();
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: () => words.return() }) };
  }

  /** What was spoken last has been cut short: what was heard of it is what was said. */
  cut(heardText: string): Promise<void> {
    return this.#then(async () => {
      // What stands there then is of earlier turns, and was heard.
      if (this.#newest === 0) return;
      const { count, items } = cutToHeard(await this.#session.items(this.#newest + 1), heardText);
      await this.#session.replace(count, items);
    });
  }

  greet(text: string): AsyncIterable<string> {
    const item: TextInputItem = { type: 'message', role: 'assistant', text };
    let said = false;
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          if (said) return { value: undefined, done: true };
          said = true;
          this.#newest = 1;
          await this.#then(async () => this.#session.add([item]));
          return { value: text, done: false };
        },
      }),
    };
  }

  /** One turn: a run, and where it waits for a person who decides now, another that goes on from it. */
  async #speak(text: string, life: AbortSignal, words: Channel<string>): Promise<void> {
    try {
      await unlessAborted(life, this.#then(() => Promise.resolve(void (this.#newest = 0))));
      for (let input: RunInput | undefined = text; input !== undefined; ) {
        // Words of two runs stand on lines of their own.
        if (input !== text) await words.send('\n');
        const run = this.#run(input, life);
        for await (const piece of run.toTextStream()) await words.send(piece);
        input = await this.#goesOn(run, life);
      }
      words.close();
    } catch (error) {
      words.fail(error);
    }
  }

  #run(input: RunInput, signal: AbortSignal): StreamedRun<Context, string> {
    const { newRunId, greeting: _greeting, approve: _approve, onRun, ...options } = this.#options;
    const run = createRun<Context, string>(this.#agent, input, { ...options, session: this.#session, signal, runId: newRunId() });
    onRun?.(run);
    void this.#then(async () => {
      const end = await run.end;
      this.#agent = run.agent;
      const kept = !(end.status === 'failed' && end.error instanceof RunError && end.error.code === 'MEMORY_FAILED');
      this.#newest = kept ? run.history.length : 0;
    });
    return run;
  }

  /** Gives the state to go on from, where the run waits for a person who decides now. */
  async #goesOn(run: StreamedRun<Context, string>, life: AbortSignal): Promise<RunInput | undefined> {
    const end = await run.end;
    if (end.status !== 'interrupted') return undefined;
    const { approve } = this.#options;
    if (approve === undefined) throw new RunError('RUN_WAITS', `${end.pending.length} calls wait for a person, and nobody is asked.`);
    for (const call of end.pending) {
      if (await unlessAborted(life, (async () => approve(call))())) run.approve(call.callId);
      else run.reject(call.callId);
    }
    return run.state;
  }

  /** One thing after the other; what fails is the business of who asked for it. */
  #then(work: () => Promise<void>): Promise<void> {
    const result = this.#settled.then(work);
    this.#settled = result.catch(() => {});
    return result;
  }
}
