import type { ModelInput } from '../../../session/index.js';
import { base64 } from './base64.js';

type AudioDelta = Extract<ModelInput, { type: 'audio_delta' }>;

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

/** What two deltas of one item have in common: everything but a few values. */
interface Form {
  readonly responseId: string;
  readonly itemId: string;
  readonly contentIndex: number;
  /** What stands between the values that differ, quotes included. There is one piece more than there are such values. */
  readonly pieces: readonly string[];
  readonly values: readonly ('audio' | 'string' | 'number')[];
}

/**
 * Reads the audio deltas of one connection without parsing them: nearly every byte of a call is in one of these messages, and of its thousands of
 * characters all but two hundred are audio. What it takes is the usual form, in any order of members: one flat object of plain ASCII strings
 * without escapes, of whole numbers, and of nulls, with single blanks between them at most. Any other form is left to the full parser, which
 * gives the same for every message that is taken here.
 *
 *     {"type":"response.output_audio.delta","event_id":"…","response_id":"…","item_id":"…","output_index":0,"content_index":0,"delta":"…"}
 *
 * The first delta of an item is walked through member by member; those after it differ in the values of two or three members and are
 * compared with its form.
 */
export class AudioDeltaScanner {
  #form: Form | undefined;

  /**
   * The delta, or nothing when the full parser must look. `message` may be the message's UTF-8 bytes read as one character each: what is not ASCII
   * is not taken.
   */
  scan(message: string): AudioDelta | undefined {
    const audio = this.#form === undefined ? undefined : audioOf(this.#form, message);
    if (audio !== undefined) return decoded(this.#form as Form, audio);
    const form = readForm(message);
    if (form === undefined) return undefined;
    this.#form = form;
    const first = audioOf(form, message);
    return first === undefined ? undefined : decoded(form, first);
  }
}

/** The audio of a message that has this form. */
function audioOf(form: Form, message: string): string | undefined {
  const { pieces, values } = form;
  let audio: string | undefined;
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
        audio = message.slice(start, at);
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
  return at === message.length ? audio : undefined;
}

function decoded({ responseId, itemId, contentIndex }: Form, audio: string): AudioDelta | undefined {
  const bytes = base64.decode(audio);
  return bytes === undefined ? undefined : { type: 'audio_delta', responseId, itemId, contentIndex, bytes };
}

/** Walks through a message, member by member. */
function readForm(message: string): Form | undefined {
  if (message.charCodeAt(0) !== OPEN_BRACE || isOfAnotherType(message)) return undefined;
  const members = new Map<string, string>();
  const pieces: string[] = [];
  const values: Form['values'][number][] = [];
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
    const isAudio = key === 'delta';
    const end = quoted ? (isAudio ? message.indexOf('"', start + 1) : endOfPlainString(message, start + 1)) : endOfNumberOrNull(message, start);
    if (end === -1) return undefined;
    at = quoted ? end + 1 : end;
    if (READ.has(key)) {
      // Of two members of one name the last is true; whoever writes such a thing is read in full.
      if (members.has(key)) return undefined;
      const value = isAudio ? '' : message.slice(start, at);
      if (key === 'type' && !TYPES.has(value)) return undefined;
      members.set(key, value);
    }
    if (isAudio ? quoted : !READ.has(key) && message.charCodeAt(start) !== NULL) {
      pieces.push(copy(message.slice(pieceStart, quoted ? start + 1 : start)));
      values.push(isAudio ? 'audio' : quoted ? 'string' : 'number');
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
  const responseId = stringIn(members.get('response_id'));
  const itemId = stringIn(members.get('item_id'));
  const contentIndex = members.get('content_index') ?? '0';
  if (!members.has('type') || responseId === undefined || itemId === undefined || !values.includes('audio') || !isDigit(contentIndex.charCodeAt(0))) return undefined;
  return { responseId, itemId, contentIndex: Number(contentIndex), pieces, values };
}

/** The members that are looked at, and the two names that an audio delta has, in their quotes. */
const READ: ReadonlySet<string> = new Set(['type', 'response_id', 'item_id', 'content_index', 'delta']);
const TYPES: ReadonlySet<string> = new Set(['"response.output_audio.delta"', '"response.audio.delta"']);

/** Most servers name the type first, so that most messages that are no audio are known at once. */
function isOfAnotherType(message: string): boolean {
  return message.startsWith('{"type":"') && !message.startsWith('{"type":"response.output_audio.delta"') && !message.startsWith('{"type":"response.audio.delta"');
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
