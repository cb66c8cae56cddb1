/** Names of things, in a field that ends in `id`. */
const ID_KEY = /(?:^|_)id$|Id$/;

/**
 * The ids of a recording and those of a replay. What the other side names itself may have another name each time; what a recording names itself gets
 * a new name each further time that it is played.
 */
export class IdMap {
  readonly #suffix: string;
  readonly #live = new Map<string, string>();
  readonly #recorded = new Map<string, string>();

  constructor(play: number) {
    this.#suffix = play === 1 ? '' : `_${play}`;
  }

  /** Two forms of one message of the other side: where they name something new, the names mean the same. */
  learn(recorded: unknown, live: unknown): void {
    if (typeof recorded !== 'object' || typeof live !== 'object' || recorded === null || live === null) return;
    for (const [key, value] of Object.entries(recorded)) {
      const other = (live as Record<string, unknown>)[key];
      if (typeof value !== 'string' || typeof other !== 'string') this.learn(value, other);
      else if (ID_KEY.test(key) && !this.#live.has(value) && !this.#recorded.has(other)) this.#join(value, other);
    }
  }

  /** A message of the other side, with the names that the recording has for the same things. */
  toRecorded(message: unknown): unknown {
    return mapped(message, '', (text) => this.#recorded.get(text) ?? text);
  }

  /** A message of the recording, with the names of this replay. */
  toLive(message: object): object {
    return mapped(message, '', (text, key) => {
      const known = this.#live.get(text);
      if (known !== undefined || this.#suffix === '' || !ID_KEY.test(key) || text === '') return known ?? text;
      this.#join(text, text + this.#suffix);
      return text + this.#suffix;
    }) as object;
  }

  #join(recorded: string, live: string): void {
    this.#live.set(recorded, live);
    this.#recorded.set(live, recorded);
  }
}

function mapped(value: unknown, key: string, name: (text: string, key: string) => string): unknown {
  if (typeof value === 'string') return name(value, key);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((each) => mapped(each, key, name));
  return Object.fromEntries(Object.entries(value).map(([field, each]) => [field, mapped(each, field, name)]));
}
