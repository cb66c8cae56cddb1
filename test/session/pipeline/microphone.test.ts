import { describe, expect, it } from 'vitest';
import { PCM16_24K, Resampler, audioFormat, decodeSamples, encodeSamples, mixToMono, pcm16ToSamples, samplesToPcm16 } from '../../../audio/index.js';
import { RealtimeAgent, RealtimeSession, VoicePipeline } from '../../../session/index.js';
import type { PipelineEvent, VoicePipelineOptions } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { SeededRandom, joinSamples } from '../../audio/helpers/random.js';
import { runPipeline, sound } from '../../helpers/pipeline-harness.js';
import { LevelVad, TestMicrophone } from '../../helpers/scripted-stages.js';
import { random } from '../../helpers/random.js';
import { settle } from '../../helpers/settle.js';

type MicrophoneEvent = Extract<PipelineEvent, { type: 'voice_stream_event_microphone' }>;

/** All that a front end makes of these chunks. */
async function front(chunks: readonly Uint8Array[], options: Partial<VoicePipelineOptions> = {}): Promise<{ events: PipelineEvent[]; pieces: MicrophoneEvent[]; samples: Int16Array }> {
  const microphone = new TestMicrophone();
  for (const chunk of chunks) microphone.push(chunk);
  microphone.end();
  const pipeline = new VoicePipeline({ clock: new ManualClock(), turnDetection: { vad: (wanted) => new LevelVad(wanted) }, ...options });
  const events: PipelineEvent[] = [];
  for await (const event of pipeline.process(microphone)) events.push(event);
  const pieces = events.filter((event) => event.type === 'voice_stream_event_microphone');
  return { events, pieces, samples: joinSamples(pieces.map(({ data }) => pcm16ToSamples(data))) };
}

/** `toEqual` of a second of audio takes as long. */
function same(a: Int16Array, b: Int16Array): boolean {
  return Buffer.compare(samplesToPcm16(a), samplesToPcm16(b)) === 0;
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  let at = 0;
  return sizes.map((size) => bytes.subarray(at, (at += size)));
}

describe('the microphone of a pipeline', () => {
  it('gives the same however its bytes are cut, to the last sample', async () => {
    const seeded = new SeededRandom(random().seed);
    const bytes = samplesToPcm16(joinSamples([new Int16Array(4_800), seeded.samples(9_601), new Int16Array(19_200)]));
    const whole = await front([bytes]);
    expect(same(whole.samples, pcm16ToSamples(bytes))).toBe(true);
    for (let round = 0; round < 20; round += 1) {
      const { samples, events } = await front(cut(bytes, seeded.split(bytes.length, 1, seeded.integer(1, 5_000))));
      expect(same(samples, whole.samples), `seed ${seeded.seed}`).toBe(true);
      expect(events.length, `seed ${seeded.seed}`).toBe(whole.events.length);
    }
  });

  it('gives pieces of one size, but for the last, and leaves out half a sample at the end', async () => {
    const { pieces } = await front([sound(50), sound(5), new Uint8Array([1])]);
    expect(pieces.map(({ data }) => data.length)).toEqual([960, 960, 720]);
    expect((await front([sound(50)], { input: { chunkMs: 40 } })).pieces.map(({ data }) => data.length)).toEqual([1_920, 480]);
    // Rounded up to whole samples.
    expect((await front([sound(5)], { input: { chunkBytes: 99 } })).pieces.map(({ data }) => data.length)).toEqual([100, 100, 40]);
  });

  it.each([
    ['µ-law at 8 kHz', audioFormat('mulaw', 8_000)],
    ['A-law at 8 kHz in two channels', audioFormat('alaw', 8_000, 2)],
    ['PCM16 at 48 kHz in two channels', audioFormat('pcm16', 48_000, 2)],
    ['PCM16 at 16 kHz', audioFormat('pcm16', 16_000)],
  ])('takes %s', async (_name, format) => {
    const seeded = new SeededRandom(random().seed);
    const samples = seeded.samples(format.sampleRate * format.channels * 0.5);
    const bytes = encodeSamples(format.encoding, samples).slice();
    const heard = await front(cut(bytes, seeded.split(bytes.length, 1, 3_000)), { input: { format } });
    expect(heard.pieces.every((piece) => piece.format.sampleRate === 24_000 && piece.format.channels === 1)).toBe(true);
    const mono = mixToMono(decodeSamples(format.encoding, bytes), format.channels);
    const resampler = new Resampler(format.sampleRate, 24_000);
    expect(same(heard.samples, joinSamples([resampler.push(mono), resampler.flush()])), `seed ${seeded.seed}`).toBe(true);
  });

  it('passes its own stages in order, their tails too', async () => {
    const order: string[] = [];
    const stage = (name: string, add: number, tail: number): ReturnType<NonNullable<VoicePipelineOptions['preprocess']>>[number] => ({
      push: (samples) => (order.push(name), samples.map((sample) => sample * 10 + add)),
      flush: () => new Int16Array(tail).fill(add),
    });
    const { samples } = await front([new Uint8Array(2 * 480)], { preprocess: (sampleRate) => (expect(sampleRate).toBe(24_000), [stage('first', 1, 2), stage('second', 2, 1)]) });
    expect(order.slice(0, 2)).toEqual(['first', 'second']);
    expect([...samples.subarray(0, 1), ...samples.subarray(480)]).toEqual([12, 12, 12, 2]);
  });

  it('makes a source wait that can, and takes no more than its queue while nobody reads', async () => {
    const run = runPipeline({ frontEnd: true, onEvent: () => new Promise(() => {}) }, { input: { queueMs: 200 } });
    for (let piece = 0; piece < 200; piece += 1) run.microphone.push(sound(20));
    await settle();
    // 10 pieces in the queue, some 32 events ahead, and what is on its way between them.
    expect(200 - run.microphone.waitingChunks).toBeLessThan(60);
  });

  it('drops the oldest audio of a source that cannot wait, and says how much', async () => {
    let goOn: (() => void) | undefined;
    let first = true;
    const run = runPipeline(
      { frontEnd: true, onEvent: () => (first ? ((first = false), new Promise<void>((resolve) => (goOn = resolve))) : undefined) },
      { input: { queueMs: 200, whenFull: 'drop-oldest' } },
    );
    for (let piece = 0; piece < 200; piece += 1) {
      run.microphone.push(sound(20, 1 + piece));
      await settle();
    }
    expect(run.microphone.waitingChunks).toBe(0);
    run.microphone.end();
    await settle();
    goOn?.();
    await run.clock.run(5_000);
    await run.done;
    const pieces = run.of('voice_stream_event_microphone');
    const errors = run.of('voice_stream_event_error');
    expect(pieces.length).toBeLessThan(60);
    // The newest are there.
    expect(pieces.at(-1)?.data[0]).toBe(200);
    expect(errors.map(({ stage, error }) => [stage, error.code])).toEqual([
      ['input', 'MICROPHONE_OVERFLOW'],
      ['input', 'MICROPHONE_OVERFLOW'],
    ]);
    const droppedMs = errors.reduce((sum, { error }) => sum + Number(/(\d+) ms/.exec(error.message)?.[1]), 0);
    expect(droppedMs).toBe(20 * (200 - pieces.length));
  });
});

describe('a microphone front end', () => {
  it('gives clean audio and turns, and says what of it is speech', async () => {
    const { events, pieces } = await front([sound(200, 0), sound(400), sound(1_000, 0)]);
    expect(events.filter(({ type }) => type === 'voice_stream_event_lifecycle').map((event) => ('event' in event ? event.event : ''))).toEqual(['turn_started', 'turn_ended', 'session_ended']);
    const speech = pieces.map((piece) => piece.speech);
    // Sure after 200 ms of voice, over after 700 ms of silence.
    expect([speech.indexOf(true), speech.lastIndexOf(true)].map((at) => at * 20)).toEqual([380, 1_260]);
  });

  it('gives the audio of the turns alone where it is told so, the pre-roll included', async () => {
    const { events, samples } = await front([sound(1_000, 0), sound(400), sound(1_000, 0)], { microphone: 'speech' });
    expect(samples.length).toBe(24 * (300 + 400 + 700));
    const types = events.map((event) => ('event' in event ? event.event : event.type.slice(19)));
    expect(types[0]).toBe('turn_started');
    expect(types.lastIndexOf('microphone')).toBeLessThan(types.indexOf('turn_ended'));
  });

  it('feeds a RealtimeSession: the audio goes to the model, and the turns commit it', async () => {
    const clock = new ManualClock();
    const model = scriptedModel();
    const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model, clock, reconnect: false, config: { turnDetection: null } });
    await session.connect();
    const microphone = new TestMicrophone();
    const bytes = samplesToPcm16(joinSamples([new Int16Array(8_000), new Int16Array(8_000).fill(900), new Int16Array(16_000)]));
    for (const chunk of cut(bytes, [1, 4_001, 30_000, bytes.length - 34_002])) microphone.push(chunk);
    microphone.end();

    const pipeline = new VoicePipeline({ clock, input: { format: audioFormat('pcm16', 16_000) }, turnDetection: { vad: (wanted) => new LevelVad(wanted) } });
    for await (const event of pipeline.process(microphone)) {
      if (event.type === 'voice_stream_event_microphone') session.sendAudio(event.data);
      if (event.type === 'voice_stream_event_lifecycle' && event.event === 'turn_ended') session.commit();
    }

    const sent = model.commands.filter((command) => command.type === 'append_audio' || command.type === 'commit_audio' || command.type === 'create_response');
    const audio = sent.flatMap((command) => (command.type === 'append_audio' ? [pcm16ToSamples(command.bytes)] : []));
    const resampler = new Resampler(16_000, PCM16_24K.sampleRate);
    expect(same(joinSamples(audio), joinSamples([resampler.push(pcm16ToSamples(bytes)), resampler.flush()]))).toBe(true);
    expect(sent.filter(({ type }) => type !== 'append_audio').map(({ type }) => type)).toEqual(['commit_audio', 'create_response']);
    await session.close();
  });
});
