import { errorText } from '../error-text.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { GuardrailPolicy, GuardrailResult } from '../ports/guardrail-policy.js';
import type { Guardrail, GuardrailContext, GuardrailOptions, GuardrailVerdict } from './guardrail.js';

export interface TextCheck {
  readonly of: 'output' | 'input';
  readonly text: string;
  readonly context: Omit<GuardrailContext, 'signal'>;
}

/** Asks the guardrails of one session. Whatever they do, one result comes of each check. */
export class GuardrailRunner {
  readonly #clock: Clock;
  readonly #options: GuardrailOptions;
  readonly #life: Pick<AbortController, 'signal'>;

  /** The signal of `life` aborts when the session ends; it is not asked for before there is something to check. Throws `RangeError` for numbers that cannot be. */
  constructor(clock: Clock, options: GuardrailOptions, life: Pick<AbortController, 'signal'>) {
    const { debounceCharacters = 80, holdBackMs = 0, timeoutMs = 2_000 } = options;
    if (!(debounceCharacters >= 1)) throw new RangeError(`guardrails.debounceCharacters must be at least 1, not ${debounceCharacters}.`);
    if (!(holdBackMs >= 0 && holdBackMs <= 10_000)) throw new RangeError(`guardrails.holdBackMs must be 0 to 10 000, not ${holdBackMs}.`);
    if (!(timeoutMs > 0)) throw new RangeError(`guardrails.timeoutMs must be above 0, not ${timeoutMs}.`);
    this.#clock = clock;
    this.#options = options;
    this.#life = life;
  }

  get policy(): GuardrailPolicy {
    const { output = [], input = [], debounceCharacters = 80, holdBackMs = 0, onFailure = 'open' } = this.#options;
    // Without a check of the agent's words there is nothing to hold its audio for.
    return { output: output.length > 0, input: input.length > 0, debounceCharacters, holdBackMs: output.length > 0 ? holdBackMs : 0, closed: onFailure === 'closed' };
  }

  /** Never rejects. The first trip is the result, at once; otherwise all are waited for. */
  async check({ of, text, context }: TextCheck): Promise<GuardrailResult> {
    const { timeoutMs = 2_000 } = this.#options;
    // Nobody waits for a verdict any more.
    if (this.#life.signal.aborted) return { failures: [] };
    const over = new AbortController();
    const life = this.#life.signal;
    const signal = AbortSignal.any([life, over.signal]);
    const failures: GuardrailResult['failures'][number][] = [];
    let timer: Timer | undefined;
    const overdue = new Promise<never>((_resolve, reject) => {
      timer = this.#clock.after(timeoutMs, () => reject(new Error(`It took longer than ${timeoutMs} ms.`)));
      life.addEventListener('abort', () => reject(life.reason as Error), { once: true, signal: over.signal });
    });
    overdue.catch(() => {});
    try {
      return await new Promise<GuardrailResult>((resolve) => {
        const asked = (this.#options[of] ?? []).map(async (guardrail) => {
          try {
            const verdict = await Promise.race([ask(guardrail, text, { ...context, signal }), overdue]);
            if (verdict !== 'pass') resolve({ trip: { name: guardrail.name, reason: verdict.reason, ...(verdict.say === undefined ? {} : { say: verdict.say }) }, failures });
          } catch (error) {
            failures.push({ name: guardrail.name, problem: errorText(error) });
          }
        });
        void Promise.all(asked).then(() => resolve({ failures }));
      });
    } finally {
      timer?.cancel();
      over.abort();
    }
  }
}

async function ask(guardrail: Guardrail, text: string, context: GuardrailContext): Promise<GuardrailVerdict> {
  return guardrail.check(text, context);
}
