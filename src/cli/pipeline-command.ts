import { decodeWav, mixToMono, pcm16ToSamples, resampleWhole, samplesToPcm16 } from '../../audio/index.js';
import type { PlaybackReport } from '../../audio/index.js';
import { Channel, errorText } from '../../session/index.js';
import type { PipelineEvent, Recogniser, Synthesiser, Workflow } from '../../session/index.js';
import { ClockSpeaker, PacedMicrophone } from '../client/index.js';
import { HostError } from '../host/errors.js';
import { agentWorkflow } from '../host/run.js';
import { stderrLogger } from '../host/stderr-logger.js';
import { systemClock } from '../host/system-clock.js';
import { VoicePipeline } from '../host/voice-pipeline.js';
import { SAMPLE_RATE } from '../protocol/voicewire/index.js';
import { openWavFile } from '../recording/index.js';
import type { WavFileWriter } from '../recording/index.js';
import { clockTime } from './call-printer.js';
import { commonFlags, counted, stringFlag, usage } from './command.js';
import type { Command, FlagValues } from './command.js';
import { demoTextAgent } from './demo-agent.js';
import { isSameFile, readInputFile } from './input-file.js';
import { parrotParts } from './parrot-parts.js';
import { harmless, painter } from './terminal.js';
import type { Terminal } from './terminal.js';
import { pipelineParts, scriptOf, speechFlags, textFlags } from './text-parts.js';

export const pipelineCommand: Command = {
  name: 'pipeline',
  summary: 'a call through a recogniser, a text agent and a synthesiser',
  about: [
    'Plays a WAV file as the caller, at the pace of real time, to an agent that thinks in text: what is said is recognised, answered by a text agent and',
    'spoken sentence by sentence; speech over an answer cuts it at what was heard. Each of the three parts is offline and needs no key unless its flags',
    'name a model or a server. Exits with 0 when a turn was answered.',
  ].join('\n'),
  examples: [
    'npx voicewire pipeline --in caller.wav --parrot --out echo.wav',
    'npx voicewire pipeline --in caller.wav --text-url http://127.0.0.1:11434/v1 --text-model llama3.2 --listen-url http://127.0.0.1:8000/v1 --listen-model Systran/faster-whisper-small',
  ],
  example: 'npx voicewire pipeline --in fixtures/audio/caller.wav --out reply.wav',
  flags: {
    in: { type: 'string', value: '<file.wav>', help: 'what the caller says; any rate and number of channels' },
    out: { type: 'string', value: '<file.wav>', help: 'write the agent as it was heard, on the time of the call' },
    parrot: { type: 'boolean', help: 'no agent: say back what was heard' },
    ...textFlags,
    ...speechFlags,
    script: { type: 'string', value: '<name>', help: 'what offline parts follow: the script demo, or a file of your own' },
    ...commonFlags,
  },
  run: pipeline,
};

interface Parts {
  readonly recogniser: Recogniser;
  readonly workflow: Workflow;
  readonly synthesiser: Synthesiser;
}

/** Sound that waits for the disk: 60 s in blocks of 20 ms. */
const MAX_BLOCKS = 3_000;
/** Sound that waits for the pipeline: as much as a microphone would keep. */
const MAX_WAITING_CHUNKS = 100;

async function pipeline(values: FlagValues, terminal: Terminal): Promise<number> {
  const input = stringFlag(values, 'in');
  if (input === undefined || input === '') throw usage('pipeline needs a recording of a caller.', 'Give one with --in <file.wav>.');
  const parts = await partsOf(values, terminal);
  const wav = decodeWav(await readInputFile(input, 'Give the path of a WAV file that you may read.'));
  const caller = resampleWhole(mixToMono(wav.samples, wav.channels), wav.sampleRate, SAMPLE_RATE);
  const output = stringFlag(values, 'out');
  if (output !== undefined && (await isSameFile(input, output))) throw usage('--in and --out are the same file: the reply would replace the caller.', 'Give --out another name.');
  // Opened first: a path that cannot be written is told before anybody speaks.
  const file = output === undefined ? undefined : await openWavFile(output, { sampleRate: SAMPLE_RATE, channels: 1 });
  const totals = { turns: 0, answered: 0, interruptions: 0, errors: 0 };
  const startedMs = systemClock.now();
  const printer = values['json'] === true ? jsonLines(terminal) : textLines(terminal);
  let failure: Error | undefined;
  try {
    await hold(parts, caller, file, terminal.interrupted, (event) => {
      count(totals, event);
      printer(event, event.info.timestamp - startedMs);
    });
  } catch (error) {
    failure = error instanceof Error ? error : new Error(errorText(error));
  } finally {
    await file?.close();
  }
  summarize(totals, Math.round(systemClock.now() - startedMs), output, values['json'] === true, terminal);
  terminal.interrupted.throwIfAborted();
  if (failure !== undefined) throw failure;
  if (totals.answered > 0) return 0;
  throw new HostError('NO_CONVERSATION', `No turn was answered: ${counted(totals.turns, 'turn')}, ${counted(totals.errors, 'error')}.`, { hint: 'Check that the recording holds speech, loud enough, and what the lines above say.' });
}

async function partsOf(values: FlagValues, terminal: Terminal): Promise<Parts> {
  if (values['parrot'] === true) {
    const other = ['script', ...Object.keys(textFlags), ...Object.keys(speechFlags)].find((name) => values[name] !== undefined);
    if (other !== undefined) throw usage(`--parrot needs no parts, and so no --${other}.`, 'Leave one of them out.');
    return parrotParts(SAMPLE_RATE);
  }
  const logger = stderrLogger({ level: 'error', json: values['json'] === true, write: (line) => terminal.err(line.trimEnd()) });
  // As with other calls from a file: nothing is billed because a key lies in the environment.
  const { model, recogniser, synthesiser } = pipelineParts(values, terminal, await scriptOf(values), logger, { keyCounts: false });
  return { recogniser: recogniser(), workflow: agentWorkflow(demoTextAgent(), { model }), synthesiser };
}

/** The conversation, in real time: a microphone into which the recording is played, and a loudspeaker that counts what it plays. */
async function hold(parts: Parts, caller: Int16Array, file: WavFileWriter | undefined, signal: AbortSignal, onEvent: (event: PipelineEvent) => void): Promise<void> {
  const clock = systemClock;
  const originMs = clock.now();
  const heard = new Channel<Int16Array>({ capacity: MAX_BLOCKS, whenFull: 'fail' });
  const written = write(heard, file);
  const speaker = new ClockSpeaker({ clock, originMs, ...(file === undefined ? {} : { sink: (samples: Int16Array) => void heard.push(samples) }) });
  const microphone = new PacedMicrophone(caller, { clock, originMs });
  const said = new Channel<Uint8Array>({ capacity: MAX_WAITING_CHUNKS, whenFull: 'drop-oldest' });
  const talk = new VoicePipeline({ ...parts, clock, output: { format: { encoding: 'pcm16', sampleRate: SAMPLE_RATE, channels: 1 } }, playback: 'reported' });
  const places: Omit<PlaybackReport, 'samples'>[] = [];
  let epoch = 0;
  speaker.listen({
    onPlayed: ({ item, samples }) => {
      const place = places[item - 1];
      if (place !== undefined) talk.reportPlayback({ ...place, samples });
    },
    onLevel: () => {},
    onTrouble: () => {},
  });
  microphone.start((samples) => void said.push(samplesToPcm16(samples).slice()));
  void microphone.ended.then(() => {
    microphone.stop();
    said.close();
  });
  try {
    for await (const event of talk.process(said, { signal })) {
      onEvent(event);
      if (event.type === 'voice_stream_event_audio') {
        const { itemId, contentIndex, firstSample } = event;
        const known = places.findLastIndex((place) => place.itemId === itemId && place.contentIndex === contentIndex) + 1;
        const item = known || places.push({ itemId, contentIndex });
        speaker.play({ epoch, item, firstSample, samples: pcm16ToSamples(event.data).slice() });
      } else if (event.type === 'voice_stream_event_interrupted') {
        epoch += 1;
        speaker.clear(epoch);
      }
    }
  } finally {
    microphone.stop();
    speaker.close();
    heard.close();
    await written;
  }
}

async function write(blocks: AsyncIterable<Int16Array>, file: WavFileWriter | undefined): Promise<void> {
  for await (const block of blocks) await file?.write(block);
}

function count(totals: { turns: number; answered: number; interruptions: number; errors: number }, event: PipelineEvent): void {
  if (event.type === 'voice_stream_event_error') totals.errors += 1;
  else if (event.type === 'voice_stream_event_interrupted') totals.interruptions += 1;
  else if (event.type === 'voice_stream_event_lifecycle' && event.event === 'turn_ended') {
    totals.turns += 1;
    if (event.outcome === 'answered' || event.outcome === 'interrupted') totals.answered += 1;
  }
}

/** Events as they are, but for the sound itself. */
function jsonLines(terminal: Terminal): (event: PipelineEvent, atMs: number) => void {
  return (event, atMs) => {
    const { data: _sound, ...rest } = event as PipelineEvent & { readonly data?: Uint8Array };
    const error = event.type === 'voice_stream_event_error' ? { error: { code: event.error.code, message: event.error.message } } : {};
    terminal.out(JSON.stringify({ ...rest, ...error, atMs: Math.round(atMs) }));
  };
}

function textLines(terminal: Terminal): (event: PipelineEvent, atMs: number) => void {
  const { bold, dim } = painter(terminal);
  return (event, atMs) => {
    const line = (who: string, text: string): void => terminal.out(`${dim(clockTime(atMs))}  ${(who === 'agent' ? bold : String)(who.padEnd(6))}  ${harmless(text)}`);
    if (event.type === 'voice_stream_event_transcript' && event.final) line(event.of === 'user' ? 'caller' : 'agent', event.text);
    else if (event.type === 'voice_stream_event_interrupted') line('agent', `stopped after ${event.heardMs} ms; not heard: ${event.unheardText}`);
    else if (event.type === 'voice_stream_event_error') line('error', event.details);
  };
}

function summarize(totals: { turns: number; answered: number; interruptions: number; errors: number }, durationMs: number, output: string | undefined, json: boolean, terminal: Terminal): void {
  if (json) return terminal.out(JSON.stringify({ type: 'summary', ...totals, durationMs, ...(output === undefined ? {} : { reply: output }) }));
  const { turns, answered, interruptions, errors } = totals;
  terminal.out(`${(durationMs / 1000).toFixed(1)} s: ${counted(turns, 'turn')}, ${answered} answered, ${counted(interruptions, 'interruption')}${errors === 0 ? '' : `, ${counted(errors, 'error')}`}.`);
  if (output !== undefined) terminal.out(`The agent as it was heard is in ${output}.`);
}
