/**
 * What waits for a reader that is behind, by class. Decides only: whoever owns it hands over what {@link Outbox.take} gives.
 *
 *     class      when it waits
 *     control    is never dropped, and keeps its order
 *     delta      becomes one with the last one of its key, unless control stands between them
 *     snapshot   goes, where a newer one of its key comes
 *     audio      the oldest goes where more than `maxAudioMs` wait: it is too late to be heard
 */
export type OutboxRule =
  | { readonly class: 'control' }
  | { readonly class: 'delta'; readonly key: string; readonly text: string }
  | { readonly class: 'snapshot'; readonly key: string }
  | { readonly class: 'audio'; readonly ms: number };

export interface OutboxPolicy<T> {
  classify(value: T): OutboxRule;
  /** A delta of the same key with other text. */
  withText(value: T, text: string): T;
  encode(value: T): string | Uint8Array;
  readonly maxAudioMs: number;
}

/** What became of values that were not sent as they came. */
export interface OutboxCounts {
  readonly coalesced: number;
  readonly replaced: number;
  readonly droppedAudioMs: number;
}

/** `message` is there where the value is final; a delta that may still grow is put into words when it leaves. */
interface Entry<T> {
  readonly value: T;
  readonly message?: string | Uint8Array;
  readonly growing?: { readonly key: string; readonly texts: string[] };
  /** Of a snapshot. */
  readonly snapshotKey?: string;
  readonly audioMs: number;
  bytes: number;
}

export class Outbox<T> {
  readonly #policy: OutboxPolicy<T>;
  /** By number, oldest first. */
  readonly #entries = new Map<number, Entry<T>>();
  /** Deltas that the next one of their key joins; none is left when control comes. */
  readonly #growing = new Map<string, Entry<T>>();
  /** Numbers of the snapshots that wait, by key. */
  readonly #snapshots = new Map<string, number>();
  /** Numbers of audio, oldest first. */
  readonly #audio = new Set<number>();
  #lastNumber = 0;
  #bytes = 0;
  #audioMs = 0;
  #coalesced = 0;
  #replaced = 0;
  #droppedAudioMs = 0;

  constructor(policy: OutboxPolicy<T>) {
    this.#policy = policy;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages that wait. */
  get size(): number {
    return this.#entries.size;
  }

  get counts(): OutboxCounts {
    return { coalesced: this.#coalesced, replaced: this.#replaced, droppedAudioMs: this.#droppedAudioMs };
  }

  push(value: T): void {
    const rule = this.#policy.classify(value);
    switch (rule.class) {
      case 'control':
        this.#growing.clear();
        this.#add(value);
        return;
      case 'delta':
        return this.#pushDelta(value, rule.key, rule.text);
      case 'snapshot': {
        const older = this.#snapshots.get(rule.key);
        if (older !== undefined && this.#remove(older)) this.#replaced += 1;
        this.#snapshots.set(rule.key, this.#add(value, 0, rule.key));
        return;
      }
      case 'audio':
        this.#audio.add(this.#add(value, rule.ms));
        this.#audioMs += rule.ms;
        this.#dropOldAudio();
    }
  }

  /** The next message, if it has at most `maxBytes`; it is gone from here. */
  take(maxBytes: number): string | Uint8Array | undefined {
    const [first] = this.#entries;
    if (first === undefined || first[1].bytes > maxBytes) return undefined;
    const [number, entry] = first;
    this.#remove(number);
    if (entry.message !== undefined) return entry.message;
    const { key = '', texts = [] } = entry.growing ?? {};
    if (this.#growing.get(key) === entry) this.#growing.delete(key);
    return this.#policy.encode(texts.length === 1 ? entry.value : this.#policy.withText(entry.value, texts.join('')));
  }

  /** Drops what waits; the counts stay. */
  clear(): void {
    for (const held of [this.#entries, this.#growing, this.#snapshots, this.#audio]) held.clear();
    this.#bytes = 0;
    this.#audioMs = 0;
  }

  #pushDelta(value: T, key: string, text: string): void {
    const last = this.#growing.get(key);
    if (last === undefined) {
      const entry: Entry<T> = { value, growing: { key, texts: [text] }, audioMs: 0, bytes: byteLength(this.#policy.encode(value)) };
      this.#put(entry);
      this.#growing.set(key, entry);
      return;
    }
    last.growing?.texts.push(text);
    const bytes = byteLength(text);
    last.bytes += bytes;
    this.#bytes += bytes;
    this.#coalesced += 1;
  }

  #add(value: T, audioMs = 0, snapshotKey?: string): number {
    const message = this.#policy.encode(value);
    return this.#put({ value, message, audioMs, bytes: byteLength(message), ...(snapshotKey === undefined ? {} : { snapshotKey }) });
  }

  #put(entry: Entry<T>): number {
    this.#lastNumber += 1;
    this.#entries.set(this.#lastNumber, entry);
    this.#bytes += entry.bytes;
    return this.#lastNumber;
  }

  #remove(number: number): boolean {
    const entry = this.#entries.get(number);
    if (entry === undefined) return false;
    this.#entries.delete(number);
    this.#bytes -= entry.bytes;
    if (entry.snapshotKey !== undefined) this.#snapshots.delete(entry.snapshotKey);
    if (this.#audio.delete(number)) this.#audioMs -= entry.audioMs;
    return true;
  }

  /** The newest is kept, however long it is. */
  #dropOldAudio(): void {
    for (const number of this.#audio) {
      if (this.#audioMs <= this.#policy.maxAudioMs || this.#audio.size === 1) return;
      this.#droppedAudioMs += this.#entries.get(number)?.audioMs ?? 0;
      this.#remove(number);
    }
  }
}

/** In UTF-8, which is what a socket counts. */
function byteLength(message: string | Uint8Array): number {
  if (typeof message !== 'string') return message.byteLength;
  let bytes = message.length;
  for (let at = 0; at < message.length; at += 1) {
    const code = message.charCodeAt(at);
    if (code < 0x80) continue;
    // The two halves of a character beyond the basic plane take four bytes together.
    bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
