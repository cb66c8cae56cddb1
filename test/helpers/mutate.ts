import type { Random } from './random.js';

/** Values that no field of a protocol expects. */
export const STRANGE: readonly unknown[] = [null, true, false, 0, -1, 1.5, 1e308, '', 'root', 'realtime', '__proto__', 'constructor', '\u0000', '\ud800', [], {}, [[[]]], { type: 'message' }, 'x'.repeat(600), 'AAAA', 2 ** 53];

/** Damages the text itself: mostly no JSON after that. */
export function damage(text: string, rng: Random): string {
  const at = rng.int(0, text.length);
  return rng.pick([text.slice(0, at), text.slice(0, at) + text.slice(at + 1), `${text.slice(0, at)}${rng.pick(['"', '{', ']', '\\', '7', 'é'])}${text.slice(at)}`, text + text, JSON.stringify(rng.pick(STRANGE))]);
}

/** Walks to some field and makes it strange, takes it away, or puts another beside it. */
export function mutate(root: object, rng: Random): void {
  let place = root as Record<string, unknown>;
  for (;;) {
    const keys = Object.keys(place);
    const key = keys.length === 0 ? 'type' : rng.pick(keys);
    const inner = place[key];
    if (typeof inner === 'object' && inner !== null && rng.int(0, 3) > 0) {
      place = inner as Record<string, unknown>;
      continue;
    }
    const how = rng.int(0, 4);
    if (how === 0) Reflect.deleteProperty(place, key);
    else if (how === 1) Object.defineProperty(place, rng.pick(['id', 'extra', '__proto__', 'toString', 'event_id', 'status']), { value: structuredClone(rng.pick(STRANGE)), enumerable: true, configurable: true, writable: true });
    else place[key] = structuredClone(rng.pick(STRANGE));
    return;
  }
}

/** A message that may be sense, a damaged text, a strange value, or an event with something strange in it. `sensible` makes one that makes sense. */
export function fuzzed(rng: Random, sensible: (rng: Random) => object): string | Buffer {
  const kind = rng.int(0, 20);
  if (kind === 0) return randomBytes(rng, 50);
  const text = JSON.stringify(sensible(rng));
  if (kind < 7) return text;
  if (kind < 10) return damage(text, rng);
  const event = JSON.parse(text) as object;
  for (let times = rng.int(1, 3); times > 0; times -= 1) mutate(event, rng);
  return JSON.stringify(event);
}

export function randomBytes(rng: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: rng.int(0, most) }, () => rng.int(0, 256)));
}
