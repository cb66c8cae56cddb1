import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tool } from '../../../session/index.js';
import type { BackgroundOptions, Tool, ToolContext, ToolOptions } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import { openHarness, replyBegins, replyEnds, speechStarts, tone } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';
import { calls, outputsOf } from '../../helpers/tool-calls.js';

const EMPTY = z.object({});

interface Booking {
  readonly tool: Tool;
  readonly contexts: ToolContext[];
  end(result: string | Error): void;
}

function booking(background: Partial<BackgroundOptions> = {}, options: Partial<ToolOptions<typeof EMPTY>> = {}): Booking {
  const contexts: ToolContext[] = [];
  let end: (result: string | Error) => void = () => {};
  const made = tool({
    name: 'book',
    description: 'Books.',
    parameters: EMPTY,
    timeoutMs: 60_000,
    background: { acknowledge: '"The booking is being made."', ...background },
    ...options,
    execute: (_args, context) => {
      contexts.push(context);
      return new Promise<string>((resolve, reject) => (end = (result) => (typeof result === 'string' ? resolve(result) : reject(result))));
    },
  });
  return { tool: made, contexts, end: (result) => end(result) };
}

async function called(made: Booking, options: Parameters<typeof openHarness>[0] = {}): Promise<Harness> {
  const harness = await openHarness({ tools: [made.tool], ...options });
  harness.model.push(...calls('r1', ['c1', 'book', '{}']));
  await settle();
  return harness;
}

function results({ model }: Harness): string[] {
  return model.commandsOf('create_item').flatMap(({ item }) => (item.type === 'message' && item.role === 'system' ? item.content.map((part) => ('text' in part ? part.text : '')) : []));
}

/** The model gives the answer that was asked for last; it is generated at once, and heard by the clock. */
function modelAnswers(harness: Harness, responseId: string, text: string, audioMs: number): void {
  const request = harness.model.commandsOf('create_response').at(-1);
  const metadata = request?.request.metadata as Record<string, string>;
  harness.model.push(...replyBegins(responseId, `a_${responseId}`, text, audioMs, metadata), ...replyEnds(responseId, `a_${responseId}`, text));
}

function advance(harness: Harness, ms: number): Promise<void> {
  harness.clock.advance(ms);
  return settle();
}

describe('a tool in the background', () => {
  it('that ends soon is answered like any other', async () => {
    const made = booking();
    const harness = await called(made);
    await advance(harness, 699);
    made.end('"done"');
    await settle();
    await advance(harness, 60_000);
    expect(outputsOf(harness)).toEqual([['c1', 'done']]);
    expect(results(harness)).toEqual([]);
    expect(harness.of('tool_end')).toMatchObject([{ outcome: 'ok', durationMs: 699 }]);
  });

  it('that takes 8 s is acknowledged within a second, and its result is spoken once, when both sides are quiet', async () => {
    const made = booking();
    const harness = await called(made);
    const { model, of } = harness;
    await advance(harness, 700);
    expect(outputsOf(harness)).toEqual([['c1', 'The booking is being made.']]);
    expect(model.commandsOf('create_response').length).toBe(1);
    expect(of('tool_end')).toEqual([]);
    await advance(harness, 250);
    modelAnswers(harness, 'r2', 'One moment.', 1_200);
    expect(of('audio')[0]?.info.timestamp).toBeLessThanOrEqual(2_000); // the call was at 1 000
    await advance(harness, 7_050);
    made.end('"table 12"');
    await settle();
    expect(of('tool_end')).toMatchObject([{ callId: 'c1', outcome: 'ok', output: '"table 12"', durationMs: 8_000 }]);
    expect(outputsOf(harness).length).toBe(1);
    expect(results(harness)).toEqual([expect.stringMatching(/book.*call c1.*"table 12".*Tell the user/) as string]);
    expect(model.commandsOf('create_response').length).toBe(2);
    modelAnswers(harness, 'r3', 'Table twelve.', 500);
    await advance(harness, 120_000);
    expect(model.commandsOf('create_response').length).toBe(2);
    expect(results(harness).length).toBe(1);
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('keeps its result until the agent has been heard, and until the user has been answered', async () => {
    const made = booking();
    const harness = await called(made);
    await advance(harness, 700);
    modelAnswers(harness, 'r2', 'One moment, please.', 3_000);
    made.end('"done"');
    await advance(harness, 2_900);
    expect(results(harness)).toEqual([]);
    harness.model.push(speechStarts('u1'));
    await advance(harness, 1_000);
    expect(results(harness)).toEqual([]);
    harness.model.push({ type: 'speech_stopped', itemId: 'u1', audioEndMs: 1_000 }, { type: 'input_committed', itemId: 'u1' });
    await advance(harness, 400);
    expect(results(harness)).toEqual([]);
    harness.model.push(...replyBegins('auto', 'a_auto', 'Still working.', 1_000), ...replyEnds('auto', 'a_auto', 'Still working.'));
    await advance(harness, 900);
    expect(results(harness)).toEqual([]);
    await advance(harness, 200);
    expect(results(harness).length).toBe(1);
  });

  it('waits no longer than 30 s for quiet', async () => {
    const made = booking();
    const harness = await called(made);
    await advance(harness, 700);
    modelAnswers(harness, 'r2', 'One moment.', 1_000);
    await advance(harness, 1_000);
    // Somebody who talks without end.
    harness.model.push(speechStarts('u1'));
    made.end('"done"');
    await settle();
    await advance(harness, 29_900);
    expect(results(harness)).toEqual([]);
    await advance(harness, 200);
    expect(results(harness).length).toBe(1);
  });

  it('that may not start a response delivers and asks for nothing', async () => {
    const made = booking({ respond: false }, { respond: false });
    const harness = await called(made);
    await advance(harness, 2_000);
    made.end('"done"');
    await advance(harness, 2_000);
    expect(outputsOf(harness).length).toBe(1);
    expect(results(harness)).toEqual([expect.not.stringContaining('Tell the user') as string]);
    expect(harness.model.commandsOf('create_response')).toEqual([]);
  });

  it('does not hold up the answer to the other calls of its response', async () => {
    const made = booking({ afterMs: 0 });
    const quick = tool({ name: 'quick', description: '', parameters: EMPTY, execute: () => 1 });
    const harness = await openHarness({ tools: [made.tool, quick] });
    harness.model.push(...calls('r1', ['c1', 'book', '{}'], ['c2', 'quick', '{}']));
    await settle();
    expect(outputsOf(harness)).toEqual([['c1', 'The booking is being made.'], ['c2', 1]]);
    expect(harness.model.commandsOf('create_response').length).toBe(1);
  });

  it('counts as running while it works', async () => {
    const made = booking({}, { concurrency: 1 });
    const harness = await called(made);
    await advance(harness, 1_000);
    harness.model.push(...calls('r2', ['c2', 'book', '{}']));
    await settle();
    expect(made.contexts.map(({ callId }) => callId)).toEqual(['c1']);
    made.end('');
    await settle();
    expect(made.contexts.map(({ callId }) => callId)).toEqual(['c1', 'c2']);
  });

  it('that throws tells the model what went wrong', async () => {
    const made = booking();
    const harness = await called(made);
    await advance(harness, 700);
    modelAnswers(harness, 'r2', 'One moment.', 100);
    made.end(new Error('full'));
    await advance(harness, 1_000);
    expect(results(harness)).toEqual([expect.stringContaining('{"error":"full"}') as string]);
    expect(harness.of('tool_end')).toMatchObject([{ outcome: 'error' }]);
  });

  it('that is given up is told as unsettled, and a late result is announced, or dropped where the tool says so', async () => {
    for (const late of ['announce', 'drop'] as const) {
      const made = booking({ late, respond: false }, { timeoutMs: 5_000 });
      const harness = await called(made);
      await advance(harness, 5_500);
      expect(harness.of('tool_end')).toMatchObject([{ outcome: 'unsettled' }]);
      expect(results(harness)).toEqual([expect.stringContaining('unsettled') as string]);
      modelAnswers(harness, 'r2', 'I do not know.', 100);
      await advance(harness, 3_000);
      made.end('"table 12"');
      await advance(harness, 1_000);
      expect(results(harness).length, late).toBe(late === 'announce' ? 2 : 1);
      expect(harness.of('tool_end').length).toBe(1);
      expect(outputsOf(harness).length).toBe(1);
    }
  });

  it('is unsettled when the session closes; its late result is dropped and logged', async () => {
    const lines: string[] = [];
    const log = (message: string): void => void lines.push(message);
    const logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
    const made = booking();
    const harness = await called(made, { logger });
    await advance(harness, 1_000);
    const before = harness.model.commands.length;
    await harness.session.close();
    expect(made.contexts[0]?.signal.aborted).toBe(true);
    expect(harness.of('tool_end')).toMatchObject([{ outcome: 'unsettled', durationMs: 1_000 }]);
    made.end('"table 12"');
    await advance(harness, 60_000);
    expect(lines.filter((line) => line.includes('dropped')).length).toBe(1);
    expect(harness.model.commands.length).toBe(before);
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('refuses times and texts that cannot be', () => {
    expect(() => booking({ acknowledge: ' ' })).toThrow(TypeError);
    for (const wrong of [{ afterMs: -1 }, { everyMs: 0 }, { max: Number.NaN }]) expect(() => booking(wrong)).toThrow(RangeError);
  });
});

describe('a filler', () => {
  const clip = tone(1_000);

  it('is heard within a second, then every so often, no more than its number, and the model knows nothing of it', async () => {
    const made = booking({ fillers: [clip, tone(500)], everyMs: 3_000, max: 3 });
    const harness = await called(made);
    await advance(harness, 30_000);
    expect(harness.of('audio').map(({ info, source, chunk }) => [info.timestamp - 1_000, source, chunk.bytes.length])).toEqual([
      [700, 'filler', clip.length],
      [700 + 1_000 + 3_000, 'filler', clip.length / 2],
      [700 + 1_000 + 3_000 + 500 + 3_000, 'filler', clip.length],
    ]);
    expect(harness.of('audio')[0]?.chunk.bytes).not.toBe(clip);
    expect(harness.of('audio_end').map(({ durationMs }) => durationMs)).toEqual([1_000, 500, 1_000]);
    expect(harness.model.commandsOf('create_response')).toEqual([]);
    expect(harness.model.commandsOf('create_item').length).toBe(1); // the acknowledgement
    expect(harness.session.history.filter(({ type }) => type === 'message')).toEqual([]);
  });

  it('can be talked over: it stops, nothing is truncated at the model, and the result still comes', async () => {
    const made = booking({ fillers: [clip], everyMs: 60_000 });
    const harness = await called(made);
    await advance(harness, 700 + 400);
    harness.model.push(speechStarts('u1'));
    expect(harness.of('audio_interrupted')).toMatchObject([{ heardMs: 400, epoch: 1 }]);
    expect(harness.model.commandsOf('truncate_item')).toEqual([]);
    expect(harness.model.commandsOf('cancel_response')).toEqual([]);
    harness.model.push({ type: 'speech_stopped', itemId: 'u1', audioEndMs: 1_000 }, { type: 'input_committed', itemId: 'u1' });
    harness.model.push(...replyBegins('auto', 'a1', 'Soon.', 300), ...replyEnds('auto', 'a1', 'Soon.'));
    made.end('"done"');
    await advance(harness, 1_000);
    expect(results(harness).length).toBe(1);
  });

  it('never sounds while anybody else does, for 300 random conversations, and the result is delivered once', async () => {
    const rng = random();
    for (let round = 0; round < 300; round += 1) {
      const where = `seed ${rng.seed}, round ${round}`;
      const made = booking({ fillers: [tone(rng.int(100, 2_000))], everyMs: rng.int(100, 2_000), max: 20, respond: rng.next() < 0.5 });
      const harness = await called(made);
      const { model } = harness;
      let [speaking, soundsUntilMs, ended] = [false, 0, false];
      harness.session.on('audio', ({ source, info }) => {
        if (source !== 'filler') return;
        expect(speaking, where).toBe(false);
        expect(info.timestamp, where).toBeGreaterThanOrEqual(soundsUntilMs);
      });
      for (let at = 0; at < 40; at += 1) {
        const id = `${round}_${at}`;
        const asked = model.commandsOf('create_response').length;
        rng.pick([
          () => {
            if (speaking) return;
            speaking = true;
            soundsUntilMs = 0;
            model.push(speechStarts(`u${id}`));
          },
          () => {
            if (!speaking) return;
            speaking = false;
            model.push({ type: 'speech_stopped', itemId: `u${id}`, audioEndMs: 1 }, { type: 'input_committed', itemId: `u${id}` });
          },
          () => {
            if (speaking) return;
            const audioMs = rng.int(50, 1_500);
            const metadata = model.commandsOf('create_response').at(-1)?.request.metadata as Record<string, string> | undefined;
            soundsUntilMs = Math.max(soundsUntilMs, harness.clock.now()) + audioMs;
            model.push(...replyBegins(`r${id}`, `a${id}`, 'words', audioMs, asked > 0 ? metadata : undefined), ...replyEnds(`r${id}`, `a${id}`, 'words'));
          },
          () => {
            if (ended || rng.next() < 0.7) return;
            ended = true;
            made.end('"done"');
          },
        ])();
        await advance(harness, rng.int(0, 800));
      }
      if (speaking) model.push({ type: 'speech_stopped', itemId: 'u', audioEndMs: 1 }, { type: 'input_committed', itemId: 'u' });
      speaking = false;
      if (!ended) made.end('"done"');
      await advance(harness, 31_000);
      await advance(harness, 31_000);
      expect(outputsOf(harness).length, where).toBe(1);
      // It may have ended before it was acknowledged.
      const atOnce = outputsOf(harness)[0]?.[1] === 'done' ? 1 : 0;
      expect(results(harness).length + atOnce, where).toBe(1);
      expect(model.commandsOf('truncate_item').every(({ itemId }) => itemId.startsWith('a')), where).toBe(true);
    }
  });
});
