import { execFile } from 'node:child_process';
import { decodeWav, mixToMono } from '../../audio/index.js';
import { SPEECH_RATE, resampleWhole } from './speech.js';

/** A speech synthesiser of this machine: how to run it so that it reads the text from its input and writes a WAV to its output. */
export interface Synthesizer {
  readonly command: string;
  readonly args: readonly string[];
}

/** In the order of preference. The text always goes in through the input: no shell and no argument ever holds it. */
export const SYNTHESIZERS: readonly Synthesizer[] = [
  { command: 'flite', args: ['-voice', 'slt', '-f', '/dev/stdin', '-o', '/dev/stdout'] },
  { command: 'espeak-ng', args: ['--stdin', '--stdout', '-v', 'en-us'] },
];

const TIMEOUT_MS = 5_000;
/** Longer than a minute of speech at the rates these tools write. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/**
 * Speaks one sentence with the first of `synthesizers` that is installed and can. Resolves with PCM16 mono 24 kHz, or undefined where none
 * could; never rejects.
 */
export async function speakInstalled(sentence: string, synthesizers: readonly Synthesizer[] = SYNTHESIZERS): Promise<{ samples: Int16Array; command: string } | undefined> {
  for (const synthesizer of synthesizers) {
    const wav = await run(synthesizer, sentence);
    if (wav === undefined || wav.length === 0) continue;
    try {
      const { samples, channels, sampleRate } = decodeWav(wav);
      if (samples.length > 0) return { samples: resampleWhole(mixToMono(samples, channels), sampleRate, SPEECH_RATE), command: synthesizer.command };
    } catch {
      // Not a WAV after all: the next one may do better.
    }
  }
  return undefined;
}

function run({ command, args }: Synthesizer, text: string): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const child = execFile(command, [...args], { encoding: 'buffer', timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL' }, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    );
    // A program that ends before it has read everything must not end us; its exit code tells the rest.
    child.stdin?.on('error', () => {});
    child.stdin?.end(`${text}\n`);
  });
}
