import type { $ZodType } from 'zod/v4/core';
import type { TextModel, TextOutputFormat, TextSettings } from '../ports/text-model.js';
import type { GuardrailOptions } from './guardrail.js';
import { handoff } from './handoff.js';
import type { Handoff } from './handoff.js';
import { refuseTwins } from './refuse-twins.js';
import type { Tool } from './tool.js';
import { checkWith, jsonSchemaOf } from './zod-schema.js';
import type { Checked } from './zod-schema.js';

/** An agent of which only its context matters: whom an agent may hand over to. */
export type AnyAgent<Context = unknown> = Agent<Context, unknown>;

/** What instructions are written from, when a function writes them. */
export interface InstructionsContext<Context> {
  /** What the run was given as `context`. */
  readonly context: Context;
  readonly agent: AnyAgent<Context>;
}

/** Whoever answers in the end, a run has one kind of output: so agents hand over to those that answer in the same form. */
type HandoffsOf<Context, Output> = readonly (Agent<Context, NoInfer<Output>> | Handoff<Agent<Context, NoInfer<Output>>>)[];

export interface AgentOptions<Context, Output> {
  readonly name: string;
  /** What the model is told to be and do. A function is asked before each of the agent's answers. */
  readonly instructions?: string | ((about: InstructionsContext<Context>) => string | Promise<string>);
  /** Default: that of the run. */
  readonly model?: TextModel;
  readonly settings?: TextSettings;
  /** Functions made by `tool()`: the same that a `RealtimeAgent` has. */
  readonly tools?: readonly Tool[];
  /**
   * To whom this agent may hand the run over: each becomes a tool `transfer_to_<name>`. A function is asked once, when the agent first takes part in a
   * run: so two agents can name each other.
   */
  readonly handoffs?: HandoffsOf<Context, Output> | (() => HandoffsOf<Context, Output>);
  /** Checks of the user's text when this agent begins a run, and of what this agent says. */
  readonly guardrails?: Omit<GuardrailOptions, 'holdBackMs'>;
  /** What the final answer must be: JSON that fits this zod schema. Without it the answer is text. */
  readonly output?: $ZodType<Output>;
}

/**
 * Who answers in a text run: a name, instructions, tools, hand-offs, and what its answer looks like. It holds no connection and may serve many runs at
 * once. Throws `TypeError` for an empty name, two tools of one name, or a schema that has no JSON schema.
 *
 *     const agent = new Agent({ name: 'Ava', instructions: 'Answer in one sentence.', tools: [weather] });
 */
export class Agent<Context = unknown, Output = string> {
  readonly name: string;
  readonly instructions: AgentOptions<Context, Output>['instructions'];
  readonly model: TextModel | undefined;
  readonly settings: TextSettings | undefined;
  readonly tools: readonly Tool[];
  readonly guardrails: Omit<GuardrailOptions, 'holdBackMs'>;
  /** What the model is told of the form of its answer; absent where that is text. */
  readonly outputFormat: TextOutputFormat | undefined;
  readonly #output: $ZodType<Output> | undefined;
  readonly #handoffsGiven: NonNullable<AgentOptions<Context, Output>['handoffs']>;
  #handoffs: readonly Handoff<AnyAgent<Context>>[] | undefined;

  constructor(options: AgentOptions<Context, Output>) {
    if (options.name.trim() === '') throw new TypeError('An agent needs a name.');
    this.name = options.name;
    this.instructions = options.instructions;
    this.model = options.model;
    this.settings = options.settings;
    this.tools = options.tools ?? [];
    this.guardrails = options.guardrails ?? {};
    this.#output = options.output;
    this.outputFormat = options.output === undefined ? undefined : { name: 'answer', schema: jsonSchemaOf(options.output) };
    this.#handoffsGiven = options.handoffs ?? [];
    refuseTwins(this.name, this.tools.map(({ name }) => name));
    if (typeof this.#handoffsGiven !== 'function') this.#handoffs = this.#resolve(this.#handoffsGiven);
  }

  /** Throws `TypeError` when two of them, or one and a tool, have the same tool name, or one answers in another form. */
  get handoffs(): readonly Handoff<AnyAgent<Context>>[] {
    this.#handoffs ??= this.#resolve(typeof this.#handoffsGiven === 'function' ? this.#handoffsGiven() : this.#handoffsGiven);
    return this.#handoffs;
  }

  /** Reads a final answer: as it is, or as JSON that fits the schema. */
  readOutput(text: string): Checked<Output> {
    // Without a schema Output is string: nothing else can be asked for.
    if (this.#output === undefined) return { ok: true, value: text as Output };
    let raw: unknown;
    try {
      raw = JSON.parse(text);
    } catch {
      return { ok: false, problems: ['It is not valid JSON.'] };
    }
    return checkWith(this.#output, raw, 'answer');
  }

  #resolve(given: HandoffsOf<Context, Output>): readonly Handoff<AnyAgent<Context>>[] {
    const handoffs = given.map((each) => (each instanceof Agent ? handoff<AnyAgent<Context>>({ to: each }) : each));
    refuseTwins(this.name, [...this.tools, ...handoffs.map(({ definition }) => definition)].map(({ name }) => name));
    for (const { to, entry } of handoffs) {
      if ((to.outputFormat === undefined) !== (this.outputFormat === undefined)) throw new TypeError(`${this.name} and ${to.name} must have the same output: either of them may end the run.`);
      if (entry !== 'respond' && to.outputFormat !== undefined) throw new TypeError(`${to.name} answers as its schema says: a hand-off to it can only let it respond.`);
    }
    return handoffs;
  }
}
