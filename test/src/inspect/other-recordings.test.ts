import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { embedSound, readTimeline } from '../../../src/inspect/index.js';
import { RecordingMemory, WireRecorder, parseRecording, recordSessionTo } from '../../../src/recording/index.js';
import type { Recording } from '../../../src/recording/index.js';
import { SCENARIOS, playScenario } from '../../helpers/recorded-scenarios.js';

function readMemory(memory: RecordingMemory): Recording {
  return parseRecording(`${memory.lines.join('\n')}\n`, 'call.vw.jsonl', (track) => Buffer.concat(memory.tracks.get(track) ?? []));
}

describe('a recording that keeps hashes', () => {
  it('has every number, and neither a waveform nor sound', async () => {
    const scenario = SCENARIOS.find(({ name }) => name === 'barge-in');
    if (scenario === undefined) throw new Error('There is no such scenario.');
    const memory = new RecordingMemory();
    const recorder = recordSessionTo(memory, { audio: 'hash' });
    await playScenario(scenario, recorder);
    await recorder.done;
    const { timeline, sound } = readTimeline(readMemory(memory));
    expect(timeline.peaks).toMatchObject({ caller: '', received: '', heard: '' });
    expect(embedSound(sound, timeline.startMs, timeline.endMs, 1e9)).toBeUndefined();
    expect(timeline.interruptions.map(({ heardMs }) => heardMs)).toEqual([3570]);
    expect(Math.floor(timeline.heard[0]?.heardMs ?? NaN)).toBe(3570);
  });
});

describe('a recording of a wire', () => {
  async function wire(): Promise<Recording> {
    const [memory, clock] = [new RecordingMemory(), new ManualClock(500)];
    const recorder = new WireRecorder(memory, clock, { model: 'a model' });
    const base64 = (samples: number): string => Buffer.from(new Int16Array(samples).fill(9_000).buffer).toString('base64');
    const connection = recorder.open({ url: 'wss://models.example/v1', protocol: 'realtime', headerNames: [] });
    for (let chunk = 0; chunk < 5; chunk += 1) {
      clock.advance(20);
      recorder.message(connection, 'out', JSON.stringify({ type: 'input_audio_buffer.append', audio: base64(480) }));
    }
    // A second of sound at once, and another.
    for (let delta = 0; delta < 2; delta += 1) recorder.message(connection, 'in', JSON.stringify({ type: 'response.output_audio.delta', item_id: 'item_1', delta: base64(24_000) }));
    clock.advance(3_000);
    recorder.close(connection, 'in', 1001, 'going away');
    await recorder.end();
    return readMemory(memory);
  }

  it('shows its connections, and its messages in runs', async () => {
    const { timeline } = readTimeline(await wire());
    expect(timeline.level).toBe('wire');
    expect(timeline.connection).toEqual([{ state: 'open', fromMs: 500, toMs: 3_600, note: 'closed by the model with 1001 going away' }]);
    expect(timeline.rows.filter(({ kind }) => kind === 'wire').map(({ type, count }) => [type, count])).toEqual([['open', 1], ['input_audio_buffer.append', 5], ['response.output_audio.delta', 2], ['close', 1]]);
    expect(timeline.turns).toEqual([]);
  });

  it('places the caller\'s sound before its messages, and the agent\'s one after the other', async () => {
    const { sound } = readTimeline(await wire());
    expect(sound.caller.sound.map(({ fromMs }) => fromMs)).toEqual([500, 520, 540, 560, 580]);
    expect(sound.agent.sound.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([[600, 1_600], [1_600, 2_600]]);
  });
});
