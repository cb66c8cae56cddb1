import { describe, expect, it } from 'vitest';
import { PCM16_24K, msToBytes } from '../../../audio/index.js';
import type { ScriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { openHarness, replyBegins, replyEnds } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';
import { calls } from '../../helpers/tool-calls.js';
import { z } from 'zod';
import { tool } from '../../../session/index.js';

const metadataOf = (model: ScriptedModel): Record<string, string> => model.commandsOf('create_response').at(-1)?.request.metadata as Record<string, string>;

describe('turn metrics', () => {
  it('carry the end of speech in the audio over to the clock, and give each hop its time', async () => {
    const { session, model, clock, of } = await openHarness({ playback: 'reported' });
    // 2 s of microphone: speech ends at 1200 ms, the model decides at 1700 ms of audio and says so 40 ms later.
    for (let sent = 0; sent < 2_000; sent += 20) {
      clock.advance(20);
      session.sendAudio(new Uint8Array(msToBytes(PCM16_24K, 20)));
      if (sent === 1_680) {
        clock.advance(5);
        model.push({ type: 'speech_stopped', itemId: 'u1', audioEndMs: 1_700 });
        clock.advance(5);
        model.push({ type: 'input_committed', itemId: 'u1' });
        clock.advance(30);
        model.push({ type: 'response_created', responseId: 'r1', metadata: {} });
        clock.advance(300);
        model.push(...replyBegins('r1', 'a1', 'Yes.', 1_000).slice(1));
        break;
      }
    }
    clock.advance(80);
    session.reportPlayback({ itemId: 'a1', contentIndex: 0, samples: 480 });
    const [event] = of('turn_metrics');
    // The last 20 ms chunk (audio 1680..1700) came at clock 2700: audio 1200 lies 500 ms before that.
    expect(event).toMatchObject({
      responseId: 'r1',
      marks: { speechEndMs: 2_200, endpointDecidedMs: 2_705, committedMs: 2_710, responseCreatedMs: 2_740, firstDeltaMs: 3_040, firstFrameSentMs: 3_040, firstFrameHeardMs: 3_100 },
    });
    session.reportPlayback({ itemId: 'a1', contentIndex: 0, samples: 2_000 });
    expect(of('turn_metrics').length).toBe(1);
  });

  it('of a turn with a tool run from the speech to the answer that is heard', async () => {
    const look = tool({ name: 'look', description: 'Looks.', parameters: z.object({}), execute: () => 'seen' });
    const { session, model, clock, of } = await openHarness({ tools: [look] });
    session.sendMessage('Look!');
    const item = { type: 'function_call', id: 'f1', callId: 'c1', name: 'look', arguments: '{}', status: 'completed' } as const;
    clock.advance(100);
    model.push({ type: 'response_created', responseId: 'r1' }, { type: 'output_item_done', responseId: 'r1', outputIndex: 0, item }, { type: 'response_done', responseId: 'r1', status: 'completed', output: [item] });
    await settle();
    expect(of('turn_metrics')).toEqual([]);
    clock.advance(400);
    model.push(...replyBegins('r2', 'a2', 'I see.', 500), ...replyEnds('r2', 'a2', 'I see.'));
    expect(of('turn_metrics')).toMatchObject([{ responseId: 'r2', marks: { speechEndMs: 1_000, responseCreatedMs: 1_100, firstDeltaMs: 1_500, firstFrameHeardMs: 1_500 } }]);
  });

  it('of a turn in which something fills the silence wait for the answer: a clip, and words of the model', async () => {
    let end = (): void => {};
    const book = tool({
      ...{ name: 'book', description: 'Books.', parameters: z.object({}), timeoutMs: 60_000, background: { acknowledge: 'It takes a while.', fillers: [new Uint8Array(msToBytes(PCM16_24K, 300)).fill(1)] } },
      execute: () => new Promise<string>((resolve) => (end = () => resolve('table 12'))),
    });
    const { session, model, clock, of } = await openHarness({ tools: [book] });
    session.sendMessage('Book!');
    clock.advance(100);
    model.push(...calls('r1', ['c1', 'book', '{}']));
    await settle();
    await clock.advanceAsync(4_000);
    expect(of('audio').map(({ source }) => source)).toEqual(['filler']);
    session.respond({ instructions: 'Say that it goes on.' }, { priority: 'filler' });
    model.push(...replyBegins('f1', 'fi1', 'Still at it.', 200, metadataOf(model)), ...replyEnds('f1', 'fi1', 'Still at it.'));
    await clock.advanceAsync(1_000);
    end();
    await clock.advanceAsync(500);
    const answeredMs = clock.now();
    model.push(...replyBegins('r2', 'a2', 'Done.', 500, metadataOf(model)), ...replyEnds('r2', 'a2', 'Done.'));
    const [filler, answer, ...more] = of('turn_metrics');
    expect(more).toEqual([]);
    expect(filler?.responseId).toBe('f1');
    expect(filler?.marks).not.toHaveProperty('speechEndMs');
    expect(answer).toMatchObject({ responseId: 'r2', marks: { speechEndMs: 1_000, responseCreatedMs: 1_100, firstDeltaMs: answeredMs, firstFrameHeardMs: answeredMs } });
  });

  it('of an answer that was cut before it was heard have no mark of hearing', async () => {
    const { session, model, of } = await openHarness({ playback: 'reported' });
    session.sendMessage('Go.');
    model.push(...replyBegins('r1', 'a1', 'Once upon a time', 2_000));
    session.interrupt();
    expect(of('turn_metrics').length).toBe(1);
    expect(of('turn_metrics')[0]?.marks).not.toHaveProperty('firstFrameHeardMs');
  });

  it('of a second answer wait until the first has been played', async () => {
    const { model, of } = await openHarness();
    model.push(...replyBegins('r1', 'a1', 'First', 3_000), ...replyEnds('r1', 'a1', 'First'));
    model.push(...replyBegins('r2', 'a2', 'Second', 1_000));
    expect(of('turn_metrics').map(({ marks }) => marks.firstFrameHeardMs)).toEqual([1_000, 4_000]);
  });

  it('count typed answers without sound too', async () => {
    const { session, model, clock, of } = await openHarness({ config: { outputModality: 'text' } });
    session.sendMessage('Hi');
    clock.advance(250);
    const item = { type: 'message', id: 'a1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Hello' }] } as const;
    model.push({ type: 'response_created', responseId: 'r1' }, { type: 'output_text_delta', of: 'text', responseId: 'r1', itemId: 'a1', contentIndex: 0, delta: 'Hello' });
    model.push({ type: 'response_done', responseId: 'r1', status: 'completed', output: [item] });
    expect(of('turn_metrics')).toMatchObject([{ marks: { speechEndMs: 1_000, firstDeltaMs: 1_250 } }]);
  });
});
