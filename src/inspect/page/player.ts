import { decodeImaAdpcm, wavHeader } from '../../../audio/index.js';
import type { EmbeddedLane, EmbeddedSound } from '../index.js';
import { bytesOf } from './page-data.js';

export interface PlayerHandlers {
  /** While it plays, each frame: ms since the beginning of the call. */
  onTime(ms: number): void;
  onState(playing: boolean): void;
}

/** Plays a call: the caller to the left, the agent as it was heard to the right. The sound is unpacked when it is first wanted. */
export class Player {
  readonly #audio = new Audio();
  #read: () => EmbeddedSound | undefined = () => undefined;
  #ready = false;

  constructor(handlers: PlayerHandlers) {
    this.#audio.preservesPitch = true;
    const onFrame = (): void => {
      if (this.#audio.paused) return;
      handlers.onTime(this.#audio.currentTime * 1000);
      requestAnimationFrame(onFrame);
    };
    this.#audio.addEventListener('play', () => {
      handlers.onState(true);
      onFrame();
    });
    this.#audio.addEventListener('pause', () => handlers.onState(false));
    this.#audio.addEventListener('ended', () => handlers.onState(false));
  }

  /** Another call; `read` gives its sound, if it has any. */
  load(read: () => EmbeddedSound | undefined): void {
    this.#audio.pause();
    if (this.#ready) URL.revokeObjectURL(this.#audio.src);
    this.#ready = false;
    this.#read = read;
  }

  /** Plays from here, or stops. Rejects where the browser does not play. Gives false when there is no sound. */
  async toggle(fromMs: number): Promise<boolean> {
    if (!this.#audio.paused) {
      this.#audio.pause();
      return true;
    }
    if (!this.#ready) {
      const sound = this.#read();
      if (sound === undefined) return false;
      this.#audio.src = URL.createObjectURL(unpacked(sound));
      this.#ready = true;
    }
    const { duration } = this.#audio;
    this.#audio.currentTime = Number.isFinite(duration) && fromMs / 1000 > duration - 0.05 ? 0 : fromMs / 1000;
    await this.#audio.play();
    return true;
  }

  seek(ms: number): void {
    if (this.#ready) this.#audio.currentTime = ms / 1000;
  }

  setSpeed(speed: number): void {
    this.#audio.playbackRate = speed;
    this.#audio.defaultPlaybackRate = speed;
  }

  get playing(): boolean {
    return !this.#audio.paused;
  }

  get currentMs(): number {
    return this.#audio.currentTime * 1000;
  }
}

function unpacked({ sampleRate, durationSamples, caller, agent }: EmbeddedSound): Blob {
  // WAV is little-endian, as is every machine that has a browser.
  const frames = new Int16Array(durationSamples * 2);
  unpackLane(caller, frames, 0);
  unpackLane(agent, frames, 1);
  const header = wavHeader({ encoding: 'pcm16', sampleRate, channels: 2, dataBytes: frames.byteLength });
  return new Blob([header.slice(), frames], { type: 'audio/wav' });
}

function unpackLane({ runs, bytes }: EmbeddedLane, frames: Int16Array, channel: 0 | 1): void {
  const packed = bytesOf(bytes);
  let at = 0;
  for (let index = 0; index < runs.length; index += 2) {
    const [first = 0, count = 0] = [runs[index], runs[index + 1]];
    const samples = decodeImaAdpcm(packed.subarray(at, at + Math.ceil(count / 2)), count);
    at += Math.ceil(count / 2);
    for (let sample = 0; sample < count; sample += 1) frames[(first + sample) * 2 + channel] = samples[sample] ?? 0;
  }
}
