import { bytesToMs } from '../../audio/index.js';
import type { HistoryItem } from '../../session/index.js';
import type { CallEvent, PlayedMark } from './finished-call.js';

interface HeardItem {
  text: string;
  generatedMs: number;
  heardMs: number;
  /** Everything of it has come. */
  complete: boolean;
  spoken: boolean;
  /** Characters that a `hears` has found or passed over. */
  taken: number;
}

/** A report comes with each 20 ms that is played; sound that none told of for this long is over. */
const STILL_SOUNDS_MS = 60;
/** The usual pace of speech: how long text lasts of which not all sound has come. */
const MS_PER_CHARACTER = 62;

/** What a caller has heard of the agent so far: when, and which words (the text is laid evenly over the sound). */
export class CallerEar {
  readonly played: PlayedMark[] = [];
  readonly #items = new Map<string, HeardItem>();
  #lastSoundMs = -Infinity;
  #soundSinceMs: number | undefined;

  onEvent(event: CallEvent): void {
    switch (event.type) {
      case 'audio':
        this.#item(event.itemId).generatedMs += bytesToMs(event.chunk.format, event.chunk.bytes.length);
        return;
      case 'audio_end':
        Object.assign(this.#item(event.itemId), { generatedMs: event.durationMs, complete: true });
        return;
      case 'transcript_delta':
        if (event.role === 'agent') this.#item(event.itemId).text += event.delta;
        return;
      case 'history_added':
        return this.#onHistory(event.item);
      case 'history_updated':
        for (const change of event.changes) if (change.op !== 'delete') this.#onHistory(change.item);
        return;
      default:
    }
  }

  /** So much of a part has been played. */
  onPlayed(mark: PlayedMark): void {
    const item = this.#item(mark.itemId);
    if (mark.heardMs <= item.heardMs) return;
    this.played.push(mark);
    item.heardMs = mark.heardMs;
    item.spoken = true;
    if (!this.soundsAt(mark.atMs)) this.#soundSinceMs = mark.atMs;
    this.#lastSoundMs = mark.atMs;
  }

  soundsAt(nowMs: number): boolean {
    return nowMs - this.#lastSoundMs < STILL_SOUNDS_MS;
  }

  /** How long the agent has been heard without a pause; 0 when it is not. */
  soundedMs(nowMs: number): number {
    return this.#soundSinceMs !== undefined && this.soundsAt(nowMs) ? nowMs - this.#soundSinceMs : 0;
  }

  /** How long nothing has been heard since `sinceMs`. */
  silentMs(nowMs: number, sinceMs: number): number {
    return nowMs - Math.max(this.#lastSoundMs, sinceMs);
  }

  /** Whether this has been heard, after what was found before; then it, and all before it, is taken. */
  take(pattern: RegExp): boolean {
    const items = [...this.#items.values()];
    for (const [index, item] of items.entries()) {
      const found = pattern.exec(this.#heardOf(item).slice(item.taken));
      if (found === null) continue;
      for (const earlier of items.slice(0, index)) earlier.taken = earlier.text.length;
      item.taken += found.index + found[0].length;
      return true;
    }
    return false;
  }

  /** Everything heard so far. */
  get text(): string {
    return [...this.#items.values()].map((item) => this.#heardOf(item)).filter((text) => text !== '').join(' ');
  }

  #onHistory(item: HistoryItem): void {
    if (item.type !== 'message' || item.role !== 'assistant') return;
    const known = this.#item(item.itemId);
    if (item.text.length >= known.text.length) known.text = item.text;
    known.spoken ||= item.spoken;
    if (item.status !== 'in_progress' && !item.spoken) known.complete = true;
  }

  #heardOf(item: HeardItem): string {
    if (!item.spoken) return item.complete ? item.text : '';
    if (item.complete && item.heardMs >= item.generatedMs - 1) return item.text;
    const wholeMs = item.complete ? item.generatedMs : Math.max(item.generatedMs, item.text.length * MS_PER_CHARACTER);
    return wholeMs === 0 ? '' : item.text.slice(0, Math.floor((item.text.length * Math.min(item.heardMs, wholeMs)) / wholeMs));
  }

  #item(itemId: string): HeardItem {
    let item = this.#items.get(itemId);
    if (item === undefined) this.#items.set(itemId, (item = { text: '', generatedMs: 0, heardMs: 0, complete: false, spoken: false, taken: 0 }));
    return item;
  }
}
