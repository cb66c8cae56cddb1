import type { Redaction } from './redaction.js';

/** As much of a text has to follow before what stands before it can be written: a secret that begins there is known by then. */
const LOOK_AHEAD_CHARACTERS = 64;
/** How long, in ms of the call, and how many lines may wait for that. */
const LONGEST_HOLD_MS = 3_000;
const LONGEST_QUEUE = 2_000;
/** A shorter text that begins like another is no piece of it. */
const SHORTEST_PREFIX = 4;
/** A secret is looked for in this much of a text on either side of a piece. */
const CONTEXT_CHARACTERS = 512;
/** Texts that grow at the same time; of one that never ended, the end is no longer waited for. */
const MAX_STREAMS = 256;

type Json = { [key: string]: unknown };

/** A text that comes in pieces. */
interface Stream {
  text: string;
  readonly itemId: string;
  readonly responseId: string;
  /** Of the agent's own words and arguments: over when its response is. */
  readonly ofResponse: boolean;
  ended: boolean;
}

/** A place in a line that holds a part of a stream. */
interface Part {
  readonly stream: Stream;
  readonly holder: Json;
  readonly field: string;
  readonly from: number;
  readonly to: number;
}

interface Waiting {
  readonly line: Json & { readonly at: number };
  readonly parts: readonly Part[];
}

/**
 * The lines on their way into a file: cut, and in order. A line with a piece of a text waits until enough of the text has come to know whether
 * the piece belongs to something that must be cut.
 */
export class LineQueue {
  readonly #redaction: Redaction;
  readonly #write: (line: object) => void;
  readonly #streams = new Map<string, Stream>();
  readonly #waiting: Waiting[] = [];

  constructor(redaction: Redaction, write: (line: object) => void) {
    this.#redaction = redaction;
    this.#write = write;
  }

  /** Takes the line over; it is JSON already. */
  push(line: Json & { readonly at: number }): void {
    const node = nodeOf(line);
    const parts = node === undefined ? [] : this.#partsOf(line, node);
    if (node !== undefined) this.#endStreams(node);
    this.#waiting.push({ line, parts });
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      const late = line.at - head.line.at > LONGEST_HOLD_MS || this.#waiting.length > LONGEST_QUEUE;
      if (!late && !head.parts.every(isKnown)) return;
      this.#release(head);
    }
  }

  /** Writes what waits. */
  flush(): void {
    for (const stream of this.#streams.values()) stream.ended = true;
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) this.#release(head);
    this.#streams.clear();
  }

  #release({ line, parts }: Waiting): void {
    this.#waiting.shift();
    for (const { stream, holder, field, from, to } of parts) {
      const whole = stream.ended ? stream.text : withoutOpenNumber(stream.text);
      const first = Math.max(0, from - CONTEXT_CHARACTERS);
      holder[field] = this.#redaction.part(whole.slice(first, to + CONTEXT_CHARACTERS), from - first, to - first);
    }
    this.#write(this.#redaction.tree(line) as object);
  }

  /** Where a line holds a piece of a text that is still growing: its delta, and whatever repeats the text so far. */
  #partsOf(line: Json, node: Json): Part[] {
    const parts: Part[] = [];
    const delta = node['delta'];
    const grown = snapshotOf(node);
    if ((typeof delta === 'string' && !isAudio(node)) || grown !== undefined) {
      const key = `${String(line['type'])}|${String(line['connection'])}|${String(node['type'])}|${idOf(node, 'item')}|${String(node['contentIndex'] ?? node['content_index'])}|${idOf(node, 'call')}`;
      const stream = this.#streams.get(key) ?? this.#begin(key, node);
      if (typeof delta === 'string') {
        parts.push({ stream, holder: node, field: 'delta', from: stream.text.length, to: stream.text.length + delta.length });
        stream.text += delta;
      } else if (grown !== undefined && grown.text.startsWith(stream.text)) {
        stream.text = grown.text;
      }
    }
    if (this.#streams.size > 0) this.#findRepeats(node, parts);
    return parts;
  }

  #begin(key: string, node: Json): Stream {
    const responseId = idOf(node, 'response');
    const stream: Stream = { text: '', itemId: idOf(node, 'item'), responseId, ofResponse: responseId !== '' || node['role'] === 'agent' || node['type'] === 'tool_arguments_delta', ended: false };
    const [oldest] = this.#streams.keys();
    if (this.#streams.size >= MAX_STREAMS && oldest !== undefined) this.#streams.delete(oldest);
    this.#streams.set(key, stream);
    return stream;
  }

  #findRepeats(node: unknown, parts: Part[]): void {
    if (typeof node !== 'object' || node === null) return;
    for (const [field, value] of Object.entries(node)) {
      if (typeof value !== 'string') {
        this.#findRepeats(value, parts);
        continue;
      }
      if (value.length < SHORTEST_PREFIX || field === 'delta') continue;
      for (const stream of this.#streams.values()) {
        if (!stream.text.startsWith(value)) continue;
        parts.push({ stream, holder: node as Json, field, from: 0, to: value.length });
        break;
      }
    }
  }

  #endStreams(node: Json): void {
    const type = String(node['type']);
    if (!/(?:_done|\.done|\.completed|_end|\.failed)$|^user_transcript$/.test(type) || (type === 'user_transcript' && node['final'] !== true)) return;
    const [itemId, responseId] = [idOf(node, 'item'), idOf(node, 'response')];
    const whole = /^(?:response_done|response\.done|agent_end)$/.test(type);
    for (const [key, stream] of this.#streams) {
      const ends = whole ? stream.ofResponse && (stream.responseId === responseId || stream.responseId === '') : itemId !== '' && stream.itemId === itemId;
      if (!ends) continue;
      stream.ended = true;
      this.#streams.delete(key);
    }
  }
}

function isKnown({ stream, to }: Part): boolean {
  return stream.ended || stream.text.length - to >= LOOK_AHEAD_CHARACTERS;
}

/** The value that a line is about. */
function nodeOf(line: Json): Json | undefined {
  const node = (line['input'] ?? line['event'] ?? line['message']) as Json | undefined;
  const inner = node?.['type'] === 'from_model' ? (node['input'] as Json) : node;
  return typeof inner === 'object' && inner !== null ? inner : undefined;
}

/** The whole of a text so far, where a server repeats it as it grows. */
function snapshotOf(node: Json): { readonly text: string } | undefined {
  if (node['type'] === 'user_transcript' && node['final'] === false && typeof node['text'] === 'string') return { text: node['text'] };
  if (node['type'] === 'conversation.item.input_audio_transcription.updated' && typeof node['transcript'] === 'string') return { text: node['transcript'] };
  return undefined;
}

function isAudio(node: Json): boolean {
  return /audio\.delta$/.test(String(node['type']));
}

function idOf(node: Json, of: 'item' | 'response' | 'call'): string {
  const id = node[`${of}Id`] ?? node[`${of}_id`] ?? (node[of] as Json | undefined)?.['id'];
  return typeof id === 'string' ? id : '';
}

/** A number that may be going on is cut as far as it has come. */
function withoutOpenNumber(text: string): string {
  return text.replace(/\+?\(?\d[\d\s().-]*$/, (open) => open.replace(/\d/g, '9'));
}
