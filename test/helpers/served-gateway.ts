import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ServedGateway {
  readonly url: string;
  /** Ends the process, as Ctrl-C does; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts the built `voicewire serve` on a free port, with the emulator as its model, in a process of its own. */
export async function serveGateway(...flags: string[]): Promise<ServedGateway> {
  const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
  const { OPENAI_API_KEY: _key, VOICEWIRE_MODEL_URL: _url, VOICEWIRE_TOKEN: _token, ...env } = process.env;
  const child = spawn(process.execPath, [main, 'serve', '--port', '0', '--json', ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let complaint = '';
  child.stderr.on('data', (data: Buffer) => (complaint += data.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`voicewire serve ended with ${code}: ${complaint}`)));
    createInterface(child.stdout).on('line', (line) => {
      const said = JSON.parse(line) as { type: string; url?: string };
      if (said.type === 'listening' && said.url !== undefined) resolve(said.url);
    });
  });
  return {
    url,
    stop() {
      child.kill('SIGINT');
      return gone;
    },
  };
}
