import { textOf } from './conversation.js';
import type { ConversationEntry } from './conversation.js';
import { PARROT_GREETING } from './demo-script.js';
import { fillQuotes, nextSpokenTurn, turnForText } from './script.js';
import type { Script, ScriptTurn } from './script.js';

/** What the model does next. */
export type Answer =
  | { readonly kind: 'say'; readonly text: string; /** A tool that the turn wanted and the session does not have. */ readonly missingTool?: string }
  /** Says back what the user's item `itemId` sounded like. */
  | { readonly kind: 'parrot'; readonly itemId: string; readonly text: string }
  | { readonly kind: 'call'; readonly turn: number; readonly name: string; readonly arguments: string };

/** Decides what to say, from the script and the conversation. It hears no words: a spoken turn means what the script says it means. */
export class Brain {
  readonly #script: Script;
  readonly #mode: 'script' | 'parrot';
  #nextTurn = 0;
  readonly #turnOfItem = new Map<string, number>();
  readonly #turnOfCall = new Map<string, number>();

  constructor(script: Script, mode: 'script' | 'parrot') {
    this.#script = script;
    this.#mode = mode;
  }

  /** A spoken turn was committed; returns its transcript. */
  hear(itemId: string, durationMs: number): string {
    const seconds = (durationMs / 1000).toFixed(1);
    if (this.#mode === 'parrot') return `(your own voice, ${seconds} s)`;
    const turn = nextSpokenTurn(this.#script, this.#nextTurn);
    if (turn === undefined) return `(${seconds} s of speech)`;
    this.#nextTurn = turn + 1;
    this.#turnOfItem.set(itemId, turn);
    return this.#script.turns[turn]?.hears ?? '';
  }

  /** The call of a turn was made: its output will be answered by that turn's reply. */
  called(callId: string, turn: number): void {
    this.#turnOfCall.set(callId, turn);
  }

  /** `hasTool` says whether the model may call a function of that name now. */
  answer(entries: readonly ConversationEntry[], hasTool: (name: string) => boolean): Answer {
    const last = entries.findLast(({ item }) => item.type !== 'message' || item.role !== 'system');
    const asked = entries.some(({ item }) => item.type === 'message' && item.role === 'user');
    if (last === undefined || (!asked && last.item.type === 'message')) {
      return { kind: 'say', text: this.#mode === 'parrot' ? PARROT_GREETING : this.#script.greeting };
    }
    const { item } = last;
    if (item.type === 'function_call_output') return this.#answerTool(item.call_id, item.output);
    if (item.type !== 'message' || item.role !== 'user') return this.#fallback();
    if (this.#mode === 'parrot') {
      const spoken = item.content.some((part) => part.type === 'input_audio');
      const text = spoken ? `(your own voice, ${(last.audioMs / 1000).toFixed(1)} s)` : textOf(item);
      return spoken ? { kind: 'parrot', itemId: item.id, text } : { kind: 'say', text: text === '' ? PARROT_GREETING : text };
    }
    const turn = this.#turnOfItem.get(item.id) ?? turnForText(this.#script, textOf(item), this.#nextTurn);
    if (turn === undefined) return this.#fallback();
    const script = this.#script.turns[turn] as ScriptTurn;
    // A turn that can be spoken was typed: the next spoken one is the one after it.
    if (script.hears !== undefined) this.#nextTurn = Math.max(this.#nextTurn, turn + 1);
    return this.#answerTurn(turn, script, hasTool);
  }

  #answerTurn(index: number, turn: ScriptTurn, hasTool: (name: string) => boolean): Answer {
    if (turn.call === undefined) return { kind: 'say', text: turn.reply };
    if (hasTool(turn.call.name)) return { kind: 'call', turn: index, name: turn.call.name, arguments: JSON.stringify(turn.call.arguments) };
    return { kind: 'say', text: this.#filled(turn, undefined), missingTool: turn.call.name };
  }

  #answerTool(callId: string, output: string): Answer {
    const turn = this.#turnOfCall.get(callId);
    const script = turn === undefined ? undefined : this.#script.turns[turn];
    return script === undefined ? this.#fallback() : { kind: 'say', text: this.#filled(script, output) };
  }

  /** A reply whose quotes lead nowhere (no tool, or a tool that failed) gives way to `withoutCall`, where the script has one. */
  #filled(turn: ScriptTurn, output: string | undefined): string {
    const { text, whole } = fillQuotes(turn.reply, output);
    if (!whole && turn.withoutCall !== undefined) return turn.withoutCall;
    return text === '' ? this.#script.fallback : text;
  }

  #fallback(): Answer {
    return { kind: 'say', text: this.#script.fallback };
  }
}
