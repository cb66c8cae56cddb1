import { InvalidStateError, VoicewireError, errorText } from '../../session/index.js';
import { BrowserVoice } from '../client/browser/browser-voice.js';
import type { BrowserVoiceOptions } from '../client/browser/browser-voice.js';
import type { RunProblem } from '../client/run-view.js';
import type { VoiceClient, VoiceClientEvent } from '../client/voice-client.js';
import { HostError } from '../host/errors.js';
import { FrameStore, nextFrame } from './frame-store.js';
import type { RequestFrame } from './frame-store.js';
import { foldVoiceEvent } from './voice-lines.js';
import type { VoiceLine } from './voice-lines.js';

/** What of a `BrowserVoice` is needed here. */
export type VoiceDevice = Pick<BrowserVoice, 'unlock' | 'openMicrophone' | 'closeMicrophone' | 'mute' | 'client' | 'close' | 'microphoneLabel'>;

export interface VoiceStoreOptions extends Omit<BrowserVoiceOptions, 'onTrouble'> {
  /** Whether calls are spoken, or typed only; then nobody is asked for a microphone. Default spoken. */
  readonly spoken?: boolean;
  /** Default: the browser's own sound. */
  readonly openDevice?: (options: BrowserVoiceOptions) => VoiceDevice;
  /** Default: the browser's frames. */
  readonly requestFrame?: RequestFrame;
}

/** What a person sees of a call at a moment. */
export interface VoiceView {
  /** `ended` after a call, with `error` when it did not simply end. */
  readonly status: 'idle' | 'connecting' | 'open' | 'ended';
  readonly muted: boolean;
  /** Whether a microphone is open: without one a call goes on typed. */
  readonly microphone: boolean;
  /** The lines of this call, or of the last one. */
  readonly transcript: readonly VoiceLine[];
  /** Root mean squares, 0..1. */
  readonly levels: { readonly microphone: number; readonly agent: number };
  readonly error?: RunProblem;
}

const SILENCE = { microphone: 0, agent: 0 };
const EMPTY_CALL: VoiceView = { status: 'idle', muted: false, microphone: false, transcript: [], levels: SILENCE };
const HEARD = ['event', 'cleared', 'level', 'error', 'closed'] as const;

/** One voice call after the other, as a view that changes at most once a frame. Knows nothing of React. */
export class VoiceStore {
  readonly #view: FrameStore<VoiceView>;
  #options: VoiceStoreOptions;
  #device: VoiceDevice | undefined;
  #client: VoiceClient | undefined;
  /** Of the call that there is; a call whose life is over changes nothing any more. */
  #life: AbortController | undefined;

  constructor(options: VoiceStoreOptions) {
    this.#options = options;
    this.#view = new FrameStore(EMPTY_CALL, options.requestFrame ?? nextFrame);
  }

  get getSnapshot(): () => VoiceView {
    return this.#view.getSnapshot;
  }

  get subscribe(): (listener: () => void) => () => void {
    return this.#view.subscribe;
  }

  /** For the first call, which settles them until `close`. */
  configure(options: VoiceStoreOptions): void {
    this.#options = options;
  }

  /**
   * Begins a call; to be called in answer to a click or a key, since only then a browser starts its sound. True once the agent is there. Never rejects: `error`
   * of the view says why it could not be. A microphone that is not to be had is such an error too, and the call goes on without.
   */
  readonly connect = async (): Promise<boolean> => {
    if (this.#life !== undefined) return this.#view.value.status === 'open';
    const life = new AbortController();
    this.#life = life;
    this.#view.set({ ...EMPTY_CALL, muted: this.#view.value.muted, status: 'connecting' });
    try {
      const device = (this.#device ??= this.#openDevice());
      await device.unlock();
      if (this.#life === life && this.#options.spoken !== false) await this.#openMicrophone(device, life);
      if (this.#life !== life) return false;
      const client = device.client(life.signal);
      this.#client = client;
      for (const type of HEARD) client.on(type, (event) => this.#life === life && this.#onEvent(event));
      await client.connect();
      if (this.#life !== life) return false;
      this.#change({ status: 'open' });
      return true;
    } catch (error) {
      if (this.#life === life) this.#end(problemOf(error));
      return false;
    }
  };

  /** Ends the call politely. Never rejects. */
  readonly disconnect = async (): Promise<void> => {
    const [client, life] = [this.#client, this.#life];
    if (this.#view.value.status === 'connecting') life?.abort();
    else await client?.end();
    if (this.#life === life) this.#end();
  };

  /** A muted caller stays in the call, and is silent. */
  readonly mute = (muted = true): void => {
    this.#device?.mute(muted);
    this.#change({ muted });
  };

  /** The caller types; it interrupts the agent. Throws `InvalidStateError` outside a call. */
  readonly sendText = (text: string): void => this.#open().sendText(text);

  /** Asks the agent to stop talking. Throws `InvalidStateError` outside a call. */
  readonly interrupt = (): void => this.#open().interrupt();

  /** Hangs up at once, and lets go of microphone and sound. May be called twice, and `connect` begins anew. */
  close(): void {
    this.#life?.abort();
    if (this.#life !== undefined) this.#end();
    const device = this.#device;
    this.#device = undefined;
    // What the browser says to the end of its sound interests nobody any more.
    device?.close().catch(() => {});
  }

  #openDevice(): VoiceDevice {
    const { spoken: _spoken, openDevice, requestFrame: _requestFrame, ...voice } = this.#options;
    const options: BrowserVoiceOptions = { ...voice, onTrouble: (error) => this.#change({ error, ...(error.code === 'MICROPHONE_MISSING' ? { microphone: false } : {}) }) };
    const device = openDevice === undefined ? new BrowserVoice(options) : openDevice(options);
    device.mute(this.#view.value.muted);
    return device;
  }

  async #openMicrophone(device: VoiceDevice, life: AbortController): Promise<void> {
    try {
      await device.openMicrophone();
      // The person may have hung up while the browser asked.
      if (this.#life !== life) device.closeMicrophone();
      else this.#change({ microphone: true });
    } catch (error) {
      if (this.#life === life) this.#change({ error: problemOf(error) });
    }
  }

  #open(): VoiceClient {
    if (this.#client !== undefined) return this.#client;
    throw new InvalidStateError('SESSION_NOT_CONNECTED', 'There is no call.', 'Call connect() first, and wait for it.');
  }

  #onEvent(event: VoiceClientEvent): void {
    const { levels, transcript } = this.#view.value;
    switch (event.type) {
      case 'event': {
        const lines = foldVoiceEvent(transcript, event);
        if (lines !== transcript) this.#change({ transcript: lines });
        return;
      }
      case 'level':
        return this.#change({ levels: { ...levels, [event.source]: event.rms } });
      case 'cleared':
        return this.#change({ levels: { ...levels, agent: 0 } });
      case 'error':
        return this.#change({ error: event.error });
      case 'closed':
        return this.#end(event.error);
      default:
        return;
    }
  }

  #change(change: Partial<VoiceView>): void {
    this.#view.set({ ...this.#view.value, ...change });
  }

  #end(error?: RunProblem): void {
    this.#life = undefined;
    this.#client = undefined;
    this.#device?.closeMicrophone();
    this.#change({ status: 'ended', microphone: false, levels: SILENCE, ...(error === undefined ? {} : { error }) });
  }
}

function problemOf(error: unknown): VoicewireError {
  if (error instanceof VoicewireError) return error;
  return new HostError('CONNECTION_LOST', `The call could not go on: ${errorText(error)}`, { hint: 'Reload the page and try again.', cause: error });
}
