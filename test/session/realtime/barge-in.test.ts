import { describe, expect, it } from 'vitest';
import { MULAW_8K, PCM16_24K } from '../../../audio/index.js';
import { createSessionState, step } from '../../../session/index.js';
import type { ModelCommand, SessionInput } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import { openHarness, replyBegins, replyEnds, speechStarts, tone } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';

const TEXT = 'one two three four five six seven eight nine ten';

/** What was sent for an interruption. */
function sent({ model }: Harness): Partial<ModelCommand>[] {
  return model.commands
    .filter(({ type }) => type === 'cancel_response' || type === 'truncate_item' || type === 'delete_item')
    .map((command) => {
      const { eventId: _id, ...rest } = command as ModelCommand & { eventId: string };
      return rest;
    });
}

async function speaking(audioMs: number, generated: boolean): Promise<Harness> {
  const harness = await openHarness();
  harness.model.push(...replyBegins('r1', 'a1', TEXT, audioMs));
  if (generated) harness.model.push(...replyEnds('r1', 'a1', TEXT));
  return harness;
}

describe('barge-in', () => {
  it('cuts 10 s that came in a moment at the 1200 ms that were reported as heard', async () => {
    const harness = await speaking(10_000, true);
    const { session, clock, model, of } = harness;
    clock.advance(1_210);
    session.reportPlayback({ itemId: 'a1', contentIndex: 0, samples: 28_800 });
    model.push(speechStarts('u1'));
    expect(of('audio_interrupted')).toMatchObject([{ epoch: 1, itemId: 'a1', responseId: 'r1', heardMs: 1_200 }]);
    expect(sent(harness)).toEqual([{ type: 'truncate_item', itemId: 'a1', contentIndex: 0, audioEndMs: 1_200 }]);
  });

  it('goes by the clock when nobody reports', async () => {
    const harness = await speaking(10_000, true);
    harness.clock.advance(2_345);
    harness.model.push(speechStarts('u1'));
    expect(sent(harness)).toEqual([{ type: 'truncate_item', itemId: 'a1', contentIndex: 0, audioEndMs: 2_345 }]);
  });

  it('gives the same numbers for interrupt() as for speech, and cancels what is still generated', async () => {
    const harness = await speaking(10_000, false);
    harness.clock.advance(1_000);
    harness.session.interrupt();
    expect(sent(harness)).toEqual([
      { type: 'cancel_response', responseId: 'r1' },
      { type: 'truncate_item', itemId: 'a1', contentIndex: 0, audioEndMs: 1_000 },
    ]);
  });

  it('sends no cancel on speech: the model cancels by itself', async () => {
    const harness = await speaking(10_000, false);
    harness.clock.advance(1_000);
    harness.model.push(speechStarts('u1'));
    expect(sent(harness).map(({ type }) => type)).toEqual(['truncate_item']);
  });

  it('never lets late audio of an interrupted response through', async () => {
    const { model, clock, of } = await speaking(1_000, false);
    clock.advance(500);
    model.push(speechStarts('u1'));
    const before = of('audio').length;
    model.push({ type: 'audio_delta', responseId: 'r1', itemId: 'a1', contentIndex: 0, bytes: tone(400) });
    model.push(...replyEnds('r1', 'a1', TEXT, 'cancelled'));
    model.push({ type: 'audio_delta', responseId: 'r1', itemId: 'a1', contentIndex: 0, bytes: tone(400) });
    expect(of('audio').length).toBe(before);
    expect(of('agent_end')).toMatchObject([{ responseId: 'r1', outcome: 'interrupted' }]);
  });

  it('gives the next answer the new epoch', async () => {
    const { model, clock, of } = await speaking(1_000, true);
    clock.advance(500);
    model.push(speechStarts('u1'), { type: 'speech_stopped', itemId: 'u1', audioEndMs: 900 }, { type: 'input_committed', itemId: 'u1' });
    model.push(...replyBegins('r2', 'a2', 'again', 100));
    expect(of('audio').map(({ epoch, itemId }) => [itemId, epoch])).toEqual([
      ['a1', 0],
      ['a2', 1],
    ]);
  });

  it('sends nothing when idle, when all was heard, and the second time', async () => {
    const harness = await speaking(1_000, true);
    harness.clock.advance(5_000);
    harness.session.interrupt();
    expect([sent(harness), harness.of('audio_interrupted')]).toEqual([[], []]);
    harness.model.push(...replyBegins('r2', 'a2', TEXT, 1_000));
    harness.session.interrupt();
    harness.session.interrupt();
    harness.model.push(speechStarts('u1'));
    expect(sent(harness).length).toBe(2);
    expect(harness.of('audio_interrupted').length).toBe(1);
  });

  it('cuts the audible item of a queue at what was heard, and what nobody heard at 0', async () => {
    const harness = await speaking(1_000, true);
    harness.model.push(...replyBegins('r2', 'a2', TEXT, 1_000), ...replyEnds('r2', 'a2', TEXT));
    harness.model.push(...replyBegins('r3', 'a3', TEXT, 1_000), ...replyEnds('r3', 'a3', TEXT));
    harness.clock.advance(1_500);
    harness.session.interrupt();
    expect(sent(harness)).toEqual([
      { type: 'truncate_item', itemId: 'a2', contentIndex: 0, audioEndMs: 500 },
      { type: 'truncate_item', itemId: 'a3', contentIndex: 0, audioEndMs: 0 },
    ]);
  });

  it('cancels a response that has no sound yet, without a truncation', async () => {
    const harness = await speaking(0, false);
    harness.session.interrupt();
    expect(sent(harness)).toEqual([{ type: 'cancel_response', responseId: 'r1' }]);
    expect(harness.of('audio_interrupted')).toMatchObject([{ heardMs: 0, heardText: '' }]);
  });

  it('cancels a response that was asked for as soon as it has an id', async () => {
    const harness = await openHarness();
    harness.session.respond();
    harness.session.interrupt();
    expect(sent(harness)).toEqual([]);
    const { request } = harness.model.commandsOf('create_response')[0] ?? {};
    harness.model.push(...replyBegins('r1', 'a1', TEXT, 500, request?.metadata));
    expect(sent(harness)).toEqual([{ type: 'cancel_response', responseId: 'r1' }]);
    expect(harness.of('audio')).toEqual([]);
  });

  it('leaves the agent speaking where the configuration says that speech does not interrupt', async () => {
    const harness = await openHarness({ config: { turnDetection: { type: 'server_vad', interruptResponse: false } } });
    harness.model.push(...replyBegins('r1', 'a1', TEXT, 5_000), speechStarts('u1'));
    expect([sent(harness), harness.of('audio_interrupted')]).toEqual([[], []]);
  });

  it('takes a refusal of its truncation or cancel for what it is: the model was faster', async () => {
    const harness = await speaking(2_000, false);
    harness.clock.advance(500);
    harness.session.interrupt();
    for (const command of harness.model.commands) {
      if (command.type === 'truncate_item') harness.model.push({ type: 'model_error', eventId: command.eventId, error: { code: 'invalid_value', message: 'Audio content of 400ms is already shorter than 500ms' } });
      if (command.type === 'cancel_response') harness.model.push({ type: 'model_error', eventId: command.eventId, error: { code: 'response_cancel_not_active', message: 'no active response found' } });
    }
    expect(harness.of('error')).toEqual([]);
    expect(harness.of('raw_model_event').length).toBe(2);
  });

  it('marks in the history what was heard and what was not, and both together are the text', async () => {
    const { session, model, clock, of } = await speaking(4_000, true);
    clock.advance(2_000);
    model.push(speechStarts('u1'));
    const item = session.history.find(({ itemId }) => itemId === 'a1');
    expect(item).toMatchObject({ status: 'interrupted', heardMs: 2_000, heardText: 'one two three four five', unheardText: ' six seven eight nine ten', text: TEXT });
    expect(of('audio_interrupted')).toMatchObject([{ heardText: 'one two three four five', unheardText: ' six seven eight nine ten' }]);
  });

  it('counts each response in the format that it was created with', () => {
    const state = createSessionState({ outputModality: 'audio', inputFormat: PCM16_24K, outputFormat: PCM16_24K, tools: [] }, 'clock');
    const take = (input: SessionInput, atMs: number) => step(state, input, atMs).effects;
    take({ type: 'connection_opened' }, 0);
    take({ type: 'model_session_configured' }, 0);
    take({ type: 'response_created', responseId: 'r1' }, 0);
    state.config = { ...state.config, outputFormat: MULAW_8K };
    const late = take({ type: 'audio_delta', responseId: 'r1', itemId: 'a1', contentIndex: 0, bytes: tone(100) }, 0);
    take({ type: 'response_created', responseId: 'r2' }, 10);
    const next = take({ type: 'audio_delta', responseId: 'r2', itemId: 'a2', contentIndex: 0, bytes: new Uint8Array(800) }, 10);
    const formats = [...late, ...next].flatMap((effect) => (effect.type === 'emit' && effect.event.type === 'audio' ? [effect.event.chunk.format] : []));
    expect(formats).toEqual([PCM16_24K, MULAW_8K]);
    const cuts = take({ type: 'interrupt' }, 150).flatMap((effect) => (effect.type === 'send' && effect.command.type === 'truncate_item' ? [[effect.command.itemId, effect.command.audioEndMs]] : []));
    expect(cuts).toEqual([['a1', 100], ['a2', 50]]);
  });

  it('never truncates beyond what was received, for 10 000 random conversations', async () => {
    const rng = random();
    for (let round = 0; round < 10_000; round += 1) {
      const harness = await openHarness();
      const { model, session, clock } = harness;
      const receivedMs = new Map<string, number>();
      let open: { responseId: string; itemId: string } | undefined;
      for (let action = 0; action < 12; action += 1) {
        clock.advance(rng.int(0, 700));
        const chance = rng.next();
        if (open === undefined) {
          open = { responseId: `r${action}`, itemId: `a${action}` };
          const ms = rng.int(0, 1_500);
          receivedMs.set(open.itemId, ms);
          model.push(...replyBegins(open.responseId, open.itemId, TEXT, ms));
        } else if (chance < 0.35) {
          const ms = rng.int(1, 800);
          receivedMs.set(open.itemId, (receivedMs.get(open.itemId) ?? 0) + ms);
          model.push({ type: 'audio_delta', ...open, contentIndex: 0, bytes: tone(ms) });
        } else if (chance < 0.6) {
          model.push(...replyEnds(open.responseId, open.itemId, TEXT));
          open = undefined;
        } else if (chance < 0.8) {
          session.reportPlayback({ itemId: open.itemId, contentIndex: 0, samples: rng.int(0, 60_000) });
        } else {
          session.interrupt();
        }
      }
      for (const { itemId, audioEndMs } of model.commandsOf('truncate_item')) {
        expect(audioEndMs, `seed ${rng.seed}, round ${round}`).toBeLessThanOrEqual(receivedMs.get(itemId) ?? -1);
        expect(Number.isInteger(audioEndMs), `seed ${rng.seed}, round ${round}`).toBe(true);
      }
      const truncated = model.commandsOf('truncate_item').map(({ itemId }) => itemId);
      expect(new Set(truncated).size, `seed ${rng.seed}, round ${round}: an item is truncated once`).toBe(truncated.length);
    }
  }, 60_000);
});
