/**
 * The module that an AudioContext loads: both processors, in the audio thread. All they do is to move messages and samples between the page and
 * the chains next door, which know no worklet. The build makes one file of it, since a worklet's module is fetched by URL.
 */
import { CaptureChain } from './capture-chain.js';
import { PlaybackRing } from './playback-ring.js';
import { CAPTURE_PROCESSOR, PLAYBACK_PROCESSOR } from './worklet-messages.js';
import type { PlaybackCommand, PlaybackNews } from './worklet-messages.js';

// The scope of an AudioWorklet (Web Audio API, section 1.32), which the compiler's DOM library leaves out.
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
  abstract process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
declare const sampleRate: number;

class PlaybackProcessor extends AudioWorkletProcessor {
  readonly #ring = new PlaybackRing({ outputRate: sampleRate });
  #sinceNews = 0;
  #wasSilent = true;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<PlaybackCommand>) => {
      switch (data.type) {
        case 'play':
          return this.#ring.play(data.frame);
        case 'end':
          return this.#ring.end(data.item, data.samples);
        case 'clear':
          return this.#ring.clear(data.epoch);
        case 'pause':
          return this.#ring.pause(data.how);
        case 'resume':
          return this.#ring.resume();
        case 'reset':
          return this.#ring.reset();
      }
    };
  }

  override process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const [first, ...others] = outputs[0] ?? [];
    if (first === undefined) return true;
    this.#ring.render(first);
    for (const other of others) other.set(first);
    this.#sinceNews += first.length;
    if (this.#ring.hasFinalReports || this.#sinceNews * 50 >= sampleRate) this.#tell();
    return true;
  }

  #tell(): void {
    this.#sinceNews = 0;
    const news: PlaybackNews = { reports: this.#ring.takeReports(), level: this.#ring.takeLevel(), underruns: this.#ring.underruns, droppedSamples: this.#ring.droppedSamples };
    const silent = news.reports.length === 0 && news.level === 0;
    // The first silent message brings the level down to zero; more of them would say nothing.
    if (!silent || !this.#wasSilent) this.port.postMessage(news);
    this.#wasSilent = silent;
  }
}

class CaptureProcessor extends AudioWorkletProcessor {
  readonly #chain = new CaptureChain(sampleRate, (frame) => this.port.postMessage(frame, [frame.buffer]));

  override process(inputs: Float32Array[][]): boolean {
    this.#chain.push(inputs[0] ?? []);
    return true;
  }
}

registerProcessor(PLAYBACK_PROCESSOR, PlaybackProcessor);
registerProcessor(CAPTURE_PROCESSOR, CaptureProcessor);
