import { demoScript } from '../emulator/index.js';
import { startGateway } from '../gateway/index.js';
import type { Gateway } from '../gateway/index.js';
import { bundledClip } from '../host/bundled-clip.js';
import { stderrLogger } from '../host/stderr-logger.js';
import { packageVersion } from '../host/package-version.js';
import { systemClock } from '../host/system-clock.js';
import { commonFlags, counted, listFlag, stringFlag, usage, wholeNumber } from './command.js';
import type { Command, FlagValues } from './command.js';
import { demoAgent, demoTextAgent } from './demo-agent.js';
import { chatOf } from './serve-chat.js';
import { emulatedModel, pipelineChoice, remoteModel } from './model-choice.js';
import type { ChosenModel } from './model-choice.js';
import { builtPageDir } from './package-files.js';
import { redactionFrom } from './record-command.js';
import { RecordedCalls } from './recorded-calls.js';
import { painter, untilInterrupted } from './terminal.js';
import type { Terminal } from './terminal.js';
import { pipelineParts, scriptOf, speechFlags, textFlags, textPart } from './text-parts.js';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'the gateway, with a page to talk to the agent',
  about: [
    'Starts the gateway. Its model is the real one when OPENAI_API_KEY is set, any compatible server with --model-url,',
    'and otherwise an emulator that needs no key and no network. With --model pipeline it is a recogniser, a text model and a synthesiser, each offline',
    'unless its flags name a model or a server, or OPENAI_API_KEY is set. POST /chat/stream is answered by the text model.',
    'Environment: PORT, VOICEWIRE_MODEL_URL, VOICEWIRE_TOKEN.',
  ].join('\n'),
  examples: ['npx voicewire serve --model pipeline'],
  example: 'npx voicewire serve --port 3000',
  flags: {
    port: { type: 'string', value: '<number>', help: 'where to listen; 0 takes a free port (PORT, 3000)' },
    host: { type: 'string', value: '<address>', help: 'address to bind; others than 127.0.0.1 need a token' },
    'model-url': { type: 'string', value: '<url>', help: 'realtime model server, ws:// or wss:// (VOICEWIRE_MODEL_URL)' },
    model: { type: 'string', value: '<name>', help: 'model to ask for (gpt-realtime), or pipeline' },
    ...textFlags,
    ...speechFlags,
    script: { type: 'string', value: '<name>', help: 'use the emulator, with the script demo, parrot, or a file of your own' },
    token: { type: 'string', value: '<token>', help: 'what clients must know (VOICEWIRE_TOKEN)' },
    'allow-origin': { type: 'string', multiple: true, value: '<origin>', help: 'page elsewhere that may connect, e.g. https://app.example.com' },
    'allow-host': { type: 'string', multiple: true, value: '<name>', help: 'host name under which this gateway is reached' },
    record: { type: 'string', value: '<folder>', help: 'record each conversation there, with its sound; "voicewire replay" plays it' },
    'no-page': { type: 'boolean', help: 'serve the voice socket only' },
    verbose: { type: 'boolean', help: 'log each step of each conversation to standard error' },
    ...commonFlags,
  },
  run: serve,
};

async function serve(values: FlagValues, terminal: Terminal): Promise<number> {
  const json = values['json'] === true;
  const logger = stderrLogger({ level: values['verbose'] === true ? 'info' : 'warn', json, write: (line) => terminal.err(line.trimEnd()) });
  const port = portFrom(values, terminal);
  const token = stringFlag(values, 'token') ?? setting(terminal, 'VOICEWIRE_TOKEN');
  const allowedOrigins = listFlag(values, 'allow-origin').map(originFrom);
  const allowedHosts = listFlag(values, 'allow-host').map(hostFrom);
  const startedMs = systemClock.now();

  const isPipeline = stringFlag(values, 'model') === 'pipeline';
  const speech = Object.keys(speechFlags).find((name) => values[name] !== undefined);
  if (speech !== undefined && !isPipeline) throw usage(`--${speech} is for a pipeline.`, 'Add --model pipeline.');
  const script = stringFlag(values, 'script') === 'parrot' ? demoScript : await scriptOf(values);
  const keyCounts = values['script'] === undefined;
  await using chosen = isPipeline ? pipelineChoice(pipelineParts(values, terminal, script, logger, { keyCounts }), logger) : await chooseModel(values, terminal, (name) => emulatedModel(name, logger));
  const folder = stringFlag(values, 'record');
  await using calls = folder === undefined ? undefined : new RecordedCalls(folder, [...(token === undefined ? [] : [token]), ...redactionFrom([], terminal.env).secrets ?? []], logger);
  await using gateway = await startGateway({
    host: stringFlag(values, 'host') ?? '127.0.0.1',
    port,
    model: chosen.model,
    agent: demoAgent,
    chat: chatOf(demoTextAgent(), textPart(values, terminal, script, { keyCounts }).model),
    allowedOrigins,
    allowedHosts,
    logger,
    onFailure: { play: await bundledClip(), by: { gave_up: { play: await bundledClip('try_later') } } },
    anomalies: true,
    ...(token === undefined ? {} : { token }),
    ...(calls === undefined ? {} : { recorder: calls.recorder }),
    ...(values['no-page'] === true ? {} : { pageDir: builtPageDir }),
    ...(chosen.note === undefined ? {} : { modelNote: chosen.note }),
  });
  if (json) terminal.out(JSON.stringify({ type: 'listening', url: gateway.url, socketUrl: gateway.socketUrl, model: chosen.model.label, emulator: chosen.isEmulator }));
  else welcome(gateway, chosen, token !== undefined, values['no-page'] === true, terminal);

  await untilInterrupted(terminal);
  const totals = gateway.totals;
  const durationMs = Math.round(systemClock.now() - startedMs);
  terminal.out(json ? JSON.stringify({ type: 'summary', ...totals, durationMs }) : `Stopped after ${(durationMs / 1000).toFixed(1)} s: ${counted(totals.calls, 'call')}, ${counted(totals.turns, 'turn')}.`);
  return 0;
}

function welcome(gateway: Gateway, chosen: ChosenModel, hasToken: boolean, noPage: boolean, terminal: Terminal): void {
  const { bold, dim } = painter(terminal);
  const page = hasToken ? `${gateway.url}/?token=<your token>` : gateway.url;
  terminal.out(`${bold('voicewire')} ${packageVersion()}`);
  terminal.out(`  listening on  ${bold(gateway.url)}`);
  terminal.out(`  model         ${chosen.model.label}`);
  if (chosen.isEmulator) terminal.out(dim('                It follows a script and does not understand speech. Set OPENAI_API_KEY to talk to a real model.'));
  terminal.out('');
  terminal.out(noPage ? `Connect voice clients to ${gateway.socketUrl}. Ctrl-C stops.` : `Open ${page} and press Talk. Ctrl-C stops.`);
}

/** A flag is stronger than the environment; of the environment, an address is stronger than a key, which may be meant for it. */
export function chooseModel(values: FlagValues, terminal: Terminal, emulate: (script: string) => Promise<ChosenModel>): Promise<ChosenModel> {
  const script = stringFlag(values, 'script');
  const urlFlag = stringFlag(values, 'model-url');
  const model = stringFlag(values, 'model');
  if (script !== undefined && (urlFlag !== undefined || model !== undefined)) {
    throw usage('--script is for the emulator and cannot be together with --model-url or --model.', 'Leave one of them out.');
  }
  if (script !== undefined) return emulate(script);
  const url = urlFlag ?? setting(terminal, 'VOICEWIRE_MODEL_URL');
  const apiKey = setting(terminal, 'OPENAI_API_KEY');
  if (url === undefined && apiKey === undefined) {
    if (model !== undefined) throw usage('--model needs a model server: no key and no address is given.', 'Set OPENAI_API_KEY, or give --model-url.');
    return emulate('demo');
  }
  if (url !== undefined && !/^wss?:\/\//i.test(url)) {
    const [from, example] = urlFlag === undefined ? ['VOICEWIRE_MODEL_URL', 'VOICEWIRE_MODEL_URL='] : ['--model-url', '--model-url '];
    throw usage(`${from} must begin with ws:// or wss://, not ${JSON.stringify(url)}.`, `Example: ${example}ws://127.0.0.1:8080/v1/realtime`);
  }
  // Said here, where it is known what the text was meant to be; the text itself is not said.
  if (apiKey !== undefined && !/^\s*[\x21-\x7e]*\s*$/.test(apiKey)) {
    throw usage('OPENAI_API_KEY holds a character that no key has, a space or a line break within it say.', 'Set it to the key alone, or to nothing for the emulator.');
  }
  return Promise.resolve(
    remoteModel({ ...(url === undefined ? {} : { url }), ...(apiKey === undefined ? {} : { apiKey }), ...(model === undefined ? {} : { model }) }),
  );
}

/** Browsers write an origin in one way only, and it is compared to the letter: one that can never match is told now. */
function originFrom(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null';
  if (text !== origin) throw usage(`--allow-origin must be scheme, host and port as a browser writes them, not ${JSON.stringify(text)}.`, `Example: --allow-origin ${origin === 'null' ? 'https://app.example.com' : origin}`);
  return text;
}

function hostFrom(text: string): string {
  if (!/^[a-z0-9._-]+$|^[0-9a-f:.]+$/i.test(text)) throw usage(`--allow-host must be a host name alone, without scheme or port, not ${JSON.stringify(text)}.`, 'Example: --allow-host voice.example.com');
  return text;
}

function portFrom(values: FlagValues, terminal: Terminal): number {
  const flag = stringFlag(values, 'port');
  if (flag !== undefined) return wholeNumber(flag, '--port', 0, 65_535, 3000);
  const variable = setting(terminal, 'PORT');
  return variable === undefined ? 3000 : wholeNumber(variable, 'PORT', 0, 65_535, 3000);
}

/** An environment variable; empty is not set. */
function setting(terminal: Terminal, name: string): string | undefined {
  const value = terminal.env[name];
  return value === undefined || value === '' ? undefined : value;
}
