import { link, open, readFile, unlink, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { ConversationMemory, TextInputItem } from '../../session/index.js';
import { HostError } from './errors.js';
import { cannotWrite } from './file-errors.js';

export interface FileMemoryOptions {
  /** The newest bytes of the file that are read at most; what was said before them is not told to a model. Default 8 MiB. */
  readonly maxReadBytes?: number;
}

/**
 *     {"voicewire":"conversation","version":1}
 *     {"add":[…]}                  items at the end
 *     {"replace":2,"add":[…]}      items in the place of the newest two
 *     {"clear":true}               everything before is gone
 */
type Line = { readonly add: readonly TextInputItem[]; readonly replace?: number } | { readonly clear: true };

const HEADER = '{"voicewire":"conversation","version":1}\n';
const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * Opens, or begins, a file that keeps a conversation as JSON lines. It is only ever written at its end, one line for each change; a line that a crash has cut
 * is taken away when the file is opened. One process writes to it at a time: it holds `<path>.lock` until `close()`. Rejects with a `HostError`:
 * `CONVERSATION_IN_USE`, `CONVERSATION_INVALID`, `FILE_NOT_WRITABLE`.
 */
export async function openFileMemory(path: string, options: FileMemoryOptions = {}): Promise<FileMemory> {
  const { maxReadBytes = 8 * 1024 * 1024 } = options;
  if (!(maxReadBytes >= 1)) throw new RangeError(`maxReadBytes must be at least 1, not ${maxReadBytes}.`);
  await lock(path);
  let file: FileHandle | undefined;
  try {
    // Only who owns the process may read what was said.
    file = await open(path, 'a+', 0o600).catch((cause: unknown) => {
      throw cannotWrite(path, 'Choose another place for the conversation.', cause);
    });
    return new FileMemory(path, file, await prepare(path, file), maxReadBytes);
  } catch (error) {
    await file?.close();
    await unlink(lockOf(path));
    throw error;
  }
}

/** A conversation in a file; made by {@link openFileMemory}. Its changes are written in the order in which they were asked for. */
export class FileMemory implements ConversationMemory, AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #maxReadBytes: number;
  /** Up to where the file is whole. */
  #size: number;
  #work: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(path: string, file: FileHandle, size: number, maxReadBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
    this.#maxReadBytes = maxReadBytes;
  }

  /** Reads from the end of the file, and no more of it than it needs. */
  items(limit = Infinity): Promise<readonly TextInputItem[]> {
    return this.#then(() => this.#readBack(limit));
  }

  add(items: readonly TextInputItem[]): Promise<void> {
    return this.#then(() => this.#append({ add: items }));
  }

  replace(count: number, items: readonly TextInputItem[]): Promise<void> {
    return this.#then(() => this.#append({ replace: count, add: items }));
  }

  clear(): Promise<void> {
    return this.#then(() => this.#append({ clear: true }));
  }

  /** Resolves when everything is written and the file is free for others. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#then(async () => {
      await this.#file.close();
      await unlink(lockOf(this.#path));
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #then<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new HostError('CONVERSATION_CLOSED', `The conversation ${this.#path} is closed.`, { hint: 'Open it again with openFileMemory().' }));
    const result = this.#work.then(work);
    this.#work = result.catch(() => {});
    return result;
  }

  async #append(line: Line): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      await this.#file.appendFile(bytes);
      this.#size += bytes.length;
    } catch (cause) {
      // Half a line is no line: the next one begins where this one did.
      await this.#file.truncate(this.#size).catch(() => {});
      throw cannotWrite(this.#path, 'Make room, or choose another place for the conversation.', cause);
    }
  }

  async #readBack(limit: number): Promise<readonly TextInputItem[]> {
    /** The newest first. */
    const found: TextInputItem[] = [];
    let replaced = 0;
    const from = Math.max(HEADER.length, this.#size - this.#maxReadBytes);
    for await (const { text, at } of linesBack(this.#file, from, this.#size)) {
      if (found.length >= limit) break;
      const line = parseLine(this.#path, text, at);
      if ('clear' in line) break;
      for (const item of line.add.toReversed()) {
        if (replaced > 0) replaced -= 1;
        else found.push(item);
      }
      replaced += line.replace ?? 0;
    }
    return found.slice(0, limit).reverse();
  }
}

// ---- lines ----

/** Whole lines between two places, the last first. The line in which `from` lies is left out unless it begins there. */
async function* linesBack(file: FileHandle, from: number, until: number): AsyncGenerator<{ readonly text: string; readonly at: number }> {
  /** What stands between `at` and the line that was given last, without that one's newline. */
  let rest = Buffer.alloc(0);
  let at = until;
  let last = true;
  while (at > from) {
    const length = Math.min(BLOCK_BYTES, at - from);
    const block = Buffer.alloc(length);
    await file.read(block, 0, length, at - length);
    at -= length;
    let end = block.length;
    for (let newline = block.lastIndexOf(NEWLINE, end - 1); newline !== -1; newline = end === 0 ? -1 : block.lastIndexOf(NEWLINE, end - 1)) {
      if (!last) yield { text: Buffer.concat([block.subarray(newline + 1, end), rest]).toString(), at: at + newline + 1 };
      last = false;
      rest = Buffer.alloc(0);
      end = newline;
    }
    rest = Buffer.concat([block.subarray(0, end), rest]);
  }
  if (at === HEADER.length && !last) yield { text: rest.toString(), at };
}

function parseLine(path: string, text: string, at: number): Line {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    line = undefined;
  }
  const { add, replace = 0, clear } = (typeof line === 'object' && line !== null ? line : {}) as { readonly add?: unknown; readonly replace?: unknown; readonly clear?: unknown };
  if (clear === true) return { clear };
  if (!Array.isArray(add) || typeof replace !== 'number') throw invalid(path, `the line at byte ${at} is none of a conversation`);
  return { add: add as TextInputItem[], replace };
}

// ---- opening ----

/** Begins the file, or takes away a line that was cut by a crash. Gives the file's size. */
async function prepare(path: string, file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const head = Buffer.alloc(Math.min(size, HEADER.length));
  await file.read(head, 0, head.length, 0);
  if (!HEADER.startsWith(head.toString())) throw invalid(path, 'it begins with something else');
  if (size < HEADER.length) {
    await file.truncate(0);
    await file.appendFile(HEADER);
    return HEADER.length;
  }
  const whole = await endOfLastLine(file, size);
  if (whole < size) await file.truncate(whole);
  return whole;
}

async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
  for (let at = size; at > 0; ) {
    const length = Math.min(BLOCK_BYTES, at);
    const block = Buffer.alloc(length);
    await file.read(block, 0, length, at - length);
    at -= length;
    const newline = block.lastIndexOf(NEWLINE);
    if (newline !== -1) return at + newline + 1;
  }
  return 0;
}

function lockOf(path: string): string {
  return `${path}.lock`;
}

/** The file beside it holds the id of the process that writes; one that is gone has left it by a crash. */
async function lock(path: string): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    // The id is in it from the first moment: an empty one would look like that of nobody.
    const draft = `${lockOf(path)}.${globalThis.crypto.randomUUID()}`;
    try {
      await writeFile(draft, String(process.pid), { mode: 0o600 });
      await link(draft, lockOf(path));
      return;
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cannotWrite(path, 'Choose another place for the conversation.', cause);
      const owner = Number(await readFile(lockOf(path), 'utf8').catch(() => ''));
      if (lives(owner)) break;
      await unlink(lockOf(path)).catch(() => {});
    } finally {
      await unlink(draft).catch(() => {});
    }
  }
  throw new HostError('CONVERSATION_IN_USE', `Another process writes to the conversation ${path}.`, { hint: `End it, or remove ${lockOf(path)} when there is none.` });
}

function lives(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function invalid(path: string, what: string): HostError {
  return new HostError('CONVERSATION_INVALID', `${path} is not a kept conversation: ${what}.`, { hint: 'Give the path of a file that was begun by openFileMemory(), or of one that is not there yet.' });
}
