/** What is cut out of a recording beside credentials, which always are. */
export interface RedactionOptions {
  /** Texts that must never be written, wherever they stand. Each of at least 4 characters. */
  readonly secrets?: readonly string[];
  /** Further patterns; a pattern without the flag `g` is given it. */
  readonly patterns?: readonly RegExp[];
  /** What looks like a key of a known provider; default true. */
  readonly keys?: boolean;
  /** 9 to 19 digits in a row: telephone, card and account numbers; default true. */
  readonly numbers?: boolean;
}

const KEYS: readonly RegExp[] = [
  /(?<![A-Za-z0-9])(?:sk|pk|rk|ek|xai|gsk|hf|gh[pousr]|github_pat|glpat|xox[abprs])[-_][A-Za-z0-9_-]{16,}/g,
  /(?<![A-Za-z0-9])(?:A[KS]IA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,})/g,
  /(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){0,2}/g,
  /(?<=\b(?:Bearer|Basic)\s+)(?=[^\s"]*[\d/+=_])[A-Za-z0-9._~+/=-]{12,}/gi,
  /(?<=openai-insecure-api-key\.)[^\s,"]+/g,
  /(?<=[?&](?:api[-_]?key|key|token|access_token|secret|sig|signature|password)=)[^&#\s"]+/gi,
  /(?<=:\/\/[^\s/@:]*:)[^\s/@"]+(?=@)/g,
];
/** Not the end of a longer word or decimal number, not such a number, and not a date. */
const NUMBERS = /(?<![\w-])(?<!\d\.)(?!\d{4}-\d\d-\d\d)(?!\d+\.\d+(?![\s().-]{0,2}\d))\+?\(?\d(?:[\s().-]{0,2}\d){8,18}(?!\w)/g;

const CREDENTIAL = /^(?:(?:proxy-)?authorization|(?:set-)?cookie|(?:x-)?api[-_]?key|(?:access|refresh|id|auth)[-_]?token|token|(?:client[-_]?)?secret|password|headers)$/i;
/** The same names in JSON that is a text, or a text within a text. */
const WRITTEN_CREDENTIAL = /(?<="(?:(?:proxy-)?authorization|(?:set-)?cookie|(?:x-)?api[-_]?key|(?:access|refresh|id|auth)[-_]?token|token|(?:client[-_]?)?secret|password)\\*"\s*:\s*\\*")[^"\\]+/gi;
const ID = /(?:^|[_a-z])(?:id|Id)s?$/;
/** Runs that may be text in base64; a shorter one holds no key. */
const BASE64 = /[A-Za-z0-9+/_-]{20,}={0,2}/g;
const SHORTEST_SECRET = 4;
/** Neither a number that somebody would miss nor a key is shorter. */
const SHORTEST_NUMBER = 9;

/** From and to (exclusive), in characters. */
type Range = readonly [number, number];

/**
 * Cuts what must not be written, keeping length and shape: digits become 9, letters x. So a cut changes no structure of JSON, a second cut changes
 * nothing, and a text that is cut as a whole is the same as its cut pieces put together. Holds no text that it has seen.
 */
export class Redaction {
  /** For the header of a recording. */
  readonly summary: { readonly rules: readonly string[]; readonly patterns: number; readonly secrets: number };
  #literals: readonly string[];
  readonly #keys: readonly RegExp[];
  readonly #patterns: readonly RegExp[];
  readonly #numbers: boolean;

  /** Throws `RangeError` for a secret that is so short that it would cut half of every text. */
  constructor(options: RedactionOptions = {}) {
    const { secrets = [], patterns = [], keys = true, numbers = true } = options;
    if (secrets.some((secret) => secret.length < SHORTEST_SECRET)) throw new RangeError(`A secret must have at least ${SHORTEST_SECRET} characters.`);
    this.#literals = spellings(secrets);
    this.#keys = keys ? KEYS : [];
    this.#patterns = patterns.map((pattern) => (pattern.global ? pattern : new RegExp(pattern.source, `${pattern.flags}g`)));
    this.#numbers = numbers;
    this.summary = { rules: [...(keys ? ['keys'] : []), ...(numbers ? ['numbers'] : [])], patterns: patterns.length, secrets: secrets.length };
  }

  /** One more secret, which became known while the call went on. */
  learn(secret: string): void {
    if (secret.length >= SHORTEST_SECRET) this.#literals = [...new Set([...this.#literals, ...spellings([secret])])];
  }

  text(text: string): string {
    return masked(text, this.#ranges(text, false));
  }

  /** What stands at `from`..`to` of a text, cut as part of the whole. */
  part(whole: string, from: number, to: number): string {
    return masked(whole, this.#ranges(whole, false)).slice(from, to);
  }

  /** JSON as it will be written. An object or list is taken over and changed in place; what is given back is to be used. */
  tree(value: unknown, key = ''): unknown {
    if (typeof value === 'string') return this.#field(value, key);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      const list = value as unknown[];
      list.forEach((each, index) => (list[index] = this.tree(each, key)));
      return list;
    }
    if (kindOf(key) === 'credential') return concealed(value);
    const members = value as Record<string, unknown>;
    const { heardText, unheardText } = members;
    for (const name of Object.keys(members)) {
      const each = members[name];
      if ((typeof each === 'string' && name !== '$bytes') || (typeof each === 'object' && each !== null)) members[name] = this.tree(each, name);
    }
    // The two halves of one text: what was interrupted in the midst of a number is a number still.
    if (typeof heardText === 'string' && typeof unheardText === 'string') Object.assign(members, this.#halves(heardText, unheardText));
    return members;
  }

  /** Audio, or other bytes, without the known secrets in them. Gives the same array when there is none. */
  bytes(bytes: Uint8Array): Uint8Array {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found = this.#literals.filter((literal) => view.includes(literal));
    if (found.length === 0) return bytes;
    const copy = bytes.slice();
    for (const literal of found) {
      const length = Buffer.byteLength(literal);
      for (let at = view.indexOf(literal); at !== -1; at = view.indexOf(literal, at + length)) copy.fill(0, at, at + length);
    }
    return copy;
  }

  #field(text: string, key: string): string {
    const kind = kindOf(key);
    if (kind === 'credential') return masked(text, [[0, text.length]]);
    return masked(text, this.#ranges(text, kind === 'id'));
  }

  #halves(heardText: string, unheardText: string): object {
    const whole = this.text(heardText + unheardText);
    return { heardText: whole.slice(0, heardText.length), unheardText: whole.slice(heardText.length) };
  }

  /** `plain`: an id, in which numbers are not somebody's. */
  #ranges(text: string, plain: boolean): Range[] {
    const ranges = this.#direct(text, plain);
    if (!plain && text.length >= 20) {
      for (const match of text.matchAll(BASE64)) {
        const hidden = Buffer.from(match[0], 'base64').toString('latin1');
        if (this.#direct(hidden, false).length > 0) ranges.push([match.index, match.index + match[0].length]);
      }
    }
    return ranges;
  }

  #direct(text: string, plain: boolean): Range[] {
    const ranges: Range[] = [];
    for (const literal of this.#literals) for (let at = text.indexOf(literal); at !== -1; at = text.indexOf(literal, at + literal.length)) ranges.push([at, at + literal.length]);
    for (const pattern of this.#patterns) for (const match of text.matchAll(pattern)) ranges.push([match.index, match.index + match[0].length]);
    if (text.length < SHORTEST_NUMBER) return ranges;
    if (text.includes('"')) for (const match of text.matchAll(WRITTEN_CREDENTIAL)) ranges.push([match.index, match.index + match[0].length]);
    for (const pattern of this.#keys) for (const match of text.matchAll(pattern)) ranges.push([match.index, match.index + match[0].length]);
    if (this.#numbers && !plain) for (const match of text.matchAll(NUMBERS)) ranges.push([match.index, match.index + match[0].length]);
    return ranges;
  }
}

/** As they stand in text, in an address, and in JSON within text. */
function spellings(secrets: readonly string[]): string[] {
  return [...new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]))];
}

type FieldKind = 'credential' | 'id' | 'text';

/** Names of fields are few, and each line has some; a peer that makes up names is not remembered without end. */
const KINDS = new Map<string, FieldKind>();
const MAX_KINDS = 4_096;

function kindOf(key: string): FieldKind {
  const known = KINDS.get(key);
  if (known !== undefined) return known;
  const kind = CREDENTIAL.test(key) ? 'credential' : ID.test(key) ? 'id' : 'text';
  if (KINDS.size < MAX_KINDS) KINDS.set(key, kind);
  return kind;
}

/** Whole credentials: every text in it. */
function concealed(value: unknown): unknown {
  if (typeof value === 'string') return masked(value, [[0, value.length]]);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(concealed);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, concealed(each)]));
}

/** Digits become 9 and everything else x, but for what gives a number or JSON its shape. */
function masked(text: string, ranges: readonly Range[]): string {
  if (ranges.length === 0) return text;
  let result = '';
  let done = 0;
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    if (to <= done) continue;
    const start = Math.max(from, done);
    result += text.slice(done, start) + text.slice(start, to).replace(/\\u[0-9a-fA-F]{4}|\\.|[^\s"\\{}[\]:,+\-().]/g, (each) => (each.startsWith('\\') ? each : /[0-9]/.test(each) ? '9' : 'x'));
    done = to;
  }
  return result + text.slice(done);
}
