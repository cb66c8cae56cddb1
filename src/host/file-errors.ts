import { HostError } from './errors.js';

/** A file that a person named cannot be read. `cause` is what the system threw; the message says it in words. */
export function cannotRead(path: string, hint: string, cause: unknown): HostError {
  return new HostError('FILE_NOT_FOUND', `Cannot read ${JSON.stringify(path)}: ${reasonOf(cause, 'it does not exist')}.`, { hint, cause });
}

/** A file that a person named cannot be written. `cause` is what the system threw; the message says it in words. */
export function cannotWrite(path: string, hint: string, cause: unknown): HostError {
  return new HostError('FILE_NOT_WRITABLE', `Cannot write ${path}: ${reasonOf(cause, 'its folder does not exist')}.`, { hint, cause });
}

function reasonOf(cause: unknown, missing: string): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  if (code === 'ENOENT') return missing;
  return reasons.get(code) ?? `the system says ${code}`;
}

const reasons = new Map([
  ['EACCES', 'permission is missing'],
  ['EPERM', 'permission is missing'],
  ['EISDIR', 'it is a folder'],
  ['ENOTDIR', 'a part of the path is a file, not a folder'],
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', 'the disk is full'],
]);
