import { VoicewireError, errorText } from '../../session/index.js';
import { resumeRun, streamRun } from '../client/run-stream.js';
import type { RunConnectionOptions, RunStream } from '../client/run-stream.js';
import { EMPTY_RUN, foldRunEvent, isRunActive } from '../client/run-view.js';
import type { RunView } from '../client/run-view.js';
import { HostError } from '../host/errors.js';
import { FrameStore, nextFrame } from './frame-store.js';
import type { RequestFrame } from './frame-store.js';

export interface RunStoreOptions extends Omit<RunConnectionOptions, 'signal'> {
  /** Where runs are begun: `/chat/stream`. */
  readonly url: string | URL;
  /** Runs of one conversation know what was said before. */
  readonly conversationId?: string;
  /** Default: the browser's frames. */
  readonly requestFrame?: RequestFrame;
}

/** One run after the other, as a view that changes at most once a frame. Knows nothing of React. */
export class RunStore {
  readonly #view: FrameStore<RunView>;
  #options: RunStoreOptions;
  #stream: RunStream | undefined;
  /** Of the stream that there is; a stream whose life is over changes nothing any more. */
  #life: AbortController | undefined;

  constructor(options: RunStoreOptions) {
    this.#options = options;
    this.#view = new FrameStore(EMPTY_RUN, options.requestFrame ?? nextFrame);
  }

  get getSnapshot(): () => RunView {
    return this.#view.getSnapshot;
  }

  get subscribe(): (listener: () => void) => () => void {
    return this.#view.subscribe;
  }

  /** For the runs that are begun from now on. */
  configure(options: RunStoreOptions): void {
    this.#options = options;
  }

  /** Begins a run. False, and nothing happens, while one is on: `stop` it first. */
  readonly send = (input: string): boolean => {
    const { url, conversationId, requestFrame: _requestFrame, ...connection } = this.#options;
    return this.#begin((signal) => streamRun(url, { ...connection, input, signal, ...(conversationId === undefined ? {} : { conversationId }) }));
  };

  /** Shows a run that was begun before, from its beginning; after a reload, say. False while another one is on. */
  readonly resume = (runId: string): boolean => {
    const { url, conversationId: _conversationId, requestFrame: _requestFrame, ...connection } = this.#options;
    return this.#begin((signal) => resumeRun(url, { ...connection, runId, signal }));
  };

  /**
   * Stops the run on the server. True when the server has confirmed it; its end still comes. Never rejects: when it is not certain that the run was stopped,
   * the result is false, and `error` of the view says why.
   */
  readonly stop = async (): Promise<boolean> => {
    const [stream, life, before] = [this.#stream, this.#life, this.#view.value];
    if (stream === undefined || !isRunActive(before)) return true;
    this.#view.set({ ...before, status: 'stopping' });
    try {
      await stream.stop();
      return true;
    } catch (error) {
      if (this.#life === life && isRunActive(this.#view.value)) this.#view.set({ ...this.#view.value, status: stream.status === 'open' ? 'running' : 'reconnecting', error: problemOf(error) });
      return false;
    }
  };

  /** Lets go of the connection; the run itself is not stopped. May be called twice, and `send` begins anew. */
  close(): void {
    this.#life?.abort();
    this.#life = undefined;
    this.#stream = undefined;
    if (isRunActive(this.#view.value)) this.#view.set({ ...this.#view.value, status: 'idle' });
  }

  #begin(open: (signal: AbortSignal) => RunStream): boolean {
    if (this.#life !== undefined) return false;
    const life = new AbortController();
    this.#life = life;
    this.#stream = open(life.signal);
    this.#view.set({ ...EMPTY_RUN, status: 'connecting' });
    void this.#follow(this.#stream, life);
    return true;
  }

  async #follow(stream: RunStream, life: AbortController): Promise<void> {
    try {
      for await (const event of stream) {
        if (this.#life !== life) return;
        this.#view.set(foldRunEvent(this.#view.value, event));
      }
      if (this.#life === life) this.#end(this.#view.value);
    } catch (error) {
      if (this.#life === life) this.#end({ ...this.#view.value, status: 'failed', error: problemOf(error) });
    }
  }

  #end(view: RunView): void {
    this.#life = undefined;
    // Without a last event: it was stopped before it had begun, or was over before it was taken up.
    this.#view.set(isRunActive(view) ? { ...view, status: view.status === 'stopping' ? 'cancelled' : 'completed' } : view);
  }
}

function problemOf(error: unknown): VoicewireError {
  if (error instanceof VoicewireError) return error;
  return new HostError('CONNECTION_LOST', `The run broke off here: ${errorText(error)}`, { hint: 'The cause says what failed.', cause: error });
}
