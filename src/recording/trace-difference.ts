/** The first place where two traces are not the same. */
export interface Difference {
  /** Of the file that was recorded. */
  readonly line: number;
  /** `event.chunk.firstSample`; empty where one trace has a line that the other has not. */
  readonly path: string;
  readonly recorded: unknown;
  readonly replayed: unknown;
  /** Ms of the recorded clock. */
  readonly at: number;
}

export type Found = Pick<Difference, 'path' | 'recorded' | 'replayed'>;

/**
 * The first member that differs. Hashes of audio that is gone say nothing about the replay, which has silence in its place. `cut`: a text that was cut
 * when it was recorded is the same as the one that it was made of.
 */
export function difference(a: unknown, b: unknown, path: string, cut = false): Found | undefined {
  if (Object.is(a, b) || (cut && (isCutOf(a, b) || isSoundOf(a, b)))) return undefined;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return { path, recorded: a, replayed: b };
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (key === 'sha256' && '$audio' in a) continue;
    const found = difference((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], path === '' ? key : `${path}.${key}`, cut);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A cut keeps length and shape, and has a 9 for each digit and an x for each letter. */
function isCutOf(cut: unknown, whole: unknown): boolean {
  if (typeof cut !== 'string' || typeof whole !== 'string' || cut.length !== whole.length) return false;
  for (let index = 0; index < cut.length; index += 1) {
    const [left, right] = [cut[index] as string, whole[index] as string];
    if (left !== right && !(left === '9' && /[0-9]/.test(right)) && !(left === 'x' && /\S/.test(right))) return false;
  }
  return true;
}

/** Sound is compared by its length: no caller says a thing twice in the same way. */
function isSoundOf(recorded: unknown, replayed: unknown): boolean {
  if (!(recorded instanceof Uint8Array)) return false;
  return recorded.length === (replayed instanceof Uint8Array ? replayed.length : Buffer.byteLength(String(replayed), 'base64'));
}

/** For people: three lines. */
export function differenceText({ line, path, at, recorded, replayed }: Difference): string {
  const where = path === '' ? '' : `, ${path}`;
  return [`line ${line} (at ${(at / 1000).toFixed(3)} s${where})`, `  recorded  ${short(recorded)}`, `  replayed  ${short(replayed)}`].join('\n');
}

function short(value: unknown): string {
  const text = value === undefined ? '(nothing)' : (JSON.stringify(value) ?? String(value));
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
