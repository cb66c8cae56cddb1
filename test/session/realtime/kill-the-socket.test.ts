import { describe, expect, it } from 'vitest';
import { random } from '../../helpers/random.js';
import { startCall, wordsOf } from '../../helpers/call-simulation.js';
import { simulatedProvider } from '../../helpers/simulated-provider.js';
import type { SimulatedProvider } from '../../helpers/simulated-provider.js';

const CALLS = 220;

describe('a socket that is killed at a random point of a random conversation', () => {
  it(`loses no word, answers each call once, keeps the order, and the call goes on (${CALLS} seeds)`, async () => {
    const first = random().seed;
    for (let index = 0; index < CALLS; index += 1) await killAndCheck(first + index);
  }, 110_000);
});

async function killAndCheck(seed: number): Promise<void> {
  const rng = random(seed);
  const where = `seed ${seed}`;
  let provider!: SimulatedProvider;
  const call = await startCall(rng, (clock) => (provider = simulatedProvider(clock, rng, { toolShare: 0.4 })));
  const { session } = call;
  const orders: string[][] = [];
  for (let kill = rng.int(1, 4); kill > 0; kill -= 1) {
    await call.live(rng.int(100, 6_000));
    orders.push(session.history.map(({ itemId }) => itemId));
    if (rng.next() < 0.3 && provider.current !== undefined) {
      // The network goes away first, and the socket learns of it later.
      provider.current.frozen = true;
      await call.live(rng.int(20, 1_500));
    }
    if (rng.next() < 0.3) provider.opening = rng.pick(['refuse', 'mute'] as const);
    provider.current?.cut(rng.pick([1006, 1011, 1001]));
    await call.live(rng.int(20, 2_500));
    provider.opening = 'open';
  }
  await call.quiet(25_000);

  expect(session.state, where).toBe('open');
  // What the caller said is known once, or its loss was told, or it was answered before its words were written down.
  const words = wordsOf(session.history);
  expect(words.length, `${where}: words twice`).toBe(new Set(words).size);
  const known = new Set(words);
  const lost = call.lost();
  expect(call.spoken.filter((chunk) => !known.has(chunk) && !lost(chunk) && !provider.answered.has(chunk)), `${where}: words lost`).toEqual([]);
  expect(words.filter((word, index) => word < (words[index - 1] ?? 0)), `${where}: words out of order`).toEqual([]);
  // Each call ran once and was answered once.
  expect([...call.runs.values()].filter((count) => count !== 1), where).toEqual([]);
  const outputs = session.history.filter((item) => item.type === 'function_call_output').map(({ callId }) => callId);
  expect([...outputs].sort(), where).toEqual([...call.runs.keys()].sort());
  // Ids are unique, and what was in order stays in order.
  const ids = session.history.map(({ itemId }) => itemId);
  expect(new Set(ids).size, where).toBe(ids.length);
  for (const order of orders) expect(ids.filter((id) => order.includes(id)), where).toEqual(order.filter((id) => ids.includes(id)));
  // The connection that serves knows what the session knows, in the same order.
  const server = provider.current?.items.map(({ id }) => id) ?? [];
  expect(server, where).toEqual(ids.filter((id) => server.includes(id)));
  for (const output of outputs) expect(provider.current?.items.filter(({ item }) => item.type === 'function_call_output' && item.callId === output).length, where).toBe(1);
  expect(provider.connections.flatMap(({ refused }) => refused).filter((code) => code !== 'response_cancel_not_active' && code !== 'conversation_already_has_active_response'), where).toEqual([]);
  // Nothing is stuck: the next question is answered.
  const before = call.events.filter(({ type }) => type === 'agent_end').length;
  session.sendMessage('Are you there?');
  await call.quiet(6_000);
  expect(call.events.filter(({ type }) => type === 'agent_end').length, where).toBeGreaterThan(before);
  await session.close();
}
