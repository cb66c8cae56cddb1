import { describe, expect, it } from 'vitest';
import { joinSamples } from '../../audio/helpers/random.js';
import { pcm16ToSamples } from '../../../audio/index.js';
import { runPipeline } from '../../helpers/pipeline-harness.js';
import { voiceOf } from '../../helpers/scripted-stages.js';

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
