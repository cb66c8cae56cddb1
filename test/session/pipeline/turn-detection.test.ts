import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PCM16_24K, decodeWav, msToSamples, samplesToPcm16 } from '../../../audio/index.js';
import { VoicePipeline } from '../../../session/index.js';
import type { PipelineEvent, Recogniser, RecogniserStreamEvent } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { joinSamples } from '../../audio/helpers/random.js';
import { runPipeline, sound } from '../../helpers/pipeline-harness.js';
import { ScriptedRecogniser, TestMicrophone } from '../../helpers/scripted-stages.js';
import { settle } from '../../helpers/settle.js';

const QUIET = { workflow: [''] };

describe('turn detection', () => {
  it.each([
    ['snappy', 500],
    ['balanced', 700],
    ['patient', 1_300],
  ] as const)('%s ends a turn after %i ms of silence', async (preset, silenceMs) => {
    const run = runPipeline(QUIET, { turnDetection: preset });
    await run.pause(100);
    await run.speak(400);
    await run.pause(silenceMs - 20);
    expect(run.story()).toEqual(['turn_started 1', 'speech started 100']);
    await run.pause(20);
    expect(run.story().slice(2)).toEqual(['speech stopped 500', 'user: Hello.', 'turn_ended 1 unanswered']);
  });

  it('takes pauses within a sentence for a part of it', async () => {
    const run = runPipeline(QUIET);
    for (let word = 0; word < 5; word += 1) {
      await run.speak(200);
      await run.pause(400);
    }
    await run.pause(400);
    expect(run.recogniser.turns.length).toBe(1);
    expect(run.of('voice_stream_event_speech').map(({ atMs }) => atMs)).toEqual([0, 2_600]);
  });

  it('gives the recogniser the pre-roll and all that follows, to the last sample', async () => {
    const run = runPipeline(QUIET, { turnDetection: { preRollMs: 240 } });
    for (let piece = 0; piece < 50; piece += 1) run.microphone.push(sound(20, 0).fill(0));
    const soft = sound(20).fill(0x22);
    run.microphone.push(soft);
    await settle();
    await run.speak(600);
    await run.pause(700);
    const heard = joinSamples(run.recogniser.turns[0]?.samples ?? []);
    // From 240 ms before the voice to the 700 ms of silence after it.
    expect(heard.length).toBe(msToSamples(PCM16_24K, 240 + 20 + 600 + 700));
    expect(heard.findIndex((sample) => sample !== 0)).toBe(msToSamples(PCM16_24K, 240));
  });

  it('hears the first words of a turn that begins with the audio', async () => {
    const run = runPipeline(QUIET);
    await run.speak(400);
    await run.pause(700);
    expect(joinSamples(run.recogniser.turns[0]?.samples ?? []).length).toBe(msToSamples(PCM16_24K, 1_100));
  });

  it('takes less voice than the least for a noise, and tells nothing of it', async () => {
    const run = runPipeline(QUIET, { turnDetection: { minSpeechMs: 200 } });
    await run.speak(160);
    await run.pause(1_000);
    expect(run.events).toEqual([]);
    await run.speak(220);
    await run.pause(1_000);
    expect(run.story().slice(0, 2)).toEqual(['turn_started 1', 'speech started 1160']);
  });

  it('ends a turn that does not end', async () => {
    const run = runPipeline(QUIET, { turnDetection: { maxTurnMs: 2_000 } });
    await run.speak(3_000);
    expect(run.story()).toEqual(['turn_started 1', 'speech started 0', 'speech stopped 2000', 'user: Hello.', 'turn_ended 1 unanswered']);
  });

  it('goes on with a turn whose words are still to come when the user speaks again: they are answered as one', async () => {
    const run = runPipeline({
      recogniser: [
        [{ waitMs: 900 }, { give: { type: 'final', text: 'I would like' } }],
        [{ give: { type: 'final', text: 'a table.' } }],
      ],
      workflow: [''],
    });
    await run.speak(400);
    await run.pause(800);
    await run.speak(400);
    await run.pause(800);
    expect(run.story()).toEqual([
      'turn_started 1',
      'speech started 0',
      'speech stopped 400',
      'speech started 1200',
      'user…: I would like',
      'speech stopped 1600',
      'user: I would like a table.',
      'turn_ended 1 unanswered',
    ]);
    expect(run.workflow.asked.map(({ text }) => text)).toEqual(['I would like a table.']);
  });

  it('ends the turn of a source that stops sending, by the clock', async () => {
    const run = runPipeline(QUIET);
    await run.speak(400);
    // Not a byte more: a line that sends no silence.
    await run.clock.run(1_200);
    expect(run.story()).toEqual(['turn_started 1', 'speech started 0', 'speech stopped 400', 'user: Hello.', 'turn_ended 1 unanswered']);
    expect(run.clock.pendingTimers).toBe(0);
    await run.speak(400);
    await run.clock.run(1_200);
    expect(run.story().filter((line) => line.startsWith('turn_ended'))).toEqual(['turn_ended 1 unanswered', 'turn_ended 2 unanswered']);
  });

  it('does not take a reader that does not read for a source that has stopped', async () => {
    let goOn: (() => void) | undefined;
    const run = runPipeline({ frontEnd: true, onEvent: (event) => (goOn === undefined && event.type === 'voice_stream_event_speech' ? new Promise<void>((resolve) => (goOn = resolve)) : undefined) });
    await run.speak(4_000);
    goOn?.();
    await run.pause(1_000);
    expect(run.story()).toEqual(['turn_started 1', 'speech started 0', 'speech stopped 4000', 'turn_ended 1 unanswered']);
  });

  it('does not take a network that stutters for the end of a turn', async () => {
    const run = runPipeline(QUIET);
    for (let piece = 0; piece < 6; piece += 1) {
      await run.clock.run(180);
      run.microphone.push(sound(180));
      await settle();
    }
    expect(run.story()).toEqual(['turn_started 1', 'speech started 0']);
  });

  it('answers real speech with the built-in detector: one turn, from the first word to the last', async () => {
    const { samples, sampleRate, channels } = decodeWav(readFileSync(new URL('../../../fixtures/audio/caller-hello.wav', import.meta.url)));
    const clock = new ManualClock();
    const microphone = new TestMicrophone();
    const recogniser = new ScriptedRecogniser(clock, ['Hello, is anybody there?']);
    const pipeline = new VoicePipeline({ clock, recogniser, input: { format: { encoding: 'pcm16', sampleRate, channels } } });
    microphone.push(samplesToPcm16(samples));
    microphone.end();
    const events: PipelineEvent[] = [];
    for await (const event of pipeline.process(microphone)) events.push(event);
    const atMs = events.flatMap((event) => (event.type === 'voice_stream_event_speech' ? [event.atMs] : []));
    // The sentence sounds from 580 to 2380 ms (10 ms frames above -44 dBFS).
    expect(atMs.length).toBe(2);
    expect(Math.abs((atMs[0] ?? 0) - 580)).toBeLessThan(100);
    expect(Math.abs((atMs[1] ?? 0) - 2_380)).toBeLessThan(150);
    expect(joinSamples(recogniser.turns[0]?.samples ?? []).length).toBeGreaterThan(msToSamples(PCM16_24K, 300 + 1_700));
  });
});

describe('push-to-talk', () => {
  it('takes for the turn what is between startTurn and endTurn, and a little before it', async () => {
    const run = runPipeline(QUIET, { turnDetection: { by: 'hand', preRollMs: 200 } });
    await run.speak(500);
    expect(run.events).toEqual([]);
    run.pipeline.startTurn();
    await run.pause(3_000);
    run.pipeline.endTurn();
    await settle();
    expect(run.story()).toEqual(['turn_started 1', 'speech started 500', 'speech stopped 3500', 'user: Hello.', 'turn_ended 1 unanswered']);
    expect(joinSamples(run.recogniser.turns[0]?.samples ?? []).length).toBe(msToSamples(PCM16_24K, 3_200));
  });

  it('interrupts an answer at once', async () => {
    const run = runPipeline({ workflow: ['One two three four five six seven.'] }, { turnDetection: { by: 'hand' } });
    run.pipeline.startTurn();
    await run.speak(300);
    run.pipeline.endTurn();
    await run.pause(600);
    run.pipeline.startTurn();
    await settle();
    expect(run.story().slice(-4)).toEqual(['interrupted 600 [One two three| four five six seven.]', 'turn_ended 1 interrupted', 'turn_started 2', 'speech started 900']);
  });

  it('does nothing for an endTurn without a turn', async () => {
    const run = runPipeline(QUIET, { turnDetection: { by: 'hand' } });
    run.pipeline.endTurn();
    await run.pause(100);
    expect(run.events).toEqual([]);
  });

  it('is honoured over a voice detector that hears a noise that never ends', async () => {
    const run = runPipeline(QUIET);
    await run.speak(1_000);
    run.pipeline.endTurn();
    await run.speak(1_000);
    expect(run.story()).toEqual(['turn_started 1', 'speech started 0', 'speech stopped 1000', 'user: Hello.', 'turn_ended 1 unanswered']);
  });

  it('ends the turn for good: what is said while its words are still to come is the next turn', async () => {
    const run = runPipeline({ recogniser: [[{ waitMs: 900 }, { give: { type: 'final', text: 'First.' } }], 'Second.'], workflow: [[{ waitMs: 5_000 }], ''] });
    await run.speak(400);
    run.pipeline.endTurn();
    await run.pause(200);
    await run.speak(900);
    await run.pause(800);
    expect(run.workflow.asked.map(({ text }) => text)).toEqual(['First.', 'Second.']);
    expect(run.story().filter((line) => line.startsWith('speech'))).toEqual(['speech started 0', 'speech stopped 400', 'speech started 600', 'speech stopped 1500']);
    // Kept from its beginning, though it became a turn later.
    expect(joinSamples(run.recogniser.turns[1]?.samples ?? []).length).toBe(msToSamples(PCM16_24K, 300 + 900 + 700));
  });

  it('ends a turn of which too little was heard to be sure', async () => {
    const run = runPipeline(QUIET);
    await run.speak(60);
    run.pipeline.endTurn();
    await settle();
    expect(run.story().slice(0, 3)).toEqual(['turn_started 1', 'speech started 0', 'speech stopped 60']);
  });

  it('by startTurn, keeps the turn open over a silence', async () => {
    const run = runPipeline(QUIET);
    await run.speak(400);
    run.pipeline.startTurn();
    await run.pause(5_000);
    expect(run.story()).toEqual(['turn_started 1', 'speech started 0']);
    run.pipeline.endTurn();
    await settle();
    expect(run.story().slice(-1)).toEqual(['turn_ended 1 unanswered']);
  });
});

/** A recogniser that finds the turns itself; the test says what it hears. */
class ListeningRecogniser implements Recogniser {
  readonly label = 'listening';
  /** What it still says when a stream is ended. */
  atEnd: readonly RecogniserStreamEvent[] = [];
  readonly streams: { pushed: number; ended: boolean; say(event: RecogniserStreamEvent): void; fail(error: unknown): void; stand(): void }[] = [];

  start(): never {
    throw new Error('It listens.');
  }

  listen(): ReturnType<NonNullable<Recogniser['listen']>> {
    const queue: (RecogniserStreamEvent | 'end' | { error: unknown })[] = [];
    let wake: (() => void) | undefined;
    const put = (entry: (typeof queue)[number]): void => {
      queue.push(entry);
      wake?.();
    };
    let stands = false;
    const stream = { pushed: 0, ended: false, say: put, fail: (error: unknown) => put({ error }), stand: () => void (stands = true) };
    this.streams.push(stream);
    return {
      push: (samples) => void (stream.pushed += samples.length),
      end: () => {
        stream.ended = true;
        for (const event of this.atEnd) put(event);
        if (!stands) put('end');
      },
      events: {
        async *[Symbol.asyncIterator]() {
          for (;;) {
            while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
            const entry = queue.shift();
            if (entry === undefined || entry === 'end') return;
            if ('error' in entry) throw entry.error;
            yield entry;
          }
        },
      },
    };
  }
}

function listening(workflow: readonly string[] = ['Fine.']): { run: ReturnType<typeof runPipeline>; say(...events: RecogniserStreamEvent[]): Promise<void>; recogniser: ListeningRecogniser } {
  const recogniser = new ListeningRecogniser();
  const run = runPipeline({ workflow }, { recogniser });
  return {
    run,
    recogniser,
    say: async (...events) => {
      for (const event of events) recogniser.streams.at(-1)?.say(event);
      await settle();
    },
  };
}

describe('a recogniser that finds the turns itself', () => {
  it('gets all audio, and its turns are the turns', async () => {
    const { run, say, recogniser } = listening();
    await run.pause(500);
    await say({ type: 'speech_started' }, { type: 'partial', text: 'Good' });
    await run.speak(500);
    await say({ type: 'partial', text: 'Good morning' }, { type: 'final', text: 'Good morning.' }, { type: 'turn_ended' });
    await run.pause(1_000);
    expect(run.story()).toEqual([
      'turn_started 1',
      'speech started 500',
      'user…: Good',
      'user…: Good morning',
      'user…: Good morning.',
      'speech stopped 1000',
      'user: Good morning.',
      'agent: Fine.',
      'turn_ended 1 answered',
    ]);
    expect(recogniser.streams.map(({ pushed }) => pushed)).toEqual([2 * 24_000]);
  });

  it('interrupts by words, but not by words that mean go on', async () => {
    const { run, say } = listening(['One two three four five six seven eight nine ten.']);
    await run.pause(100);
    await say({ type: 'speech_started' }, { type: 'partial', text: 'Count' }, { type: 'final', text: 'Count.' }, { type: 'turn_ended' });
    await run.pause(300);
    await say({ type: 'speech_started' });
    await run.speak(200);
    await say({ type: 'final', text: 'Mhm, okay.' }, { type: 'turn_ended' });
    await run.pause(300);
    expect(run.of('voice_stream_event_interrupted')).toEqual([]);
    await say({ type: 'speech_started' }, { type: 'partial', text: 'Please stop' });
    expect(run.story().slice(-5)).toEqual(['interrupted 800 [One two three|' + ' four five six seven eight nine ten.]', 'turn_ended 1 interrupted', 'turn_started 2', 'speech started 900', 'user…: Please stop']);
  });

  it('ends a turn when it is told to, by ending its stream, and listens anew from there', async () => {
    const { run, say, recogniser } = listening();
    await run.pause(100);
    await say({ type: 'speech_started' }, { type: 'partial', text: 'Yes' });
    await run.speak(1_200);
    run.pipeline.endTurn();
    expect(recogniser.streams.map(({ ended }) => ended)).toEqual([true]);
    await settle();
    await run.pause(1_000);
    expect(run.workflow.asked.map(({ text }) => text)).toEqual(['Yes']);
    expect(recogniser.streams.map(({ pushed }) => pushed)).toEqual([msToSamples(PCM16_24K, 1_300), 24_000]);
  });

  it('says the last words after the audio has ended, and they are answered', async () => {
    const { run, say, recogniser } = listening();
    recogniser.atEnd = [{ type: 'final', text: 'Bye.' }, { type: 'turn_ended' }];
    await run.speak(300);
    await say({ type: 'speech_started' });
    run.microphone.end();
    await settle();
    await run.clock.run(1_000);
    await run.done;
    expect(run.story()).toEqual(['turn_started 1', 'speech started 300', 'user…: Bye.', 'speech stopped 300', 'user: Bye.', 'agent: Fine.', 'turn_ended 1 answered', 'session_ended 0']);
  });

  it('that hears speech and then nothing any more is given up, and listened to anew', async () => {
    const { run, say, recogniser } = listening();
    await run.pause(100);
    await say({ type: 'speech_started' }, { type: 'partial', text: 'I' });
    recogniser.streams[0]?.stand();
    await run.pause(60_000);
    expect(recogniser.streams.map(({ ended }) => ended)).toEqual([true]);
    await run.pause(10_100);
    expect(run.story().slice(-3)).toEqual(['speech stopped 60100', 'error recognise STAGE_TIMEOUT', 'turn_ended 1 failed']);
    await say({ type: 'speech_started' }, { type: 'final', text: 'Hello again.' }, { type: 'turn_ended' });
    expect(run.workflow.asked.map(({ text }) => text)).toEqual(['Hello again.']);
  });

  it('whose stream fails ends the turn with an error, and is asked again, once a second at most', async () => {
    const { run, recogniser, say } = listening();
    await run.pause(100);
    await say({ type: 'speech_started' }, { type: 'partial', text: 'Hello' });
    for (let time = 0; time < 3; time += 1) {
      recogniser.streams.at(-1)?.fail(new Error('gone'));
      await settle();
      await run.speak(400);
    }
    expect(run.story().slice(0, 5)).toEqual(['turn_started 1', 'speech started 100', 'user…: Hello', 'error recognise STAGE_FAILED', 'turn_ended 1 failed']);
    expect(recogniser.streams.length).toBe(2);
    await say({ type: 'speech_started' }, { type: 'final', text: 'Hello again.' }, { type: 'turn_ended' });
    expect(run.workflow.asked.map(({ text }) => text)).toEqual(['Hello again.']);
  });
});
