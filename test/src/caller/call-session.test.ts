import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { MULAW_8K } from '../../../audio/index.js';
import { RealtimeAgent, RealtimeSession, tool } from '../../../session/index.js';
import type { RealtimeSessionOptions } from '../../../session/index.js';
import { z } from 'zod';
import { CallerError, EmulatedModel, ManualClock, caller, scriptedModel, voicewireMatchers } from '../../../src/testing.js';
import type { CallLine, CallerStep } from '../../../src/testing.js';
import { replayModel, replaySession } from '../../../src/recording/index.js';

beforeAll(() => expect.extend(voicewireMatchers));

const HELLO = fileURLToPath(new URL('../../../fixtures/audio/caller-hello.wav', import.meta.url));
const STOP = fileURLToPath(new URL('../../../fixtures/audio/caller-stop.wav', import.meta.url));

const bookTable = tool({ name: 'book_table', description: 'Books a table.', parameters: z.object({ people: z.number(), day: z.string(), time: z.string() }), execute: () => ({ table: 12, reference: 'V-4711' }) });

function restaurant(options: Partial<RealtimeSessionOptions> = {}) {
  return ({ clock, recorder }: CallLine): RealtimeSession =>
    new RealtimeSession(new RealtimeAgent({ name: 'Aurora', tools: [bookTable] }), { model: new EmulatedModel({ clock }), clock, recorder, sessionId: 'call', ...options });
}

const greeted = { onOpen: (session: RealtimeSession): void => void session.respond() };

async function refusal(call: Promise<unknown>): Promise<CallerError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallerError);
  return error as CallerError;
}

describe('a scripted caller and a session on the manual clock', () => {
  it('fails with an error that fits on a screen, with the call beside it', async () => {
    const error = await refusal(caller().hears('never said', { withinMs: 2_000 }).calls(restaurant(), greeted));
    expect(error.call.events.length).toBeGreaterThan(10);
    expect(inspect(error).split('\n').length).toBeLessThan(40);
  });

  it('talks, waits for what is said, interrupts and hangs up', async () => {
    const call = await caller()
      .hears(/how can I help/i)
      .untilSilent()
      .says(HELLO)
      .hears('table 12')
      .untilSilent({ withinMs: 20_000 })
      .types('Where can I park?')
      .interrupts(STOP, { afterMs: 800 })
      .untilSilent()
      .hangsUp()
      .calls(restaurant(), greeted);
    expect(call).toSayWithin(/good evening/i, 500);
    expect(call).toCallTool('book_table', { people: 2 });
    expect(call).toInterruptWithin(50);
    expect(call).not.toInterruptWithin(100, { from: 'onset' });
    expect(call).toInterruptWithin(400, { from: 'onset' });
    expect(call).toNeverSay(/baker/);
    expect(call).not.toNeverSay(/baker/, { generated: true });
    expect(call).toHaveNoGapOver(0);
    expect(call.events.at(-1)).toMatchObject({ type: 'connection', connection: { state: 'closed' } });
  });

  it('gives back both sides as they sounded, and a recording that replays', async () => {
    const call = await caller().hears('evening').waits(400).says(HELLO).untilAgentSpeaks().untilSilent({ withinMs: 20_000 }).calls(restaurant(), greeted);
    const loud = (samples: Int16Array | undefined): number => samples?.reduce((max, sample) => Math.max(max, Math.abs(sample)), 0) ?? 0;
    expect(loud(call.said?.samples)).toBeGreaterThan(1_000);
    expect(loud(call.heard?.samples)).toBeGreaterThan(1_000);
    // What was heard begins with the first report, less the 20 ms that it reports.
    const first = call.played[0];
    const from = ((first?.atMs ?? 0) - (call.heard?.startMs ?? 0)) * 24;
    expect(call.heard?.samples.subarray(0, Math.round(from) - 480).every((sample) => sample === 0)).toBe(true);
    if (call.recording === undefined) throw new Error('There is no recording.');
    const replay = replaySession(call.recording);
    expect(replay.difference).toBeUndefined();
    expect(call.recording.complete).toBe(true);
    expect(replay.events.map(({ type }) => type)).toEqual(call.events.map(({ type }) => type));
    expect(call.recording).toSayWithin(/good evening/i, 500);
  });

  it('is the same call each time', async () => {
    const once = async (): Promise<string> => JSON.stringify((await caller().says(HELLO).interrupts().untilSilent({ withinMs: 20_000 }).calls(restaurant())).events);
    expect(await once()).toBe(await once());
  });

  it('is the same script as data', async () => {
    const script = caller().types('When are you open?').hears('every day').hangsUp();
    const data = JSON.parse(JSON.stringify(script.steps)) as CallerStep[];
    expect(data).toEqual([{ does: 'types', text: 'When are you open?' }, { does: 'hears', pattern: 'every day' }, { does: 'hangs_up' }]);
    const call = await caller(data).calls(restaurant());
    expect(call).toSayWithin(/We are open/, 1_000);
  });

  it('speaks and hears in the formats of a telephone', async () => {
    const call = await caller().says(HELLO).hears('With pleasure', { withinMs: 5_000 }).calls(restaurant({ config: { inputFormat: MULAW_8K, outputFormat: MULAW_8K } }));
    expect(call).toCallTool('book_table');
    expect(call.recording?.header.audio.input).toEqual(MULAW_8K);
    expect(call).toHaveNoGapOver(1);
  });

  it('talks to a recorded model', async () => {
    const recorded = await caller().types('When are you open?').hears('every day').calls(restaurant());
    if (recorded.recording === undefined) throw new Error('There is no recording.');
    const { recording } = recorded;
    const call = await caller().types('When are you open?').hears('every day').calls(({ clock, recorder }) => restaurant({ model: replayModel(recording, { clock, mode: 'lenient' }) })({ clock, recorder }));
    expect(call).toSayWithin(/We are open/, 1_000);
  });

  it('talks to a session that is given, on its clock, and leaves no timer behind', async () => {
    const clock = new ManualClock();
    const session = new RealtimeSession(new RealtimeAgent({ name: 'Aurora' }), { model: new EmulatedModel({ clock }), clock });
    const call = await caller().types('When are you open?').hears('every day').calls(session, { clock });
    expect(call.recording).toBeUndefined();
    expect(call).toSayWithin(/open/, 1_000);
    expect(session.state).toBe('closed');
    await clock.run(60_000);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a caller who waits in vain', () => {
  it('says for what, for how long, and what was heard', async () => {
    const error = await refusal(caller().hears('help').untilSilent().hears(/pizza/, { withinMs: 4_000 }).calls(restaurant(), greeted));
    expect(error.code).toBe('CALLER_TIMEOUT');
    expect(error.message).toMatch(/^Step 3 of the caller's script, hears\(\/pizza\/\), waited 40\d\d ms in vain\. Heard so far: "Good evening, .*help you\?"\.$/);
    expect(error.step).toBe(3);
    expect(error.call).toSayWithin(/good evening/i, 500);
  });

  it.each([
    ['until_agent_speaks', caller().untilAgentSpeaks({ withinMs: 300 })],
    ['interrupts', caller().interrupts('Wait.', { withinMs: 300 })],
    ['until_silent', caller().untilSilent({ forMs: 1_000, withinMs: 300 })],
  ])('%s has its time', async (name, script) => {
    const silent = ({ clock }: CallLine): RealtimeSession => new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model: scriptedModel(), clock });
    const error = await refusal(script.calls(silent));
    expect(error.message).toMatch(new RegExp(`Step 1 of the caller's script, ${name}, waited 3\\d\\d ms in vain. Nothing of the agent has been heard.`));
  });

  it('ends a call that is too long', async () => {
    const error = await refusal(caller().waits(60_000).calls(restaurant(), { maxMs: 2_000 }));
    expect(error.code).toBe('CALLER_TIMEOUT');
    expect(error.message).toContain('longer than 2000 ms');
  });

  it('finds nothing twice', async () => {
    const error = await refusal(caller().hears('good evening').hears('good evening', { withinMs: 3_000 }).calls(restaurant(), greeted));
    expect(error.step).toBe(2);
  });
});

describe('a call that the other side ends', () => {
  const ending = (afterMs: number) => ({ clock, recorder }: CallLine): RealtimeSession => {
    const session = restaurant()({ clock, recorder });
    clock.after(afterMs, () => void session.close('enough'));
    return session;
  };

  it('is an error while the script has something to say', async () => {
    const error = await refusal(caller().waits(2_000).says('Hello?').calls(ending(1_000)));
    expect(error.code).toBe('CALL_ENDED_EARLY');
    expect(error.message).toBe("The call ended at step 1 of the caller's script: enough.");
    expect(error.call.events.at(-1)).toMatchObject({ connection: { state: 'closed', reason: 'enough' } });
  });

  it('is the end when nothing is left to say', async () => {
    const call = await caller().waits(200).untilSilent({ forMs: 5_000, withinMs: 30_000 }).hangsUp().calls(ending(1_000));
    expect(call.events.at(-1)).toMatchObject({ connection: { state: 'closed' } });
  });

  it('is what connect() says when it never began', async () => {
    const refusing = ({ clock }: CallLine): RealtimeSession => {
      const model = new EmulatedModel({ clock });
      model.refuses = true;
      return new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model, clock, reconnect: false });
    };
    await expect(caller().says('Hello?').calls(refusing)).rejects.toMatchObject({ code: 'MODEL_UNREACHABLE' });
  });
});

describe('a script', () => {
  it.each([
    ['a step that there is not', [{ does: 'sings' }]],
    ['a wait without its time', [{ does: 'waits' }]],
    ['a time below 0', [{ does: 'waits', ms: -1 }]],
    ['nothing to say', [{ does: 'says', what: '' }]],
    ['nothing to type', [{ does: 'types', text: '' }]],
    ['nothing to hear', [{ does: 'hears', pattern: ' ' }]],
    ['no list', {}],
  ])('with %s is refused', (_name, steps) => {
    expect(() => caller(steps as unknown as CallerStep[])).toThrow(/script/);
  });

  it('names the file that is not there', async () => {
    await expect(caller().says('no-such.wav').calls(restaurant())).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  it('is not changed by the steps that follow', () => {
    const one = caller().says('Hello.');
    one.waits(100);
    expect(one.steps).toHaveLength(1);
  });
});
