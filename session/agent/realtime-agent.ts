import type { Tool } from './tool.js';

export interface RealtimeAgentOptions {
  readonly name: string;
  /** What the model is told to be and do. */
  readonly instructions?: string;
  readonly tools?: readonly Tool[];
  /** A voice of the provider; it cannot change once the agent has spoken. */
  readonly voice?: string;
}

/** Who speaks: a name, instructions and tools. It holds no connection and may serve many sessions at once. */
export class RealtimeAgent {
  readonly name: string;
  readonly instructions: string | undefined;
  readonly tools: readonly Tool[];
  readonly voice: string | undefined;

  constructor(options: RealtimeAgentOptions) {
    if (options.name.trim() === '') throw new TypeError('An agent needs a name.');
    const names = new Set<string>();
    for (const { name } of options.tools ?? []) {
      if (names.has(name)) throw new TypeError(`Agent ${options.name} has two tools of the name ${name}.`);
      names.add(name);
    }
    this.name = options.name;
    this.instructions = options.instructions;
    this.tools = [...(options.tools ?? [])];
    this.voice = options.voice;
  }
}
