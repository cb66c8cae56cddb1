import type { ModelInput } from '../../../session/index.js';
import { base64 } from './base64.js';

/** What is generated piece by piece: nearly every message of a call is one of these. */
type Delta = Extract<ModelInput, { type: 'audio_delta' | 'output_text_delta' | 'arguments_delta' }>;

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
/** The n of `null`. */
const NULL = 0x6e;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;
const DELETE = 0x7f;

/** The members of which a reader makes something; whatever else stands in a message is passed over. */
const READ: ReadonlySet<string> = new Set(['type', 'response_id', 'item_id', 'content_index', 'call_id', 'delta']);

type Kind = 'audio' | 'transcript' | 'text' | 'arguments';

/** The names of the deltas that are read here, in both dialects, in their quotes. */
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['"response.output_audio.delta"', 'audio'],
  ['"response.audio.delta"', 'audio'],
  ['"response.output_audio_transcript.delta"', 'transcript'],
  ['"response.audio_transcript.delta"', 'transcript'],
  ['"response.output_text.delta"', 'text'],
  ['"response.text.delta"', 'text'],
  ['"response.function_call_arguments.delta"', 'arguments'],
]);

/** What two deltas of one item have in common: everything but a few values. */
interface Form {
  readonly kind: Kind;
  readonly responseId: string;
  readonly itemId: string;
  readonly contentIndex: number;
  /** Of a call's arguments; empty for what is not. */
  readonly callId: string;
  /** What stands between the values that differ, quotes included. There is one piece more than there are such values. */
  readonly pieces: readonly string[];
  readonly values: readonly ('audio' | 'text' | 'string' | 'number')[];
}

/**
 * Reads the deltas of one connection (audio, what is said and written, the arguments of calls) without parsing them. They are nearly all that a
 * model sends, and all but one value of each was in the one before. What is taken is the usual form, in any order of members: one flat object of
 * plain ASCII strings without escapes, of whole numbers, and of nulls, with single blanks between them at most; only a text that is spoken or
 * written may hold escapes. Any other form is left to the full parser, which gives the same for every message that is taken here.
 *
 *     {"type":"response.output_audio.delta","event_id":"…","response_id":"…","item_id":"…","output_index":0,"content_index":0,"delta":"…"}
 *
 * The first delta of an item is walked through member by member; those after it differ in the values of two or three members and are
 * compared with its form. Sound and words of an answer come in turns, so the form of each kind is kept.
 */
export class DeltaScanner {
  readonly #forms: Form[] = [];

  /**
   * The delta, or nothing when the full parser must look. `message` may be the message's UTF-8 bytes read as one character each: what is not ASCII
   * is not taken.
   */
  scan(message: string): Delta | undefined {
    for (const form of this.#forms) {
      const delta = deltaOf(form, message);
      if (delta !== undefined) return delta;
    }
    const form = readForm(message);
    if (form === undefined) return undefined;
    const known = this.#forms.findIndex(({ kind }) => kind === form.kind);
    if (known === -1) this.#forms.push(form);
    else this.#forms[known] = form;
    return deltaOf(form, message);
  }
}

/** What a message of this form says. */
function deltaOf(form: Form, message: string): Delta | undefined {
  const { pieces, values } = form;
  let delta: string | undefined;
  let at = 0;
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index] as string;
    const start = at + piece.length;
    if (message.slice(at, start) !== piece) return undefined;
    at = start;
    switch (values[index]) {
      case 'audio':
        // What this string holds is looked at when it is decoded.
        at = message.indexOf('"', start);
        if (at === -1) return undefined;
        delta = message.slice(start, at);
        break;
      case 'text':
        at = endOfString(message, start);
        if (at === -1) return undefined;
        delta = unescaped(message, start, at);
        if (delta === undefined) return undefined;
        break;
      case 'string':
        at = endOfPlainString(message, start);
        break;
      case 'number':
        at = endOfNumber(message, start);
        break;
      case undefined:
        // The last piece: nothing follows.
        break;
    }
    if (at === -1) return undefined;
  }
  return at === message.length && delta !== undefined ? inputOf(form, delta) : undefined;
}

function inputOf({ kind, responseId, itemId, contentIndex, callId }: Form, delta: string): Delta | undefined {
  switch (kind) {
    case 'audio': {
      const bytes = base64.decode(delta);
      return bytes === undefined ? undefined : { type: 'audio_delta', responseId, itemId, contentIndex, bytes };
    }
    case 'transcript':
      return { type: 'output_text_delta', of: 'audio', responseId, itemId, contentIndex, delta };
    case 'text':
      return { type: 'output_text_delta', of: 'text', responseId, itemId, contentIndex, delta };
    case 'arguments':
      return { type: 'arguments_delta', responseId, itemId, callId, delta };
  }
}

/** Walks through a message, member by member. */
function readForm(message: string): Form | undefined {
  if (message.charCodeAt(0) !== OPEN_BRACE || isOfAnotherType(message)) return undefined;
  const members = new Map<string, string>();
  const pieces: string[] = [];
  const values: ('delta' | 'string' | 'number')[] = [];
  let pieceStart = 0;
  let at = 1;
  for (;;) {
    at = skipBlank(message, at);
    const keyEnd = message.charCodeAt(at) === QUOTE ? endOfPlainString(message, at + 1) : -1;
    if (keyEnd === -1) return undefined;
    const key = message.slice(at + 1, keyEnd);
    at = skipBlank(message, keyEnd + 1);
    if (message.charCodeAt(at) !== COLON) return undefined;
    const start = skipBlank(message, at + 1);
    const quoted = message.charCodeAt(start) === QUOTE;
    const isDelta = key === 'delta';
    const end = quoted ? (isDelta ? endOfDelta(message, start + 1) : endOfPlainString(message, start + 1)) : endOfNumberOrNull(message, start);
    if (end === -1) return undefined;
    at = quoted ? end + 1 : end;
    if (READ.has(key)) {
      // Of two members of one name the last is true; whoever writes such a thing is read in full.
      if (members.has(key)) return undefined;
      const value = isDelta ? '' : message.slice(start, at);
      if (key === 'type' && !KINDS.has(value)) return undefined;
      members.set(key, value);
    }
    if (isDelta ? quoted : !READ.has(key) && message.charCodeAt(start) !== NULL) {
      pieces.push(copy(message.slice(pieceStart, quoted ? start + 1 : start)));
      values.push(isDelta ? 'delta' : quoted ? 'string' : 'number');
      pieceStart = end;
    }
    at = skipBlank(message, at);
    const code = message.charCodeAt(at);
    at += 1;
    if (code === COMMA) continue;
    if (code !== CLOSE_BRACE || at !== message.length) return undefined;
    break;
  }
  pieces.push(copy(message.slice(pieceStart)));
  const kind = KINDS.get(members.get('type') ?? '');
  const responseId = stringIn(members.get('response_id'));
  const itemId = stringIn(members.get('item_id'));
  const callId = kind === 'arguments' ? stringIn(members.get('call_id')) : '';
  const contentIndex = kind === 'arguments' ? '0' : (members.get('content_index') ?? '0');
  if (kind === undefined || responseId === undefined || itemId === undefined || callId === undefined) return undefined;
  if (!values.includes('delta') || !isDigit(contentIndex.charCodeAt(0))) return undefined;
  const delta = kind === 'audio' ? 'audio' : 'text';
  return { kind, responseId, itemId, callId, contentIndex: Number(contentIndex), pieces, values: values.map((value) => (value === 'delta' ? delta : value)) };
}

const TYPE = '{"type":"';

/** Most servers name the type first, so that most messages that are no deltas are known at once. */
function isOfAnotherType(message: string): boolean {
  return message.startsWith(TYPE) && !KINDS.has(message.slice(TYPE.length - 1, message.indexOf('"', TYPE.length) + 1));
}

function stringIn(quoted: string | undefined): string | undefined {
  return quoted?.startsWith('"') === true ? copy(quoted.slice(1, -1)) : undefined;
}

/** A slice keeps all of its message in memory; this does not. */
function copy(slice: string): string {
  return JSON.parse(JSON.stringify(slice)) as string;
}

function skipBlank(text: string, at: number): number {
  return text.charCodeAt(at) === SPACE ? at + 1 : at;
}

/** Where the closing quote of a string stands, or -1 when there is anything in it that means something else than itself. */
function endOfPlainString(text: string, start: number): number {
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code < SPACE || code >= DELETE || code === BACKSLASH) return -1;
  }
  return -1;
}

/** The same of a delta, whose letters are looked at when it is read: audio is long, and has no escapes to be stepped over. */
function endOfDelta(text: string, start: number): number {
  const quote = text.indexOf('"', start);
  return quote !== -1 && text.slice(start, quote).includes('\\') ? endOfString(text, start) : quote;
}

/** Where the closing quote of an ASCII string stands that may hold escapes, or -1. Whether they are good ones is seen when it is read. */
function endOfString(text: string, start: number): number {
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at += 1;
    else if (code < SPACE || code >= DELETE) return -1;
  }
  return -1;
}

/** The text between two quotes; nothing when it holds an escape that there is not. The result keeps nothing of the message. */
function unescaped(message: string, start: number, end: number): string | undefined {
  try {
    return JSON.parse(message.slice(start - 1, end + 1)) as string;
  } catch {
    return undefined;
  }
}

/** Where a whole number of at most 15 digits ends, or -1. That no fraction or exponent follows is seen by what must follow: a comma or a brace. */
function endOfNumber(text: string, start: number): number {
  let at = start;
  while (at - start < 16 && isDigit(text.charCodeAt(at))) at += 1;
  const digits = at - start;
  if (digits === 0 || digits === 16 || (digits > 1 && text.charCodeAt(start) === ZERO)) return -1;
  return at;
}

function endOfNumberOrNull(text: string, start: number): number {
  return text.startsWith('null', start) ? start + 4 : endOfNumber(text, start);
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}
