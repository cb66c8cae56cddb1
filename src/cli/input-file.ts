import { readFile, stat } from 'node:fs/promises';
import { cannotRead } from '../host/file-errors.js';

/** Reads a file that a person named. Rejects with `HostError` `FILE_NOT_FOUND` that says why it cannot be read; `hint` says what it should be. */
export async function readInputFile(path: string, hint: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw cannotRead(path, hint, cause);
  }
}

/** Whether two paths lead to one file, under whatever names. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
