import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EnergyVad, PCM16_24K, bytesToMs, decodeWav, resampleWhole, samplesToPcm16 } from '../../../audio/index.js';
import { runPipeline } from '../../helpers/pipeline-harness.js';
import type { HarnessOptions, PipelineHarness } from '../../helpers/pipeline-harness.js';
import { settle } from '../../helpers/settle.js';

const ANSWER = 'One two three four. Five six seven eight nine ten.';

/** A question has been asked, and its turn has ended: 700 ms of silence are over. The answer begins at once. */
async function asked(options: HarnessOptions = {}, given: Parameters<typeof runPipeline>[1] = {}): Promise<PipelineHarness> {
  const run = runPipeline({ workflow: [ANSWER, 'Fine.'], ...options }, given);
  await run.pause(200);
  await run.speak(400);
  await run.pause(700);
  return run;
}

function soundMs(run: PipelineHarness, turn: number): number {
  return run.of('voice_stream_event_audio').reduce((sum, { data, info }) => sum + (info.turn === turn ? bytesToMs(PCM16_24K, data.length) : 0), 0);
}

describe('an interruption', () => {
  it('stops the answer at what was heard of it, and tells the workflow so once', async () => {
    const run = await asked();
    // The answer plays from here on: 950 ms of its first sentence, then 1500 ms.
    await run.pause(1_000);
    await run.speak(600);
    expect(run.story().slice(-4)).toEqual([
      // 300 ms of voice, and 100 for which the detector still calls silence voice.
      'interrupted 1400 [One two three four. Five six|' + ' seven eight nine ten.]',
      'turn_ended 1 interrupted',
      'turn_started 2',
      'speech started 2300',
    ]);
    expect(run.workflow.told).toEqual([{ heardText: 'One two three four. Five six', unheardText: ' seven eight nine ten.' }]);
    await run.pause(2_000);
    run.microphone.end();
    await run.clock.run(5_000);
    await run.done;
    expect(run.story().slice(-5)).toEqual(['speech stopped 2900', 'user: Hello.', 'agent: Fine.', 'turn_ended 2 answered', 'session_ended 0']);
    expect(run.workflow.told.length).toBe(1);
  });

  it('before the first sound stops the workflow, and nothing was heard', async () => {
    const run = await asked({ workflow: [[{ waitMs: 3_000 }, { give: 'Too late.' }], 'Fine.'] });
    await run.speak(600);
    expect(run.story().slice(-4)).toEqual(['interrupted 0 [|]', 'turn_ended 1 interrupted', 'turn_started 2', 'speech started 1300']);
    expect(run.workflow.asked[0]?.signal.aborted).toBe(true);
    expect(run.workflow.told).toEqual([{ heardText: '', unheardText: '' }]);
    expect(run.workflow.streams.open).toBe(0);
    await run.pause(800);
    await run.clock.run(5_000);
    expect(run.story()).not.toContain('agent: Too late.');
    expect(soundMs(run, 1)).toBe(0);
  });

  it('while the sound is being made ends the request, and no sound of the turn comes out after it', async () => {
    const slow = (text: string): { readonly give: Int16Array }[] | { waitMs: number }[] => [{ waitMs: text.length }, ...Array.from({ length: 20 }, () => [{ give: new Int16Array(2_400).fill(1) }, { waitMs: 90 }]).flat()] as never;
    const run = await asked({ synthesiser: { script: slow } });
    await run.pause(400);
    await run.speak(600);
    const at = run.events.findIndex(({ type }) => type === 'voice_stream_event_interrupted');
    expect(at).toBeGreaterThan(0);
    expect(soundMs(run, 1)).toBeGreaterThan(300);
    await run.pause(2_000);
    expect(run.events.slice(at).filter(({ type, info }) => type === 'voice_stream_event_audio' && info.turn === 1)).toEqual([]);
    expect(run.synthesiser.spoken.slice(0, 2).map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect(run.synthesiser.streams.open).toBeLessThanOrEqual(1);
  });

  it('discards sound that the reader has not taken: what is taken afterwards is of use', async () => {
    let reading: (() => void) | undefined;
    let audios = 0;
    const run = await asked({
      // The reader stops at the third piece of sound, as a player that is full does.
      onEvent: (event) => (event.type === 'voice_stream_event_audio' && (audios += 1) === 3 ? new Promise<void>((resolve) => (reading = resolve)) : undefined),
    });
    run.pipeline.interrupt();
    reading?.();
    await run.clock.run(20);
    expect(soundMs(run, 1)).toBe(300);
    expect(run.story().slice(-2)).toEqual(['interrupted 0 [|' + ANSWER + ']', 'turn_ended 1 interrupted']);
  });

  it('is as quick when the reader takes the sound at the pace at which it plays, and much of it waits', async () => {
    const run = await asked({
      workflow: ['One two three four. '.repeat(10)],
      onEvent: (event, clock) => (event.type === 'voice_stream_event_audio' ? new Promise<void>((resolve) => clock.after(100, resolve)) : undefined),
    });
    await run.pause(2_000);
    await run.speak(600);
    const [interrupted] = run.of('voice_stream_event_interrupted');
    // The user spoke from 1300 + 2000 on; 400 ms to be sure, and the piece that the reader was at.
    expect(interrupted?.info.timestamp).toBe(1_000 + 3_300 + 400);
    expect(run.story().at(-1)).toBe('speech started 3300');
  });

  it('after the answer was heard to its end is none: a new turn begins', async () => {
    const run = await asked();
    await run.pause(2_600);
    await run.speak(600);
    expect(run.story().filter((line) => !line.includes(':')).slice(-4)).toEqual(['speech stopped 600', 'turn_ended 1 answered', 'turn_started 2', 'speech started 3900']);
    expect(run.workflow.told).toEqual([]);
  });

  it('may come twice: each answer is cut at its own', async () => {
    const run = await asked({ workflow: [ANSWER] });
    await run.pause(200);
    await run.speak(600);
    await run.pause(700 + 200);
    await run.speak(600);
    expect(run.story().filter((line) => line.startsWith('interrupted'))).toEqual([
      'interrupted 600 [One two three|' + ' four. Five six seven eight nine ten.]',
      'interrupted 600 [One two three|' + ' four. Five six seven eight nine ten.]',
    ]);
    expect(run.workflow.told.length).toBe(2);
  });

  it.each([100, 200, 280])('is no noise of %i ms, and the answer goes on', async (ms) => {
    const run = await asked();
    await run.pause(400);
    await run.speak(ms);
    await run.pause(3_000);
    expect(run.story().slice(-2)).toEqual(['agent: Five six seven eight nine ten.', 'turn_ended 1 answered']);
  });

  it('is no row of knocks either: gaps end what is judged', async () => {
    const run = await asked();
    for (let knock = 0; knock < 5; knock += 1) {
      await run.speak(80);
      await run.pause(300);
    }
    expect(run.of('voice_stream_event_interrupted')).toEqual([]);
  });

  it('is not wanted with `off`: speech over the answer changes nothing', async () => {
    const run = await asked({}, { interruption: 'off' });
    await run.speak(1_000);
    await run.pause(2_000);
    expect(run.of('voice_stream_event_interrupted')).toEqual([]);
    expect(run.story().slice(-1)).toEqual(['turn_ended 1 answered']);
  });

  it('needs as much voice as it is told', async () => {
    const run = await asked({}, { interruption: { confirmMs: 800 } });
    await run.speak(880);
    expect(run.of('voice_stream_event_interrupted')).toEqual([]);
    await run.speak(40);
    expect(run.of('voice_stream_event_interrupted').length).toBe(1);
  });

  it('is real speech, heard by the built-in detector, within half a second of its first sound', async () => {
    const { samples, sampleRate } = decodeWav(readFileSync(new URL('../../../fixtures/audio/caller-stop.wav', import.meta.url)));
    const speech = samplesToPcm16(resampleWhole(samples, sampleRate, 24_000));
    const run = runPipeline({ workflow: ['A long answer. '.repeat(20)] }, { turnDetection: { vad: (wanted) => new EnergyVad(wanted) } });
    await run.pause(200);
    run.pipeline.sendText('Talk, please.');
    await run.pause(500);
    for (let at = 0; at < speech.length && run.of('voice_stream_event_interrupted').length === 0; at += 960) {
      await run.clock.run(20);
      run.microphone.push(speech.subarray(at, at + 960));
      await settle();
    }
    const [started] = run.of('voice_stream_event_speech');
    const [interrupted] = run.of('voice_stream_event_interrupted');
    // The clock and the audio began together, at 1000.
    const afterMs = (interrupted?.info.timestamp ?? 0) - 1_000 - (started?.atMs ?? 0);
    expect(afterMs).toBeGreaterThanOrEqual(400);
    expect(afterMs).toBeLessThanOrEqual(500);
  });

  it('counts as heard what the listener reports, and not what the clock would', async () => {
    const run = await asked({}, { playback: 'reported' });
    await run.pause(400);
    run.pipeline.reportPlayback({ itemId: 'turn_1', contentIndex: 0, samples: 7_200 });
    await run.speak(600);
    // 300 ms were reported, and a listener that has told so goes on for 250 ms at most.
    expect(run.of('voice_stream_event_interrupted')[0]).toMatchObject({ heardMs: 550 });
  });

  it('counts sentences that were reported to their end', async () => {
    const run = await asked({}, { playback: 'reported' });
    run.pipeline.reportPlayback({ itemId: 'turn_1', contentIndex: 0, samples: 24_000 * 0.95 });
    run.pipeline.reportPlayback({ itemId: 'turn_1', contentIndex: 1, samples: 24_000 * 0.6 });
    run.pipeline.interrupt();
    await run.clock.run(0);
    expect(run.story().slice(-2)).toEqual(['interrupted 1550 [One two three four. Five six seven|' + ' eight nine ten.]', 'turn_ended 1 interrupted']);
  });

  it('of a turn that the workflow was not asked about yet is not told to it', async () => {
    const run = runPipeline({ workflow: ['Fine.'] });
    await settle();
    run.pipeline.sendText('One.');
    run.pipeline.sendText('Two.');
    await run.clock.run(1_000);
    expect(run.story()).toEqual(['turn_started 1', 'user: One.', 'interrupted 0 [|]', 'turn_ended 1 interrupted', 'turn_started 2', 'user: Two.', 'agent: Fine.', 'turn_ended 2 answered']);
    expect(run.workflow.asked.map(({ text }) => text)).toEqual(['Two.']);
    expect(run.workflow.told).toEqual([]);
  });

  it('by the application is the same as by speech', async () => {
    const run = await asked();
    await run.pause(1_000);
    run.pipeline.interrupt();
    await run.clock.run(0);
    expect(run.story().slice(-2)).toEqual(['interrupted 1000 [One two three four.|' + ' Five six seven eight nine ten.]', 'turn_ended 1 interrupted']);
    expect(run.workflow.told.length).toBe(1);
    run.pipeline.interrupt();
    await run.clock.run(100);
    expect(run.of('voice_stream_event_interrupted').length).toBe(1);
  });

  it('waits for a workflow that takes its time to learn what was heard, before it asks again', async () => {
    const order: string[] = [];
    const run = await asked({}, ({ clock, workflow }) => ({
      workflow: {
        answer: (turn) => {
          order.push(`asked ${workflow.asked.length}`);
          return workflow.answer(turn);
        },
        heard: () => new Promise<void>((resolve) => clock.after(2_000, () => (order.push('knows'), resolve()))),
      },
    }));
    await run.speak(600);
    await run.pause(1_000);
    expect(order).toEqual(['asked 0']);
    await run.pause(1_000);
    expect(order).toEqual(['asked 0', 'knows', 'asked 1']);
  });
});
