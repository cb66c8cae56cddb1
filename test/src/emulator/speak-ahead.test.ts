import { expect, test } from 'vitest';
import { Channel } from '../../../session/index.js';
import type { Synthesiser } from '../../../session/index.js';
import { speakAhead } from '../../../src/emulator/speak-ahead.js';
import { settle } from '../../helpers/settle.js';

/** A synthesiser whose pieces are handed to it: each sentence has a channel of its own. */
function handed(): { synthesiser: Synthesiser; asked: string[]; lines: Map<string, Channel<Int16Array>>; ended: string[] } {
  const asked: string[] = [];
  const ended: string[] = [];
  const lines = new Map<string, Channel<Int16Array>>();
  const synthesiser: Synthesiser = {
    label: 'handed',
    sampleRate: 24_000,
    speak(text, { signal }) {
      asked.push(text);
      const line = new Channel<Int16Array>({ capacity: 100, whenFull: 'wait' });
      lines.set(text, line);
      signal.addEventListener('abort', () => (ended.push(text), line.fail(signal.reason)), { once: true });
      return line;
    },
  };
  return { synthesiser, asked, lines, ended };
}

async function* from(...sentences: string[]): AsyncGenerator<string> {
  yield* sentences;
}

const life = (): AbortController => new AbortController();

test('speaks in order, whichever sentence is ready first; the next one is being made, the one after it is not', async () => {
  const { synthesiser, asked, lines } = handed();
  const spoken = speakAhead(from('One.', 'Two.', 'Three.', 'Four.'), synthesiser, life().signal)[Symbol.asyncIterator]();
  const first = spoken.next();
  await settle();
  expect(asked).toEqual(['One.', 'Two.']);
  lines.get('Two.')?.push(new Int16Array(2));
  lines.get('Two.')?.close();
  lines.get('One.')?.push(new Int16Array(1));
  expect((await first).value).toMatchObject({ sentence: 'One.', first: true });
  lines.get('One.')?.push(new Int16Array(1));
  lines.get('One.')?.close();
  expect((await spoken.next()).value).toMatchObject({ sentence: 'One.', first: false });
  expect((await spoken.next()).value).toMatchObject({ sentence: 'Two.', first: true, samples: new Int16Array(2) });
  await spoken.return?.();
});

test('a sentence that fails ends it after what came before, and the others are let go', async () => {
  const { synthesiser, lines, ended } = handed();
  const spoken = speakAhead(from('One.', 'Two.'), synthesiser, life().signal)[Symbol.asyncIterator]();
  const first = spoken.next();
  await settle();
  lines.get('One.')?.push(new Int16Array(1));
  lines.get('One.')?.fail(new Error('no voice'));
  await first;
  await expect(spoken.next()).rejects.toThrow('no voice');
  await settle();
  expect(ended).toContain('Two.');
});

test.each<[string, (spoken: AsyncIterator<unknown>, over: AbortController) => Promise<unknown>]>([
  ['an abort', async (_spoken, over) => over.abort(new Error('hung up'))],
  ['a reader who leaves', async (spoken) => spoken.return?.()],
])('%s ends every sentence that is being made, once', async (_name, leave) => {
  const { synthesiser, ended } = handed();
  const over = life();
  const spoken = speakAhead(from('One.', 'Two.', 'Three.'), synthesiser, over.signal)[Symbol.asyncIterator]();
  const pending = spoken.next();
  pending.catch(() => {});
  await settle();
  await leave(spoken, over);
  await settle();
  expect(ended.toSorted()).toEqual(['One.', 'Two.']);
});

test('a text that breaks off is told after what it had', async () => {
  async function* broken(): AsyncGenerator<string> {
    yield 'One.';
    throw new Error('no more words');
  }
  const { synthesiser, lines } = handed();
  const spoken = speakAhead(broken(), synthesiser, life().signal)[Symbol.asyncIterator]();
  const first = spoken.next();
  await settle();
  lines.get('One.')?.push(new Int16Array(1));
  lines.get('One.')?.close();
  expect((await first).value).toMatchObject({ sentence: 'One.' });
  await expect(spoken.next()).rejects.toThrow('no more words');
});

test('marks for the eye are not spoken; what is nothing else comes without sound, in its place', async () => {
  const { synthesiser, asked, lines } = handed();
  const spoken = speakAhead(from('**One.** ', '```js\nrun()\n```\n', 'Two.'), synthesiser, life().signal)[Symbol.asyncIterator]();
  const first = spoken.next();
  await settle();
  lines.get('One.')?.push(new Int16Array(1));
  lines.get('One.')?.close();
  expect((await first).value).toMatchObject({ sentence: '**One.** ', samples: new Int16Array(1) });
  expect((await spoken.next()).value).toMatchObject({ sentence: '```js\nrun()\n```\n', first: true, samples: new Int16Array(0) });
  await settle();
  expect(asked).toEqual(['One.', 'Two.']);
  await spoken.return?.();
});
