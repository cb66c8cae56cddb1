import { PCM16_24K } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';
import type { Clock } from '../../session/index.js';
import { packageVersion } from '../host/package-version.js';
import { base64 } from '../protocol/openai-realtime/base64.js';
import { readFormat } from '../protocol/openai-realtime/wire-format.js';
import type { MessageLine } from './format.js';
import type { RecordingStore } from './recording-store.js';
import { RecordingWriter } from './recording-writer.js';
import type { RecordingOptions } from './recording-writer.js';

type Json = { readonly [key: string]: unknown };

interface Formats {
  input: AudioFormat;
  output: AudioFormat;
}

/** A shorter text in a field named `audio` is none. */
const SHORTEST_AUDIO = 16;

/**
 * Records the messages of realtime sockets, several connections in one file, as somebody between client and model sees them. Sound is taken out of the
 * messages and goes into tracks; what is no JSON is kept as it came.
 */
export class WireRecorder {
  readonly #writer: RecordingWriter;
  readonly #clock: Clock;
  readonly #formats = new Map<number, Formats>();
  #connections = 0;

  /** Takes the store over and writes the header. `model` is for people. */
  constructor(store: RecordingStore, clock: Clock, options: RecordingOptions & { readonly model: string }) {
    this.#writer = new RecordingWriter(store, options);
    this.#clock = clock;
    const unixMs = clock.unixMs?.();
    this.#writer.header({
      level: 'wire',
      clockMs: this.#now(),
      ...(unixMs === undefined ? {} : { startedAt: new Date(unixMs).toISOString() }),
      peers: { voicewire: packageVersion(), model: options.model },
      input: PCM16_24K,
      output: PCM16_24K,
    });
  }

  /** Whatever else is written, this text is not. */
  conceal(secret: string): void {
    this.#writer.conceal(secret);
  }

  /** A socket to the model is open; gives the number of the connection. */
  open(facts: { readonly url: string; readonly protocol: string; readonly headerNames: readonly string[] }): number {
    this.#connections += 1;
    this.#formats.set(this.#connections, { input: PCM16_24K, output: PCM16_24K });
    this.#writer.write({ at: this.#now(), dir: 'out', leg: 'model', type: 'open', connection: this.#connections, ...facts });
    return this.#connections;
  }

  /** A socket could not be opened. */
  refused(status: number, reason: string): void {
    this.#connections += 1;
    this.#writer.write({ at: this.#now(), dir: 'in', leg: 'model', type: 'refused', connection: this.#connections, status, reason });
  }

  /** `in`: the model said it. The bytes are borrowed until the call returns. */
  message(connection: number, dir: 'in' | 'out', data: string | Uint8Array): void {
    const at = this.#now();
    const line = { at, dir, leg: 'model', type: 'message', connection } as const;
    if (typeof data !== 'string') return this.#write({ ...line, binary: data }, (bytes) => this.#writer.inline(bytes));
    const message = parsed(data);
    if (message === undefined) return this.#write({ ...line, text: data });
    this.#follow(connection, dir, message);
    this.#write({ ...line, message: this.#withoutAudio(connection, message, '', String(message['type']), at) });
  }

  close(connection: number, dir: 'in' | 'out', code: number, reason: string): void {
    this.#formats.delete(connection);
    this.#writer.write({ at: this.#now(), dir, leg: 'model', type: 'close', connection, code, reason });
  }

  /** Rejects with `HostError` `FILE_NOT_WRITABLE` when something could not be written. */
  end(): Promise<void> {
    return this.#writer.close(this.#now());
  }

  #write(line: MessageLine, bytesOf?: (bytes: Uint8Array) => object): void {
    this.#writer.write(line, bytesOf);
  }

  /** Finer than microseconds no network is. */
  #now(): number {
    return Math.round(this.#clock.now() * 1000) / 1000;
  }

  /** What the two have agreed on is what the next audio is in. */
  #follow(connection: number, dir: 'in' | 'out', { type, session }: Json): void {
    const formats = this.#formats.get(connection);
    const told = dir === 'out' ? type === 'session.update' : type === 'session.created' || type === 'session.updated';
    if (formats === undefined || !told || typeof session !== 'object' || session === null) return;
    const { audio, input_audio_format, output_audio_format } = session as { audio?: { input?: { format?: unknown }; output?: { format?: unknown } }; input_audio_format?: unknown; output_audio_format?: unknown };
    formats.input = readFormat(audio?.input?.format ?? input_audio_format) ?? formats.input;
    formats.output = readFormat(audio?.output?.format ?? output_audio_format) ?? formats.output;
  }

  /** The same message with its base64 audio replaced by references. */
  #withoutAudio(connection: number, value: unknown, key: string, type: string, at: number): unknown {
    if (typeof value === 'string') {
      const track = trackOf(key, type);
      if (track === undefined || value.length < SHORTEST_AUDIO) return value;
      const bytes = base64.decode(value);
      // What would not come out again as it was stays as it is.
      if (bytes === undefined || base64.encode(bytes) !== value) return value;
      const formats = this.#formats.get(connection) ?? { input: PCM16_24K, output: PCM16_24K };
      this.#writer.audio(connection === 1 ? track : `${track}-${connection}`, track === 'agent' ? formats.output : formats.input, bytes, at);
      return bytes;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => this.#withoutAudio(connection, each, key, type, at));
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.#withoutAudio(connection, each, name, type, at)]));
  }
}

/** Which track a field's sound belongs to: the microphone's, the model's, or what else is put into the conversation. */
function trackOf(key: string, type: string): string | undefined {
  if (key === 'delta') return /^response\.(?:output_)?audio\.delta$/.test(type) ? 'agent' : undefined;
  if (key !== 'audio') return undefined;
  return type === 'input_audio_buffer.append' ? 'caller' : 'items';
}

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** A recorded message as it went over the wire: sound in base64 again. */
export function wireText(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (each instanceof Uint8Array ? base64.encode(each) : each));
}
