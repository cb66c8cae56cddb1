import { describe, expect, it } from 'vitest';
import { ModelHealth, RealtimeAgent, RealtimeSession } from '../../../session/index.js';
import type { RealtimeModel } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { random } from '../../helpers/random.js';
import { simulatedProvider } from '../../helpers/simulated-provider.js';

const COOLDOWN_MS = 60_000;

/** Sessions on one clock with the same two models; each attempt that the first one sees is counted. */
function office(health: ModelHealth | undefined) {
  const clock = new ManualClock(1_000);
  const rng = random();
  const first = simulatedProvider(clock, rng);
  const second = simulatedProvider(clock, rng);
  let tries = 0;
  const connect = first.connect.bind(first);
  first.connect = (options) => ((tries += 1), connect(options));
  const models: readonly RealtimeModel[] = [first, second];
  return {
    clock,
    first,
    second,
    get tries() {
      return tries;
    },
    async open(): Promise<RealtimeSession> {
      const session = new RealtimeSession(new RealtimeAgent({ name: 'Ada' }), { model: models, clock, failover: { cooldownMs: COOLDOWN_MS, ...(health === undefined ? {} : { health }) } });
      const opening = session.connect();
      await clock.advanceAsync(2_000);
      await opening;
      return session;
    },
  };
}

describe('the health of models', () => {
  it('is found out by each session for itself where nothing is shared', async () => {
    const desk = office(undefined);
    desk.first.opening = 'refuse';
    await desk.open();
    await desk.open();
    expect(desk.tries).toBe(2);
  });

  it('that is shared is found out once: a session that begins later does not try a model that rests', async () => {
    const desk = office(new ModelHealth());
    desk.first.opening = 'refuse';
    await desk.open();
    await desk.open();
    expect([desk.tries, desk.second.connections.length]).toEqual([1, 2]);
  });

  it('is told to sessions that are open: when one has found the model well, the others go back to it too', async () => {
    const desk = office(new ModelHealth());
    desk.first.opening = 'refuse';
    const sessions = [await desk.open(), await desk.open(), await desk.open()];
    desk.first.opening = 'open';
    expect(desk.first.connections.length).toBe(0);
    await desk.clock.advanceAsync(COOLDOWN_MS + 2_000, 50);
    expect(desk.first.connections.filter(({ alive }) => alive).length).toBe(3);
    for (const session of sessions) await session.close();
  });

  it('of a model that dies in the middle keeps others from choosing it, and a session that is closed is told nothing any more', async () => {
    const health = new ModelHealth();
    const desk = office(health);
    const [one, two] = [await desk.open(), await desk.open()];
    await two.close();
    desk.first.opening = 'refuse';
    desk.first.current?.cut(1006);
    await desk.clock.advanceAsync(3_000, 50);
    expect(health.restsUntilMs(desk.first)).toBeGreaterThan(desk.clock.now());
    const tries = desk.tries;
    await desk.open();
    expect(desk.tries).toBe(tries);
    expect(one.state).toBe('open');
  });
});
