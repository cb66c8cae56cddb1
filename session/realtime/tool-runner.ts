import type { Tool, ToolResult } from '../agent/tool.js';
import type { ToolOutcome } from '../events/session-event.js';
import type { Clock, Timer } from '../ports/clock.js';

export interface ToolSettled {
  readonly outcome: ToolOutcome;
  /** What the model is told. */
  readonly output: string;
  readonly durationMs: number;
}

/**
 * Runs the tools of one session. Whatever a tool does (throws, takes too long, does not exist, gets arguments that do not fit), exactly one
 * answer comes of it, and a problem is told to the model in words that help it to do better.
 */
export class ToolRunner {
  readonly #clock: Clock;
  readonly #running = new Set<AbortController>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async run(tools: readonly Tool[], call: { callId: string; name: string; argumentsJson: string }): Promise<ToolSettled> {
    const startedMs = this.#clock.now();
    const settled = (outcome: ToolOutcome, output: string): ToolSettled => ({ outcome, output, durationMs: this.#clock.now() - startedMs });
    const tool = tools.find((each) => each.name === call.name);
    if (tool === undefined) return settled('error', problem(`There is no tool named ${JSON.stringify(call.name)}.`));
    const parsed = tool.parse(call.argumentsJson);
    if (!parsed.ok) return settled('error', problem(parsed.problem));

    const abort = new AbortController();
    this.#running.add(abort);
    let timer: Timer | undefined;
    const stopped = new Promise<ToolSettled>((resolve) => {
      timer = this.#clock.after(tool.timeoutMs, () => {
        resolve(settled('error', problem(`The tool did not finish within ${tool.timeoutMs / 1000} s. Whether it had an effect is not known.`)));
        abort.abort(new DOMException(`The tool ${tool.name} took longer than ${tool.timeoutMs} ms.`, 'TimeoutError'));
      });
      abort.signal.addEventListener('abort', () => resolve(settled('cancelled', problem('The call ended before the tool did.'))), { once: true });
    });
    const work = parsed.run({ signal: abort.signal, callId: call.callId }).then(
      (result) => settled('ok', asText(result)),
      (error: unknown) => settled('error', problem(error instanceof Error ? error.message : String(error))),
    );
    try {
      return await Promise.race([work, stopped]);
    } finally {
      timer?.cancel();
      this.#running.delete(abort);
    }
  }

  /** Aborts every tool that runs. */
  abortAll(reason: string): void {
    for (const abort of this.#running) abort.abort(new DOMException(reason, 'AbortError'));
  }
}

function problem(text: string): string {
  return JSON.stringify({ error: text });
}

function asText(result: ToolResult): string {
  if (typeof result === 'string') return result;
  return JSON.stringify(result ?? null) ?? 'null';
}
