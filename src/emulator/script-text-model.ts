import { randomUUID } from 'node:crypto';
import { produced } from '../../session/index.js';
import type { Clock, Send, TextInputItem, TextModel, TextModelEvent, TextOutputItem, TextRequest } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import type { ConversationEntry } from './conversation.js';
import { demoScript } from './demo-script.js';
import { wordsOf } from './plan.js';
import type { PlanStep } from './plan.js';
import { ScriptBrain } from './script-brain.js';
import type { Script } from './script.js';

export interface ScriptTextModelOptions {
  /** What it says and when. Default: the demo's. */
  readonly script?: Script;
  /** Between two words, and before the first, in ms; default 0. */
  readonly wordMs?: number;
  readonly clock?: Clock;
}

/**
 * A text model that follows a script, so that text agents and pipelines run without a key: the same scripts as the emulator's. It keeps nothing: what
 * it answers follows from the conversation that it is given.
 */
export function scriptTextModel(options: ScriptTextModelOptions = {}): TextModel {
  const { script = demoScript, wordMs = 0, clock = systemClock } = options;
  return {
    label: 'script',
    respond: (request, { signal }) => produced((send, life) => tell(answerTo(request, script), { send, pause: (ms) => pause(ms, clock, life), wordMs }), signal),
  };
}

interface Telling {
  readonly send: Send<TextModelEvent>;
  readonly pause: (ms: number) => Promise<void>;
  readonly wordMs: number;
}

async function tell(steps: readonly PlanStep[], { send, pause, wordMs }: Telling): Promise<void> {
  const responseId = `resp_${randomUUID()}`;
  const output: TextOutputItem[] = [];
  const done = async (item: TextOutputItem): Promise<boolean> => {
    output.push(item);
    return send({ type: 'item_done', item });
  };
  await send({ type: 'response_started', responseId });
  for (const step of steps) {
    const id = `item_${responseId.slice(5)}_${output.length}`;
    if (step.kind === 'wait') await pause(step.ms);
    else if (step.kind === 'message') {
      const text = wordsOf(step.parts);
      for (const delta of text.match(/\s*\S+/gu) ?? []) {
        if (wordMs > 0) await pause(wordMs);
        if (!(await send({ type: 'text_delta', itemId: id, delta }))) return;
      }
      await done({ type: 'message', id, text });
    } else if (step.kind === 'call') {
      const callId = `call_${id}`;
      await send({ type: 'function_call_started', itemId: id, callId, name: step.name });
      await send({ type: 'arguments_delta', itemId: id, callId, delta: step.arguments });
      await done({ type: 'function_call', id, callId, name: step.name, arguments: step.arguments });
    } else if (step.kind === 'fail') {
      return void (await send({ type: 'response_done', responseId, status: 'failed', error: { code: step.code, message: step.message, kind: step.errorType }, output }));
    } else if (step.kind === 'stop') {
      return void (await send({ type: 'response_done', responseId, status: 'incomplete', reason: step.reason, output }));
    }
  }
  await send({ type: 'response_done', responseId, status: 'completed', output });
}

/** A script has a memory of its turns and calls: it is brought back by asking it everything again, as it was asked before. */
function answerTo({ input, tools, settings }: TextRequest, script: Script): readonly PlanStep[] {
  const brain = new ScriptBrain(script);
  const entries = input.flatMap((item, index) => entryOf(item, index));
  const choice = settings?.toolChoice ?? 'auto';
  const canCall = (name: string): boolean => choice !== 'none' && (typeof choice !== 'object' || choice.name === name) && tools.some((tool) => tool.name === name);
  const ask = (upTo: number, mayCall: (name: string) => boolean): readonly PlanStep[] =>
    brain.answer({ entries: entries.slice(0, upTo), instructions: '', modality: 'text', tools, toolChoice: choice, canCall: mayCall, notice: () => {} });
  entries.forEach(({ item }, index) => {
    if (item.type !== 'message' || item.role !== 'user' || index === entries.length - 1) return;
    // What was called then, could be called then.
    const calls = followingCalls(entries, index);
    for (const step of ask(index + 1, (name) => calls.some((call) => call.name === name))) {
      if (step.kind !== 'call') continue;
      const at = calls.findIndex(({ name }) => name === step.name);
      const [call] = at < 0 ? [] : calls.splice(at, 1);
      if (call !== undefined) step.onCall?.(call.callId);
    }
  });
  return ask(entries.length, canCall);
}

function followingCalls(entries: readonly ConversationEntry[], index: number): { name: string; callId: string }[] {
  const next = entries.findIndex(({ item }, at) => at > index && item.type === 'message' && item.role === 'user');
  return entries.slice(index + 1, next < 0 ? undefined : next).flatMap(({ item }) => (item.type === 'function_call' ? [{ name: item.name, callId: item.call_id }] : []));
}

function entryOf(item: TextInputItem, index: number): ConversationEntry[] {
  const id = `input_${index}`;
  const rest = { audioMs: 0, byModel: false };
  switch (item.type) {
    case 'message':
      return [{ ...rest, item: { id, type: 'message', status: 'completed', role: item.role, content: [item.role === 'assistant' ? { type: 'output_text', text: item.text } : { type: 'input_text', text: item.text }] } }];
    case 'function_call':
      return [{ ...rest, item: { id, type: 'function_call', status: 'completed', name: item.name, call_id: item.callId, arguments: item.arguments } }];
    case 'function_call_output':
      return [{ ...rest, item: { id, type: 'function_call_output', call_id: item.callId, output: item.output } }];
    case 'other':
      return [];
  }
}

/** Rejects with the signal's reason. */
function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal.reason as Error);
    };
    const timer = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
