import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { HostError } from '../host/errors.js';
import type { ServerUse } from '../load/index.js';
import { builtCliDir } from './package-files.js';

/** A gateway and the emulator that is its model, each in a process of its own. */
export interface LoadServer extends AsyncDisposable {
  readonly url: string;
  /** What the gateway has used so far; `undefined` when it is gone. */
  use(): Promise<ServerUse | undefined>;
}

const START_TIMEOUT_MS = 30_000;
const USE_TIMEOUT_MS = 5_000;

export async function startLoadServer(): Promise<LoadServer> {
  const children: ChildProcess[] = [];
  const start = async (...args: readonly string[]): Promise<string> => {
    const { NODE_OPTIONS: _options, ...env } = process.env;
    const child = fork(join(builtCliDir, 'load-server-process.js'), [...args], { env, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    children.push(child);
    return ((await answer(child, START_TIMEOUT_MS)) as { url: string }).url;
  };
  const stop = async (): Promise<void> => {
    const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
    await Promise.all(
      running.map((child) => {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        return gone;
      }),
    );
  };
  try {
    const model = await start('emulator');
    const url = await start('gateway', model);
    const gateway = children[1] as ChildProcess;
    return {
      url,
      async use() {
        if (!gateway.connected) return undefined;
        gateway.send('use');
        return (await answer(gateway, USE_TIMEOUT_MS).catch(() => undefined)) as ServerUse | undefined;
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The next message of a child. */
function answer(child: ChildProcess, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      act();
    };
    const onMessage = (message: unknown): void => settle(() => resolve(message));
    const onExit = (): void => settle(() => reject(new HostError('GATEWAY_UNREACHABLE', 'The server under load has ended.', { hint: 'What it wrote to standard error says why.' })));
    const timer = setTimeout(() => settle(() => reject(new HostError('GATEWAY_UNREACHABLE', `The server under load did not answer within ${timeoutMs} ms.`))), timeoutMs);
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}
