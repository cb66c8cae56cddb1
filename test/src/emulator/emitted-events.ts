import { afterAll, expect } from 'vitest';
import { PublishedSchema } from '../../helpers/published-schema.js';
import { WIRE_EXTRAS, WIRE_NULLS } from '../../helpers/wire-facts.js';

/** What this test file has seen the emulator emit in the current dialect; of events that say the same, one. */
const emitted = new Map<string, unknown>();

/** Keeps an event for the check at the end of the file. */
export function noteEmitted(event: { readonly type: string }): void {
  // Many deltas differ in their text only, and are checked by their kind and shape.
  const key = event.type.endsWith('.delta') ? `${event.type} ${Object.keys(event).join()}` : JSON.stringify(event);
  if (emitted.size < 5_000) emitted.set(key, event);
}

export function emittedTypes(): Set<string> {
  return new Set([...emitted.values()].map((event) => (event as { type: string }).type));
}

/** The events that are not what the published types say, and the allowances beside the types that were made use of. */
export function checkEmitted(): { readonly problems: readonly string[]; readonly used: ReadonlySet<string> } {
  const schema = new PublishedSchema({ nulls: WIRE_NULLS, extras: WIRE_EXTRAS });
  const problems = [...emitted.values()].flatMap((event) => schema.problems('RealtimeServerEvent', event).map((problem) => `${(event as { type: string }).type}: ${problem}`));
  return { problems: [...new Set(problems)], used: schema.used };
}

// Every file that drives an emulator through the helpers ends with this.
afterAll(() => {
  if (emitted.size > 0) expect(checkEmitted().problems).toEqual([]);
}, 60_000);
