import { HostError } from '../../host/errors.js';
import { systemClock } from '../../host/system-clock.js';
import { connectBrowserSocket } from '../../transport/browser-socket.js';
import { refuseProviderKey } from '../provider-key.js';
import { VoiceClient } from '../voice-client.js';
import { audioObstacle, audioSuspended } from './audio-failures.js';
import { openMicrophone } from './browser-microphone.js';
import type { BrowserMicrophone, MicrophoneConstraints } from './browser-microphone.js';
import { BrowserSpeaker } from './browser-speaker.js';
import { PLAYBACK_PROCESSOR } from './worklet-messages.js';

export interface BrowserVoiceOptions {
  /** The gateway's address; a page that the gateway serves passes `location.origin`. */
  readonly url: string | URL;
  readonly token?: string;
  /** Name and version, for the gateway's log. Default `voicewire browser`. */
  readonly client?: string;
  readonly microphone?: MicrophoneConstraints;
  /** Where the audio worklet's module is, when a bundler has moved it. Default: beside this module. */
  readonly workletUrl?: string | URL;
  /**
   * Sound stopped working by itself: `MICROPHONE_MISSING` (unplugged, or its permission taken back), `AUDIO_SUSPENDED` (the system took the
   * output away, for a phone call say; `unlock` again in answer to a click), `AUDIO_UNSUPPORTED` (the audio thread failed).
   */
  readonly onTrouble?: (error: HostError) => void;
}

/** How long a browser may take to start its audio in answer to a click. */
const RESUME_TIMEOUT_MS = 2_000;

interface Output {
  readonly context: AudioContext;
  readonly speaker: BrowserSpeaker;
}

/**
 * A browser's sound, and conversations over it. In answer to a click: `unlock()`, then `openMicrophone()` (without which typing still works),
 * then `connect()` for each conversation.
 */
export class BrowserVoice {
  readonly #options: BrowserVoiceOptions;
  #unlocking: Promise<Output> | undefined;
  #output: Output | undefined;
  #microphone: BrowserMicrophone | undefined;
  #muted = false;

  /** Throws `HostError` `USAGE` for a token that is a provider's key. */
  constructor(options: BrowserVoiceOptions) {
    if (options.token !== undefined) refuseProviderKey(options.token, 'The token');
    this.#options = options;
  }

  /** The audio context, once unlocked: to look at, or to hang meters on. */
  get context(): AudioContext | undefined {
    return this.#output?.context;
  }

  /** For people: what the system calls the open microphone. */
  get microphoneLabel(): string | undefined {
    return this.#microphone?.label;
  }

  /**
   * Starts the browser's sound; to be called in answer to a click or a key. Rejects with `HostError` `MICROPHONE_INSECURE_CONTEXT`,
   * `AUDIO_UNSUPPORTED` or `AUDIO_SUSPENDED`; may be called again, then or later.
   */
  async unlock(): Promise<void> {
    this.#unlocking ??= this.#openOutput();
    try {
      this.#output = await this.#unlocking;
    } catch (error) {
      this.#unlocking = undefined;
      throw error;
    }
    await resume(this.#output.context);
  }

  /** Asks for the microphone; see {@link openMicrophone} for what can go wrong. Call `unlock` first. */
  async openMicrophone(): Promise<void> {
    if (this.#output === undefined) throw audioSuspended();
    if (this.#microphone !== undefined) return;
    this.#microphone = await openMicrophone(this.#output.context, this.#options.microphone ?? {}, (error) => {
      this.closeMicrophone();
      this.#options.onTrouble?.(error);
    });
    this.#microphone.mute(this.#muted);
  }

  /** Whether the microphone gives silence; for the one that is open, and for each that is opened later. */
  mute(muted: boolean): void {
    this.#muted = muted;
    this.#microphone?.mute(muted);
  }

  closeMicrophone(): void {
    this.#microphone?.close();
    this.#microphone = undefined;
  }

  /** A conversation with whatever sound is there now; not connected yet, so that handlers can be put on. One at a time. */
  client(signal?: AbortSignal): VoiceClient {
    const { url, token, client = 'voicewire browser' } = this.#options;
    return new VoiceClient({
      url,
      client,
      clock: systemClock,
      openSocket: (address, { protocols, signal: attempt, connectTimeoutMs }) => connectBrowserSocket(address, { protocols, signal: attempt, connectTimeoutMs }),
      ...(token === undefined ? {} : { token }),
      ...(this.#output === undefined ? {} : { speaker: this.#output.speaker }),
      ...(this.#microphone === undefined ? {} : { microphone: this.#microphone }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Lets go of microphone and sound; may be called twice. */
  async close(): Promise<void> {
    this.closeMicrophone();
    const context = this.#output?.context;
    this.#output = undefined;
    this.#unlocking = undefined;
    if (context !== undefined && context.state !== 'closed') await context.close();
  }

  async #openOutput(): Promise<Output> {
    const obstacle = audioObstacle();
    if (obstacle !== undefined) throw obstacle;
    // The device's own rate: the worklet resamples, and a microphone of another rate than the context's is refused by some browsers.
    const context = new AudioContext({ latencyHint: 'interactive' });
    try {
      await context.audioWorklet.addModule(this.#options.workletUrl ?? new URL('./worklet.js', import.meta.url));
    } catch (cause) {
      await context.close();
      throw new HostError('AUDIO_UNSUPPORTED', 'The audio worklet could not be loaded.', { hint: 'Reload the page. A bundler that moves files needs the option workletUrl.', cause });
    }
    const node = new AudioWorkletNode(context, PLAYBACK_PROCESSOR, { numberOfInputs: 0, numberOfOutputs: 1, outputChannelCount: [1] });
    node.connect(context.destination);
    node.addEventListener('processorerror', () => this.#options.onTrouble?.(new HostError('AUDIO_UNSUPPORTED', 'The browser’s audio thread failed.', { hint: 'Reload the page.' })));
    context.addEventListener('statechange', () => this.#onStateChange(context));
    return { context, speaker: new BrowserSpeaker(node.port) };
  }

  /** The system may take the output away and give it back; it is asked for once more, and then the user is. */
  #onStateChange(context: AudioContext): void {
    if (context !== this.#output?.context || context.state === 'running' || context.state === 'closed') return;
    resume(context).catch(() => this.#options.onTrouble?.(audioSuspended()));
  }
}

/** Makes a {@link BrowserVoice}; nothing is opened and nobody is asked yet. */
export function createBrowserVoice(options: BrowserVoiceOptions): BrowserVoice {
  return new BrowserVoice(options);
}

/** Without a user's click `resume` neither resolves nor rejects in some browsers, so it gets a limit. */
async function resume(context: AudioContext): Promise<void> {
  if (context.state === 'running') return;
  const started = await new Promise<boolean>((resolve) => {
    const limit = systemClock.after(RESUME_TIMEOUT_MS, () => resolve(false));
    context.resume().then(
      () => (limit.cancel(), resolve(true)),
      () => (limit.cancel(), resolve(false)),
    );
  });
  if (!started) throw audioSuspended();
}
