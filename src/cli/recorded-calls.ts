import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger, SessionRecorder } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { recordSession } from '../recording/index.js';

/** Records every conversation of a gateway into a folder. Dispose of it after the gateway: it waits until everything is written. */
export class RecordedCalls implements AsyncDisposable {
  readonly #folder: string;
  readonly #secrets: readonly string[];
  readonly #logger: Logger;
  readonly #open = new Set<Promise<void>>();

  /** Makes the folder. Throws `HostError` `FILE_NOT_WRITABLE`. */
  constructor(folder: string, secrets: readonly string[], logger: Logger) {
    try {
      mkdirSync(folder, { recursive: true });
    } catch (cause) {
      throw new HostError('FILE_NOT_WRITABLE', `Cannot make the folder ${folder}.`, { hint: 'Choose a place where you may write.', cause });
    }
    this.#folder = folder;
    this.#secrets = secrets.filter((secret) => secret.length >= 4);
    this.#logger = logger;
  }

  /** For the gateway. */
  readonly recorder = (sessionId: string): SessionRecorder => {
    const path = join(this.#folder, `${sessionId}.vw.jsonl`);
    const recording = recordSession(path, {
      redact: { secrets: this.#secrets },
      onFailure: (error) => this.#logger.error('A recording stopped; its call goes on.', { sessionId, code: error.code }),
    });
    // A failure has been told by then.
    const written = recording.done.catch(() => {}).finally(() => this.#open.delete(written));
    this.#open.add(written);
    return recording;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open);
  }
}
