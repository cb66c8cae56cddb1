/**
 * What can go wrong, as a table: each fault is really provoked, and for each it is known which error says so, whether asking again may help, whether
 * the caller hears a clip, and that the call ends no more than once.
 */
import { describe, expect, it } from 'vitest';
import { explainError } from '../../session/index.js';
import { clientFaults } from './faults/client.js';
import { conversationFaults } from './faults/conversation.js';
import type { Fault } from './faults/fault.js';
import { handshakeFaults } from './faults/handshake.js';
import { socketFaults } from './faults/open-socket.js';

const TABLE: readonly (readonly [where: string, faults: readonly Fault[]])[] = [
  ['before there is a call', handshakeFaults],
  ['on an open socket', socketFaults],
  ['in a conversation', conversationFaults],
  ['between a person and the gateway', clientFaults],
];

it('the table names each fault once, and many', () => {
  const names = TABLE.flatMap(([where, faults]) => faults.map(({ name }) => `${where}: ${name}`));
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(40);
});

describe.each(TABLE)('%s', (_where, faults) => {
  it.each(faults)('$name: $code', async ({ code, count = 1, providerCode, retryable, clip, ends, provoke }) => {
    const { errors, clips, closes, closesInTheEnd } = await provoke();
    // What an operator would count: errors by their code.
    const counts = new Map<string, number>();
    for (const error of errors) counts.set(error.code, (counts.get(error.code) ?? 0) + 1);
    expect(Object.fromEntries(counts)).toMatchObject(code === undefined ? {} : { [code]: count });
    if (code === undefined) expect(errors).toEqual([]);
    for (const error of errors) {
      expect(error.hint, error.code).toMatch(/\w+ \w+/);
      expect(explainError(error)).not.toContain('[object');
    }
    const named = errors.find((error) => error.code === code);
    if (retryable !== undefined) expect(named?.retryable).toBe(retryable);
    if (providerCode !== undefined) expect(named).toMatchObject({ providerCode });
    expect(clips).toBe(clip ? 1 : 0);
    expect(closes).toBe(ends ? 1 : 0);
    expect(closesInTheEnd).toBe(1);
  });
});
