import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { decodeWav, mixToMono, resampleWhole } from '../../audio/index.js';
import { SPEECH_RATE } from './speech.js';

const indexFile = z.object({ clips: z.array(z.object({ text: z.string(), file: z.string().regex(/^[\w-]+\.wav$/), durationMs: z.number() })) });

/** The folder of the spoken clips: `fixtures/voice` of the package, seen from the sources and from the built files. */
export function clipsFolder(): URL | undefined {
  return ['../../fixtures/voice/', '../../../fixtures/voice/'].map((path) => new URL(path, import.meta.url)).find((url) => existsSync(fileURLToPath(new URL('index.json', url))));
}

/** Sentences spoken ahead of time. A clip is read when it is first wanted. */
export class Clips {
  readonly #folder: URL;
  readonly #files: ReadonlyMap<string, string>;
  readonly #samples = new Map<string, Int16Array>();

  /** Throws when the index cannot be read. */
  constructor(folder: URL) {
    const { clips } = indexFile.parse(JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')));
    this.#folder = folder;
    this.#files = new Map(clips.map((clip) => [clip.text, clip.file]));
  }

  /** What there is a clip for. */
  get texts(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** The sentence as PCM16 mono 24 kHz; undefined where there is no clip that says exactly this. Not to be written to. */
  find(sentence: string): Int16Array | undefined {
    const file = this.#files.get(sentence);
    if (file === undefined) return undefined;
    let samples = this.#samples.get(file);
    if (samples === undefined) {
      const wav = decodeWav(readFileSync(new URL(file, this.#folder)));
      samples = resampleWhole(mixToMono(wav.samples, wav.channels), wav.sampleRate, SPEECH_RATE);
      this.#samples.set(file, samples);
    }
    return samples;
  }
}
