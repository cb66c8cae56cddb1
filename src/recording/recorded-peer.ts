import { IdMap } from './id-map.js';
import { difference } from './trace-difference.js';
import type { Found } from './trace-difference.js';

/**
 * `strict`: what the other side says must be what it said, in the same order, and each word of the recording waits for all that stands before it.
 * `lenient`: only what asks for an answer is waited for, and what differs is told, not refused.
 */
export type ReplayMode = 'strict' | 'lenient';

/** One message of a connection, or its end. */
export interface PeerEntry {
  /** Whether this peer said it; the other things are what it heard. */
  readonly own: boolean;
  /** Ms of the recorded clock. */
  readonly at: number;
  /** Of the file. */
  readonly line: number;
  readonly message?: object;
  readonly close?: { readonly code: number; readonly reason: string };
}

export type PeerEffect =
  | { readonly type: 'say'; readonly message: object }
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  /** The other side said something else. In `strict` mode nothing follows. */
  | { readonly type: 'differs'; readonly problem: ReplayProblem; readonly said: object };

/** What did not fit. */
export interface ReplayProblem extends Found {
  /** Of the file; 0 when the recording has nothing more to compare with. */
  readonly line: number;
  readonly at: number;
  /** `response.create`, say. */
  readonly message: string;
}

export interface PeerOptions {
  readonly mode: ReplayMode;
  /** Recorded ms to a ms of the clock; default 1. */
  readonly speed?: number;
  /** Which time this recording is played; from the second on its own ids are made new. Default 1. */
  readonly play?: number;
  /** When the connection opened in the recording. */
  readonly openedAt: number;
}

interface Step {
  readonly entry: PeerEntry;
  /** Bytes of the other side's sound up to and with this entry, when it is sound. */
  readonly soundUntil: number | undefined;
  /** When the other side said it in this replay; `passed` when it never will. */
  met: number | 'passed' | undefined;
}

/** So much later than in the recording the other side may say a thing. */
const PATIENCE_MS = 30_000;

/** What is answered: in lenient mode a peer waits for these alone. */
const GATES = new Set([
  ...['response.create', 'input_audio_buffer.commit', 'session.update', 'create_response', 'commit_audio', 'configure'],
  ...['session.created', 'session.updated', 'response.done', 'model_session_created', 'model_session_configured', 'response_done'],
]);

/**
 * One side of a recorded connection, the model's or the client's, which says what it said, when it is due and when what it waited for has come. It has
 * no clock: each call returns what is to be done now, and {@link RecordedPeer.nextWakeMs} says when to call {@link RecordedPeer.wake} next.
 */
export class RecordedPeer {
  readonly #steps: readonly Step[];
  /** What the other side said, without its sound. */
  readonly #heard: readonly Step[];
  readonly #mode: ReplayMode;
  readonly #speed: number;
  readonly #ids: IdMap;
  /** A moment of the recording and the moment of the replay that it is now. */
  #anchor: { readonly recorded: number; readonly live: number };
  #next = 0;
  #sound = 0;
  #nextWakeMs: number | undefined;
  #over = false;

  constructor(entries: readonly PeerEntry[], options: PeerOptions) {
    let sound = 0;
    this.#steps = entries.map((entry) => {
      const bytes = entry.own || entry.message === undefined ? 0 : soundBytes(entry.message);
      sound += bytes;
      return { entry, soundUntil: bytes > 0 ? sound : undefined, met: undefined };
    });
    this.#heard = this.#steps.filter(({ entry, soundUntil }) => !entry.own && entry.message !== undefined && soundUntil === undefined);
    this.#mode = options.mode;
    this.#speed = options.speed ?? 1;
    this.#ids = new IdMap(options.play ?? 1);
    this.#anchor = { recorded: options.openedAt, live: options.openedAt };
  }

  get nextWakeMs(): number | undefined {
    return this.#over ? undefined : this.#nextWakeMs;
  }

  /** What of the other side's recorded words has not come. Sound is not counted. */
  get missing(): readonly PeerEntry[] {
    return this.#heard.flatMap(({ entry, met }) => (typeof met === 'number' ? [] : [entry]));
  }

  /** Whether everything of its own has been said. */
  get finished(): boolean {
    return this.#steps.slice(this.#next).every(({ entry }) => !entry.own);
  }

  /** The connection is open. */
  open(nowMs: number): PeerEffect[] {
    this.#anchor = { recorded: this.#anchor.recorded, live: nowMs };
    return this.#advance(nowMs);
  }

  wake(nowMs: number): PeerEffect[] {
    return this.#advance(nowMs);
  }

  /** The other side said something. */
  receive(message: object, nowMs: number): PeerEffect[] {
    if (this.#over) return [];
    const bytes = soundBytes(message);
    if (bytes > 0) {
      this.#sound += bytes;
      return this.#advance(nowMs);
    }
    const problem = this.#match(message, nowMs);
    if (problem === undefined) return this.#advance(nowMs);
    if (this.#mode === 'strict') {
      this.#over = true;
      return [{ type: 'differs', problem, said: message }];
    }
    return [{ type: 'differs', problem, said: message }, ...this.#advance(nowMs)];
  }

  // ---- the other side ----

  #match(message: object, nowMs: number): ReplayProblem | undefined {
    const type = typeOf(message);
    const open = this.#heard.filter(({ met }) => met === undefined);
    const [first] = open;
    const found = this.#mode === 'strict' ? first : open.find(({ entry }) => typeOf(entry.message) === type);
    if (found?.entry.message === undefined) {
      return { line: first?.entry.line ?? 0, at: first?.entry.at ?? 0, message: type, path: 'type', recorded: first === undefined ? undefined : typeOf(first.entry.message), replayed: type };
    }
    const recorded = found.entry.message;
    if (typeOf(recorded) !== type) return { line: found.entry.line, at: found.entry.at, message: type, path: 'type', recorded: typeOf(recorded), replayed: type };
    this.#ids.learn(recorded, message);
    const differs = difference(recorded, this.#ids.toRecorded(message), '', true);
    if (differs !== undefined && this.#mode === 'strict') return { line: found.entry.line, at: found.entry.at, message: type, ...differs };
    found.met = nowMs;
    if (this.#mode === 'lenient') for (const step of open.slice(0, open.indexOf(found))) step.met = 'passed';
    return differs === undefined ? undefined : { line: found.entry.line, at: found.entry.at, message: type, ...differs };
  }

  /** Whether the recording may go on beyond what the other side said here; `late` when it made us wait. */
  #isMet(step: Step, nowMs: number): boolean {
    const { entry, soundUntil, met } = step;
    if (entry.close !== undefined) return true;
    if (soundUntil !== undefined) {
      if (this.#mode === 'lenient') return true;
      if (this.#sound < soundUntil) return false;
      if (nowMs > this.#dueMs(entry.at)) this.#anchor = { recorded: entry.at, live: nowMs };
      return true;
    }
    if (met === undefined) return this.#mode === 'lenient' && !GATES.has(typeOf(entry.message));
    if (typeof met === 'number' && met !== this.#dueMs(entry.at)) this.#anchor = { recorded: entry.at, live: met };
    return true;
  }

  // ---- our own ----

  #advance(nowMs: number): PeerEffect[] {
    const effects: PeerEffect[] = [];
    this.#nextWakeMs = undefined;
    for (let step = this.#steps[this.#next]; step !== undefined && !this.#over; step = this.#steps[this.#next]) {
      const { entry } = step;
      if (!entry.own) {
        if (!this.#isMet(step, nowMs)) {
          const late = this.#waitFor(entry, nowMs);
          if (late !== undefined) effects.push(late);
          break;
        }
      } else {
        const dueMs = this.#dueMs(entry.at);
        if (dueMs > nowMs) {
          this.#nextWakeMs = dueMs;
          break;
        }
        if (entry.close !== undefined) {
          effects.push({ type: 'close', ...entry.close });
          this.#over = true;
        } else if (entry.message !== undefined) effects.push({ type: 'say', message: this.#ids.toLive(entry.message) });
      }
      this.#next += 1;
    }
    return effects;
  }

  /** What the other side owes is not waited for without end in strict mode. A lenient peer is there for people, who take their time. */
  #waitFor(entry: PeerEntry, nowMs: number): PeerEffect | undefined {
    if (this.#mode === 'lenient') return undefined;
    const untilMs = Math.max(this.#dueMs(entry.at), this.#anchor.live) + PATIENCE_MS;
    if (nowMs < untilMs) {
      this.#nextWakeMs = untilMs;
      return undefined;
    }
    this.#over = true;
    const type = typeOf(entry.message);
    return { type: 'differs', problem: { line: entry.line, at: entry.at, message: type, path: 'type', recorded: type, replayed: undefined }, said: {} };
  }

  #dueMs(at: number): number {
    const { recorded, live } = this.#anchor;
    return this.#speed === 1 ? at + (live - recorded) : live + (at - recorded) / this.#speed;
  }
}

function typeOf(message: object | undefined): string {
  return String((message as { type?: unknown } | undefined)?.type);
}

/** How much sound a message carries, of the microphone or of the model. */
function soundBytes(message: object): number {
  const { type, audio, delta, bytes } = message as { type?: unknown; audio?: unknown; delta?: unknown; bytes?: unknown };
  const sound = type === 'input_audio_buffer.append' ? audio : type === 'append_audio' || type === 'audio_delta' ? bytes : /^response\.(?:output_)?audio\.delta$/.test(String(type)) ? delta : undefined;
  if (sound instanceof Uint8Array) return sound.length;
  return typeof sound === 'string' ? Buffer.byteLength(sound, 'base64') : 0;
}
