import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TextInputItem } from '../../../session/index.js';
import { openFileMemory } from '../../../src/host/file-memory.js';

const home = mkdtempSync(join(tmpdir(), 'voicewire-memory-'));
let files = 0;
const newPath = (): string => join(home, `${(files += 1)}.jsonl`);
const said = (text: string): TextInputItem => ({ type: 'message', role: 'user', text });
const texts = (items: readonly TextInputItem[]): string[] => items.map((item) => (item.type === 'message' ? item.text : ''));
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function write(path: string, ...batches: readonly (readonly string[])[]): Promise<void> {
  await using memory = await openFileMemory(path);
  for (const batch of batches) await memory.add(batch.map(said));
}

describe('a conversation in a file', () => {
  it('is there when the file is opened again, and only its owner may read it', async () => {
    const path = newPath();
    await write(path, ['a', 'b'], ['c']);
    await using memory = await openFileMemory(path);
    expect(texts(await memory.items())).toEqual(['a', 'b', 'c']);
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it('is whole up to the last change, wherever a crash cuts the file', async () => {
    const whole = newPath();
    await write(whole, ['first'], ['second']);
    const bytes = readFileSync(whole);
    const ends = [...bytes.keys()].filter((at) => bytes[at] === 0x0a).map((at) => at + 1);
    for (let length = 0; length <= bytes.length; length += 1) {
      const path = newPath();
      writeFileSync(path, bytes);
      truncateSync(path, length);
      await using memory = await openFileMemory(path);
      const expected = ['first', 'second'].slice(0, Math.max(0, ends.filter((end) => end <= length).length - 1));
      expect(texts(await memory.items()), `cut at ${length}`).toEqual(expected);
      await memory.add([said('after')]);
      expect(texts(await memory.items()), `cut at ${length}`).toEqual([...expected, 'after']);
    }
  });

  it('has one writer', async () => {
    const path = newPath();
    const memory = await openFileMemory(path);
    await expect(openFileMemory(path)).rejects.toMatchObject({ code: 'CONVERSATION_IN_USE' });
    await memory.close();
    await memory.close();
    await write(path, ['free again']);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('is taken over from a process that has crashed', async () => {
    const path = newPath();
    // No process has this id: it is above what any system gives.
    writeFileSync(`${path}.lock`, String(2 ** 31 - 1));
    await write(path, ['mine']);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('is read from its end: what stands before the newest items is not looked at', async () => {
    const path = newPath();
    await write(path, ['old'], ...Array.from({ length: 400 }, (_each, index) => [`${index} ${'x'.repeat(1_000)}`]));
    const bytes = readFileSync(path);
    // The first line is broken: whoever reads it, says so.
    bytes.write('@', bytes.indexOf('{"add"'));
    writeFileSync(path, bytes);
    await using memory = await openFileMemory(path);
    expect(texts(await memory.items(3)).map((text) => text.split(' ')[0])).toEqual(['397', '398', '399']);
    await expect(memory.items()).rejects.toMatchObject({ code: 'CONVERSATION_INVALID', message: expect.stringContaining('byte 41') as string });
  });

  it('reads no more than its limit', async () => {
    const path = newPath();
    await write(path, ...Array.from({ length: 100 }, (_each, index) => [`${index} ${'x'.repeat(1_000)}`]));
    await using memory = await openFileMemory(path, { maxReadBytes: 10_000 });
    expect(texts(await memory.items()).map((text) => text.split(' ')[0])).toEqual(['91', '92', '93', '94', '95', '96', '97', '98', '99']);
  });

  it('reads lines that are longer than a block', async () => {
    const path = newPath();
    const long = 'ü'.repeat(200_000);
    await write(path, ['short'], [long], ['end']);
    await using memory = await openFileMemory(path);
    expect(texts(await memory.items())).toEqual(['short', long, 'end']);
  });

  it.each(['{"other":1}\n', 'hello', '{"voicewire":"conversation","version":2}\n{}\n'])('does not touch a file that is something else (%j)', async (content) => {
    const path = newPath();
    writeFileSync(path, content);
    await expect(openFileMemory(path)).rejects.toMatchObject({ code: 'CONVERSATION_INVALID' });
    expect(readFileSync(path, 'utf8')).toBe(content);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('says when its place cannot be written, or it is closed', async () => {
    await expect(openFileMemory(join(home, 'no', 'such', 'folder.jsonl'))).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE' });
    const memory = await openFileMemory(newPath());
    await memory.close();
    await expect(memory.items()).rejects.toMatchObject({ code: 'CONVERSATION_CLOSED' });
    await expect(openFileMemory(newPath(), { maxReadBytes: 0 })).rejects.toThrow(RangeError);
  });
});
