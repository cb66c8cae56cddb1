import type { GuardrailRunner } from '../agent/guardrail-runner.js';
import { RunError } from '../errors.js';
import type { GuardrailResult } from '../ports/guardrail-policy.js';
import type { Logger } from '../ports/logger.js';
import type { TextInputItem } from '../ports/text-model.js';
import { historyOf } from './conversation.js';

const SENTENCE_END = /[.!?…。！？]["'”’)\]]*\s*$/u;

export interface SpeechCheckOptions {
  readonly checks: GuardrailRunner;
  readonly agentName: string;
  /** What the model was told. */
  readonly conversation: readonly TextInputItem[];
  readonly logger: Logger;
  /** Called once, with the error that ends the run. */
  readonly onTrip: (error: RunError) => void;
}

/**
 * Checks what is said in one answer: the user's words while the model begins to answer, and the agent's while they grow, one check at a time. What of
 * a growing text was told before it tripped is told; the whole text is checked before the answer counts.
 */
export class SpeechCheck {
  readonly #options: SpeechCheckOptions;
  #text = '';
  #sentLength = 0;
  #due = false;
  #checking: Promise<void> | undefined;
  #tripped: 'input' | 'output' | undefined;
  #closed = false;

  constructor(options: SpeechCheckOptions) {
    this.#options = options;
  }

  /** Whose words were against a rule. */
  get tripped(): 'input' | 'output' | undefined {
    return this.#tripped;
  }

  /** The user's words since the agent spoke last. Resolves when they have been checked, whatever came of it. */
  input(): Promise<void> {
    const { checks, conversation } = this.#options;
    const last = conversation.findLastIndex((item) => item.type !== 'message' || item.role !== 'user');
    const text = conversation.slice(last + 1).flatMap((item) => (item.type === 'message' ? [item.text] : [])).join('\n');
    return checks.policy.input && text.trim() !== '' ? this.#check('input', text) : Promise.resolve();
  }

  /** The agent's text has grown: when enough is new, it is checked. */
  grow(text: string, delta: string): void {
    const { policy } = this.#options.checks;
    if (!policy.output) return;
    this.#text = text;
    this.#due ||= SENTENCE_END.test(delta) || text.length - this.#sentLength >= policy.debounceCharacters;
    if (this.#due && this.#checking === undefined) this.#checkText();
  }

  /** The agent's text is whole. Resolves when it has been checked. */
  async end(text: string): Promise<void> {
    if (!this.#options.checks.policy.output || text === '') return;
    while (this.#checking !== undefined) await this.#checking;
    if (this.#tripped === undefined && this.#sentLength < text.length) await this.#check('output', text);
  }

  /** Verdicts that are still to come change nothing any more. */
  close(): void {
    this.#closed = true;
  }

  #checkText(): void {
    this.#due = false;
    this.#sentLength = this.#text.length;
    this.#checking = this.#check('output', this.#text).then(() => {
      this.#checking = undefined;
      if (this.#due && !this.#closed) this.#checkText();
    });
  }

  async #check(of: 'input' | 'output', text: string): Promise<void> {
    const { checks, agentName, conversation, logger, onTrip } = this.#options;
    const result = await checks.check({ of, text, context: { agentName, itemId: of, history: historyOf(conversation) } });
    if (this.#closed || this.#tripped !== undefined) return;
    for (const { name } of result.failures) logger.warn('A guardrail could not check a text.', { guardrail: name, of });
    const trip = tripOf(result, checks.policy.closed);
    if (trip === undefined) return;
    this.#tripped = of;
    onTrip(new RunError('GUARDRAIL_TRIPPED', `The guardrail ${trip.name} does not let ${of === 'input' ? 'the question' : 'the answer'} stand: ${trip.reason}`));
  }
}

function tripOf({ trip, failures }: GuardrailResult, closed: boolean): { readonly name: string; readonly reason: string } | undefined {
  const [failed] = closed ? failures : [];
  return trip ?? (failed === undefined ? undefined : { name: failed.name, reason: 'The text could not be checked.' });
}
