import type { SessionEventBody } from '../../session/index.js';

type AudioEvent = Pick<Extract<SessionEventBody, { type: 'audio' }>, 'responseId' | 'itemId' | 'contentIndex' | 'epoch' | 'chunk'>;

/** What goes to the client, in order. `bytes` are a view of what was pushed. */
export type AgentAudioOutput =
  | { readonly type: 'item'; readonly item: number; readonly itemId: string; readonly responseId: string; readonly contentIndex: number; readonly epoch: number }
  | { readonly type: 'frame'; readonly item: number; readonly epoch: number; readonly firstSample: number; readonly bytes: Uint8Array }
  | { readonly type: 'item_end'; readonly item: number; readonly epoch: number; readonly samples: number };

/** What the client has heard of an item, in the session's words. */
export interface HeardOfItem {
  readonly itemId: string;
  readonly contentIndex: number;
  readonly samples: number;
}

export interface AgentAudioOptions {
  /** How far frames may be ahead of what was heard, in samples. */
  readonly windowSamples: number;
  /** The longest frame, in samples. */
  readonly frameSamples: number;
  /** How much may wait, in samples. */
  readonly maxPendingSamples: number;
}

interface Item {
  readonly number: number;
  readonly itemId: string;
  readonly responseId: string;
  readonly contentIndex: number;
  readonly epoch: number;
  readonly pending: Uint8Array[];
  announced: boolean;
  ended: boolean;
  endSent: boolean;
  /** Audio beyond the limit was dropped; the rest of the item goes the same way, so that what is sent has no hole. */
  cut: boolean;
  sentSamples: number;
  heardSamples: number;
}

/** Items that are told apart after their end: late acknowledgements of an interrupted item arrive within a round trip. */
const KEPT_ITEMS = 64;

/**
 * Agent audio on its way to one client: numbered items, cut to frames, never further ahead of what was heard than the window. Decides only;
 * whoever owns it calls {@link AgentAudio.take} after each change and sends what it gives.
 *
 *      push ─▶ pending ─▶ take (window) ─▶ sent ─▶ heard
 *                 └──────── clear ─────────┘
 */
export class AgentAudio {
  readonly #options: AgentAudioOptions;
  /** By number, oldest first. */
  readonly #items = new Map<number, Item>();
  #lastNumber = 0;
  #epoch = 0;
  #pendingSamples = 0;
  #droppedSamples = 0;

  constructor(options: AgentAudioOptions) {
    this.#options = options;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Samples that wait for the window. */
  get pendingSamples(): number {
    return this.#pendingSamples;
  }

  /** Samples dropped because too many waited. */
  get droppedSamples(): number {
    return this.#droppedSamples;
  }

  /** Takes PCM16 audio over. Audio of an epoch that was cleared is dropped: it came late. */
  push(event: AudioEvent): void {
    if (event.epoch < this.#epoch) return;
    this.clear(event.epoch);
    const samples = event.chunk.bytes.length / 2;
    const item = this.#find(event.itemId, event.contentIndex) ?? this.#add(event);
    if (item.cut || this.#pendingSamples + samples > this.#options.maxPendingSamples) {
      item.cut = true;
      this.#droppedSamples += samples;
      return;
    }
    item.pending.push(event.chunk.bytes);
    this.#pendingSamples += samples;
  }

  /** No more audio comes for this item. */
  end(itemId: string, contentIndex: number): void {
    const item = this.#find(itemId, contentIndex);
    if (item !== undefined) item.ended = true;
  }

  /** What may be sent now, in order; it counts as sent. */
  take(): AgentAudioOutput[] {
    const output: AgentAudioOutput[] = [];
    for (const item of this.#items.values()) {
      if (item.endSent || item.epoch < this.#epoch) continue;
      if (!item.announced) {
        item.announced = true;
        output.push({ type: 'item', item: item.number, itemId: item.itemId, responseId: item.responseId, contentIndex: item.contentIndex, epoch: item.epoch });
      }
      this.#takeFrames(item, output);
      // Later items wait for this one: a client plays them in order.
      if (item.pending.length > 0 || !item.ended) break;
      item.endSent = true;
      output.push({ type: 'item_end', item: item.number, epoch: item.epoch, samples: item.sentSamples });
    }
    return output;
  }

  /**
   * The client has heard `samples` of item `number` in all. Gives what that means for the session, or nothing when it is no news: less than
   * before, or an item long gone. More than was sent counts as what was sent. `'unknown'` is a number that was never announced.
   */
  heard(number: number, epoch: number, samples: number): HeardOfItem | 'unknown' | undefined {
    const item = this.#items.get(number);
    if (item === undefined) return number >= 1 && number <= this.#lastNumber ? undefined : 'unknown';
    if (!item.announced || item.epoch !== epoch) return 'unknown';
    const heardSamples = Math.min(samples, item.sentSamples);
    if (heardSamples <= item.heardSamples) return undefined;
    item.heardSamples = heardSamples;
    return { itemId: item.itemId, contentIndex: item.contentIndex, samples: heardSamples };
  }

  /** An interruption: what waits is dropped, and what was sent does not count against the window any more. */
  clear(epoch: number): void {
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    for (const item of this.#items.values()) item.pending.length = 0;
    this.#pendingSamples = 0;
    this.#forgetOld();
  }

  /** Whether everything was sent and heard. */
  get idle(): boolean {
    if (this.#pendingSamples > 0) return false;
    for (const item of this.#items.values()) if (item.epoch === this.#epoch && item.heardSamples < item.sentSamples) return false;
    return true;
  }

  #takeFrames(item: Item, output: AgentAudioOutput[]): void {
    let room = this.#options.windowSamples - this.#unheardSamples();
    while (room > 0) {
      const bytes = item.pending[0];
      if (bytes === undefined) return;
      const samples = Math.min(bytes.length / 2, room, this.#options.frameSamples);
      if (samples * 2 === bytes.length) item.pending.shift();
      else item.pending[0] = bytes.subarray(samples * 2);
      output.push({ type: 'frame', item: item.number, epoch: item.epoch, firstSample: item.sentSamples, bytes: bytes.subarray(0, samples * 2) });
      item.sentSamples += samples;
      this.#pendingSamples -= samples;
      room -= samples;
    }
  }

  #unheardSamples(): number {
    let unheard = 0;
    for (const item of this.#items.values()) if (item.epoch === this.#epoch) unheard += item.sentSamples - item.heardSamples;
    return unheard;
  }

  #find(itemId: string, contentIndex: number): Item | undefined {
    for (const item of this.#items.values()) if (item.itemId === itemId && item.contentIndex === contentIndex && item.epoch === this.#epoch) return item;
    return undefined;
  }

  #add(event: AudioEvent): Item {
    this.#lastNumber += 1;
    const { itemId, responseId, contentIndex, epoch } = event;
    const item: Item = {
      ...{ number: this.#lastNumber, itemId, responseId, contentIndex, epoch, pending: [] },
      ...{ announced: false, ended: false, endSent: false, cut: false, sentSamples: 0, heardSamples: 0 },
    };
    this.#items.set(item.number, item);
    this.#forgetOld();
    return item;
  }

  /** Only what is over is forgotten: interrupted, or sent and heard to its end. */
  #forgetOld(): void {
    for (const item of this.#items.values()) {
      if (this.#items.size <= KEPT_ITEMS) return;
      const over = item.epoch < this.#epoch || (item.endSent && item.heardSamples >= item.sentSamples);
      if (over) this.#items.delete(item.number);
    }
  }
}
