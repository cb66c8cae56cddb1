import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { HostError } from '../host/errors.js';
import { systemClock } from '../host/system-clock.js';
import { RecordingFiles, startRecordProxy } from '../recording/index.js';
import type { RecordProxy, RedactionOptions } from '../recording/index.js';
import { commonFlags, counted, listFlag, stringFlag, usage, wholeNumber } from './command.js';
import type { Command, FlagValues } from './command.js';
import { Interruption, untilInterrupted } from './terminal.js';
import type { Terminal } from './terminal.js';

export const recordCommand: Command = {
  name: 'record',
  summary: 'write down what a program and a realtime model say to each other',
  about: [
    'Stands between a client and a realtime service and writes every message into a recording. With a command it runs that command, with',
    'OPENAI_BASE_URL and VOICEWIRE_MODEL_URL leading here, and ends with its exit code; without one it listens until Ctrl-C. Messages and keys',
    'pass untouched; keys, telephone numbers and what you name with --redact are cut from what is written.',
  ].join('\n'),
  example: 'npx voicewire record --out call.vw.jsonl -- node my-agent.js',
  operands: '[-- <command> <arguments>]',
  flags: {
    to: { type: 'string', value: '<url>', help: 'the service, ws:// or wss:// (VOICEWIRE_MODEL_URL, OPENAI_BASE_URL, wss://api.openai.com/v1/realtime)' },
    listen: { type: 'string', value: '<[host]:port>', help: 'where to listen (127.0.0.1, any free port)' },
    out: { type: 'string', value: '<file.vw.jsonl>', help: 'the recording (call.vw.jsonl)' },
    audio: { type: 'string', value: '<files|hash>', help: 'keep the sound in WAV files beside it, or its hashes alone (files)' },
    redact: { type: 'string', multiple: true, value: '<pattern>', help: 'a regular expression to be cut, besides keys and numbers' },
    ...commonFlags,
  },
  run: record,
};

const OPENAI_URL = 'wss://api.openai.com/v1/realtime';

async function record(values: FlagValues, terminal: Terminal, words: readonly string[]): Promise<number> {
  const json = values['json'] === true;
  const { host, port } = addressFrom(stringFlag(values, 'listen') ?? ':0');
  const audio = stringFlag(values, 'audio') ?? 'files';
  if (audio !== 'files' && audio !== 'hash') throw usage(`--audio must be files or hash, not ${JSON.stringify(audio)}.`, 'Example: --audio hash');
  const out = stringFlag(values, 'out') ?? 'call.vw.jsonl';
  const redact = redactionFrom(listFlag(values, 'redact'), terminal.env);
  const to = serviceFrom(stringFlag(values, 'to'), terminal.env);
  const store = new RecordingFiles(out, (error) => terminal.err(json ? JSON.stringify({ type: 'error', code: error.code, message: error.message }) : `${error.code}: ${error.message}`));
  const startedMs = systemClock.now();
  const proxy = await startRecordProxy({ to, host, port, store, audio, redact });
  let code = 0;
  try {
    if (words.length > 0) code = await run(words, proxy, terminal);
    else {
      terminal.out(json ? JSON.stringify({ type: 'listening', url: proxy.url, to, out }) : `Recording ${to} into ${out}. Connect to ${proxy.url}; Ctrl-C stops.`);
      await untilInterrupted(terminal);
    }
  } finally {
    await proxy.close();
  }
  const { connections } = proxy;
  const durationMs = Math.round(systemClock.now() - startedMs);
  const summary = json ? JSON.stringify({ type: 'summary', connections, out, durationMs }) : `Recorded ${counted(connections, 'connection')} in ${(durationMs / 1000).toFixed(1)} s into ${out}.${words.length > 0 && connections === 0 ? ' The program never connected here: it has to take the address from OPENAI_BASE_URL or VOICEWIRE_MODEL_URL.' : ''}`;
  // With a command, the output is the command's.
  if (words.length > 0) terminal.err(summary);
  else terminal.out(summary);
  return code;
}

/** Runs a program to its end and gives its exit code; 128 and the signal's number when a signal ended it. */
function run([program = '', ...args]: readonly string[], proxy: RecordProxy, terminal: Terminal): Promise<number> {
  const http = proxy.url.replace(/^ws/, 'http').replace(/\/realtime\/?$/, '');
  const child = spawn(program, args, { stdio: 'inherit', env: { ...terminal.env, OPENAI_BASE_URL: http, VOICEWIRE_MODEL_URL: proxy.url } });
  const onInterrupt = (): void => void child.kill('SIGINT');
  terminal.interrupted.addEventListener('abort', onInterrupt, { once: true });
  return new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => reject(new HostError('FILE_NOT_FOUND', `Cannot run ${JSON.stringify(program)}: ${cause.message}.`, { hint: 'Give a command as you would type it, after "--".', cause })));
    child.once('close', (code, signal) => {
      const { reason } = terminal.interrupted as { reason?: unknown };
      if (reason instanceof Interruption) resolve(reason.exitCode);
      else resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  }).finally(() => terminal.interrupted.removeEventListener('abort', onInterrupt));
}

/** `host:port`, `:port` or `port`. */
function addressFrom(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(?:(.*):)?(\d+)$/.exec(text) ?? [undefined, '', 'x'];
  return { host: host === '' ? '127.0.0.1' : host.replace(/^\[|\]$/g, ''), port: wholeNumber(port, '--listen', 0, 65_535, 8080) };
}

function serviceFrom(flag: string | undefined, env: Terminal['env']): string {
  const base = env['OPENAI_BASE_URL'];
  const url = flag ?? (env['VOICEWIRE_MODEL_URL'] || undefined) ?? (base === undefined || base === '' ? OPENAI_URL : `${base.replace(/^http/i, 'ws').replace(/\/+$/, '')}/realtime`);
  if (!/^wss?:\/\//i.test(url)) throw usage(`The service must begin with ws:// or wss://, not ${JSON.stringify(url)}.`, `Example: --to ${OPENAI_URL}`);
  return url;
}

/** What is cut: the patterns that were given, and every secret of the environment, by the names of variables. */
export function redactionFrom(patterns: readonly string[], env: Terminal['env']): RedactionOptions {
  const secrets = Object.entries(env).flatMap(([name, value]) => (/KEY|TOKEN|SECRET|PASSWORD/i.test(name) && value !== undefined && value.trim().length >= 8 ? [value.trim()] : []));
  return {
    secrets,
    patterns: patterns.map((pattern) => {
      try {
        return new RegExp(pattern, 'gu');
      } catch (cause) {
        throw usage(`--redact ${JSON.stringify(pattern)} is not a regular expression.`, 'Example: --redact "CASE-[0-9]+"', cause);
      }
    }),
  };
}
