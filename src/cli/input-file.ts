import { readFile, stat } from 'node:fs/promises';
import { HostError } from '../host/errors.js';

/** Reads a file that a person named. Rejects with `HostError` `FILE_NOT_FOUND` that says why it cannot be read; `hint` says what it should be. */
export async function readInputFile(path: string, hint: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new HostError('FILE_NOT_FOUND', `Cannot read ${JSON.stringify(path)}: ${reasons.get(code) ?? `the system says ${code}`}.`, { hint, cause });
  }
}

/** Whether two paths lead to one file, under whatever names. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

const reasons = new Map([
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'a part of the path is a file, not a folder'],
  ['EISDIR', 'it is a folder'],
  ['EACCES', 'permission is missing'],
  ['EPERM', 'permission is missing'],
]);
