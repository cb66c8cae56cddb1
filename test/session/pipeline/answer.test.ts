import { describe, expect, it } from 'vitest';
import { PCM16_24K, Resampler, audioFormat, bytesToMs, encodeMulaw, pcm16ToSamples, samplesToMs } from '../../../audio/index.js';
import { nullSplitter, nullSynthesiser, nullWorkflow } from '../../../session/index.js';
import { joinSamples } from '../../audio/helpers/random.js';
import { runPipeline } from '../../helpers/pipeline-harness.js';
import type { PipelineHarness } from '../../helpers/pipeline-harness.js';
import { voiceOf } from '../../helpers/scripted-stages.js';
import type { Scripted } from '../../helpers/scripted-stages.js';
import { settle } from '../../helpers/settle.js';

async function ask(run: PipelineHarness): Promise<void> {
  await run.speak(400);
  await run.pause(700);
}

function said(run: PipelineHarness): Int16Array {
  return joinSamples(run.of('voice_stream_event_audio').map(({ data }) => pcm16ToSamples(data)));
}

describe('an answer', () => {
  it('is spoken from its first sentence on, while the workflow still thinks, without any time of our own', async () => {
    const run = runPipeline({ workflow: [[{ waitMs: 500 }, { give: 'One' }, { waitMs: 50 }, { give: ' two. Th' }, { waitMs: 3_000 }, { give: 'ree.' }]] });
    await ask(run);
    await run.clock.run(4_000);
    const sounds = run.of('voice_stream_event_audio');
    // The turn ends at 2100 (1000 is the harness's first moment); the first sentence is whole 550 ms later, but for the space after it.
    expect(sounds[0]?.info.timestamp).toBe(2_100 + 550);
    expect(sounds.at(-1)?.info.timestamp).toBe(2_100 + 3_550);
    expect(run.story().slice(-3)).toEqual(['agent: One two.', 'agent: Three.', 'turn_ended 1 answered']);
  });

  it('comes in order though two sentences are made at the same time, and no more than two', async () => {
    const lengths = [400, 10, 300, 10, 10];
    const run = runPipeline({
      workflow: ['One. Two. Three. Four. Five.'],
      synthesiser: { script: (text, index) => [{ waitMs: lengths[index] ?? 0 }, ...voiceOf(text, 24_000).map((give) => ({ give }))] },
    });
    let most = 0;
    await ask(run);
    for (let ms = 0; ms < 3_000; ms += 10) {
      await run.clock.run(10);
      most = Math.max(most, run.synthesiser.streams.open);
    }
    expect(most).toBe(2);
    expect(run.story().filter((line) => line.startsWith('agent'))).toEqual(['agent: One.', 'agent: Two.', 'agent: Three.', 'agent: Four.', 'agent: Five.']);
    expect(said(run)).toEqual(joinSamples(['One.', 'Two.', 'Three.', 'Four.', 'Five.'].flatMap((text) => voiceOf(text, 24_000))));
    expect(run.of('voice_stream_event_audio').map(({ contentIndex, firstSample }) => [contentIndex, firstSample])).toEqual(
      ['One.', 'Two.', 'Three.', 'Four.', 'Five.'].flatMap((text, index) => voiceOf(text, 24_000).map((_piece, piece) => [index, piece * 2_400])),
    );
  });

  it('is not made further ahead than it may be: the synthesiser, and then the workflow, wait for the listener', async () => {
    let told = 0;
    const endless: Scripted<string>[] = Array.from({ length: 200 }, (_, index) => ({ give: `Sentence ${index + 100}. ` }));
    const run = runPipeline({ workflow: [endless] }, ({ workflow }) => ({
      aheadMs: 1_000,
      workflow: {
        answer: (turn) => ({
          async *[Symbol.asyncIterator]() {
            for await (const text of workflow.answer(turn)) {
              told += 1;
              yield text;
            }
          },
        }),
      },
    }));
    await ask(run);
    for (let heardMs = 0; heardMs < 8_000; heardMs += 500) {
      const madeMs = samplesToMs(PCM16_24K, said(run).length);
      expect(madeMs, `${heardMs}`).toBeGreaterThanOrEqual(Math.min(heardMs, 8_000));
      expect(madeMs - heardMs, `${heardMs}`).toBeLessThanOrEqual(1_000 + 100);
      // 700 ms a sentence: what was heard, what is ahead, what waits.
      expect(told, `${heardMs}`).toBeLessThan(heardMs / 700 + 2 + 2 + 10);
      await run.pause(500);
    }
    run.pipeline.interrupt();
  });

  it('waits for a reader that does not read, and goes on with it', async () => {
    const open: (() => void)[] = [];
    let reading = true;
    const run = runPipeline({ workflow: [Array.from({ length: 50 }, () => ({ give: 'One two three. ' }))], onEvent: () => (reading ? undefined : new Promise<void>((resolve) => open.push(resolve))) }, { playback: 'taken' });
    await run.speak(400);
    await run.pause(680);
    reading = false;
    await run.pause(20);
    const before = run.synthesiser.spoken.length;
    await run.clock.run(60_000);
    expect(run.synthesiser.spoken.length).toBe(before);
    expect(before).toBeLessThan(20);
    reading = true;
    for (const goOn of open.splice(0)) goOn();
    await run.clock.run(10);
    expect(run.synthesiser.spoken.length).toBe(50);
    expect(run.story().slice(-1)).toEqual(['turn_ended 1 answered']);
  });

  it('is brought to the format of the output, and passes stages of its own before', async () => {
    const format = audioFormat('mulaw', 8_000, 2);
    const rates: number[] = [];
    const postprocess = (sampleRate: number): { push(samples: Int16Array): Int16Array; flush(): Int16Array }[] => {
      rates.push(sampleRate);
      return [{ push: (samples) => samples.map((sample) => sample * 100), flush: () => new Int16Array(0) }];
    };
    const run = runPipeline({ workflow: ['One two.'], synthesiser: { sampleRate: 16_000 } }, { output: { format }, postprocess });
    await ask(run);
    await run.pause(1_000);
    const resampler = new Resampler(16_000, 8_000);
    const mono = joinSamples([...voiceOf('One two.', 16_000).map((piece) => resampler.push(piece.map((sample) => sample * 100))), resampler.flush()]);
    const expected = encodeMulaw(mono);
    const bytes = Buffer.concat(run.of('voice_stream_event_audio').map(({ data }) => data));
    expect(rates).toEqual([16_000]);
    expect(bytes.filter((_byte, at) => at % 2 === 0)).toEqual(Buffer.from(expected));
    expect(bytes.filter((_byte, at) => at % 2 === 1)).toEqual(Buffer.from(expected));
    expect(run.of('voice_stream_event_audio')[0]).toMatchObject({ format, sampleRate: 8_000, channels: 2, itemId: 'turn_1', contentIndex: 0, firstSample: 0 });
  });

  it('ends its turn when it was heard, not when it was made', async () => {
    const run = runPipeline({ workflow: ['One two three four.'] });
    await ask(run);
    const first = run.of('voice_stream_event_audio')[0]?.info.timestamp ?? 0;
    await run.pause(2_000);
    const ended = run.of('voice_stream_event_lifecycle').find(({ event }) => event === 'turn_ended')?.info.timestamp ?? 0;
    expect(ended - first).toBe(bytesToMs(PCM16_24K, 950 * 48));
  });

  it('that whoever takes it keeps waits for nobody', async () => {
    const run = runPipeline({ workflow: ['One two three four. Five six seven eight.'] }, { playback: 'taken', aheadMs: 100 });
    await ask(run);
    run.microphone.end();
    await settle();
    expect(run.story().slice(-2)).toEqual(['turn_ended 1 answered', 'session_ended 0']);
    expect(await run.done).toBeUndefined();
  });

  it('is spoken out when the audio ends', async () => {
    const run = runPipeline({ workflow: ['One two three four.'] });
    await run.speak(400);
    run.microphone.end();
    await run.clock.run(940);
    expect(run.story().slice(-1)).toEqual(['agent: One two three four.']);
    await run.clock.run(10);
    await run.done;
    expect(run.story().slice(-2)).toEqual(['turn_ended 1 answered', 'session_ended 0']);
    expect(run.clock.pendingTimers).toBe(0);
  });

  it('has transcripts that are the words of the workflow, also of what is not spoken', async () => {
    const answer = 'Look:  `x`. \n\n```js\ncode\n```\n Good? Yes.';
    const run = runPipeline({ workflow: [answer] }, { spoken: () => ({ of: (text) => (text.includes('Good') ? text.trim() : '') }) });
    await ask(run);
    await run.pause(3_000);
    expect(run.of('voice_stream_event_transcript').filter(({ of }) => of === 'agent').map(({ text }) => text).join('')).toBe(answer);
    expect(run.synthesiser.spoken.length).toBe(1);
    expect(run.story().slice(-1)).toEqual(['turn_ended 1 answered']);
  });
});

describe('a pipeline without a stage', () => {
  it('without a workflow writes down what is said', async () => {
    const run = runPipeline({}, { workflow: nullWorkflow });
    await ask(run);
    await settle();
    expect(run.story()).toEqual(['turn_started 1', 'speech started 0', 'speech stopped 400', 'user: Hello.', 'turn_ended 1 unanswered']);
  });

  it('without a synthesiser answers in words', async () => {
    const run = runPipeline({ workflow: ['One. Two.'] }, { synthesiser: nullSynthesiser(24_000) });
    await ask(run);
    expect(run.story().slice(3)).toEqual(['user: Hello.', 'agent: One.', 'agent: Two.', 'turn_ended 1 answered']);
  });

  it('without a splitter speaks an answer in one piece, when all of it is there', async () => {
    const run = runPipeline({ workflow: [[{ give: 'One. ' }, { waitMs: 300 }, { give: 'Two.' }]] }, { splitter: nullSplitter });
    await ask(run);
    expect(run.events.at(-1)).toMatchObject({ of: 'user' });
    await run.clock.run(300);
    expect(run.synthesiser.spoken.map(({ text }) => text)).toEqual(['One. Two.']);
  });

  it('does not ask the workflow when no words were understood', async () => {
    const run = runPipeline({ recogniser: [' '] });
    await ask(run);
    expect(run.story().slice(2)).toEqual(['speech stopped 400', 'turn_ended 1 unanswered']);
    expect(run.workflow.asked).toEqual([]);
  });
});

describe('a turn in which the user does not speak', () => {
  it('is the greeting, which comes first and may be interrupted like any answer', async () => {
    const run = runPipeline({ workflow: ['Fine.'] }, ({ workflow, clock }) => ({
      workflow: {
        answer: (turn) => workflow.answer(turn),
        heard: (heardText, unheardText) => workflow.heard(heardText, unheardText),
        greeting: () => workflow.streams.stream(clock, [{ give: 'Welcome to the house.' }]),
      },
    }));
    await run.pause(500);
    await run.speak(600);
    await run.pause(1_500);
    expect(run.story()).toEqual([
      'turn_started 1',
      'agent: Welcome to the house.',
      'interrupted 900 [Welcome to the| house.]',
      'turn_ended 1 interrupted',
      'turn_started 2',
      'speech started 500',
      'speech stopped 1100',
      'user: Hello.',
      'agent: Fine.',
      'turn_ended 2 answered',
    ]);
    expect(run.workflow.told).toEqual([{ heardText: 'Welcome to the', unheardText: ' house.' }]);
  });

  it('is one with words that were written', async () => {
    const run = runPipeline({ workflow: ['One two three four.', 'Fine.'] });
    await run.pause(20);
    run.pipeline.sendText('Count, please.');
    await run.pause(500);
    run.pipeline.sendText('No, stop.');
    await run.pause(1_000);
    expect(run.story()).toEqual([
      'turn_started 1',
      'user: Count, please.',
      'agent: One two three four.',
      'interrupted 500 [One two| three four.]',
      'turn_ended 1 interrupted',
      'turn_started 2',
      'user: No, stop.',
      'agent: Fine.',
      'turn_ended 2 answered',
    ]);
    expect(run.workflow.asked.map(({ text }) => text)).toEqual(['Count, please.', 'No, stop.']);
  });
});
