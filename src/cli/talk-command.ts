import { decodeWav, mixToMono, resampleWhole } from '../../audio/index.js';
import { errorText } from '../../session/index.js';
import { ClockSpeaker, PacedMicrophone, nodeVoiceClient } from '../client/index.js';
import type { VoiceClient } from '../client/index.js';
import { startGateway } from '../gateway/index.js';
import { HostError } from '../host/errors.js';
import { packageVersion } from '../host/package-version.js';
import { stderrLogger } from '../host/stderr-logger.js';
import { systemClock } from '../host/system-clock.js';
import { SAMPLE_RATE } from '../protocol/voicewire/index.js';
import { CallRecorder, openWavFile } from '../recording/index.js';
import { CallProgress } from './call-progress.js';
import { jsonPrinter, textPrinter } from './call-printer.js';
import { commonFlags, counted, stringFlag, usage, wholeNumber } from './command.js';
import type { Command, FlagValues } from './command.js';
import { demoAgent } from './demo-agent.js';
import { gatewayAddress } from './gateway-address.js';
import type { GatewayAddress } from './gateway-address.js';
import { isSameFile, readInputFile } from './input-file.js';
import { emulatedModel } from './model-choice.js';
import type { ChosenModel } from './model-choice.js';
import { chooseModel } from './serve-command.js';
import type { Terminal } from './terminal.js';

export const talkCommand: Command = {
  name: 'talk',
  summary: 'a call with a WAV file as the caller',
  about: [
    'Plays a WAV file into a conversation as a microphone, at the pace of real time, through a real WebSocket, and prints what is said, the',
    'tool calls and the latency of each turn. Without --url it starts a gateway by itself, with the emulator unless --model or --model-url asks',
    'for another model.',
    'Exits with 0 when a conversation took place: the model heard a turn of the caller, and the agent was heard.',
  ].join('\n'),
  example: 'npx voicewire talk --in fixtures/audio/caller.wav --out call.wav',
  flags: {
    in: { type: 'string', value: '<file.wav>', help: 'what the caller says; any rate and number of channels' },
    out: { type: 'string', value: '<file.wav>', help: 'write the call in stereo: caller left, agent as heard right' },
    url: { type: 'string', value: '<url>', help: 'a running gateway, http://… or ws://…' },
    token: { type: 'string', value: '<token>', help: 'what that gateway wants to know (VOICEWIRE_TOKEN)' },
    'model-url': { type: 'string', value: '<url>', help: 'without --url: the realtime model server, ws:// or wss://' },
    model: { type: 'string', value: '<name>', help: 'without --url: the model to ask for; OPENAI_API_KEY is its key' },
    script: { type: 'string', value: '<name>', help: 'without --url: the emulator with the script demo, parrot, or a file of your own' },
    'max-seconds': { type: 'string', value: '<number>', help: 'end the call after this time (600)' },
    ...commonFlags,
  },
  run: talk,
};

/** How often it is asked whether the call is over. */
const LOOK_EVERY_MS = 100;

async function talk(values: FlagValues, terminal: Terminal): Promise<number> {
  const input = stringFlag(values, 'in');
  if (input === undefined || input === '') throw usage('talk needs a recording of a caller.', 'Give one with --in <file.wav>.');
  const url = stringFlag(values, 'url');
  if (url !== undefined && ['model-url', 'model', 'script'].some((name) => values[name] !== undefined)) {
    throw usage('--model-url, --model and --script choose the model of a gateway that talk starts itself; with --url the gateway has its own.', 'Leave --url or the others out.');
  }
  if (url === undefined && values['token'] !== undefined) throw usage('--token is for a gateway that runs already; the one that talk starts itself asks for none.', 'Give its address with --url, or leave --token out.');
  const maxMs = wholeNumber(stringFlag(values, 'max-seconds') ?? '600', '--max-seconds', 1, 86_400, 60) * 1000;
  const samples = await readCaller(input);
  const output = stringFlag(values, 'out');
  if (output !== undefined && (await isSameFile(input, output))) throw usage('--in and --out are the same file: the recording of the call would replace that of the caller.', 'Give --out another name.');
  // Opened first: a path that cannot be written is told before anybody speaks.
  const recorder = output === undefined ? undefined : new CallRecorder(await openWavFile(output, { sampleRate: SAMPLE_RATE, channels: 2 }));
  try {
    if (url !== undefined) return await call(gatewayAddress(url, values, terminal), samples, maxMs, recorder, values, terminal);
    await using gateway = await startOwnGateway(values, terminal);
    return await call({ url: gateway.url }, samples, maxMs, recorder, values, terminal);
  } finally {
    await recorder?.close();
  }
}

async function startOwnGateway(values: FlagValues, terminal: Terminal): Promise<AsyncDisposable & { readonly url: string }> {
  const logger = stderrLogger({ level: 'warn', json: values['json'] === true, write: (line) => terminal.err(line.trimEnd()) });
  // What the gateway would tell its operator of this one call is told by the call itself.
  const quiet = stderrLogger({ level: 'error', json: values['json'] === true, write: (text) => terminal.err(text.trimEnd()) });
  // A call from a file is mostly a test: unless a model is asked for by name or address it costs nothing, whatever the environment holds.
  const asked = values['model-url'] !== undefined || values['model'] !== undefined;
  const emulate = (script: string): Promise<ChosenModel> => emulatedModel(script, logger);
  const chosen = asked ? await chooseModel(values, terminal, emulate) : await emulate(stringFlag(values, 'script') ?? 'demo');
  try {
    const gateway = await startGateway({ port: 0, model: chosen.model, agent: demoAgent, logger: quiet, ...(chosen.note === undefined ? {} : { modelNote: chosen.note }) });
    return {
      url: gateway.url,
      async [Symbol.asyncDispose]() {
        await gateway.close();
        await chosen[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await chosen[Symbol.asyncDispose]();
    throw error;
  }
}

async function call({ url, token }: GatewayAddress, samples: Int16Array, maxMs: number, recorder: CallRecorder | undefined, values: FlagValues, terminal: Terminal): Promise<number> {
  const json = values['json'] === true;
  const clock = systemClock;
  // One origin for both, so that the two sides of the recording stand beside each other as they sounded.
  const originMs = clock.now();
  const speaker = new ClockSpeaker({ clock, originMs, sink: (heard, first) => recorder?.place('agent', first, heard) });
  const microphone = new PacedMicrophone(samples, { clock, originMs, sink: (said, first) => recorder?.place('caller', first, said) });
  const client = nodeVoiceClient({ url, client: `voicewire-talk/${packageVersion()}`, speaker, microphone, ...(token === undefined || token === '' ? {} : { token }), signal: terminal.interrupted });
  const progress = new CallProgress(originMs);
  const printer = json ? jsonPrinter(terminal) : textPrinter(terminal);
  follow(client, progress, (event) => printer.event(event, durationMs()));
  let failure: Error | undefined;
  client.on('closed', ({ error }) => (failure = error));
  const durationMs = (): number => clock.now() - originMs;
  let said = false;
  void microphone.ended.then(() => (said = true));
  try {
    printer.ready(await client.connect(), durationMs());
    await new Promise<void>((resolve) => {
      // The clock's timers keep no process alive: once the socket is gone, nothing but this handler would tell.
      client.on('closed', () => resolve());
      const look = (): void => {
        const nowMs = clock.now();
        const over = client.state !== 'open' || nowMs - originMs >= maxMs || (said && progress.isQuiet(nowMs));
        if (over) resolve();
        else clock.after(LOOK_EVERY_MS, look);
      };
      look();
    });
    await client.end();
  } catch (error) {
    // Who stops a call before it has begun is told what became of it all the same.
    if (!terminal.interrupted.aborted) throw error;
  } finally {
    microphone.stop();
    speaker.close();
  }
  printer.ended(durationMs());
  // Closed before the summary speaks of it.
  let recording = stringFlag(values, 'out');
  await recorder?.close().catch((error: unknown) => {
    recording = undefined;
    failure ??= error instanceof Error ? error : new Error(errorText(error));
  });
  summarize(progress, durationMs(), recording, json, terminal);
  terminal.interrupted.throwIfAborted();
  if (failure !== undefined) throw failure;
  const missing = progress.missing();
  if (missing.length === 0) return 0;
  const hint = said ? 'Check that the recording holds speech, loud enough and followed by half a second of silence.' : 'The call was ended before the recording was: raise --max-seconds.';
  throw new HostError('NO_CONVERSATION', `No conversation took place: ${missing.join(', and ')}.`, { hint });
}

function follow(client: VoiceClient, progress: CallProgress, print: (event: Parameters<Parameters<VoiceClient['on']>[1]>[0]) => void): void {
  const types = ['event', 'audio_start', 'audio_received', 'played', 'cleared', 'pressure'] as const;
  for (const type of types) client.on(type, print);
  client.on('event', ({ event }) => progress.onEvent(event, systemClock.now()));
  client.on('played', ({ itemId, samples }) => progress.onPlayed(itemId, samples, systemClock.now()));
}

function summarize(progress: CallProgress, durationMs: number, recording: string | undefined, json: boolean, terminal: Terminal): void {
  const { callerTurns, answersHeard, toolCalls, interruptions } = progress;
  if (json) {
    const counts = { callerTurns, answersHeard, toolCalls, interruptions, durationMs: Math.round(durationMs) };
    terminal.out(JSON.stringify({ type: 'summary', tookPlace: progress.missing().length === 0, ...counts, ...(recording === undefined ? {} : { recording }) }));
    return;
  }
  const counts = [counted(callerTurns, 'turn of the caller', 'turns of the caller'), counted(answersHeard, 'answer heard', 'answers heard'), counted(toolCalls, 'tool call'), counted(interruptions, 'interruption')];
  terminal.out(`${(durationMs / 1000).toFixed(1)} s: ${counts.join(', ')}.`);
  if (recording !== undefined) terminal.out(`The call is in ${recording}: caller left, agent as heard right.`);
}

/** Reads a recording of any kind as mono at the rate of the client socket. */
async function readCaller(path: string): Promise<Int16Array> {
  const bytes = await readInputFile(path, 'Give the path of a WAV file that you may read.');
  const { samples, channels, sampleRate } = decodeWav(bytes);
  const mono = mixToMono(samples, channels);
  return resampleWhole(mono, sampleRate, SAMPLE_RATE);
}
