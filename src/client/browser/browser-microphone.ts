import type { Microphone } from '../ports.js';
import { insecureContext, microphoneFailure, microphoneLost } from './audio-failures.js';
import { CAPTURE_PROCESSOR } from './worklet-messages.js';
import type { CaptureNews } from './worklet-messages.js';
import type { HostError } from '../../host/errors.js';

export interface MicrophoneConstraints {
  /** Default on: without it an agent on loudspeakers hears and interrupts itself. */
  readonly echoCancellation?: boolean;
  /** Default on. */
  readonly noiseSuppression?: boolean;
  /** Default on. */
  readonly autoGainControl?: boolean;
  /** Default: the system's choice. */
  readonly deviceId?: string;
}

/** A microphone of the browser, open until {@link BrowserMicrophone.close}. */
export class BrowserMicrophone implements Microphone {
  readonly #stream: MediaStream;
  readonly #source: MediaStreamAudioSourceNode;
  readonly #node: AudioWorkletNode;
  #onSamples: ((samples: Int16Array) => void) | undefined;

  constructor(stream: MediaStream, context: AudioContext) {
    this.#stream = stream;
    this.#source = context.createMediaStreamSource(stream);
    this.#node = new AudioWorkletNode(context, CAPTURE_PROCESSOR, { numberOfInputs: 1, numberOfOutputs: 0 });
    this.#node.port.onmessage = ({ data }: MessageEvent<CaptureNews>) => this.#onSamples?.(data);
    this.#source.connect(this.#node);
  }

  /** For people: what the system calls the device. */
  get label(): string {
    return this.#stream.getAudioTracks()[0]?.label ?? '';
  }

  start(onSamples: (samples: Int16Array) => void): void {
    this.#onSamples = onSamples;
  }

  stop(): void {
    this.#onSamples = undefined;
  }

  /** A muted microphone stays open and gives silence, so that whoever listens for the end of a turn still hears one. */
  mute(muted: boolean): void {
    for (const track of this.#stream.getAudioTracks()) track.enabled = !muted;
  }

  /** Lets go of the device: the browser's recording mark goes out. */
  close(): void {
    this.stop();
    this.#source.disconnect();
    this.#node.port.close();
    for (const track of this.#stream.getTracks()) track.stop();
  }
}

/**
 * Asks for the microphone. Rejects with `HostError` `MICROPHONE_INSECURE_CONTEXT`, `MICROPHONE_DENIED`, `MICROPHONE_MISSING`,
 * `MICROPHONE_IN_USE` or `AUDIO_UNSUPPORTED`. `onLost` is called when the device goes away by itself.
 */
export async function openMicrophone(context: AudioContext, constraints: MicrophoneConstraints, onLost: (error: HostError) => void): Promise<BrowserMicrophone> {
  if (!globalThis.isSecureContext) throw insecureContext();
  const { echoCancellation = true, noiseSuppression = true, autoGainControl = true, deviceId } = constraints;
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation, noiseSuppression, autoGainControl, channelCount: 1, ...(deviceId === undefined ? {} : { deviceId: { exact: deviceId } }) },
    });
  } catch (error) {
    throw microphoneFailure(error);
  }
  for (const track of stream.getTracks()) track.addEventListener('ended', () => onLost(microphoneLost()));
  return new BrowserMicrophone(stream, context);
}
