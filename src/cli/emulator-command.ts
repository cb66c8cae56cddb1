import { stderrLogger } from '../host/stderr-logger.js';
import { systemClock } from '../host/system-clock.js';
import { commonFlags, stringFlag, wholeNumber } from './command.js';
import type { Command, FlagValues } from './command.js';
import { startScriptedEmulator } from './model-choice.js';
import { painter, untilInterrupted } from './terminal.js';
import type { Terminal } from './terminal.js';

export const emulatorCommand: Command = {
  name: 'emulator',
  summary: 'a realtime model without a key, for any client',
  about: [
    'Starts the emulator of a realtime speech model alone and prints its address. Any realtime client in any language can be developed',
    'and tested against it. It speaks by itself, follows a script, and does not understand speech.',
  ].join('\n'),
  example: 'npx voicewire emulator --port 8080 --script parrot',
  flags: {
    port: { type: 'string', value: '<number>', help: 'where to listen; 0, the default, takes a free port' },
    host: { type: 'string', value: '<address>', help: 'address to bind (127.0.0.1)' },
    script: { type: 'string', value: '<name>', help: 'demo (default), parrot, or a JSON file' },
    'api-key': { type: 'string', value: '<key>', help: 'refuse clients that do not send this key' },
    verbose: { type: 'boolean', help: 'log each step of each session to standard error' },
    ...commonFlags,
  },
  run: emulate,
};

async function emulate(values: FlagValues, terminal: Terminal): Promise<number> {
  const json = values['json'] === true;
  const apiKey = stringFlag(values, 'api-key');
  const port = wholeNumber(stringFlag(values, 'port') ?? '0', '--port', 0, 65_535, 8080);
  const startedMs = systemClock.now();
  await using emulator = await startScriptedEmulator(stringFlag(values, 'script') ?? 'demo', {
    host: stringFlag(values, 'host') ?? '127.0.0.1',
    port,
    logger: stderrLogger({ level: values['verbose'] === true ? 'info' : 'warn', json, write: (line) => terminal.err(line.trimEnd()) }),
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  if (json) {
    terminal.out(JSON.stringify({ type: 'listening', url: emulator.url }));
  } else {
    const { bold } = painter(terminal);
    terminal.out(`The emulator listens on ${bold(emulator.url)}`);
    terminal.out('');
    terminal.out('Connect a realtime client, for example a gateway in another terminal:');
    terminal.out(`  ${apiKey === undefined ? '' : 'OPENAI_API_KEY=<the key> '}npx voicewire serve --model-url ${emulator.url}`);
    terminal.out('Ctrl-C stops.');
  }
  await untilInterrupted(terminal);
  const durationMs = Math.round(systemClock.now() - startedMs);
  terminal.out(json ? JSON.stringify({ type: 'summary', durationMs }) : `Stopped after ${(durationMs / 1000).toFixed(1)} s.`);
  return 0;
}
