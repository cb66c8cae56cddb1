import type { Speaker, SpeakerFrame, SpeakerHandlers } from '../ports.js';
import type { PlaybackCommand, PlaybackNews } from './worklet-messages.js';

/** As much of a `MessagePort` as is used here. */
export interface WorkletPort {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

/** The page's end of the playback worklet: what it is told goes to the audio thread, where the samples are played and counted. */
export class BrowserSpeaker implements Speaker {
  readonly #port: WorkletPort;
  #handlers: SpeakerHandlers | undefined;
  #troubles = 0;

  /** `port`: of an AudioWorkletNode that runs the playback processor. */
  constructor(port: WorkletPort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<PlaybackNews>) => this.#onNews(data);
  }

  listen(handlers: SpeakerHandlers): void {
    this.#handlers = handlers;
  }

  play(frame: SpeakerFrame): void {
    this.#tell({ type: 'play', frame }, [frame.samples.buffer as ArrayBuffer]);
  }

  end(item: number, samples: number): void {
    this.#tell({ type: 'end', item, samples });
  }

  clear(epoch: number): void {
    this.#tell({ type: 'clear', epoch });
  }

  pause(how: 'pause' | 'duck'): void {
    this.#tell({ type: 'pause', how });
  }

  resume(): void {
    this.#tell({ type: 'resume' });
  }

  reset(): void {
    this.#tell({ type: 'reset' });
  }

  #tell(command: PlaybackCommand, transfer: Transferable[] = []): void {
    this.#port.postMessage(command, transfer);
  }

  #onNews(news: PlaybackNews): void {
    for (const report of news.reports) this.#handlers?.onPlayed(report);
    this.#handlers?.onLevel(news.level);
    if (this.#troubles === news.underruns + news.droppedSamples) return;
    this.#troubles = news.underruns + news.droppedSamples;
    this.#handlers?.onTrouble({ underruns: news.underruns, droppedSamples: news.droppedSamples });
  }
}
