import { spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

export interface Ended {
  /** `null` when a signal ended it that it did not catch. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The built command line in a process of its own. */
export interface SpawnedCli {
  /** Resolves when it is gone and everything that it printed has arrived. */
  readonly done: Promise<Ended>;
  /** Resolves with the first thing that it prints. */
  readonly started: Promise<unknown>;
  /** Is piped in, and its end with it. */
  input(text: string): void;
  /** What a line of its output, from the first on, matches; rejects when it ends without one. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: 'SIGINT' | 'SIGTERM'): void;
  /** Nobody reads its output any more, as after `| head -1`. */
  closeOutput(): void;
}

const running = new Set<ChildProcess>();

/** What the machine's own environment would change about the command line is taken out of it. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { OPENAI_API_KEY: _key, VOICEWIRE_MODEL_URL: _url, VOICEWIRE_TOKEN: _token, PORT: _port, NO_COLOR: _noColour, FORCE_COLOR: _colour, ...env } = process.env;
  return env;
}

/** The built command line at a terminal of 80 columns, as a person meets it. */
export interface CliAtTerminal {
  /** Resolves when it is gone; `out` is all that the terminal got, with its control sequences. */
  readonly done: Promise<Ended>;
  type(keys: string): void;
  /** Resolves when the terminal has {@link visible} text of this kind, behind what the call before this one has waited for; rejects when it ends without. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Ctrl-C and Ctrl-D, as a keyboard sends them. */
export const CTRL_C = '\u0003';
export const CTRL_D = '\u0004';

/** What a terminal got without moves of the cursor and colours, its lines ended as everywhere. */
export function visible(text: string): string {
  return text.replace(/\u001b\[[?\d;]*[A-Za-z]/gu, '').replace(/\r+\n/gu, '\n');
}

/** Starts it at a pseudo terminal, which `script` of util-linux makes. `redirect` is put behind the command, as in a shell. */
export function cliAtTerminal(args: readonly string[], { env = {}, redirect = '' }: { env?: Readonly<Record<string, string>>; redirect?: string } = {}): CliAtTerminal {
  const words = [process.execPath, MAIN, ...args].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
  const child = spawn('script', ['-qefc', `stty cols 80 rows 24; ${redirect === '' ? 'exec ' : ''}${words.join(' ')} ${redirect}`, '/dev/null'], { env: { ...plainEnvironment(), SHELL: '/bin/sh', TERM: 'xterm', ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const { done, until } = watched(child);
  let seen = 0;
  return {
    done,
    type: (keys) => void child.stdin.write(keys),
    async shows(pattern) {
      const match = await until(pattern, (out) => pattern.exec(visible(out).slice(seen)));
      seen += match.index + match[0].length;
      return match;
    },
  };
}

/** Starts it with these arguments; `env` is added to an environment without keys, tokens and addresses. */
export function spawnCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): SpawnedCli {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...plainEnvironment(), ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const { done, until } = watched(child);
  return {
    done,
    started: new Promise((resolve) => child.stdout.once('data', resolve).once('close', resolve)),
    input: (text) => void child.stdin.end(text),
    prints: (pattern) =>
      until(pattern, (out, isWhole) => {
        // A line counts when its end has come.
        for (const line of out.slice(0, isWhole ? undefined : out.lastIndexOf('\n') + 1).split(/\r?\n/u)) {
          const match = pattern.exec(line);
          if (match !== null) return match;
        }
        return null;
      }),
    signal: (name) => void child.kill(name),
    closeOutput: () => child.stdout.destroy(),
  };
}

interface Watched {
  readonly done: Promise<Ended>;
  /** Resolves with what is found in what was printed so far; rejects when it ends without. `pattern` is for people. */
  until(pattern: RegExp, find: (out: string, isWhole: boolean) => RegExpExecArray | null): Promise<RegExpExecArray>;
}

function watched(child: ChildProcessWithoutNullStreams): Watched {
  running.add(child);
  let [out, err] = ['', ''];
  let gone = false;
  const waiting = new Set<() => void>();
  const look = (): void => waiting.forEach((waiter) => waiter());
  child.stdin.on('error', () => {});
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const done = once(child, 'close').then(([code]) => {
    gone = true;
    running.delete(child);
    look();
    return { code: code as number | null, out, err };
  });
  return {
    done,
    until: (pattern, find) =>
      new Promise((resolve, reject) => {
        const waiter = (): void => {
          const match = find(out, gone);
          if (match === null && !gone) return;
          waiting.delete(waiter);
          if (match === null) reject(new Error(`It ended without ${String(pattern)}:\n${JSON.stringify(out)}\n${err}`));
          else resolve(match);
        };
        waiting.add(waiter);
        waiter();
      }),
  };
}

/** Ends what a test has left running. */
export async function endSpawned(): Promise<void> {
  const ends = [...running].map((child) => once(child, 'close'));
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(ends);
}
