import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeWav, mixToMono, resampleWhole } from '../../audio/index.js';
import { SPEECH_RATE } from './speech.js';

/**
 * A speech synthesiser of this machine, run without a shell. `arguments` are its command line for a text and a WAV file to write; the text
 * goes to its input as well, for those that read it there.
 */
export interface Synthesizer {
  readonly command: string;
  readonly arguments: (text: string, wavFile: string) => readonly string[];
}

/** In the order of preference. */
export const SYNTHESIZERS: readonly Synthesizer[] = [
  { command: 'flite', arguments: (text, wavFile) => ['-voice', 'slt', '-t', text, '-o', wavFile] },
  { command: 'espeak-ng', arguments: (_text, wavFile) => ['--stdin', '-v', 'en-us', '-w', wavFile] },
];

const TIMEOUT_MS = 5_000;
/** Over a minute of speech at the rates these tools write. */
const MAX_WAV_BYTES = 4 * 1024 * 1024;
/** The longest sentence handed to a program. */
const MAX_LETTERS = 1_000;

/**
 * Speaks one sentence with the first of `synthesizers` that is installed and can. Resolves with PCM16 mono 24 kHz, or undefined where none
 * could; never rejects. A program that takes longer than `timeoutMs` is killed and the next one is asked.
 */
export async function speakInstalled(sentence: string, synthesizers: readonly Synthesizer[] = SYNTHESIZERS, timeoutMs = TIMEOUT_MS): Promise<Int16Array | undefined> {
  // Control characters mean nothing to a speaker, and a NUL cannot stand in an argument.
  const text = sentence.replace(/\p{C}+/gu, ' ').slice(0, MAX_LETTERS).trim();
  if (text === '' || synthesizers.length === 0) return undefined;
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(tmpdir(), 'voicewire-voice-'));
    const wavFile = join(folder, 'speech.wav');
    for (const synthesizer of synthesizers) {
      const samples = (await run(synthesizer, text, wavFile, timeoutMs)) ? await readSpeech(wavFile) : undefined;
      if (samples !== undefined) return samples;
    }
  } catch {
    // No temporary folder: no speech either.
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
  return undefined;
}

/** Whether the program ran to a good end. A program that is not installed is the ordinary case. */
function run(synthesizer: Synthesizer, text: string, wavFile: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const child = execFile(synthesizer.command, [...synthesizer.arguments(text, wavFile)], { timeout: timeoutMs, killSignal: 'SIGKILL' }, (error) => resolve(error === null));
    // A program that ends before it has read everything must not end us; its exit code tells the rest.
    child.stdin?.on('error', () => {});
    child.stdin?.end(`${text}\n`);
  });
}

async function readSpeech(wavFile: string): Promise<Int16Array | undefined> {
  try {
    if ((await stat(wavFile)).size > MAX_WAV_BYTES) return undefined;
    const { samples, channels, sampleRate } = decodeWav(await readFile(wavFile));
    return samples.length === 0 ? undefined : resampleWhole(mixToMono(samples, channels), sampleRate, SPEECH_RATE);
  } catch {
    // No WAV, or not one: the next program may do better.
    return undefined;
  }
}
