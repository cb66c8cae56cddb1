import { HostError } from '../host/errors.js';
import { systemClock } from '../host/system-clock.js';
import { differenceText, readRecording, replayClient, replaySession, writeCallWav } from '../recording/index.js';
import type { Recording, ReplayProblem } from '../recording/index.js';
import { connectWebSocket } from '../transport/ws-client.js';
import { commonFlags, counted, stringFlag, usage } from './command.js';
import type { Command, FlagValues } from './command.js';
import { callStory } from './call-story.js';
import type { StoryLine } from './call-story.js';
import { Interruption, harmless } from './terminal.js';
import type { Terminal } from './terminal.js';

export const replayCommand: Command = {
  name: 'replay',
  summary: 'play a recording again and say whether it goes as it went',
  about: [
    'A recording of a session is played through the session again, without sockets and as fast as it can be: every event and every command must',
    'be the same. A recording of a wire is told as it was; with --url its client is played against a server. To play its model, see',
    '"voicewire emulator --recording". Exits with 1 when something differs, unless --lenient is given.',
  ].join('\n'),
  example: 'npx voicewire replay fixtures/recordings/barge-in.vw.jsonl',
  operands: '<file.vw.jsonl>',
  flags: {
    speed: { type: 'string', value: '<number>', help: 'tell it this many times faster than it was; default: at once (with --url: 1)' },
    strict: { type: 'boolean', help: 'a difference is a failure; the default' },
    lenient: { type: 'boolean', help: 'a difference is told, and is no failure' },
    'call-wav': { type: 'string', value: '<file.wav>', help: 'write the call in stereo as it was heard, with marks for turns, tools and interruptions' },
    url: { type: 'string', value: '<url>', help: 'play the recorded client against this server, ws:// or wss:// (OPENAI_API_KEY is its key)' },
    ...commonFlags,
  },
  run: replay,
};

async function replay(values: FlagValues, terminal: Terminal, words: readonly string[]): Promise<number> {
  const [path] = words;
  if (path === undefined || words.length > 1) throw usage(`replay needs one recording, not ${words.length}.`, 'Example: voicewire replay call.vw.jsonl');
  if (values['strict'] === true && values['lenient'] === true) throw usage('--strict and --lenient exclude each other.', 'Leave one of them out.');
  const lenient = values['lenient'] === true;
  const url = stringFlag(values, 'url');
  const recording = readRecording(path);
  if (url !== undefined) return playClient(recording, url, lenient, values, terminal);
  const wav = stringFlag(values, 'call-wav');
  if (wav !== undefined) writeCallWav(recording, wav);
  const startedMs = systemClock.now();
  const difference = recording.header.level === 'session' ? replaySession(recording).difference : undefined;
  const wallMs = Math.round(systemClock.now() - startedMs);
  const told = await tell(recording, values, terminal);
  const durationMs = Math.round((recording.lines.at(-1)?.at ?? 0) - recording.header.clockMs);
  const outcome = recording.header.level === 'wire' ? 'told' : difference === undefined ? 'same' : 'different';
  if (values['json'] === true) terminal.out(JSON.stringify({ type: 'summary', outcome, durationMs, wallMs, lines: recording.lines.length + 1, complete: recording.complete, ...(difference === undefined ? {} : { difference }) }));
  else {
    if (told > 0) terminal.out('');
    const length = `${(durationMs / 1000).toFixed(1)} s of call`;
    if (outcome === 'told') terminal.out(`${length}, ${counted(recording.lines.length, 'line')}.`);
    else if (difference === undefined) terminal.out(`It goes as it went: ${length}, ${counted(recording.lines.length, 'line')}, played in ${wallMs} ms.`);
    else terminal.out(`It goes another way:\n${differenceText(difference)}`);
    if (!recording.complete) terminal.out('The recording has no end: its writer died here.');
  }
  return exitCode(difference === undefined || lenient, terminal);
}

/** What Ctrl-C has stopped ends as every call that it stops, whatever is known by then. */
function exitCode(good: boolean, { interrupted }: Terminal): number {
  const { reason } = interrupted as { reason?: unknown };
  if (reason instanceof Interruption) return reason.exitCode;
  return good ? 0 : 1;
}

/** The call in words, line by line, at its own pace where one is asked for. */
async function tell(recording: Recording, values: FlagValues, terminal: Terminal): Promise<number> {
  const speed = values['speed'] === undefined ? undefined : speedFrom(values);
  const story = callStory(recording);
  const startedMs = systemClock.now();
  for (const line of story) {
    if (speed !== undefined) await until(startedMs + (line.at - recording.header.clockMs) / speed, terminal.interrupted);
    if (terminal.interrupted.aborted) break;
    terminal.out(values['json'] === true ? JSON.stringify(line) : storyText(line, recording.header.clockMs));
  }
  return story.length;
}

function storyText({ at, who, text }: StoryLine, clockMs: number): string {
  return `${((at - clockMs) / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(10)}  ${harmless(text)}`;
}

async function playClient(recording: Recording, url: string, lenient: boolean, values: FlagValues, terminal: Terminal): Promise<number> {
  if (recording.header.level !== 'wire' || !recording.lines.some(({ type }) => type === 'open')) {
    throw new HostError('RECORDING_INVALID', `${recording.path} has no client that could be played: it is of level "${recording.header.level}"${recording.header.level === 'wire' ? ', and nobody connected' : ''}.`, { hint: 'Record one with "voicewire record"; without --url the recording of a session is played again.' });
  }
  const speed = speedFrom(values);
  const key = terminal.env['OPENAI_API_KEY']?.trim();
  const transport = await connectWebSocket(url, { protocols: ['realtime'], signal: terminal.interrupted, headers: key === undefined || key === '' ? {} : { Authorization: `Bearer ${key}` } });
  const json = values['json'] === true;
  const onProblem = (problem: ReplayProblem): void => terminal.out(json ? JSON.stringify({ type: 'problem', ...problem }) : differenceText(problem));
  const hangUp = (): void => void transport.close(1000, 'stopped');
  terminal.interrupted.addEventListener('abort', hangUp, { once: true });
  const { close, problems, received } = await replayClient(recording, transport, { mode: lenient ? 'lenient' : 'strict', speed, onProblem });
  terminal.interrupted.removeEventListener('abort', hangUp);
  terminal.out(json ? JSON.stringify({ type: 'summary', outcome: problems.length === 0 ? 'same' : 'different', received, closeCode: close.code }) : `${counted(received, 'message')} of the server, ${counted(problems.length, 'difference')}; closed with ${close.code}.`);
  return exitCode(problems.length === 0 || lenient, terminal);
}

/** `--speed`, 1 where it is not given. */
export function speedFrom(values: FlagValues): number {
  const text = stringFlag(values, 'speed') ?? '1';
  const speed = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(speed >= 0.01 && speed <= 100_000)) throw usage(`--speed must be a number from 0.01 to 100000, not ${JSON.stringify(text)}.`, 'Example: --speed 10');
  return speed;
}

function until(atMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, atMs - systemClock.now()));
    signal.addEventListener('abort', done, { once: true });
  });
}
