import { describe, expect, it } from 'vitest';
import { PCM16_24K } from '../../../audio/index.js';
import { createSessionState } from '../../../session/state/session-state.js';
import type { SessionState } from '../../../session/state/session-state.js';
import { add, dropOldest, put } from '../../../session/state/sparse.js';

const idle = (): SessionState => createSessionState({ outputModality: 'audio', inputFormat: PCM16_24K, outputFormat: PCM16_24K, tools: [] }, 'clock');

/** Every collection in a state, by its path. */
function collections(value: unknown, path = 'state'): [string, Map<unknown, unknown> | Set<unknown>][] {
  if (value instanceof Map || value instanceof Set) return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => collections(each, `${path}.${name}`));
}

describe('collections that most calls never use', () => {
  it('take no room in a session in which nothing has happened yet', () => {
    const all = collections([idle(), idle()]);
    expect(all.length).toBeGreaterThan(60);
    expect(new Set(all.map(([, collection]) => collection)).size).toBe(2);
  });

  it('are the owner\'s own as soon as something is put in', () => {
    const [one, other] = [idle(), idle()];
    put(one.edits, 'byItem', 'delete i1', 'evt_1');
    add(one, 'ended', 'r1');
    add(other.tools, 'wishes', 'r2');
    expect([...one.edits.byItem]).toEqual([['delete i1', 'evt_1']]);
    const filled = collections([one, other]).filter(([, { size }]) => size > 0);
    expect(filled.map(([path]) => path)).toEqual(['state.0.ended', 'state.0.edits.byItem', 'state.1.tools.wishes']);
  });

  it('are the owner\'s own in a copy too, where two that were shared have become one', () => {
    const copy = structuredClone(idle());
    expect(copy.edits.byItem).toBe(copy.handoff.former);
    put(copy.handoff, 'former', 'r1', { agentId: 'agent_1', name: 'Ava' });
    expect([...copy.handoff.former.keys()]).toEqual(['r1']);
    expect(collections(copy).filter(([, { size }]) => size > 0).map(([path]) => path)).toEqual(['state.handoff.former']);
  });

  it('are as good as new when they have been emptied', () => {
    const state = idle();
    add(state, 'forgivable', 'evt_1');
    const held = state.forgivable;
    state.forgivable.delete('evt_1');
    add(state, 'forgivable', 'evt_2');
    expect([...state.forgivable]).toEqual(['evt_2']);
    expect(held.size).toBe(0);
  });

  it('keep the newest, where there is a limit', () => {
    const state = idle();
    for (const id of ['a', 'b', 'c']) add(state, 'abandoned', id, 2);
    for (const id of ['a', 'b', 'c', 'b']) put(state.link, 'replacing', id, 1, 2);
    expect([...state.abandoned]).toEqual(['b', 'c']);
    expect([...state.link.replacing.keys()]).toEqual(['b', 'c']);
    const two = new Set(['a', 'b']);
    dropOldest(two, 2);
    expect([...two]).toEqual(['a', 'b']);
  });
});
