import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RealtimeAgent, RealtimeSession, SESSION_EVENT_TYPES, handoff, tool } from '../../../session/index.js';
import type { GuardrailVerdict, RealtimeSessionOptions, SessionEvent, SessionEventMap } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';
import { simulatedProvider } from '../../helpers/simulated-provider.js';
import type { SimulatedProvider } from '../../helpers/simulated-provider.js';

// A socket that is killed between the two halves of something: what was asked for and what confirms it.

const SEEDS = 60;

interface Call {
  readonly rng: Random;
  readonly where: string;
  readonly clock: ManualClock;
  readonly provider: SimulatedProvider;
  readonly session: RealtimeSession;
  readonly events: { readonly atMs: number; readonly event: SessionEvent }[];
  of<Type extends keyof SessionEventMap>(type: Type): SessionEventMap[Type][];
  run(ms: number): Promise<void>;
  /** The socket is gone, at once or after it has been dead for a while; another is there soon. */
  kill(): Promise<void>;
  /** Ids of the items that the serving connection has, in order. */
  known(): string[];
}

async function call(seed: number, agent: (clock: ManualClock, rng: Random) => RealtimeAgent, options: (clock: ManualClock, rng: Random) => Partial<RealtimeSessionOptions> = () => ({})): Promise<Call> {
  const rng = random(seed);
  const clock = new ManualClock(1_000);
  const provider = simulatedProvider(clock, rng);
  const session = new RealtimeSession(agent(clock, rng), { model: provider, clock, sessionId: `call ${seed}`, ...options(clock, rng) });
  const events: Call['events'] = [];
  for (const type of SESSION_EVENT_TYPES) session.on(type, (event) => events.push({ atMs: clock.now(), event }));
  const run = (ms: number): Promise<void> => clock.advanceAsync(ms, 5);
  const opening = session.connect();
  await run(1_000);
  await opening;
  return {
    rng,
    where: `TEST_SEED=${seed}`,
    clock,
    provider,
    session,
    events,
    of: (type) => events.flatMap(({ event }) => (event.type === type ? [event as SessionEventMap[typeof type]] : [])),
    run,
    async kill() {
      if (rng.next() < 0.3 && provider.current !== undefined) {
        provider.current.frozen = true;
        await run(rng.int(0, 200));
      }
      provider.current?.cut(1006);
    },
    known: () => provider.current?.items.map(({ id }) => id) ?? [],
  };
}

/** What holds after every kill: the session is there, the connection that serves knows what the session knows, and each call has its one output. */
function expectWhole({ session, provider, known, of, where }: Call): void {
  expect(session.state, where).toBe('open');
  expect(of('connection').at(-1)?.connection.state, where).toBe('resumed');
  const history = session.history.map(({ itemId }) => itemId);
  expect(known(), where).toEqual(history.filter((id) => known().includes(id)));
  const calls = session.history.flatMap((item) => (item.type === 'function_call' && item.status === 'completed' ? [item.callId] : []));
  const outputs = (provider.current?.items ?? []).flatMap(({ item }) => (item.type === 'function_call_output' ? [item.callId] : []));
  expect([...outputs].sort(), where).toEqual([...calls].sort());
  const ended = of('tool_end').map(({ callId }) => callId);
  expect(new Set(ended).size, where).toBe(ended.length);
  // These three say only that the model was faster, or has no such item any more, which is what was wanted.
  const harmless = ['response_cancel_not_active', 'conversation_already_has_active_response', 'item_delete_invalid_item_id'];
  expect(provider.connections.flatMap(({ refused }) => refused.filter((code) => !harmless.includes(code))), where).toEqual([]);
}

describe(`a socket that is killed in the middle (${SEEDS} seeds each)`, { timeout: 60_000 }, () => {
  async function each(check: (seed: number) => Promise<void>): Promise<void> {
    const { seed } = random();
    for (let index = 0; index < SEEDS; index += 1) await check(seed + index);
  }

  it('of a hand-off leaves one owner, whom the model is configured for, and one entry utterance', async () => {
    await each(async (seed) => {
      const ben = new RealtimeAgent({ name: 'Ben', instructions: 'I am Ben.' });
      const byTool = random(seed).next() < 0.5;
      const entry = { say: 'Ben speaking.' };
      const made = await call(seed, () => new RealtimeAgent({ name: 'Ada', instructions: 'I am Ada.', handoffs: [handoff({ to: ben, entry })] }));
      const { session, provider, rng, run, kill, of, where } = made;
      const outcome = byTool ? undefined : session.updateAgent(ben, { entry });
      if (byTool) {
        provider.nextCalls.push('transfer_to_Ben');
        session.sendMessage('Ben, please.');
        while (of('tool_start').length === 0) await run(5);
      }
      const begun = (): boolean => [...provider.begun.values()].some((instructions) => instructions?.endsWith(entry.say));
      const stage = rng.pick(['asked', 'confirmed', 'entering'] as const);
      if (stage === 'asked') await run(rng.int(0, 3) * 5);
      else while (of('handoff').length === 0) await run(5);
      if (stage === 'entering') {
        while (!begun()) await run(5);
        await run(rng.int(0, 40) * 5);
      }
      await kill();
      await run(15_000);
      expectWhole(made);
      // A call that was cut off before its arguments were whole is none.
      const isMade = of('tool_end').every((end) => end.outcome !== 'cancelled');
      expect(of('handoff').map(({ fromAgent, toAgent }) => [fromAgent, toAgent]), where).toEqual(isMade ? [['Ada', 'Ben']] : []);
      if (outcome !== undefined) expect(await outcome, where).toEqual({ ok: true });
      const configured = provider.current?.commands.findLast(({ type }) => type === 'configure');
      expect(configured, where).toMatchObject({ config: { instructions: isMade ? 'I am Ben.' : 'I am Ada.' } });
      // Who speaks is the owner of the moment, and the entry is heard in one response alone.
      const entered = new Set(of('audio').flatMap(({ responseId }) => (provider.begun.get(responseId)?.endsWith(entry.say) ? [responseId] : [])));
      expect(entered.size, where).toBe(isMade ? 1 : 0);
      for (const { responseId, info } of of('audio')) if (entered.has(responseId)) expect(info.agentName, where).toBe('Ben');
      await session.close();
    });
  });

  it('of a check lets out nothing that was held and not checked', async () => {
    let heldAtKill = 0;
    await each(async (seed) => {
      const passed = new Map<string, number>();
      const forbidden = new Set<string>();
      const made = await call(
        seed,
        () => new RealtimeAgent({ name: 'Ada' }),
        (clock, rng) => ({
          guardrails: {
            holdBackMs: 600,
            onFailure: 'closed',
            output: [
              {
                name: 'rule',
                check: (_text, { responseId = '' }) =>
                  new Promise<GuardrailVerdict>((resolve) => {
                    const trips = rng.next() < 0.3;
                    clock.after(rng.int(20, 400), () => {
                      if (trips) forbidden.add(responseId);
                      else if (!passed.has(responseId)) passed.set(responseId, clock.now());
                      resolve(trips ? { tripped: true, reason: 'It is.', say: 'No.' } : 'pass');
                    });
                  }),
              },
            ],
          },
        }),
      );
      const { session, rng, run, kill, events, of, where } = made;
      session.sendMessage('Tell me.');
      await run(rng.int(10, 100) * 5);
      const [live] = of('agent_start');
      if (live !== undefined && !passed.has(live.responseId)) heldAtKill += 1;
      await kill();
      await run(20_000);
      expectWhole(made);
      const over = new Set<string>();
      for (const { atMs, event } of events) {
        if (event.type === 'agent_end') over.add(event.responseId);
        if (event.type === 'guardrail_tripped' && event.responseId !== undefined) forbidden.add(event.responseId);
        if (event.type !== 'audio') continue;
        expect(passed.get(event.responseId) ?? Infinity, where).toBeLessThanOrEqual(atMs);
        if (event.responseId === live?.responseId) expect(over.has(event.responseId), where).toBe(false);
      }
      const tripped = of('guardrail_tripped').map(({ responseId }) => responseId);
      expect(new Set(tripped).size, where).toBe(tripped.length);
      await session.close();
    });
    expect(heldAtKill).toBeGreaterThan(0);
  });

  it('of a wait for approval runs the call once if the person agrees and never if not, whenever that is', async () => {
    await each(async (seed) => {
      const ran: string[] = [];
      const made = await call(seed, () => {
        const pay = tool({ name: 'pay', description: 'Pays.', parameters: z.object({}), needsApproval: true, execute: (_args, { callId }) => (ran.push(callId), 'paid') });
        return new RealtimeAgent({ name: 'Ada', tools: [pay] });
      });
      const { session, provider, clock, rng, run, kill, of, where } = made;
      provider.nextCalls.push('pay');
      session.sendMessage('Pay.');
      while (of('tool_approval_required').length === 0) await run(5);
      const [{ callId } = { callId: '' }] = of('tool_approval_required');
      const agrees = rng.next() < 0.6;
      // Before the kill, while there is no connection, or after it.
      clock.after(rng.int(0, 1_500), () => (agrees ? session.approve(callId) : session.reject(callId)));
      await run(rng.int(0, 100) * 5);
      await kill();
      await run(12_000);
      expectWhole(made);
      expect(ran, where).toEqual(agrees ? [callId] : []);
      expect(of('tool_end').map(({ outcome }) => outcome), where).toEqual([agrees ? 'ok' : 'cancelled']);
      expect(of('tool_approval_required').length, where).toBe(1);
      await session.close();
    });
  });

  it('of an edit of the history ends with the edit made, at the model too', async () => {
    let unconfirmed = 0;
    await each(async (seed) => {
      const made = await call(seed, () => new RealtimeAgent({ name: 'Ada' }));
      const { session, provider, rng, run, kill, known, of, where } = made;
      for (let index = 0; index < 6; index += 1) session.sendMessage(`Fact ${index}.`, { respond: false });
      session.setContext('order', 'Nothing yet.');
      await run(100);
      const before = session.history.map(({ itemId }) => itemId);
      const gone = before.slice(0, 6).filter(() => rng.next() < 0.4);
      session.updateHistory((items) => [...items.filter(({ itemId }) => !gone.includes(itemId)), { type: 'message', role: 'user', text: 'Added.' }]);
      session.setContext('order', 'Two pizzas.');
      await run(rng.int(0, 7) * 5);
      if (session.history.some(({ itemId }) => gone.includes(itemId))) unconfirmed += 1;
      await kill();
      await run(12_000);
      expectWhole(made);
      expect(of('error'), where).toEqual([]);
      const texts = session.history.map((item) => ('text' in item ? item.text : ''));
      expect(texts.filter((text) => text === 'Added.').length, where).toBe(1);
      expect(texts.filter((text) => text === 'Nothing yet.' || text === 'Two pizzas.'), where).toEqual(['Two pizzas.']);
      expect(session.history.filter(({ itemId }) => gone.includes(itemId)), where).toEqual([]);
      expect(known(), where).toEqual(session.history.map(({ itemId }) => itemId));
      expect(provider.current?.items.filter(({ id }) => gone.includes(id)), where).toEqual([]);
      await session.close();
    });
    expect(unconfirmed).toBeGreaterThan(0);
  });

  it("of a tool's output gives the model each output once, and the answer to it", async () => {
    let unconfirmed = 0;
    await each(async (seed) => {
      const runs: string[] = [];
      const made = await call(seed, (clock, rng) => {
        const work = tool({ name: 'work', description: 'Works.', parameters: z.object({}), execute: (_args, { callId }) => (runs.push(callId), new Promise((resolve) => clock.after(rng.int(1, 300), () => resolve('done')))) });
        return new RealtimeAgent({ name: 'Ada', tools: [work] });
      });
      const { session, provider, rng, run, kill, of, where } = made;
      provider.nextCalls.push('work');
      session.sendMessage('Work.');
      while (of('tool_end').length === 0) await run(5);
      await run(rng.int(0, 5) * 5);
      if (!session.history.some(({ type }) => type === 'function_call_output')) unconfirmed += 1;
      await kill();
      await run(12_000);
      expectWhole(made);
      expect(runs.length, where).toBe(1);
      expect(session.history.filter(({ type }) => type === 'function_call_output').length, where).toBe(1);
      const output = session.history.findIndex(({ type }) => type === 'function_call_output');
      expect(session.history.slice(output).some((item) => item.type === 'message' && item.role === 'assistant'), where).toBe(true);
      await session.close();
    });
    expect(unconfirmed).toBeGreaterThan(0);
  });
});
