import { describe, expect, it } from 'vitest';
import { random } from '../../helpers/random.js';
import { startCall } from '../../helpers/call-simulation.js';
import type { CallSimulation } from '../../helpers/call-simulation.js';
import { simulatedProvider } from '../../helpers/simulated-provider.js';
import type { SimulatedProvider } from '../../helpers/simulated-provider.js';
import { RealtimeAgent, RealtimeSession } from '../../../session/index.js';
import type { RealtimeSessionOptions } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { settle } from '../../helpers/settle.js';

interface TwoModels {
  readonly call: CallSimulation;
  readonly first: SimulatedProvider;
  readonly second: SimulatedProvider;
}

async function twoModels(prepare: (first: SimulatedProvider) => void = () => {}, options: Partial<RealtimeSessionOptions> = {}): Promise<TwoModels> {
  const rng = random();
  let [first, second]: SimulatedProvider[] = [];
  const call = await startCall(
    rng,
    (clock) => {
      first = simulatedProvider(clock, rng, { label: 'first' });
      second = simulatedProvider(clock, rng, { label: 'second' });
      prepare(first);
      return [first, second];
    },
    options,
  );
  if (first === undefined || second === undefined) throw new Error('The call made no models.');
  return { call, first, second };
}

function gaps(call: CallSimulation): number[] {
  return call.events.flatMap((event) => (event.type === 'connection' && event.connection.state === 'resumed' ? [event.connection.gapMs] : []));
}

describe('a model of a list', () => {
  it.each(['refuse', 'hang', 'mute'] as const)('that fails at the first opening (%s) is passed over within 2 s', async (how) => {
    const { call, first, second } = await twoModels((model) => (model.opening = how));
    expect(call.session.state).toBe('open');
    expect([first.current, second.connections.length]).toEqual([undefined, 1]);
    expect(call.clock.now()).toBeLessThanOrEqual(3_000);
  });

  it('that refuses the configuration is passed over too', async () => {
    const rng = random();
    const clock = new ManualClock(1_000);
    const good = simulatedProvider(clock, rng);
    const refusing = {
      label: 'refusing',
      connect: ({ onInput }: Parameters<SimulatedProvider['connect']>[0]) =>
        Promise.resolve({
          bufferedBytes: 0,
          close: () => Promise.resolve(),
          send: (command: { type: string; eventId?: string }) => command.type === 'configure' && onInput({ type: 'model_error', error: { code: 'invalid_value', message: 'No.' }, eventId: command.eventId ?? '' }),
        }) as ReturnType<SimulatedProvider['connect']>,
    };
    const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model: [refusing, good], clock });
    const opening = session.connect();
    await clock.advanceAsync(500);
    await opening;
    expect(session.state).toBe('open');
  });

  it('fails the opening only when it was the last, with the last error', async () => {
    const clock = new ManualClock();
    const models = ['a', 'b'].map((label) => Object.assign(simulatedProvider(clock, random(), { label }), { opening: 'refuse' as const }));
    const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model: models, clock });
    await expect(session.connect()).rejects.toMatchObject({ code: 'MODEL_UNREACHABLE' });
    await settle();
    expect([session.state, clock.pendingTimers]).toEqual(['closed', 0]);
  });

  it('that dies in the middle of a sentence is replaced within 2 s: what was heard is kept, and the answer goes on', async () => {
    const { call, first, second } = await twoModels();
    first.current?.respond([]);
    await call.quiet(200);
    first.opening = 'refuse';
    first.current?.cut();
    await call.quiet(3_000);
    expect(gaps(call)[0]).toBeLessThanOrEqual(2_000);
    const item = call.session.history.find((each) => each.type === 'message' && each.role === 'assistant');
    expect(item).toMatchObject({ status: 'interrupted', heardText: expect.stringMatching(/^say0/) as string });
    const heard = item?.type === 'message' && item.role === 'assistant' ? item.heardText : '';
    // The new model knows exactly what was heard of it, so it can go on there; it is asked to, once.
    expect(second.current?.items[0]).toMatchObject({ id: item?.itemId, item: { content: [{ type: 'output_text', text: heard }] } });
    expect(second.current?.commands.filter(({ type }) => type === 'create_response').length).toBe(1);
    expect(call.events.filter((event) => event.type === 'agent_end' && event.outcome === 'failed').map((event) => event.type === 'agent_end' && event.reason)).toEqual(['connection_lost']);
  });

  it('that dies before its first sound is replaced, and the answer comes from the next', async () => {
    const { call, first, second } = await twoModels();
    if (first.current !== undefined) first.current.refuseResponses = 'silence';
    call.session.sendMessage('Hello?');
    await call.quiet(200);
    first.opening = 'hang';
    first.current?.cut(1011);
    await call.quiet(8_000);
    expect(gaps(call)[0]).toBeLessThanOrEqual(2_000);
    expect(call.events.filter((event) => event.type === 'agent_end' && event.outcome === 'completed').length).toBe(1);
    expect(second.current?.items.map(({ item }) => item.type === 'message' && item.role)).toEqual(['user', 'assistant']);
  });

  it('whose account is used up is left at once, and the answer comes from the next', async () => {
    const { call, first, second } = await twoModels();
    if (first.current !== undefined) first.current.refuseResponses = 'quota';
    call.session.sendMessage('Hello?');
    await call.quiet(5_000);
    expect(first.current).toBeUndefined();
    expect(gaps(call)[0]).toBeLessThanOrEqual(2_000);
    expect(call.events.filter((event) => event.type === 'agent_end').map((event) => event.type === 'agent_end' && event.outcome)).toEqual(['failed', 'completed']);
    expect(second.current?.commands.filter(({ type }) => type === 'create_response').length).toBe(1);
  });

  it('rests for the cooldown, and the session stays with the next one until then and goes back after it, in silence', async () => {
    const { call, first, second } = await twoModels((model) => (model.opening = 'refuse'), { failover: { cooldownMs: 30_000 } });
    first.opening = 'open';
    await call.quiet(20_000);
    // A loss within the cooldown does not bring it back.
    second.current?.cut();
    await call.quiet(5_000);
    expect([first.connections.length, second.connections.length]).toEqual([0, 2]);
    await call.quiet(10_000);
    expect(first.current).toBeDefined();
    expect(second.current).toBeUndefined();
    expect(gaps(call).at(-1)).toBe(0);
  });

  it('that fails its trial after the cooldown rests again, for as long', async () => {
    let tries = 0;
    const { call, first, second } = await twoModels(
      (model) => {
        model.opening = 'refuse';
        const { connect } = model;
        model.connect = (options) => ((tries += 1), connect.call(model, options));
      },
      { failover: { cooldownMs: 10_000 } },
    );
    expect(tries).toBe(1);
    await call.quiet(7_500);
    expect(tries).toBe(1);
    await call.quiet(2_000);
    expect(tries).toBe(2);
    await call.quiet(8_500);
    expect(tries).toBe(2);
    await call.quiet(2_000);
    expect(tries).toBe(3);
    expect(second.connections.length).toBeGreaterThanOrEqual(1);
    first.opening = 'open';
    await call.quiet(11_000);
    expect(first.current).toBeDefined();
  });
});
