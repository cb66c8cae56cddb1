/** A JSON value as a model writes it. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

type Container = JsonValue[] | { [key: string]: JsonValue };

/** What may come next. A string, a number or a word is read over as many pieces as it takes. */
type Expected = 'value' | 'value_or_end' | 'key' | 'key_or_end' | 'colon' | 'comma_or_end' | 'string' | 'escape' | 'unicode' | 'number' | 'word' | 'nothing';

const SPACE = /[ \t\n\r]/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WORDS: Readonly<Record<string, JsonValue>> = { true: true, false: false, null: null };
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
/** The end of a run of plain characters within a string. */
const SPECIAL = /["\\\u0000-\u001f]/g;

/**
 * Reads JSON while it is being written, and has at any time the largest value that is sure: objects, arrays and strings grow, numbers and words appear when
 * they are complete, a key when its value has begun. Each character is looked at once. The value grows in place: copy what is to stay as it is.
 */
export class PartialJson {
  #value: JsonValue | undefined;
  /** Containers that are open, the innermost last, and the keys under which their values go. */
  readonly #open: { readonly container: Container; key: string }[] = [];
  #expected: Expected = 'value';
  /** The string, number or word that is being read, and whether it is a key. */
  #text = '';
  /** How much of the string is in the value. */
  #shown = 0;
  #isKey = false;
  /** The first half of a character: it is not shown before its other half has come. */
  #half = '';
  #unicode = '';
  #broken = false;
  #changes = 0;

  /** Nothing until the value has begun. */
  get value(): JsonValue | undefined {
    return this.#value;
  }

  /** How often the value has changed. */
  get changes(): number {
    return this.#changes;
  }

  /** What came is not JSON: the value stays as it was before. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Whether the value is whole. */
  get complete(): boolean {
    return this.#expected === 'nothing' && !this.#broken;
  }

  push(piece: string): void {
    let at = 0;
    while (at < piece.length && !this.#broken) at = this.#expected === 'string' ? this.#readString(piece, at) : this.#read(piece, at);
    if (!this.#isKey && (this.#expected === 'string' || this.#expected === 'escape' || this.#expected === 'unicode')) this.#replace(this.#text);
  }

  /** Nothing more comes: a number that stands alone is complete now. */
  end(): void {
    if (this.#expected === 'number') this.#endNumber();
  }

  /** Reads one character, and gives the place of the next. */
  #read(piece: string, at: number): number {
    const char = piece[at] as string;
    switch (this.#expected) {
      case 'escape':
        return this.#readEscape(char, at);
      case 'unicode':
        return this.#readUnicode(char, at);
      case 'number':
        if (/[\d.eE+-]/.test(char)) {
          this.#text += char;
          return at + 1;
        }
        this.#endNumber();
        return at;
      case 'word':
        return this.#readWord(char, at);
      default:
        if (!SPACE.test(char)) this.#readToken(char);
        return at + 1;
    }
  }

  #readToken(char: string): void {
    const expected = this.#expected;
    if (char === '"' && (expected === 'key' || expected === 'key_or_end')) this.#beginString(true);
    else if (char === ':' && expected === 'colon') this.#expected = 'value';
    else if (char === ',' && expected === 'comma_or_end') this.#expected = Array.isArray(this.#open.at(-1)?.container) ? 'value' : 'key';
    else if (char === ']' && (expected === 'value_or_end' || expected === 'comma_or_end') && Array.isArray(this.#open.at(-1)?.container)) this.#close();
    else if (char === '}' && (expected === 'key_or_end' || expected === 'comma_or_end') && !Array.isArray(this.#open.at(-1)?.container)) this.#close();
    else if (expected === 'value' || expected === 'value_or_end') this.#beginValue(char);
    else this.#broken = true;
  }

  #beginValue(char: string): void {
    if (char === '"') {
      this.#beginString(false);
      this.#put('');
    } else if (char === '{' || char === '[') {
      const container: Container = char === '{' ? {} : [];
      this.#put(container);
      this.#open.push({ container, key: '' });
      this.#expected = char === '{' ? 'key_or_end' : 'value_or_end';
    } else if (/[-\d]/.test(char)) {
      this.#text = char;
      this.#expected = 'number';
    } else if (/[tfn]/.test(char)) {
      this.#text = char;
      this.#expected = 'word';
    } else this.#broken = true;
  }

  #close(): void {
    this.#open.pop();
    this.#endValue();
  }

  #endValue(): void {
    this.#expected = this.#open.length === 0 ? 'nothing' : 'comma_or_end';
  }

  // ---- strings ----

  #beginString(isKey: boolean): void {
    this.#text = '';
    this.#shown = 0;
    this.#isKey = isKey;
    this.#expected = 'string';
  }

  #readString(piece: string, at: number): number {
    SPECIAL.lastIndex = at;
    const special = SPECIAL.exec(piece);
    const until = special?.index ?? piece.length;
    if (until > at) this.#append(piece.slice(at, until));
    if (special === null) return until;
    if (special[0] === '\\') this.#expected = 'escape';
    else if (special[0] !== '"') this.#broken = true;
    else this.#endString();
    return until + 1;
  }

  #endString(): void {
    this.#text += this.#half;
    this.#half = '';
    if (this.#isKey) {
      (this.#open.at(-1) as { key: string }).key = this.#text;
      this.#expected = 'colon';
    } else {
      this.#replace(this.#text);
      this.#endValue();
    }
  }

  /** Looks at what is new alone: looking into the whole text would make a copy of it each time. */
  #append(more: string): void {
    const text = this.#half + more;
    const last = text.charCodeAt(text.length - 1);
    const isHalf = last >= 0xd800 && last <= 0xdbff;
    this.#half = isHalf ? text.slice(-1) : '';
    this.#text += isHalf ? text.slice(0, -1) : text;
  }

  #readEscape(char: string, at: number): number {
    this.#expected = 'string';
    const meant = ESCAPES[char];
    if (meant !== undefined) this.#append(meant);
    else if (char === 'u') {
      this.#unicode = '';
      this.#expected = 'unicode';
    } else this.#broken = true;
    return at + 1;
  }

  #readUnicode(char: string, at: number): number {
    if (!/[\da-fA-F]/.test(char)) this.#broken = true;
    this.#unicode += char;
    if (this.#unicode.length === 4) {
      this.#append(String.fromCharCode(Number.parseInt(this.#unicode, 16)));
      this.#expected = 'string';
    }
    return at + 1;
  }

  // ---- numbers and words ----

  #endNumber(): void {
    if (!NUMBER.test(this.#text)) this.#broken = true;
    else {
      this.#put(Number(this.#text));
      this.#endValue();
    }
  }

  #readWord(char: string, at: number): number {
    this.#text += char;
    const word = WORDS[this.#text];
    if (word !== undefined) {
      this.#put(word);
      this.#endValue();
    } else if (!Object.keys(WORDS).some((each) => each.startsWith(this.#text))) this.#broken = true;
    return at + 1;
  }

  // ---- the value ----

  #put(value: JsonValue): void {
    this.#changes += 1;
    const place = this.#open.at(-1);
    if (place === undefined) this.#value = value;
    else if (Array.isArray(place.container)) place.container.push(value);
    else setMember(place.container, place.key, value);
  }

  /** A string may have grown. */
  #replace(text: string): void {
    if (text.length === this.#shown) return;
    this.#shown = text.length;
    this.#changes += 1;
    const place = this.#open.at(-1);
    if (place === undefined) this.#value = text;
    else if (Array.isArray(place.container)) place.container[place.container.length - 1] = text;
    else setMember(place.container, place.key, text);
  }
}

/** A key of the name `__proto__` is a key like any other. */
function setMember(container: { [key: string]: JsonValue }, key: string, value: JsonValue): void {
  if (key === '__proto__') Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true });
  else container[key] = value;
}
