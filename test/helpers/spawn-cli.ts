import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
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

/** Starts it with these arguments; `env` is added to an environment without keys, tokens and addresses. */
export function spawnCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): SpawnedCli {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...plainEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let out = '';
  let err = '';
  let gone = false;
  const look = (): void => waiting.forEach((waiter) => waiter());
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    look();
  });
  const done = once(child, 'close').then(([code]) => {
    gone = true;
    running.delete(child);
    look();
    return { code: code as number | null, out, err };
  });
  return {
    done,
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const waiter = (): void => {
          const match = lines.map((line) => pattern.exec(line)).find((found) => found !== null);
          if (match === undefined && !gone) return;
          waiting.delete(waiter);
          if (match === undefined) reject(new Error(`It ended without ${String(pattern)}:\n${out}${err}`));
          else resolve(match);
        };
        waiting.add(waiter);
        waiter();
      }),
    signal: (name) => void child.kill(name),
    closeOutput: () => child.stdout.destroy(),
  };
}

/** Ends what a test has left running. */
export async function endSpawned(): Promise<void> {
  const ends = [...running].map((child) => once(child, 'close'));
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(ends);
}
