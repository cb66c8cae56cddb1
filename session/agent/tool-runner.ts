import { errorText, problem } from '../error-text.js';
import type { ToolOutcome } from '../events/session-event.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { ToolPlan } from '../ports/tool-plan.js';
import { ToolOutput } from './tool.js';
import type { ParsedArguments, Tool, ToolContext, ToolResult } from './tool.js';

export interface ToolSettled {
  readonly outcome: ToolOutcome;
  /** What the model is told. */
  readonly output: string;
  readonly durationMs: number;
  /** What the result itself says about a response. */
  readonly respond?: boolean;
}

export type Prepared = { readonly ok: true; readonly plan: ToolPlan } | { readonly ok: false; readonly problem: string };

export interface ToolRunnerOptions {
  readonly clock: Clock;
  readonly sessionId: string;
  /** Handed to each tool as it is. */
  readonly context?: unknown;
  readonly onProgress: (callId: string, progress: string | object) => void;
  /** A tool that was given up has ended after all. */
  readonly onLate: (callId: string, settled: ToolSettled) => void;
}

interface PreparedCall {
  readonly tool: Tool;
  readonly run: Extract<ParsedArguments, { ok: true }>['run'];
}

/** How long a tool that was told to stop has to do so. */
const STOP_MS = 500;

/**
 * Runs the tools of one session. Whatever a tool does (throws, takes too long, does not exist, gets arguments that do not fit), exactly one
 * answer comes of it, and a problem is told to the model in words that help it to do better.
 */
export class ToolRunner {
  readonly #options: ToolRunnerOptions;
  /** Calls that have not run yet, each with the tool of the agent that made it. */
  readonly #prepared = new Map<string, PreparedCall>();
  #running: readonly AbortController[] = [];
  #closed = false;

  constructor(options: ToolRunnerOptions) {
    this.#options = options;
  }

  /** Finds the tool of a call and reads its arguments. Nothing that a tool's own checks throw leaves it. */
  prepare(agent: { readonly name: string; readonly tools: readonly Tool[] }, call: { callId: string; name: string; argumentsJson: string }): Prepared {
    const tool = agent.tools.find((each) => each.name === call.name);
    if (tool === undefined) {
      const names = agent.tools.map(({ name }) => name).join(', ');
      return { ok: false, problem: `There is no tool named ${JSON.stringify(call.name)}. ${names === '' ? 'There are no tools.' : `There are: ${names}.`}` };
    }
    let parsed: ParsedArguments;
    try {
      parsed = tool.parse(call.argumentsJson);
    } catch (error) {
      return { ok: false, problem: `The call could not be checked, and was not run: ${errorText(error)}` };
    }
    if (!parsed.ok) return parsed;
    this.#prepared.set(call.callId, { tool, run: parsed.run });
    const { concurrency, respond = true, background } = tool;
    const plan: ToolPlan = {
      agentName: agent.name,
      needsApproval: parsed.needsApproval ?? false,
      respond,
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(background === undefined ? {} : { background }),
    };
    return { ok: true, plan };
  }

  drop(callId: string): void {
    this.#prepared.delete(callId);
  }

  /** Runs a call that was prepared, once. Never rejects. */
  run(callId: string): Promise<ToolSettled> {
    const prepared = this.#prepared.get(callId);
    this.#prepared.delete(callId);
    if (prepared === undefined) return Promise.resolve({ outcome: 'error', output: problem('The call was not prepared.'), durationMs: 0 });
    return this.#run(callId, prepared);
  }

  /** The session is over: stops every tool that runs. */
  abortAll(reason: string): void {
    this.#closed = true;
    this.#prepared.clear();
    for (const abort of this.#running) abort.abort(new DOMException(reason, 'AbortError'));
  }

  async #run(callId: string, { tool, run }: PreparedCall): Promise<ToolSettled> {
    const { clock, sessionId, onProgress, onLate } = this.#options;
    const startedMs = clock.now();
    const settled = (outcome: ToolOutcome, output: string, respond?: boolean): ToolSettled => ({
      outcome,
      output,
      durationMs: clock.now() - startedMs,
      ...(respond === undefined ? {} : { respond }),
    });
    const abort = new AbortController();
    this.#running = [...this.#running, abort];
    let over = false;
    let timer: Timer = clock.after(tool.timeoutMs, () => abort.abort(new DOMException(`The tool ${tool.name} took longer than ${tool.timeoutMs} ms.`, 'TimeoutError')));
    const givenUp = new Promise<ToolSettled>((resolve) => {
      const giveUp = (): void =>
        resolve(settled('unsettled', unsettled(`The tool did not end within ${tool.timeoutMs / 1000} s and did not stop. Whether it had an effect is not known: find out before you do it again.`)));
      const onAbort = (): void => {
        timer.cancel();
        // With the session over, nobody waits for an answer.
        if (!this.#closed) timer = clock.after(STOP_MS, giveUp);
      };
      abort.signal.addEventListener('abort', onAbort, { once: true });
    });
    const context: ToolContext = {
      signal: abort.signal,
      callId,
      idempotencyKey: `${sessionId}/${callId}`,
      ...(this.#options.context === undefined ? {} : { context: this.#options.context }),
      deadline: startedMs + tool.timeoutMs,
      progress: (update: string | object) => {
        if (!over) onProgress(callId, update);
      },
    };
    const work = (async () => run(context))().then(
      (result) => inWords(result, settled),
      (error: unknown) => (abort.signal.aborted && isAbort(error) ? settled('cancelled', problem(`The tool was stopped: it took longer than ${tool.timeoutMs / 1000} s.`)) : settled('error', problem(errorText(error)))),
    );
    void work.then((late) => {
      if (over) onLate(callId, late);
    });
    try {
      return await Promise.race([work, givenUp]);
    } finally {
      over = true;
      timer.cancel();
      this.#running = this.#running.filter((each) => each !== abort);
    }
  }
}

function inWords(result: ToolResult | ToolOutput, settled: (outcome: ToolOutcome, output: string, respond?: boolean) => ToolSettled): ToolSettled {
  const { output, respond } = result instanceof ToolOutput ? result : { output: result, respond: undefined };
  if (typeof output === 'string') return settled('ok', output, respond);
  try {
    return settled('ok', JSON.stringify(output ?? null) ?? 'null', respond);
  } catch (error) {
    return settled('error', problem(`The tool has run, but its result cannot be written as JSON: ${errorText(error)}`), respond);
  }
}

function unsettled(text: string): string {
  return JSON.stringify({ status: 'unsettled', error: text });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
}
