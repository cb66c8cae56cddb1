import { describe, expect, it } from 'vitest';
import { random } from '../../helpers/random.js';
import { startCall, wordsOf } from '../../helpers/call-simulation.js';
import type { CallSimulation } from '../../helpers/call-simulation.js';
import { simulatedProvider } from '../../helpers/simulated-provider.js';
import type { SimulatedOptions, SimulatedProvider } from '../../helpers/simulated-provider.js';
import type { RealtimeSessionOptions } from '../../../session/index.js';

const MINUTE = 60_000;

interface RotatingCall {
  readonly call: CallSimulation;
  readonly provider: SimulatedProvider;
}

async function rotatingCall(simulated: SimulatedOptions, options: Partial<RealtimeSessionOptions> = {}, seed?: number): Promise<RotatingCall> {
  const rng = random(seed);
  let provider!: SimulatedProvider;
  const call = await startCall(rng, (clock) => (provider = simulatedProvider(clock, rng, simulated)), options);
  return { call, provider };
}

function states(call: CallSimulation): string[] {
  return call.events.flatMap((event) => (event.type === 'connection' ? [event.connection.state] : []));
}

describe('a call that is longer than the sessions of its model', () => {
  it.each([15, 30, 60])('goes on for 3 hours through sessions of %i minutes: no word is lost or doubled, no gap, each call answered once', async (minutes) => {
    const { call, provider } = await rotatingCall({ limitMs: minutes * MINUTE, toolShare: 0.2 });
    const where = `seed ${call.session.sessionId}`;
    // A caller talks for a while around each change and is silent in between: 3 hours of talk would only take longer to compute.
    for (let at = 0; at < 180; at += minutes) {
      await call.live(20_000);
      await call.clock.advanceAsync((minutes - 5) * MINUTE - 20_000, 1_000);
      await call.live(100_000);
      await call.clock.advanceAsync(3 * MINUTE + 20_000, 1_000);
    }
    await call.quiet(10_000);
    const { session } = call;
    expect(session.state, where).toBe('open');
    expect(provider.connections.length, where).toBeGreaterThanOrEqual(Math.floor(180 / minutes));
    expect(new Set(states(call)), where).toEqual(new Set(['connecting', 'open', 'rotating', 'resumed']));
    for (const event of call.events) if (event.type === 'connection' && event.connection.state === 'resumed') expect(event.connection, where).toEqual({ state: 'resumed', gapMs: 0 });
    const words = wordsOf(session.history);
    const known = new Set(words);
    expect(words.length, where).toBe(known.size);
    expect(call.spoken.filter((chunk) => !known.has(chunk) && !provider.answered.has(chunk)), where).toEqual([]);
    expect([...call.runs.values()].filter((count) => count !== 1), where).toEqual([]);
    const ids = session.history.map(({ itemId }) => itemId);
    expect(new Set(ids).size, where).toBe(ids.length);
    await session.close();
  }, 60_000);

  it('is changed only when nobody speaks, nothing plays and nothing is on its way', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const { call, provider } = await rotatingCall({ limitMs: 40_000 }, {}, seed);
      call.session.on('connection', ({ connection }) => {
        if (connection.state !== 'resumed') return;
        const old = provider.connections.at(-2);
        expect(old?.alive, `seed ${seed}: made before the other is broken`).toBe(true);
      });
      await call.live(60_000);
      expect(states(call), `seed ${seed}`).not.toContain('reconnecting');
      expect(call.events.flatMap((event) => (event.type === 'agent_end' && event.outcome === 'failed' ? [event.reason] : [])), `seed ${seed}`).toEqual([]);
      await call.session.close();
    }
  });

  it('is changed just before the end though the agent still speaks, and what it was saying is asked for again', async () => {
    const { call, provider } = await rotatingCall({ limitMs: 40_000 }, { rotation: { hardBeforeMs: 1_000 } });
    await call.quiet(27_000);
    // The model speaks without an end: silence never comes.
    const speaking = provider.current;
    speaking?.respond([]);
    for (let at = 0; at < 12_000; at += 500) {
      if (speaking?.alive === true) speaking.respond([]);
      await call.quiet(500);
    }
    expect(states(call).slice(2)).toEqual(['rotating', 'resumed']);
    expect(provider.connections.length).toBe(2);
    expect(provider.current?.commands.filter(({ type }) => type === 'create_response').length).toBe(1);
  });

  it('takes the limit that the provider states where the model tells none, and the one of the application before both', async () => {
    const stated = await rotatingCall({ limitMs: 40_000, tellsExpiry: false }, { rotation: { sessionLimitMs: 40_000 } });
    await stated.call.quiet(45_000);
    expect(states(stated.call).slice(2)).toEqual(['rotating', 'resumed']);

    const shorter = await rotatingCall({ limitMs: 400_000 }, { rotation: { sessionLimitMs: 20_000 } });
    await shorter.call.quiet(22_000);
    expect(states(shorter.call).slice(2)).toEqual(['rotating', 'resumed']);
  });

  it('meets the end as a loss where it is not to rotate, and goes on all the same', async () => {
    const { call } = await rotatingCall({ limitMs: 20_000 }, { rotation: false });
    await call.quiet(25_000);
    expect(states(call).slice(2)).toEqual(['reconnecting', 'resumed']);
    expect(call.session.state).toBe('open');
  });

  it('goes on being served when the new connection cannot be made, which is tried again', async () => {
    const { call, provider } = await rotatingCall({ limitMs: 60_000 });
    await call.quiet(40_000);
    provider.opening = 'refuse';
    await call.quiet(8_000);
    expect(states(call).slice(2)).toEqual(['rotating']);
    call.session.sendMessage('Still there?');
    await call.quiet(3_000);
    expect(call.events.filter(({ type }) => type === 'agent_end').length).toBe(1);
    provider.opening = 'open';
    await call.quiet(8_000);
    expect(states(call).slice(2)).toEqual(['rotating', 'resumed']);
  });
});
