import { Channel, SpokenText, produced } from '../../session/index.js';
import type { Synthesiser } from '../../session/index.js';

/** A piece of a sentence's sound, PCM16 mono at the synthesiser's rate. */
export interface SpokenPiece {
  readonly sentence: string;
  /** Whether it is the first of its sentence. */
  readonly first: boolean;
  /** Empty where nothing of the sentence is spoken: it is written only. */
  readonly samples: Int16Array;
}

interface Line {
  readonly sentence: string;
  readonly sound: AsyncIterator<Int16Array>;
  /** Its first piece; asked for when the sentence before it is spoken. */
  head?: Promise<IteratorResult<Int16Array>>;
}

/**
 * Speaks sentences in their order. While one is handed on, the next one is being made already; no more than that. An abort of `signal`, and a reader who
 * leaves, end all of it.
 */
export function speakAhead(sentences: AsyncIterable<string>, synthesiser: Synthesiser, signal: AbortSignal): AsyncIterable<SpokenPiece> {
  return produced(async (send, life) => {
    const lines = new Channel<Line>({ capacity: 1, whenFull: 'wait' });
    const making = new Set<AsyncIterator<Int16Array>>();
    const spoken = new SpokenText();
    const cut = async (): Promise<void> => {
      for await (const sentence of sentences) {
        const words = spoken.of(sentence);
        const sound = produced<Int16Array>(async (give, end) => {
          if (words === '') await give(new Int16Array(0));
          else for await (const samples of synthesiser.speak(words, { signal: end })) if (samples.length > 0 && !(await give(samples))) return;
        }, life);
        const line: Line = { sentence, sound };
        if (!(await lines.send(line))) return;
        // Begun before it is its turn: its first piece waits, or its failure.
        making.add(sound);
        line.head ??= sound.next();
        line.head.catch(() => {});
      }
    };
    const cutting = cut().then(
      () => lines.close(),
      (error: unknown) => lines.fail(error),
    );
    try {
      for await (const line of lines) {
        const { sentence, sound } = line;
        let first = true;
        line.head ??= sound.next();
        for (let next = await line.head; next.done !== true; next = await sound.next()) {
          if (!(await send({ sentence, first, samples: next.value }))) return;
          first = false;
        }
        making.delete(sound);
      }
    } finally {
      await lines.return();
      for (const sound of making) void sound.return?.();
    }
    await cutting;
  }, signal);
}
