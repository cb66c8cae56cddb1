import type { AudioFormat } from '../../audio/index.js';
import type { ModelCommand, SessionEvent, SessionInput, SessionRecorder, SessionStart } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { packageVersion } from '../host/package-version.js';
import { legOf } from './format.js';
import type { InputLine, RecordingHeader, RecordingLine } from './format.js';
import { RecordingFiles } from './recording-store.js';
import type { RecordingStore } from './recording-store.js';
import { RecordingWriter } from './recording-writer.js';
import type { RecordingOptions } from './recording-writer.js';

export interface RecordSessionOptions extends RecordingOptions {
  /** The disk refused or is too slow: the call goes on, the recording holds it up to here. Told once. */
  readonly onFailure?: (error: HostError) => void;
}

/** A recorder for the option `recorder` of one session. */
export interface SessionRecording extends SessionRecorder {
  /** Resolves when the session is over and everything is written; rejects with `HostError` `FILE_NOT_WRITABLE` when something is not. */
  readonly done: Promise<void>;
}

/**
 * Records a session into `path`, which ends in `.vw.jsonl`, and the WAV files beside it. Throws `HostError` `FILE_NOT_WRITABLE` at once for a path
 * that cannot be written.
 */
export function recordSession(path: string, options: RecordSessionOptions = {}): SessionRecording {
  return recordSessionTo(new RecordingFiles(path, options.onFailure), options);
}

/** The same, into any store. `header`: of the recording that is played again. */
export function recordSessionTo(store: RecordingStore, options: RecordSessionOptions & { readonly header?: RecordingHeader } = {}): SessionRecording {
  return new SessionRecordingOf(new RecordingWriter(store, options), options);
}

class SessionRecordingOf implements SessionRecording {
  readonly done: Promise<void>;
  readonly #writer: RecordingWriter;
  readonly #again: RecordingHeader | undefined;
  readonly #onFailure: ((error: HostError) => void) | undefined;
  #failure: HostError | undefined;
  #input: AudioFormat | undefined;
  #output: AudioFormat | undefined;
  #confirm: (ended: Promise<void>) => void = () => {};

  constructor(writer: RecordingWriter, { header, onFailure }: RecordSessionOptions & { readonly header?: RecordingHeader }) {
    this.#writer = writer;
    this.#again = header;
    this.#onFailure = onFailure;
    this.done = new Promise((resolve) => (this.#confirm = resolve));
    // Whoever does not wait for it has been told by `onFailure`.
    this.done.catch(() => {});
  }

  onStart({ sessionId, agentName, metadata, model, state, nowMs, unixMs }: SessionStart): void {
    const { inputFormat, outputFormat } = state.config;
    this.#input = inputFormat;
    this.#output = outputFormat;
    this.#writer.header({
      level: 'session',
      sessionId,
      clockMs: nowMs,
      ...(unixMs === undefined ? {} : { startedAt: new Date(unixMs).toISOString() }),
      peers: { voicewire: packageVersion(), model },
      input: inputFormat,
      output: outputFormat,
    }, this.#again);
    const line = { at: nowMs, dir: 'in', leg: 'internal', type: 'start', agentName, ...(metadata === undefined ? {} : { metadata }), state } as const;
    this.#write(line, (bytes) => this.#writer.inline(bytes));
  }

  onInput(input: SessionInput, nowMs: number): void {
    const line: InputLine = { at: nowMs, dir: 'in', leg: legOf(input), type: 'input', input };
    this.#write(line, (bytes) => {
      if (input.type === 'microphone' && this.#input !== undefined) return this.#writer.audio('caller', this.#input, bytes, nowMs);
      if (legOf(input) === 'model' && this.#output !== undefined) return this.#writer.audio('agent', this.#output, bytes, nowMs);
      return this.#writer.inline(bytes);
    });
  }

  onCommand(command: ModelCommand, attemptId: number | undefined, nowMs: number): void {
    this.#write({ at: nowMs, dir: 'out', leg: 'model', type: 'command', ...(attemptId === undefined ? {} : { attemptId }), command });
  }

  onEvent(event: SessionEvent, decided: boolean): void {
    this.#write({ at: event.info.timestamp, dir: 'out', leg: 'client', type: 'event', ...(decided ? {} : { by: 'runtime' as const }), event });
  }

  onEnd(nowMs: number): void {
    const failure = this.#failure;
    this.#confirm(this.#writer.close(nowMs).then(() => (failure === undefined ? undefined : Promise.reject(failure))));
  }

  /** What an application puts into a call may be anything, a circle even: the recording ends there, and the call does not notice. */
  #write(line: RecordingLine, bytesOf?: (bytes: Uint8Array) => object): void {
    if (this.#failure !== undefined) return;
    try {
      this.#writer.write(line, bytesOf);
    } catch (cause) {
      this.#failure = new HostError('RECORDING_INVALID', `Something of this call cannot be recorded (${line.type}); the recording ends before it.`, { hint: 'What tools and the application give to a session must be plain data.', cause });
      this.#onFailure?.(this.#failure);
    }
  }
}
