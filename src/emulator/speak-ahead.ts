import { Channel } from '../../session/index.js';
import type { Synthesiser } from '../../session/index.js';

/** A piece of a sentence's sound, PCM16 mono at the synthesiser's rate. */
export interface SpokenPiece {
  readonly sentence: string;
  /** Whether it is the first or the last of its sentence. */
  readonly first: boolean;
  readonly samples: Int16Array;
}

interface Line {
  readonly sentence: string;
  readonly sound: Channel<Int16Array>;
}

/** Sound of a sentence that waits for the one before it, in pieces. */
const MAX_PIECES = 256;

/**
 * Speaks sentences in their order. While one is handed on, the next one is being made already; no more than that. An abort of `signal` ends all of it:
 * the iteration then rejects with the signal's reason.
 */
export async function* speakAhead(sentences: AsyncIterable<string>, synthesiser: Synthesiser, signal: AbortSignal, voice?: string): AsyncGenerator<SpokenPiece> {
  const lines = new Channel<Line>({ capacity: 1, whenFull: 'wait' });
  const open = new Set<Channel<Int16Array>>();
  const make = async ({ sentence, sound }: Line): Promise<void> => {
    open.add(sound);
    try {
      for await (const samples of synthesiser.speak(sentence, { signal, ...(voice === undefined ? {} : { voice }) })) if (samples.length > 0 && !(await sound.send(samples))) return;
      sound.close();
    } catch (error) {
      sound.fail(error);
    } finally {
      open.delete(sound);
    }
  };
  const cut = async (): Promise<void> => {
    for await (const sentence of sentences) {
      const line = { sentence, sound: new Channel<Int16Array>({ capacity: MAX_PIECES, whenFull: 'wait' }) };
      if (!(await lines.send(line))) return;
      void make(line);
    }
  };
  void cut().then(
    () => lines.close(),
    (error: unknown) => lines.fail(error),
  );
  const onAbort = (): void => {
    for (const channel of [lines, ...open]) channel.fail(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const { sentence, sound } of lines) {
      let first = true;
      for await (const samples of sound) {
        yield { sentence, first, samples };
        first = false;
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    for (const channel of [lines, ...open]) void channel.return();
  }
}
