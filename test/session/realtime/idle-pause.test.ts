import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PCM16_24K } from '../../../audio/index.js';
import { RealtimeAgent, tool } from '../../../session/index.js';
import type { BackgroundOptions } from '../../../session/index.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { openHarness, replyBegins, replyEnds, speechStarts, tone } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';
import { calls } from '../../helpers/tool-calls.js';

const IDLE = { config: { turnDetection: { type: 'server_vad', idleTimeoutMs: 5_000, silenceMs: 400 } } } as const;

interface Work {
  readonly agent: RealtimeAgent;
  end(): void;
}

function work(background?: BackgroundOptions): Work {
  let end = (): void => {};
  const made = tool({ name: 'work', description: 'Works.', parameters: z.object({}), timeoutMs: 60_000, ...(background === undefined ? {} : { background }), execute: () => new Promise<string>((resolve) => (end = () => resolve('done'))) });
  return { agent: new RealtimeAgent({ name: 'Ava', instructions: 'Be brief.', tools: [made] }), end: () => end() };
}

/** What each configuration after the first said of the idle timer. */
function idleTimes({ model }: Harness): unknown[] {
  return model.commandsOf('configure').slice(1).map(({ config }) => (config.turnDetection?.type === 'server_vad' ? config.turnDetection.idleTimeoutMs : 'none'));
}

async function advance({ clock }: Harness, ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}

async function working(made: Work, options: Parameters<typeof openHarness>[0] = {}): Promise<Harness> {
  const harness = await openHarness({ agent: made.agent, ...IDLE, ...options });
  harness.model.push(...calls('r1', ['c1', 'work', '{}']));
  await settle();
  return harness;
}

describe('the idle timer of the provider', () => {
  it('is turned off while a tool works for 8 s, and on again when its result is with the model; nothing else changes', async () => {
    const made = work();
    const harness = await working(made);
    await advance(harness, 1_499);
    expect(idleTimes(harness)).toEqual([]);
    await advance(harness, 1);
    expect(idleTimes(harness)).toEqual([null]);
    await advance(harness, 6_500);
    expect(idleTimes(harness)).toEqual([null]);
    made.end();
    await settle();
    expect(idleTimes(harness)).toEqual([null, 5_000]);
    const [first, off, on] = harness.model.commandsOf('configure').map(({ config }) => config);
    expect(off).toEqual({ ...first, turnDetection: { ...first?.turnDetection, idleTimeoutMs: null } });
    expect(on).toEqual(first);
    expect([off?.inputFormat, off?.outputFormat]).toEqual([PCM16_24K, PCM16_24K]);
    expect(harness.of('error')).toEqual([]);
    await advance(harness, 1_000);
    expect(harness.model.commandsOf('create_response').length).toBe(1);
  });

  it('is left alone by tools that end soon, and where none is configured', async () => {
    const soon = work();
    const harness = await working(soon);
    await advance(harness, 1_000);
    soon.end();
    await settle();
    await advance(harness, 30_000);
    expect(idleTimes(harness)).toEqual([]);
    for (const turnDetection of [{ type: 'server_vad' }, { type: 'server_vad', idleTimeoutMs: null }, { type: 'semantic_vad' }, null] as const) {
      const none = await working(work(), { config: { turnDetection } });
      await advance(none, 30_000);
      expect(idleTimes(none)).toEqual([]);
    }
  });

  it('stays off through clips and until the result is told', async () => {
    const made = work({ acknowledge: 'It is being made.', fillers: [tone(1_000)], everyMs: 2_000, max: 9 });
    const harness = await working(made);
    await advance(harness, 9_900);
    expect(harness.of('audio').map(({ source }) => source)).toContain('filler');
    expect(idleTimes(harness)).toEqual([null]);
    // A clip sounds: the result waits for its end, and so does the timer.
    made.end();
    await settle();
    expect(harness.model.commandsOf('create_response')).toEqual([]);
    expect(idleTimes(harness)).toEqual([null]);
    await advance(harness, 1_500);
    expect(harness.model.commandsOf('create_response').length).toBe(1);
    expect(idleTimes(harness)).toEqual([null, 5_000]);
  });

  it('never crosses a hand-off: it waits for one, and is carried by one', async () => {
    const made = work();
    const model = scriptedModel({ autoConfigure: false, onCommand: (command, far) => command.type === 'configure' && far.commandsOf('configure').length === 1 && queueMicrotask(() => far.push({ type: 'model_session_configured' })) });
    const harness = await working(made, { model });
    const outcome = harness.session.updateAgent(new RealtimeAgent({ name: 'Bob', instructions: 'I am Bob.' }), { entry: 'silent' });
    await settle();
    await advance(harness, 4_000);
    expect(idleTimes(harness)).toEqual([5_000]);
    model.push({ type: 'model_session_configured' });
    expect(await outcome).toEqual({ ok: true });
    await advance(harness, 300);
    expect(idleTimes(harness)).toEqual([5_000, null]);
    expect(model.commandsOf('configure').at(-1)?.config.instructions).toBe('I am Bob.');
    // Before the model has confirmed that, another hand-off: the first answer is not taken for its own.
    const second = harness.session.updateAgent(new RealtimeAgent({ name: 'Cleo', instructions: 'I am Cleo.' }), { entry: 'silent' });
    await settle();
    expect(idleTimes(harness)).toEqual([5_000, null, null]);
    model.push({ type: 'model_session_configured' });
    await settle();
    expect(harness.of('handoff').map(({ toAgent }) => toAgent)).toEqual(['Bob']);
    model.push({ type: 'model_session_configured' });
    expect(await second).toEqual({ ok: true });
    made.end();
    await settle();
    expect(idleTimes(harness)).toEqual([5_000, null, null, 5_000]);
    expect(model.commandsOf('configure').at(-1)?.config.instructions).toBe('I am Cleo.');
  });

  it('is not touched while the user speaks', async () => {
    const made = work();
    const harness = await working(made);
    harness.model.push(speechStarts('u1'));
    await advance(harness, 5_000);
    expect(idleTimes(harness)).toEqual([]);
    harness.model.push({ type: 'speech_stopped', itemId: 'u1', audioEndMs: 900 }, { type: 'input_committed', itemId: 'u1' });
    harness.model.push(...replyBegins('r2', 'a2', 'Soon.', 300), ...replyEnds('r2', 'a2', 'Soon.'));
    await advance(harness, 300);
    expect(idleTimes(harness)).toEqual([null]);
  });

  it('is left alone from then on when the model refuses, and that is told once', async () => {
    const made = work();
    const model = scriptedModel({
      onCommand: (command, far) => {
        if (command.type === 'configure' && far.commandsOf('configure').length === 2) far.push({ type: 'model_error', eventId: command.eventId, error: { code: 'invalid_value', message: 'No.' } });
      },
    });
    const harness = await working(made, { model });
    await advance(harness, 2_000);
    made.end();
    await advance(harness, 30_000);
    expect(idleTimes(harness)).toEqual([null]);
    expect(harness.of('error').map(({ error }) => error.code)).toEqual(['PROVIDER_ERROR']);
  });

  it('is turned off again on a new connection, which begins as it is configured', async () => {
    const made = work();
    const harness = await working(made, { reconnect: { baseDelayMs: 0 } });
    await advance(harness, 2_000);
    harness.model.closeFromPeer(1006);
    await settle();
    await advance(harness, 10);
    await advance(harness, 300);
    expect(idleTimes(harness)).toEqual([null, 5_000, null]);
    made.end();
    await settle();
    expect(idleTimes(harness)).toEqual([null, 5_000, null, 5_000]);
  });
});
