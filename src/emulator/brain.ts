import type { ModelFunctionTool, ToolChoice } from '../../session/index.js';
import type { ConversationEntry } from './conversation.js';
import type { PlanStep } from './plan.js';
import type { HeardAudio } from './speech.js';

/** A spoken turn that was committed. */
export interface HeardTurn {
  readonly itemId: string;
  readonly durationMs: number;
  readonly audio: HeardAudio;
  /** What a recogniser made of it; undefined where there is none, or where it understood nothing. */
  readonly recognised: string | undefined;
}

/** What is written down of a spoken turn. */
export type Transcript = { readonly text: string } | { readonly failure: { readonly code: string; readonly message: string } };

/** What a brain knows when it is asked for an answer. */
export interface Question {
  /** The conversation, or what the response was given in its place. */
  readonly entries: readonly ConversationEntry[];
  readonly instructions: string;
  /** Whether the answer is spoken or written. */
  readonly modality: 'audio' | 'text';
  /** The functions that the model may call now; hosted tools are not among them. */
  readonly tools: readonly ModelFunctionTool[];
  readonly toolChoice: ToolChoice;
  /** Whether the model may call a function of that name now. */
  readonly canCall: (name: string) => boolean;
  /** For people: something of this brain cannot be carried out. */
  readonly notice: (message: string, detail: string) => void;
}

/** Turns a spoken turn into text. Rejecting counts as having understood nothing. */
export interface Recogniser {
  recognise(audio: HeardAudio): Promise<string | undefined>;
}

/**
 * What a session does in place of a model: each mode of the emulator is one. A brain belongs to one session, and is asked in the order of the
 * conversation. Both methods return at once; an answer that takes its time is an async iterable, whose steps are carried out as they come and
 * whose `return` is called when nobody wants the rest. (A generator that waits is not woken by that: an iterator with a `return` of its own is.)
 */
export interface Brain {
  hear(turn: HeardTurn): Transcript;
  answer(question: Question): readonly PlanStep[] | AsyncIterable<PlanStep>;
}

/** Makes the brain of one session. */
export type BrainFactory = () => Brain;
