import { AudioError } from '../../audio/index.js';
import { VoicewireError, errorText } from '../../session/index.js';
import { packageVersion } from '../host/package-version.js';
import { chatCommand } from './chat-command.js';
import { commandHelp, parseFlags, table, usage } from './command.js';
import type { Command } from './command.js';
import { emulatorCommand } from './emulator-command.js';
import { inspectCommand } from './inspect-command.js';
import { loadCommand } from './load-command.js';
import { pipelineCommand } from './pipeline-command.js';
import { recordCommand } from './record-command.js';
import { replayCommand } from './replay-command.js';
import { serveCommand } from './serve-command.js';
import { talkCommand } from './talk-command.js';
import { Interruption, harmless } from './terminal.js';
import type { Terminal } from './terminal.js';

/** Exit codes: it worked, it failed, it was called wrongly. */
const OK = 0;
const FAILED = 1;
const MISUSED = 2;

const commands: readonly Command[] = [serveCommand, talkCommand, emulatorCommand, recordCommand, replayCommand, inspectCommand, loadCommand, chatCommand, pipelineCommand];

/** Runs one command line to its end and gives the exit code. Never rejects: what goes wrong is said on `terminal.err`. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    if (error instanceof Interruption) return error.exitCode;
    const told = tellable(error);
    terminal.err(args.includes('--json') ? JSON.stringify({ type: 'error', ...told }) : lineOf(told));
    return told.code === 'USAGE' ? MISUSED : FAILED;
  }
}

async function dispatch(args: readonly string[], terminal: Terminal): Promise<number> {
  const [first, ...rest] = args;
  if (first === '--help' || first === '-h' || first === 'help') {
    const asked = commands.find(({ name }) => name === rest[0]);
    terminal.out(asked === undefined ? overview() : commandHelp(asked));
    return OK;
  }
  if (first === '--version' || first === '-v') {
    terminal.out(packageVersion());
    return OK;
  }
  const command = commands.find(({ name }) => name === first);
  const names = commands.map(({ name }) => name).join(', ');
  if (first === undefined) throw usage('No command was given.', `The commands are ${names}; "voicewire --help" explains them.`);
  if (command === undefined) throw usage(`There is no command ${JSON.stringify(first)}.`, `The commands are ${names}; "voicewire --help" explains them.`);
  // Behind "--" stands another program's command line.
  const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (own.includes('--help') || own.includes('-h')) {
    terminal.out(commandHelp(command));
    return OK;
  }
  const { values, words } = parseFlags(command, rest);
  return command.run(values, terminal, words);
}

function overview(): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return [
    'voicewire: realtime voice agents over plain WebSockets',
    '',
    'Usage: voicewire <command> [flags]',
    '',
    ...table(rows),
    '',
    'Each command explains itself with --help; --version prints the version.',
    'Exit codes: 0 it worked, 1 it failed, 2 it was called wrongly; a call that Ctrl-C stops ends with 130, a server with 0.',
    '',
    'Examples:',
    ...commands.map(({ example }) => `  ${example}`),
  ].join('\n');
}

interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

function tellable(error: unknown): Told {
  if (error instanceof VoicewireError) return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  if (error instanceof AudioError) return { code: error.code, message: error.message, hint: 'Give a WAV file; ffmpeg or sox make one of nearly anything.' };
  return { code: 'INTERNAL', message: errorText(error), hint: 'This is a fault of voicewire itself; please report it.' };
}

function lineOf({ code, message, hint }: Told): string {
  // A message may quote a model or a gateway.
  const [what, todo] = [harmless(message), hint === undefined ? '' : `\n  ${harmless(hint)}`];
  return `error ${code}: ${what}${todo}`;
}
