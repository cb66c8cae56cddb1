import { spawnCli } from './spawn-cli.js';

export interface ServedGateway {
  readonly url: string;
  /** Ends the process, as Ctrl-C does; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts the built `voicewire serve` on a free port, with the emulator as its model, in a process of its own. */
export async function serveGateway(...flags: string[]): Promise<ServedGateway> {
  const served = spawnCli(['serve', '--port', '0', '--json', ...flags]);
  const [, url = ''] = await served.prints(/"type":"listening","url":"([^"]+)"/);
  return {
    url,
    async stop() {
      served.signal('SIGINT');
      await served.done;
    },
  };
}
