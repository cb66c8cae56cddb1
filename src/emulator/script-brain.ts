import type { Brain, HeardTurn, Question, Transcript } from './brain.js';
import { textOf } from './conversation.js';
import type { ConversationEntry } from './conversation.js';
import type { MessagePart, PlanStep } from './plan.js';
import { sayStep } from './plan.js';
import { fillQuotes } from './script-quotes.js';
import type { ToolOutputs } from './script-quotes.js';
import { nextSpokenTurn, turnForSpeech, turnForText, turnForTool } from './script-turns.js';
import type { Script, ScriptCall, ScriptReply, ScriptStep, ScriptTurn } from './script.js';
import { unknownSpeech } from './speech.js';

const NO_OUTPUTS: ToolOutputs = { last: undefined, byName: new Map() };

/** Follows a script. It hears no words unless a recogniser does: a spoken turn means what the script says it means. */
export class ScriptBrain implements Brain {
  readonly #script: Script;
  #nextTurn = 0;
  /** Which turn an item of the user is; undefined for one that no turn expects. */
  readonly #turnOfItem = new Map<string, number | undefined>();
  readonly #turnOfCall = new Map<string, number>();

  constructor(script: Script) {
    this.#script = script;
  }

  hear({ itemId, durationMs, recognised }: HeardTurn): Transcript {
    const turn = recognised === undefined ? nextSpokenTurn(this.#script, this.#nextTurn) : turnForSpeech(this.#script, recognised, this.#nextTurn);
    this.#turnOfItem.set(itemId, turn);
    if (turn === undefined) return { text: recognised ?? unknownSpeech(durationMs) };
    const { hears, transcriptFails } = this.#script.turns[turn] as ScriptTurn;
    if (hears !== undefined) this.#nextTurn = Math.max(this.#nextTurn, turn + 1);
    if (transcriptFails !== undefined) return { failure: { message: 'The audio could not be transcribed.', ...transcriptFails } };
    return { text: recognised ?? hears ?? unknownSpeech(durationMs) };
  }

  answer(question: Question): readonly PlanStep[] {
    const { entries } = question;
    const last = entries.findLast(({ item }) => item.type !== 'message' || item.role !== 'system');
    const asked = entries.some(({ item }) => item.type === 'message' && item.role === 'user');
    if (last === undefined || (!asked && last.item.type === 'message')) return this.#steps(this.#script.greeting, NO_OUTPUTS, question);
    const { item } = last;
    if (item.type === 'function_call_output') return this.#answerTool(item.call_id, item.output, question);
    if (item.type !== 'message' || item.role !== 'user') return this.#fallback(question);
    const turn = this.#turnOfItem.has(item.id) ? this.#turnOfItem.get(item.id) : turnForText(this.#script, textOf(item), this.#nextTurn);
    if (turn === undefined) return this.#fallback(question);
    const script = this.#script.turns[turn] as ScriptTurn;
    // A turn that can be spoken was typed: the next spoken one is the one after it.
    if (script.hears !== undefined) this.#nextTurn = Math.max(this.#nextTurn, turn + 1);
    return this.#answerTurn(turn, script, question);
  }

  #answerTurn(index: number, turn: ScriptTurn, question: Question): readonly PlanStep[] {
    if (turn.call === undefined) return this.#steps(turn.reply, NO_OUTPUTS, question, turn.withoutCall);
    const wanted: readonly ScriptCall[] = Array.isArray(turn.call) ? (turn.call as readonly ScriptCall[]) : [turn.call as ScriptCall];
    const calls = wanted.flatMap((call) => this.#call(call, question, (callId) => this.#turnOfCall.set(callId, index)));
    return calls.length > 0 ? calls : this.#steps(turn.reply, NO_OUTPUTS, question, turn.withoutCall);
  }

  #answerTool(callId: string, output: string, question: Question): readonly PlanStep[] {
    const outputs = outputsIn(question.entries);
    const owner = this.#turnOfCall.get(callId);
    const name = question.entries.flatMap(({ item }) => (item.type === 'function_call' && item.call_id === callId ? [item.name] : [])).at(-1);
    const index = owner ?? (name === undefined ? undefined : turnForTool(this.#script, name, output, this.#nextTurn));
    if (index === undefined) return this.#fallback(question);
    const turn = this.#script.turns[index] as ScriptTurn;
    if (owner === undefined && turn.call !== undefined) return this.#answerTurn(index, turn, question);
    return this.#steps(turn.reply, outputs, question, turn.withoutCall);
  }

  #fallback(question: Question): readonly PlanStep[] {
    return this.#steps(this.#script.fallback, outputsIn(question.entries), question);
  }

  /** A reply whose quotes lead nowhere (no tool, or a tool that failed) gives way to `withoutCall`, where there is one. */
  #steps(reply: ScriptReply, outputs: ToolOutputs, question: Question, withoutCall?: string): readonly PlanStep[] {
    const list: readonly ScriptStep[] = typeof reply === 'string' ? [{ say: reply }] : reply;
    const steps: PlanStep[] = [];
    /** The message that is being put together, and whether the next words still belong to it. */
    let parts: MessagePart[] = [];
    let phase: 'commentary' | 'final_answer' | undefined;
    let joins = false;
    const finish = (): void => {
      if (parts.length > 0) steps.push({ kind: 'message', parts, ...(phase === undefined ? {} : { phase }) });
      [parts, phase, joins] = [[], undefined, false];
    };
    for (const step of list) {
      if ('say' in step) {
        const { text, whole } = fillQuotes(step.say, outputs);
        if (!whole && withoutCall !== undefined) return [sayStep(withoutCall)];
        if (text === '') continue;
        if (!joins) finish();
        parts.push({ text });
        phase ??= step.phase;
        joins = false;
      } else if ('silenceMs' in step) {
        parts.push({ silenceMs: step.silenceMs });
        joins = true;
      } else {
        finish();
        steps.push(...this.#step(step, question));
      }
    }
    finish();
    return steps.length > 0 || reply === this.#script.fallback ? steps : this.#fallback(question);
  }

  #step(step: Exclude<ScriptStep, { readonly say: string } | { readonly silenceMs: number }>, question: Question): readonly PlanStep[] {
    if ('call' in step) return this.#call(step.call, question);
    if ('mcp' in step) {
      const { server, name, output, error } = step.mcp;
      return [{ kind: 'mcp', server, name, arguments: JSON.stringify(step.mcp.arguments), output: error === undefined ? (output ?? '') : null, error: error ?? null }];
    }
    if ('delayMs' in step) return [{ kind: 'wait', ms: step.delayMs }];
    if ('incomplete' in step) return [{ kind: 'stop', reason: step.incomplete }];
    if ('fault' in step) return [{ kind: 'fault', fault: step.fault }];
    if ('error' in step) return [{ kind: 'error', code: step.error.code, message: step.error.message ?? SERVER_ERROR }];
    return [{ kind: 'fail', code: step.fail.code, message: step.fail.message ?? SERVER_ERROR, errorType: step.fail.type ?? 'server_error' }];
  }

  #call(call: ScriptCall, question: Question, onCall?: (callId: string) => void): readonly PlanStep[] {
    if (!question.canCall(call.name)) {
      question.notice('the session lacks a tool of the script', call.name);
      return [];
    }
    return [{ kind: 'call', name: call.name, arguments: JSON.stringify(call.arguments), ...(onCall === undefined ? {} : { onCall }) }];
  }
}

const SERVER_ERROR = 'The server had an error while processing your request.';

function outputsIn(entries: readonly ConversationEntry[]): ToolOutputs {
  const names = new Map(entries.flatMap(({ item }) => (item.type === 'function_call' ? [[item.call_id, item.name] as const] : [])));
  const outputs = entries.flatMap(({ item }) => (item.type === 'function_call_output' ? [item] : []));
  return { last: outputs.at(-1)?.output, byName: new Map(outputs.map(({ call_id: callId, output }) => [names.get(callId) ?? '', output])) };
}
