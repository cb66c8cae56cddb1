import { InProcessMemory } from '../../session/index.js';
import type { Agent, ConversationMemory, FlatRunEvent, SessionUsage, StreamedRun } from '../../session/index.js';
import { openFileMemory } from '../host/file-memory.js';
import { runStreamed } from '../host/run.js';
import { systemClock } from '../host/system-clock.js';
import { printRun } from '../printer/index.js';
import type { PaceMode } from '../printer/index.js';
import { commonFlags, counted, listFlag, stringFlag, usage, wholeNumber } from './command.js';
import type { Command, FlagValues } from './command.js';
import { demoTextAgent } from './demo-agent.js';
import { harmless, painter } from './terminal.js';
import type { Terminal } from './terminal.js';
import { scriptOf, textFlags, textPart } from './text-parts.js';

const MODES: readonly PaceMode[] = ['adaptive', 'character', 'line', 'block'];

export const chatCommand: Command = {
  name: 'chat',
  summary: 'a chat with the agent, in the terminal',
  about: [
    'A chat with a text agent: what you type, or what is piped in line by line, is answered as it comes, with tool calls and reasoning apart. Its model',
    'is a real one when OPENAI_API_KEY is set, any compatible server with --text-url, and otherwise one that follows a script and needs no key.',
    'Ctrl-C stops an answer; Ctrl-D, or Ctrl-C where nothing is being answered, ends the chat with a summary.',
  ].join('\n'),
  examples: ['npx voicewire chat --memory talk.jsonl', 'npx voicewire chat --text-url http://127.0.0.1:11434/v1 --text-model llama3.2'],
  example: 'npx voicewire chat --say "Where can I park?"',
  flags: {
    say: { type: 'string', multiple: true, value: '<text>', help: 'say this and end; may be given again' },
    ...textFlags,
    script: { type: 'string', value: '<name>', help: 'without a model: the script demo, or a file of your own' },
    memory: { type: 'string', value: '<file>', help: 'keep the conversation there, and go on with it' },
    mode: { type: 'string', value: '<mode>', help: `how text appears: ${MODES.join(', ')} (adaptive)` },
    'typing-ms': { type: 'string', value: '<number>', help: 'with --mode character: the time between two characters (0)' },
    'no-reasoning': { type: 'boolean', help: 'do not show what the model thinks' },
    ...commonFlags,
  },
  run: chat,
};

/** What the chat has seen. */
interface Totals {
  turns: number;
  toolCalls: number;
  usage: Pick<SessionUsage, 'inputTokens' | 'outputTokens'>;
  usd: number;
  unpriced: boolean;
}

async function chat(values: FlagValues, terminal: Terminal): Promise<number> {
  const json = values['json'] === true;
  const show = showing(values, terminal);
  if (stringFlag(values, 'script') !== undefined && (values['text-model'] ?? values['text-url']) !== undefined) throw usage('--script is for the chat without a model.', 'Leave it out, or --text-model and --text-url.');
  const { model, isScript } = textPart(values, terminal, await scriptOf(values), { keyCounts: values['script'] === undefined });
  const said = listFlag(values, 'say');
  const file = stringFlag(values, 'memory');
  await using kept = file === undefined ? undefined : await openFileMemory(file);
  const session: ConversationMemory = kept ?? new InProcessMemory();
  const totals: Totals = { turns: 0, toolCalls: 0, usage: { inputTokens: 0, outputTokens: 0 }, usd: 0, unpriced: false };
  const { dim, bold } = painter(terminal);
  if (json) terminal.out(JSON.stringify({ type: 'listening', model: model.label, script: isScript }));
  else if (terminal.typed) terminal.out(dim(`${isScript ? 'The model follows a script: set OPENAI_API_KEY to talk to a real one.' : `You talk with ${harmless(model.label)}.`}${said.length > 0 ? '' : ' Ctrl-C stops an answer, Ctrl-D ends the chat.'}`));

  let agent: Agent = demoTextAgent();
  const lines = said.length > 0 ? said.map((text) => ({ text, signal: terminal.interrupted })) : terminal.lines(bold('> '));
  const startedMs = systemClock.now();
  let failed = false;
  for await (const { text, signal } of lines) {
    if (text.trim() === '') continue;
    const run: StreamedRun = runStreamed(agent, text, { model, session, signal });
    const answered = await show(run.flatEvents(), signal);
    const end = await run.end;
    failed ||= end.status === 'failed';
    add(totals, run);
    agent = run.agent as Agent;
    if (terminal.interrupted.aborted || (said.length > 0 && !answered)) break;
  }
  summarize(totals, Math.round(systemClock.now() - startedMs), json, terminal);
  terminal.interrupted.throwIfAborted();
  return failed ? 1 : 0;
}

/** Shows the events of a run; true when it was answered. What stopped it is told by its last event. */
function showing(values: FlagValues, terminal: Terminal): (events: AsyncIterable<FlatRunEvent>, signal: AbortSignal) => Promise<boolean> {
  const mode = MODES.find((each) => each === (stringFlag(values, 'mode') ?? 'adaptive'));
  if (mode === undefined) throw usage(`--mode must be one of ${MODES.join(', ')}, not ${JSON.stringify(values['mode'])}.`, 'Example: --mode line');
  const typingMs = wholeNumber(stringFlag(values, 'typing-ms') ?? '0', '--typing-ms', 0, 1_000, 20);
  if (typingMs > 0 && mode !== 'character') throw usage('--typing-ms is for --mode character.', 'Add --mode character.');
  if (values['json'] === true) {
    return async (events) => {
      let answered = false;
      for await (const event of untilCut(events)) {
        await terminal.write(`${JSON.stringify(event)}\n`);
        answered ||= event.type === 'run.done';
      }
      return answered;
    };
  }
  const options = { mode, typingMs, write: (text: string) => terminal.write(text), terminal: terminal.colour, reasoning: values['no-reasoning'] !== true };
  return async (events, signal) => (await printRun(untilCut(events), { ...options, signal })).end === 'completed';
}

/** The events up to where the run was stopped or broke off: its last event has told why. */
async function* untilCut(events: AsyncIterable<FlatRunEvent>): AsyncGenerator<FlatRunEvent> {
  let told = false;
  try {
    for await (const event of events) {
      told = event.type === 'run.done' || event.type === 'run.error';
      yield event;
    }
  } catch (error) {
    if (!told) throw error;
  }
}

function add(totals: Totals, { usage, cost, history }: StreamedRun): void {
  totals.turns += 1;
  totals.toolCalls += history.filter(({ type }) => type === 'function_call').length;
  totals.usage = { inputTokens: totals.usage.inputTokens + usage.inputTokens, outputTokens: totals.usage.outputTokens + usage.outputTokens };
  totals.usd += cost.usd;
  totals.unpriced ||= cost.unpricedResponses > 0;
}

function summarize({ turns, toolCalls, usage, usd, unpriced }: Totals, durationMs: number, json: boolean, terminal: Terminal): void {
  if (json) return terminal.out(JSON.stringify({ type: 'summary', turns, toolCalls, ...usage, usd, unpriced, durationMs }));
  const tokens = usage.inputTokens + usage.outputTokens;
  const counts = [counted(turns, 'turn'), counted(toolCalls, 'tool call'), ...(tokens === 0 ? [] : [`${counted(tokens, 'token')}${usd === 0 ? '' : `, $${usd.toFixed(4)}`}${unpriced ? ' (some unpriced)' : ''}`])];
  terminal.err(`${(durationMs / 1000).toFixed(1)} s: ${counts.join(', ')}.`);
}
