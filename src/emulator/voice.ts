import { silentLogger } from '../../session/index.js';
import type { Logger } from '../../session/index.js';
import { Clips, clipsFolder } from './clips.js';
import { SYNTHESIZERS, speakInstalled } from './installed-voice.js';
import type { Synthesizer } from './installed-voice.js';
import { murmur } from './murmur.js';
import { sentencesOf } from './script-quotes.js';
import { SPEECH_RATE, joinSpeech, spreadWords } from './speech.js';
import type { Speech, Voice } from './speech.js';

export interface VoiceOptions {
  readonly logger?: Logger;
  /** For people: said once, when a text has no clip and the machine no synthesiser. */
  readonly onNotice?: (message: string) => void;
  /** Default: flite, then espeak-ng. An empty list never starts a program. */
  readonly synthesizers?: readonly Synthesizer[];
  /** Default: the clips of the package. `null` uses none. */
  readonly clips?: URL | null;
}

/** Sentences that were synthesised or hummed are kept, the oldest go first. */
const CACHED_SENTENCES = 64;
/** Whole texts that were spoken are kept as well, so that many callers share one sound. */
const CACHED_TEXTS = 64;
/** The longest text that is spoken, about two minutes; what comes after it is left out. */
const MAX_TEXT = 2_000;

/**
 * The emulator's voice. Each sentence comes from the first of: the clip that says exactly it, an installed synthesiser, a murmur of the
 * right length.
 */
export function createVoice(options: VoiceOptions = {}): Voice {
  const logger = options.logger ?? silentLogger;
  const synthesizers = options.synthesizers ?? SYNTHESIZERS;
  const clips = openClips(options.clips === undefined ? clipsFolder() : (options.clips ?? undefined), logger);
  const cache = new Map<string, Promise<Int16Array>>();
  let noticed = false;

  async function synthesize(sentence: string): Promise<Int16Array> {
    const spoken = await speakInstalled(sentence, synthesizers);
    if (spoken !== undefined) return spoken;
    if (!noticed) {
      noticed = true;
      const message = 'The emulator murmurs what it has no clip for: neither flite nor espeak-ng is installed.';
      logger.warn('emulator murmurs: no clip and no synthesiser');
      options.onNotice?.(message);
    }
    return murmur(sentence);
  }

  async function sentence(text: string): Promise<Speech> {
    let samples: Int16Array | undefined = clips?.find(text);
    if (samples === undefined) {
      let pending = cache.get(text);
      if (pending === undefined) {
        pending = synthesize(text);
        cache.set(text, pending);
        for (const oldest of cache.keys()) if (cache.size > CACHED_SENTENCES) cache.delete(oldest);
      }
      samples = await pending;
    }
    return { samples, words: spreadWords(text, 0, (samples.length * 1000) / SPEECH_RATE) };
  }

  async function speakAll(text: string): Promise<Speech> {
    // One after the other: a long text must not start a dozen programs at once.
    const parts: Speech[] = [];
    for (const part of sentencesOf(text)) parts.push(await sentence(part));
    return joinSpeech(parts);
  }

  const texts = new Map<string, Promise<Speech>>();
  return {
    speak(text) {
      const head = text.slice(0, MAX_TEXT);
      let speech = texts.get(head);
      if (speech === undefined) {
        speech = speakAll(head);
        texts.set(head, speech);
        for (const oldest of texts.keys()) if (texts.size > CACHED_TEXTS) texts.delete(oldest);
      }
      return speech;
    },
  };
}

function openClips(folder: URL | undefined, logger: Logger): Clips | undefined {
  if (folder === undefined) return undefined;
  try {
    return new Clips(folder);
  } catch (error) {
    logger.warn('emulator clips cannot be read', { reason: (error as Error).name });
    return undefined;
  }
}
