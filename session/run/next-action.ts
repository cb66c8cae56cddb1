import { ProviderError, RunError } from '../errors.js';
import type { VoicewireError } from '../errors.js';
import type { TextOutputItem } from '../ports/text-model.js';
import { wordsOf } from './answer.js';
import type { FinishedAnswer } from './answer.js';

/** A call as the model made it; `arguments` is a JSON text. */
export interface FunctionCall {
  readonly callId: string;
  readonly name: string;
  readonly arguments: string;
}

/** What an answer is judged by. */
export interface TurnRules {
  /** Which answer of the run this is, from 1. */
  readonly turn: number;
  readonly maxTurns: number;
  /** The tools by which the agent hands over. */
  readonly handoffNames: readonly string[];
  /** Whether the answer must be JSON of a schema. */
  readonly structured: boolean;
}

/** What follows from an answer. */
export type NextAction =
  /** The run is at its end. `incomplete`: the provider cut the answer off, and why. */
  | { readonly type: 'finish'; readonly text: string; readonly incomplete?: string }
  /** Calls are run together; then the run is handed over, or the model is asked again. Of several hand-offs the first counts. */
  | { readonly type: 'call'; readonly calls: readonly FunctionCall[]; readonly handOver?: FunctionCall; readonly refused: readonly FunctionCall[] }
  | { readonly type: 'fail'; readonly error: VoicewireError };

/** Decides what to do about an answer of the model. Pure. */
export function nextAction(answer: FinishedAnswer, { turn, maxTurns, handoffNames, structured }: TurnRules): NextAction {
  if (answer.status === 'failed') return fail(failedAnswer(answer));
  const text = textOf(answer.output);
  const made = callsOf(answer.output);
  if (answer.status === 'incomplete') {
    // Arguments may have been cut as well as words: nothing is run on half an order.
    if (text === '' || made.length > 0 || structured) return fail(new ProviderError('RESPONSE_INCOMPLETE', `The answer was cut off: ${answer.reason ?? 'no reason was given'}.`));
    return { type: 'finish', text, incomplete: answer.reason ?? 'unknown' };
  }
  if (made.length === 0) {
    const asks = answer.output.find((item) => item.type === 'mcp_approval_request');
    if (asks?.type === 'mcp_approval_request') return fail(waitsForApproval(asks.serverLabel, asks.name));
    const refusal = answer.output.find((item) => item.type === 'message' && item.refusal !== undefined);
    if (structured && refusal?.type === 'message') return fail(new RunError('OUTPUT_REFUSED', `The model refused to answer: ${refusal.refusal}`));
    return { type: 'finish', text };
  }
  const handovers = made.filter(({ name }) => handoffNames.includes(name));
  const [handOver, ...refused] = handovers;
  // The model could not be told what comes of them: so they are not begun.
  if (turn >= maxTurns && handOver === undefined) return fail(tooManyTurns(maxTurns));
  const calls = made.filter((call) => !handovers.includes(call));
  return { type: 'call', calls, refused, ...(handOver === undefined ? {} : { handOver }) };
}

export function tooManyTurns(maxTurns: number): RunError {
  return new RunError('RUN_MAX_TURNS', `The agent has not come to an end within ${maxTurns} answers of the model.`);
}

/** The words of an answer; several messages stand on lines of their own. */
export function textOf(output: readonly TextOutputItem[]): string {
  return output.flatMap((item) => (item.type === 'message' ? [wordsOf(item)] : [])).join('\n');
}

/** The calls of an answer. An id that comes twice is one call. */
function callsOf(output: readonly TextOutputItem[]): FunctionCall[] {
  const calls = new Map<string, FunctionCall>();
  for (const item of output) {
    if (item.type === 'function_call' && !calls.has(item.callId)) calls.set(item.callId, { callId: item.callId, name: item.name, arguments: item.arguments });
  }
  return [...calls.values()];
}

function failedAnswer({ error, reason }: FinishedAnswer): ProviderError {
  const message = error?.message ?? reason ?? 'no reason was given';
  return new ProviderError('RESPONSE_FAILED', `The model failed to answer: ${message}`, { providerCode: error?.code, retryable: true });
}

/** The provider runs such a tool itself, and goes on only in its own words: a text run has none for it. */
function waitsForApproval(serverLabel: string, name: string): ProviderError {
  const message = `The model waits for somebody to agree to ${name} of the server ${serverLabel}, which a text run cannot do.`;
  return new ProviderError('RESPONSE_FAILED', message, { providerCode: 'mcp_approval_request', hint: 'Let the provider call the tools of this server without approval.' });
}

function fail(error: VoicewireError): NextAction {
  return { type: 'fail', error };
}
