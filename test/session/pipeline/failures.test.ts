import { describe, expect, it } from 'vitest';
import { ProviderError, TransportError } from '../../../session/index.js';
import type { VoicePipelineOptions } from '../../../session/index.js';
import { runPipeline } from '../../helpers/pipeline-harness.js';
import type { HarnessOptions, PipelineHarness } from '../../helpers/pipeline-harness.js';
import { voiceOf } from '../../helpers/scripted-stages.js';
import { settle } from '../../helpers/settle.js';

const boom = new Error('boom');

/** A turn goes wrong, and the next one well: the second scripts are fine. */
async function twoTurns(options: HarnessOptions, given: Partial<VoicePipelineOptions> = {}): Promise<PipelineHarness> {
  const run = runPipeline(options, given);
  for (let turn = 0; turn < 2; turn += 1) {
    await run.speak(400);
    await run.pause(3_000);
  }
  run.microphone.end();
  await run.clock.run(10_000);
  expect(await run.done).toBeUndefined();
  expect(run.clock.pendingTimers).toBe(0);
  expect(run.recogniser.streams.open + run.workflow.streams.open + run.synthesiser.streams.open + run.microphone.open).toBe(0);
  return run;
}

const SECOND_IS_WELL = ['turn_started 2', 'speech started 3400', 'speech stopped 3800', 'user: Hello.', 'agent: Fine.', 'turn_ended 2 answered', 'session_ended 0'];
const FIRST_HEARD = ['turn_started 1', 'speech started 0', 'speech stopped 400'];

describe('a stage that fails', () => {
  it('the recogniser: the turn ends, and the next one is understood', async () => {
    const run = await twoTurns({ recogniser: [[{ fail: boom }], 'Hello.'], workflow: ['Fine.'] });
    expect(run.story()).toEqual([...FIRST_HEARD, 'error recognise STAGE_FAILED', 'turn_ended 1 failed', ...SECOND_IS_WELL]);
    const [event] = run.of('voice_stream_event_error');
    expect(event?.error.cause).toBe(boom);
    expect(event?.details).toBe('The recogniser failed: boom See the cause: it is what the stage threw. The next turn goes through the same stages.');
    expect(run.recogniser.turns[0]?.signal.aborted).toBe(true);
  });

  it('the recogniser while the user speaks', async () => {
    const run = runPipeline({ early: [{ fail: boom }] });
    await run.speak(1_000);
    expect(run.story()).toEqual(['turn_started 1', 'speech started 0', 'error recognise STAGE_FAILED', 'turn_ended 1 failed']);
  });

  it('with an error of ours: it is told as it is', async () => {
    const error = new ProviderError('PROVIDER_RATE_LIMITED', 'Slow down.', { retryable: true });
    const run = await twoTurns({ recogniser: [[{ fail: error }], 'Hello.'], workflow: ['Fine.'] });
    expect(run.of('voice_stream_event_error')[0]?.error).toBe(error);
  });

  it('the workflow before its first word', async () => {
    const run = await twoTurns({ workflow: [[{ fail: boom }], 'Fine.'] });
    expect(run.story()).toEqual([...FIRST_HEARD, 'user: Hello.', 'error workflow STAGE_FAILED', 'turn_ended 1 failed', ...SECOND_IS_WELL]);
    expect(run.workflow.told).toEqual([{ heardText: '', unheardText: '' }]);
  });

  it('the workflow in the midst of its answer: what was made is heard out, and the workflow knows how far', async () => {
    const run = await twoTurns({ workflow: [[{ give: 'One two. Three' }, { waitMs: 100 }, { fail: boom }], 'Fine.'] });
    expect(run.story()).toEqual([...FIRST_HEARD, 'user: Hello.', 'agent: One two.', 'error workflow STAGE_FAILED', 'turn_ended 1 failed', ...SECOND_IS_WELL]);
    expect(run.workflow.told).toEqual([{ heardText: 'One two.', unheardText: ' Three' }]);
    const [failed, ended] = ['voice_stream_event_error', 'turn_ended'].map((name) => run.events.find((event) => event.type === name || ('event' in event && event.event === name))?.info.timestamp ?? 0);
    // 400 ms of sound, of which 100 had been heard.
    expect((ended ?? 0) - (failed ?? 0)).toBe(300);
  });

  it('the synthesiser: the sentence before is heard out', async () => {
    const run = await twoTurns({
      workflow: ['One two. Three four.', 'Fine.'],
      synthesiser: { script: (text, index) => (index === 1 ? [{ fail: boom }] : voiceOf(text, 24_000).map((give) => ({ give }))) },
    });
    expect(run.story()).toEqual([...FIRST_HEARD, 'user: Hello.', 'agent: One two.', 'error synthesise STAGE_FAILED', 'turn_ended 1 failed', ...SECOND_IS_WELL]);
    expect(run.workflow.told).toEqual([{ heardText: 'One two.', unheardText: ' Three four.' }]);
  });

  it('a splitter, and the processing of the answer', async () => {
    let splitters = 0;
    const splitter = (): { push(text: string): string[]; end(): string[] } => ({
      push: (text) => {
        if ((splitters += 1) === 1) throw boom;
        return [text];
      },
      end: () => [],
    });
    expect((await twoTurns({ workflow: ['No.', 'Fine.'] }, { splitter })).story()).toEqual([...FIRST_HEARD, 'user: Hello.', 'error split STAGE_FAILED', 'turn_ended 1 failed', ...SECOND_IS_WELL]);
    let chains = 0;
    const postprocess = (): { push(samples: Int16Array): Int16Array; flush(): Int16Array }[] => {
      const failing = (chains += 1) === 1;
      return [
        {
          push: (samples) => {
            if (failing) throw boom;
            return samples;
          },
          flush: () => new Int16Array(0),
        },
      ];
    };
    expect((await twoTurns({ workflow: ['No.', 'Fine.'] }, { postprocess })).story()).toEqual([...FIRST_HEARD, 'user: Hello.', 'error postprocess STAGE_FAILED', 'turn_ended 1 failed', ...SECOND_IS_WELL]);
  });

  it('the source: what it gave is answered, and the session ends', async () => {
    const run = runPipeline({ workflow: ['Fine.'] });
    await run.speak(400);
    run.microphone.end({ error: new TransportError('TRANSPORT_CLOSED', 'The line is gone.') });
    await run.clock.run(2_000);
    await run.done;
    expect(run.story()).toEqual(['turn_started 1', 'speech started 0', 'error input TRANSPORT_CLOSED', 'speech stopped 400', 'user: Hello.', 'agent: Fine.', 'turn_ended 1 answered', 'session_ended 0']);
  });

  it('the source, when what it gives are no bytes', async () => {
    const run = runPipeline();
    run.microphone.push('audio' as never);
    await run.done;
    expect(run.story()).toEqual(['error input STAGE_FAILED', 'session_ended 0']);
    expect(run.microphone.open).toBe(0);
  });

  it('what hears: nothing more comes in', async () => {
    let pushed = 0;
    const failing = (): { push(samples: Int16Array): Int16Array; flush(): Int16Array } => ({
      push: (samples) => {
        if ((pushed += 1) === 20) throw boom;
        return samples;
      },
      flush: () => new Int16Array(0),
    });
    const run = runPipeline({ workflow: ['Fine.'] }, { preprocess: () => [failing()] });
    await run.speak(600);
    await run.clock.run(1_000);
    await run.done;
    expect(run.story()).toEqual(['turn_started 1', 'speech started 0', 'error preprocess STAGE_FAILED', 'speech stopped 380', 'user: Hello.', 'agent: Fine.', 'turn_ended 1 answered', 'session_ended 0']);
    expect(run.microphone.open).toBe(0);
    const vad = { sampleRate: 24_000, speaking: false, push: () => { throw boom; }, flush: () => [] };
    const deaf = runPipeline({}, { turnDetection: { vad: () => vad } });
    await deaf.speak(20);
    await deaf.done;
    expect(deaf.story()).toEqual(['error turn_detection STAGE_FAILED', 'session_ended 0']);
  });

  it('the workflow, when it is told what was heard: the next turn is answered all the same', async () => {
    const run = runPipeline({ workflow: ['One two three four.', 'Fine.'] }, ({ workflow }) => ({ workflow: { answer: (turn) => workflow.answer(turn), heard: () => Promise.reject(boom) } }));
    await run.speak(400);
    await run.pause(900);
    await run.speak(600);
    await run.pause(1_500);
    expect(run.story().slice(4)).toEqual([
      'agent: One two three four.',
      'interrupted 600 [One two three| four.]',
      'turn_ended 1 interrupted',
      'turn_started 2',
      'speech started 1300',
      'error workflow STAGE_FAILED',
      'speech stopped 1900',
      'user: Hello.',
      'agent: Fine.',
      'turn_ended 2 answered',
    ]);
  });
});

describe('a stage that stands still', () => {
  const STAND = [{ stand: true }] as const;

  it.each([
    ['the recogniser', { recogniser: [STAND, 'Hello.'], workflow: ['Fine.'] }, { recogniseMs: 400 }, 'recognise', 'The recogniser gave no words within 400 ms.', 1_100 + 400],
    ['the workflow before its first text', { workflow: [STAND, 'Fine.'] }, { workflowFirstMs: 500 }, 'workflow', 'The workflow gave no text within 500 ms.', 1_100 + 500],
    ['the workflow after some text', { workflow: [[{ give: 'Well' }, ...STAND], 'Fine.'] }, { workflowIdleMs: 600 }, 'workflow', 'The workflow gave no more text within 600 ms.', 1_100 + 600],
    ['the synthesiser before its first sound', { workflow: ['No.', 'Fine.'], synthesiser: standingAt(0, 0) }, { synthesiseFirstMs: 700 }, 'synthesise', 'The synthesiser gave no sound within 700 ms.', 1_100 + 700],
    ['the synthesiser after some sound', { workflow: ['No.', 'Fine.'], synthesiser: standingAt(0, 1) }, { synthesiseIdleMs: 800 }, 'synthesise', 'The synthesiser gave no more sound within 800 ms.', 1_100 + 800],
  ] as const)('%s is given up, and the next turn works', async (_name, options, timeouts, stage, message, atMs) => {
    const run = await twoTurns(options as HarnessOptions, { timeouts });
    const [event, ...others] = run.of('voice_stream_event_error');
    expect(others).toEqual([]);
    expect([event?.stage, event?.error.code, event?.error.message, event?.error.retryable]).toEqual([stage, 'STAGE_TIMEOUT', message, true]);
    // The harness begins at 1000 ms.
    expect(event?.info.timestamp).toBe(1_000 + atMs);
    expect(run.story()).toContain('turn_ended 1 failed');
    expect(run.story().slice(-7)).toEqual(SECOND_IS_WELL);
  });

  it('is not one that waits for us: a held synthesiser and a slow reader are not late', async () => {
    const run = runPipeline({ workflow: ['One two three four five six seven eight nine ten.'] }, { aheadMs: 200, timeouts: { synthesiseIdleMs: 50, workflowIdleMs: 50, workflowFirstMs: 50 } });
    await run.speak(400);
    await run.pause(4_000);
    expect(run.story().slice(-2)).toEqual(['agent: One two three four five six seven eight nine ten.', 'turn_ended 1 answered']);
  });

  it('the workflow that is told what was heard and does not answer: the next turn is late, and comes', async () => {
    const run = runPipeline({ workflow: ['One two three four.', 'Fine.'] }, ({ workflow }) => ({
      timeouts: { workflowFirstMs: 2_000 },
      workflow: { answer: (turn) => workflow.answer(turn), heard: () => new Promise(() => {}) },
    }));
    await run.speak(400);
    await run.pause(900);
    await run.speak(600);
    await run.pause(3_000);
    expect(run.story().slice(-3)).toEqual(['error workflow STAGE_TIMEOUT', 'agent: Fine.', 'turn_ended 2 answered']);
  });

  it('a listener that reports and stops: the turn ends, and what it did not report counts as not heard', async () => {
    const run = runPipeline({ workflow: ['One two three four.'] }, { playback: 'reported', timeouts: { playbackMs: 1_500 } });
    await run.speak(400);
    await run.pause(1_000);
    run.pipeline.reportPlayback({ itemId: 'turn_1', contentIndex: 0, samples: 24_000 * 0.3 });
    await run.pause(1_480);
    expect(run.of('voice_stream_event_error')).toEqual([]);
    await run.pause(100);
    expect(run.story().slice(-2)).toEqual(['error playback PLAYBACK_STALLED', 'turn_ended 1 failed']);
    expect(run.workflow.told.map(({ heardText, unheardText }) => heardText + unheardText)).toEqual(['One two three four.']);
    expect(run.workflow.told[0]?.unheardText).not.toBe('');
  });

  it('a listener that reports the same again and again is given up as well', async () => {
    const run = runPipeline({ workflow: ['One two three four.'] }, { playback: 'reported', timeouts: { playbackMs: 1_500 } });
    await run.speak(400);
    await run.pause(700);
    for (let time = 0; time < 20; time += 1) {
      run.pipeline.reportPlayback({ itemId: 'turn_1', contentIndex: 0, samples: 2_400 });
      run.pipeline.reportPlayback({ itemId: 'turn_9', contentIndex: 0, samples: 2_400 });
      await run.pause(100);
    }
    expect(run.story().slice(-2)).toEqual(['error playback PLAYBACK_STALLED', 'turn_ended 1 failed']);
  });

  it('a listener that is told to report and plays to the end is not given up', async () => {
    const run = runPipeline({ workflow: ['One two three four.'] }, { playback: 'reported', timeouts: { playbackMs: 1_500 } });
    await run.speak(400);
    await run.pause(700);
    for (let playedMs = 0; playedMs <= 950; playedMs += 50) {
      run.pipeline.reportPlayback({ itemId: 'turn_1', contentIndex: 0, samples: playedMs * 24 });
      await run.pause(100);
    }
    expect(run.story().slice(-1)).toEqual(['turn_ended 1 answered']);
  });
});

function standingAt(sentence: number, pieces: number): HarnessOptions['synthesiser'] {
  return {
    script: (text, index) => {
      const all = voiceOf(text, 24_000).map((give) => ({ give }));
      return index === sentence ? [...all.slice(0, pieces), { stand: true }] : all;
    },
  } as HarnessOptions['synthesiser'];
}

describe('a call at the wrong time', () => {
  it('is refused: a second conversation, and calls without one', async () => {
    const run = runPipeline();
    await settle();
    const second = run.pipeline.process(run.microphone);
    await expect(second.next()).rejects.toMatchObject({ code: 'PIPELINE_BUSY' });
    run.microphone.end();
    await run.done;
    for (const call of ['startTurn', 'endTurn', 'interrupt'] as const) expect(() => run.pipeline[call]()).toThrow(expect.objectContaining({ code: 'PIPELINE_NOT_RUNNING' }));
    expect(() => run.pipeline.sendText('Hi')).toThrow(expect.objectContaining({ code: 'PIPELINE_NOT_RUNNING' }));
    expect(() => run.pipeline.sendText(' ')).toThrow(TypeError);
    run.pipeline.reportPlayback({ itemId: 'turn_1', contentIndex: 0, samples: 1 });
  });

  it.each([
    [{ concurrency: 0 }, RangeError],
    [{ aheadMs: 5 }, RangeError],
    [{ input: { chunkMs: 2 } }, RangeError],
    [{ input: { chunkBytes: 0 } }, RangeError],
    [{ input: { queueMs: 0 } }, RangeError],
    [{ input: { sampleRate: 4_000 } }, RangeError],
    [{ timeouts: { recogniseMs: 0 } }, RangeError],
    [{ turnDetection: { silenceMs: -1 } }, RangeError],
    [{ turnDetection: { maxTurnMs: 0 } }, RangeError],
    [{ turnDetection: { preset: 'slow' as never } }, RangeError],
    [{ turnDetection: { by: 'recogniser' } }, TypeError],
    [{ interruption: { confirmMs: -5 } }, RangeError],
  ] as const)('is refused: %j', (options, error) => {
    expect(() => runPipeline({}, options as Partial<VoicePipelineOptions>)).toThrow(error);
  });
});
