import { describe, expect, it } from 'vitest';
import { joinSamples } from '../../audio/helpers/random.js';
import { pcm16ToSamples } from '../../../audio/index.js';
import { VoicePipeline } from '../../../session/index.js';
import type { PipelineEvent } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { runPipeline, sound } from '../../helpers/pipeline-harness.js';
import { TestMicrophone, voiceOf } from '../../helpers/scripted-stages.js';
import { settle } from '../../helpers/settle.js';

describe('a voice pipeline', () => {
  it('hears a turn, understands it, answers it, and speaks the answer', async () => {
    const run = runPipeline();
    await run.pause(400);
    await run.speak(600);
    await run.pause(4_000);
    run.microphone.end();
    await run.clock.run(100);
    expect(await run.done).toBeUndefined();
    expect(run.story()).toEqual([
      'turn_started 1',
      'speech started 400',
      'speech stopped 1000',
      'user: Hello.',
      'agent: Hi there.',
      'agent: How are you?',
      'turn_ended 1 answered',
      'session_ended 0',
    ]);
    const said = joinSamples(run.of('voice_stream_event_audio').map(({ data }) => pcm16ToSamples(data)));
    expect(said).toEqual(joinSamples([...voiceOf('Hi there.', 24_000), ...voiceOf('How are you?', 24_000)]));
    expect(run.workflow.asked.map(({ text }) => text)).toEqual(['Hello.']);
    expect(run.workflow.told).toEqual([]);
    expect(run.clock.pendingTimers).toBe(0);
  });
});

describe('the events of a pipeline', () => {
  function idle(): { pipeline: VoicePipeline; microphone: TestMicrophone; clock: ManualClock } {
    const clock = new ManualClock();
    return { clock, microphone: new TestMicrophone(), pipeline: new VoicePipeline({ clock }) };
  }

  it('begin with the first next(), and nothing before it', async () => {
    const { pipeline, microphone } = idle();
    const events = pipeline.process(microphone);
    await settle();
    expect(microphone.open).toBe(0);
    await events.return?.();
    expect(await events.next()).toEqual({ value: undefined, done: true });
    expect(microphone.open).toBe(0);
  });

  it('let go of the source when they are left, also while a next() is pending', async () => {
    const { pipeline, microphone } = idle();
    const events = pipeline.process(microphone);
    const pending = events.next();
    await settle();
    expect(microphone.open).toBe(1);
    await events.return?.();
    expect(await pending).toEqual({ value: undefined, done: true });
    expect(microphone.open).toBe(0);
  });

  it('do not begin under a signal that has aborted', async () => {
    const { pipeline, microphone } = idle();
    const reason = new Error('no');
    await expect(pipeline.process(microphone, { signal: AbortSignal.abort(reason) }).next()).rejects.toBe(reason);
    expect(microphone.open).toBe(0);
  });

  it('end with the reason of the signal while a next() is pending, and then like any others', async () => {
    const { pipeline, microphone } = idle();
    const cancel = new AbortController();
    const events = pipeline.process(microphone, { signal: cancel.signal });
    const pending = events.next();
    await settle();
    cancel.abort(new Error('hung up'));
    await expect(pending).rejects.toThrow('hung up');
    expect(await events.next()).toEqual({ value: undefined, done: true });
    expect(microphone.open).toBe(0);
  });

  it('are those of one conversation after the other', async () => {
    const { pipeline } = idle();
    for (let time = 0; time < 2; time += 1) {
      const microphone = new TestMicrophone();
      microphone.push(sound(20, 0));
      microphone.end();
      const events: PipelineEvent[] = [];
      for await (const event of pipeline.process(microphone)) events.push(event);
      expect(events.map(({ type }) => type)).toEqual(['voice_stream_event_microphone', 'voice_stream_event_lifecycle']);
    }
  });
});
