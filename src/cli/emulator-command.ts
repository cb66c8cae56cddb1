import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { FAULT_KINDS, clipRecogniser, parseFault, startEmulator } from '../emulator/index.js';
import type { EmulatorOptions, Fault } from '../emulator/index.js';
import { HostError } from '../host/errors.js';
import { stderrLogger } from '../host/stderr-logger.js';
import { systemClock } from '../host/system-clock.js';
import { commonFlags, decimalNumber, listFlag, stringFlag, usage, wholeNumber } from './command.js';
import { differenceText, startReplayServer } from '../recording/index.js';
import type { Command, FlagValues } from './command.js';
import { readInputFile } from './input-file.js';
import { startScriptedEmulator } from './model-choice.js';
import { speedFrom } from './replay-command.js';
import { painter, untilInterrupted } from './terminal.js';
import type { Terminal } from './terminal.js';
import { pipelineParts, scriptOf, speechFlags, textFlags } from './text-parts.js';

export const emulatorCommand: Command = {
  name: 'emulator',
  summary: 'a realtime model without a key, for any client',
  about: [
    'Starts the emulator of a realtime speech model alone and prints its address. Any realtime client in any language can be developed',
    'and tested against it. It speaks by itself, follows a script, and does not understand speech.',
    '',
    `A fault is written kind:name=value,name=value. The kinds are ${FAULT_KINDS.join(', ')};`,
    'src/emulator/README.md tells of each. While it runs, POST /emulator/faults on the same port sets one, DELETE takes all back.',
  ].join('\n'),
  examples: [
    'npx voicewire emulator --script call.yaml --tls --save-cert emulator.pem',
    'npx voicewire emulator --fault drop:onEvent=response.output_audio.delta,nth=5 --fault latency:events=audio,ms=200,jitterMs=100 --seed 7',
    'npx voicewire emulator --beta --api-key k --session-limit-s 60',
    'npx voicewire emulator --pipeline --text-url http://127.0.0.1:11434/v1 --text-model llama3.2',
  ],
  example: 'npx voicewire emulator --port 8080 --script parrot',
  flags: {
    port: { type: 'string', value: '<number>', help: 'where to listen; 0, the default, takes a free port' },
    host: { type: 'string', value: '<address>', help: 'address to bind (127.0.0.1)' },
    script: { type: 'string', value: '<name>', help: 'demo (default), parrot, or a JSON, YAML, JavaScript or TypeScript file' },
    pipeline: { type: 'boolean', help: 'answer by a recogniser, a text model and a synthesiser, each offline unless its flags name one' },
    ...textFlags,
    ...speechFlags,
    recording: { type: 'string', value: '<file>', help: 'answer as the model of this recording did, in place of a script' },
    speed: { type: 'string', value: '<number>', help: 'with --recording: this many times faster than it was (1)' },
    strict: { type: 'boolean', help: 'with --recording: end a client that says something else' },
    clips: { type: 'string', value: '<folder>', help: 'WAV files that callers play, and index.json with what they say: those are understood' },
    'api-key': { type: 'string', value: '<key>', help: 'refuse clients that send neither this key nor a client secret' },
    tls: { type: 'boolean', help: 'wss: with a certificate made for this run, or with the two below' },
    'tls-cert': { type: 'string', value: '<file.pem>', help: 'certificate for wss:' },
    'tls-key': { type: 'string', value: '<file.pem>', help: 'its key' },
    'save-cert': { type: 'string', value: '<file.pem>', help: 'write the certificate here, for NODE_EXTRA_CA_CERTS and the like' },
    beta: { type: 'boolean', help: 'serve clients of the first version of the protocol too' },
    pace: { type: 'string', value: '<number>', help: 'send audio so many times faster than it lasts (8)' },
    'think-ms': { type: 'string', value: '<number>', help: 'from response.created to the first output (120)' },
    'session-limit-s': { type: 'string', value: '<number>', help: 'a session ends after so many seconds (3600)' },
    fault: { type: 'string', multiple: true, value: '<fault>', help: 'something goes wrong on every connection; may be given again' },
    seed: { type: 'string', value: '<number>', help: 'the same number gives the same ids and the same chance again' },
    verbose: { type: 'boolean', help: 'log each step of each session to standard error' },
    ...commonFlags,
  },
  run: emulate,
};

async function emulate(values: FlagValues, terminal: Terminal): Promise<number> {
  const json = values['json'] === true;
  const apiKey = stringFlag(values, 'api-key');
  const options = { ...optionsFrom(values), ...(await tlsFrom(values)), ...recogniserFrom(values) };
  const startedMs = systemClock.now();
  await using emulator = await startFrom(values, options, terminal);
  const saveTo = stringFlag(values, 'save-cert');
  if (saveTo !== undefined) await save(saveTo, emulator.certificate ?? '');
  if (json) {
    terminal.out(JSON.stringify({ type: 'listening', url: emulator.url, ...(saveTo === undefined ? {} : { certificate: saveTo }) }));
  } else {
    const { bold } = painter(terminal);
    terminal.out(`The emulator listens on ${bold(emulator.url)}`);
    terminal.out('');
    terminal.out('Connect a realtime client, for example a gateway in another terminal:');
    const trust = emulator.certificate === undefined ? '' : `NODE_EXTRA_CA_CERTS=${saveTo ?? '<the file of --save-cert>'} `;
    terminal.out(`  ${trust}${apiKey === undefined ? '' : 'OPENAI_API_KEY=<the key> '}npx voicewire serve --model-url ${emulator.url}`);
    for (const fault of options.faults ?? []) terminal.out(`Goes wrong on purpose: ${JSON.stringify(fault)}`);
    terminal.out('Ctrl-C stops.');
  }
  await untilInterrupted(terminal);
  const durationMs = Math.round(systemClock.now() - startedMs);
  terminal.out(json ? JSON.stringify({ type: 'summary', durationMs }) : `Stopped after ${(durationMs / 1000).toFixed(1)} s.`);
  return 0;
}

/** A recording answers as it did; otherwise a script does. */
async function startFrom(values: FlagValues, options: EmulatorOptions, terminal: Terminal): Promise<AsyncDisposable & { readonly url: string; readonly certificate?: string | undefined }> {
  const json = values['json'] === true;
  const apiKey = stringFlag(values, 'api-key');
  const recording = stringFlag(values, 'recording');
  if (recording === undefined) {
    if (values['speed'] !== undefined || values['strict'] === true) throw usage('--speed and --strict are for a recording.', 'Name it with --recording <file>.');
    const logger = stderrLogger({ level: values['verbose'] === true ? 'info' : 'warn', json, write: (line) => terminal.err(line.trimEnd()) });
    const all = { ...options, logger, ...(apiKey === undefined ? {} : { apiKey }) };
    if (values['pipeline'] === true) return startEmulator({ ...all, mode: 'pipeline', pipeline: pipelineParts(values, terminal, await scriptOf(values), logger, { keyCounts: false }) });
    const part = PARTS.find((name) => values[name] !== undefined);
    if (part !== undefined) throw usage(`--${part} is for a pipeline.`, 'Add --pipeline.');
    return startScriptedEmulator(stringFlag(values, 'script') ?? 'demo', all);
  }
  const others = NOT_RECORDED.find((name) => values[name] !== undefined && values[name] !== false);
  if (others !== undefined) throw usage(`--recording answers as it was recorded, and knows no --${others}.`, `Leave --${others} out.`);
  return startReplayServer(recording, {
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    mode: values['strict'] === true ? 'strict' : 'lenient',
    speed: speedFrom(values),
    onProblem: (problem) => terminal.err(json ? JSON.stringify({ type: 'problem', ...problem }) : `A client goes another way than the recording:\n${differenceText(problem)}`),
  });
}

/** Flags of what a pipeline is made of. */
const PARTS = [...Object.keys(textFlags), ...Object.keys(speechFlags)];
/** Flags of a script's server. */
const NOT_RECORDED = ['script', 'pipeline', ...PARTS, 'clips', 'api-key', 'tls', 'tls-cert', 'tls-key', 'save-cert', 'beta', 'pace', 'think-ms', 'session-limit-s', 'fault', 'seed'] as const;

function optionsFrom(values: FlagValues): EmulatorOptions {
  const number = (name: string, min: number, max: number, example: number): number | undefined => {
    const text = stringFlag(values, name);
    return text === undefined ? undefined : decimalNumber(text, `--${name}`, min, max, example);
  };
  const [pace, thinkMs, limitS] = [number('pace', 0.1, 1000, 8), number('think-ms', 0, 600_000, 120), number('session-limit-s', 0.001, 86_400, 60)];
  const seed = stringFlag(values, 'seed');
  return {
    host: stringFlag(values, 'host') ?? '127.0.0.1',
    port: wholeNumber(stringFlag(values, 'port') ?? '0', '--port', 0, 65_535, 8080),
    beta: values['beta'] === true,
    faults: listFlag(values, 'fault').map(faultFrom),
    ...(pace === undefined ? {} : { pace }),
    ...(thinkMs === undefined ? {} : { thinkMs }),
    ...(limitS === undefined ? {} : { sessionLimitMs: limitS * 1000 }),
    ...(seed === undefined ? {} : { seed: wholeNumber(seed, '--seed', 0, 999_999_999, 7) }),
  };
}

function faultFrom(text: string): Fault {
  const fault = parseFault(text);
  if (typeof fault === 'string') throw usage(`--fault ${JSON.stringify(text)} is no fault: ${fault}.`, 'Example: --fault drop:onEvent=response.output_audio.delta,nth=5');
  return fault;
}

function recogniserFrom(values: FlagValues): Pick<EmulatorOptions, 'recogniser'> {
  const folder = stringFlag(values, 'clips');
  if (folder === undefined) return {};
  try {
    return { recogniser: clipRecogniser(pathToFileURL(`${resolve(folder)}/`)) };
  } catch (cause) {
    throw new HostError('FILE_NOT_FOUND', `There is no index of clips that can be read in ${JSON.stringify(folder)}.`, { hint: 'The folder has index.json: { "clips": [{ "text": "Hello.", "file": "hello.wav", "durationMs": 900 }] }.', cause });
  }
}

async function tlsFrom(values: FlagValues): Promise<Pick<EmulatorOptions, 'tls'>> {
  const [cert, key, tls] = [stringFlag(values, 'tls-cert'), stringFlag(values, 'tls-key'), values['tls'] === true];
  if ((cert === undefined) !== (key === undefined)) throw usage('A certificate and its key go together.', 'Give both --tls-cert and --tls-key, or --tls alone for a certificate that is made for this run.');
  if (cert === undefined || key === undefined) {
    if (!tls && stringFlag(values, 'save-cert') !== undefined) throw usage('--save-cert without --tls: there is no certificate to save.', 'Add --tls.');
    return { tls };
  }
  const read = async (file: string): Promise<string> => new TextDecoder().decode(await readInputFile(file, 'Give a PEM file that you may read.'));
  const certificate = { cert: await read(cert), key: await read(key) };
  try {
    createSecureContext(certificate);
  } catch (cause) {
    throw usage('The certificate and its key cannot be used for TLS.', 'Both are PEM files, and the key is the one that the certificate was made for.', cause);
  }
  return { tls: certificate };
}

async function save(path: string, certificate: string): Promise<void> {
  try {
    await writeFile(path, certificate);
  } catch (cause) {
    throw new HostError('FILE_NOT_WRITABLE', `The certificate cannot be written to ${JSON.stringify(path)}.`, { hint: 'Give --save-cert a file in a folder where you may write.', cause });
  }
}
