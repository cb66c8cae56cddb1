import { describe, expect, it } from 'vitest';
import { MULAW_8K, PCM16_24K, clipToInt16, encodeMulaw, samplesToPcm16 } from '../../../audio/index.js';
import type { AudioFormat } from '../../../audio/index.js';
import { createSessionState } from '../../../session/index.js';
import type { BargeInOptions, ModelCommand, ModelInput, SessionConfig } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import { openHarness, replyBegins, replyEnds, speechStarts, tone } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';

const TEXT = 'Our kitchen closes at ten, and please wait to be seated.';
const WRITTEN: SessionConfig = { transcription: { model: 'm' } };

/** Noise that comes and goes like syllables, as `rate` samples a second. */
function syllables(ms: number, seed: number, level: number, rate: number): Int16Array {
  const rng = random(seed);
  const samples = new Int16Array((ms * rate) / 1000);
  const syllable = rate / 10;
  for (let at = 0; at < samples.length; at += syllable) {
    const loud = rng.next() < 0.3 ? 0.02 : 0.3 + 0.7 * rng.next();
    for (let index = at; index < at + syllable && index < samples.length; index += 1) samples[index] = clipToInt16((rng.next() - 0.5) * 3 * loud * level * 32_768);
  }
  return samples;
}

interface Room extends Harness {
  /** Lets `ms` pass: the microphone hears the loudspeaker, 60 ms later and `gain` of it, a quiet room, and a voice of so much of full scale. */
  hear(ms: number, voice?: number): void;
  gain: number;
}

/** A session whose agent begins to say `audioMs` of something at once. */
async function talkingAgent(bargeIn: BargeInOptions, options: { config?: SessionConfig; gain?: number; audioMs?: number; format?: AudioFormat } = {}): Promise<Room> {
  const { config = {}, gain = 0.1, audioMs = 20_000, format = PCM16_24K } = options;
  const harness = await openHarness({ bargeIn, config: { ...config, inputFormat: format, outputFormat: format } });
  const bytesOf = (samples: Int16Array): Uint8Array => (format.encoding === 'mulaw' ? encodeMulaw(samples) : samplesToPcm16(samples).slice());
  const rate = format.sampleRate;
  const speech = syllables(audioMs, 5, 0.15, rate);
  harness.model.push(...replyBegins('r1', 'a1', TEXT, 0), { type: 'audio_delta', responseId: 'r1', itemId: 'a1', contentIndex: 0, bytes: bytesOf(speech) }, ...replyEnds('r1', 'a1', TEXT));
  const slot = rate / 50;
  const rng = random(9);
  const voices = syllables(20_000, 7, 1, rate);
  let at = 0;
  const room: Room = {
    ...{ ...harness, gain },
    hear(ms, voice = 0) {
      for (let passed = 0; passed < ms; passed += 20) {
        harness.clock.advance(20);
        const samples = new Int16Array(slot);
        for (let index = 0; index < slot; index += 1) {
          const said = (voices[(at + index) % voices.length] ?? 0) * voice;
          samples[index] = clipToInt16((speech[at + index - 3 * slot] ?? 0) * room.gain + said + (rng.next() - 0.5) * 40);
        }
        at += slot;
        harness.session.sendAudio(bytesOf(samples));
      }
    },
  };
  return room;
}

const sent = ({ model }: Harness): ModelCommand['type'][] => model.commands.map(({ type }) => type).filter((type) => type !== 'configure' && type !== 'append_audio');
const written = (itemId: string, text: string): ModelInput => ({ type: 'user_transcript', itemId, contentIndex: 0, text, final: true });
const ends = (itemId: string): ModelInput[] => [
  { type: 'speech_stopped', itemId, audioEndMs: 4_000 },
  { type: 'input_committed', itemId },
];
const GUARDED: BargeInOptions = { mode: 'two-stage', aboveEchoDb: 6 };

describe('speech that must stand out of the echo', () => {
  it.each([[PCM16_24K], [MULAW_8K]])('holds nothing while it does not, and gets no answer ($encoding)', async (format) => {
    const room = await talkingAgent(GUARDED, { format });
    room.hear(3_000);
    room.model.push(speechStarts('u1'));
    room.hear(1_000);
    room.model.push(...ends('u1'));
    expect(room.of('audio_paused')).toEqual([]);
    expect(sent(room)).toEqual([]);
    expect(room.session.bargeInCounts).toMatchObject({ tentative: 0, confirmed: 0, resumed: 0, belowEcho: 1 });
  });

  it.each([[PCM16_24K], [MULAW_8K]])('holds at once when it does, and interrupts as ever ($encoding)', async (format) => {
    const room = await talkingAgent(GUARDED, { format });
    room.hear(3_000);
    room.hear(160, 0.3);
    room.model.push(speechStarts('u1'));
    expect(room.of('audio_paused').length).toBe(1);
    // The pause has no echo.
    room.gain = 0;
    room.hear(1_000, 0.3);
    expect(room.session.bargeInCounts).toMatchObject({ tentative: 1, confirmed: 1, resumed: 0, belowEcho: 0 });
  });

  it('holds within 200 ms when a voice joins an echo that the model takes for speech already', async () => {
    const room = await talkingAgent(GUARDED);
    room.hear(3_000);
    room.model.push(speechStarts('u1'));
    room.hear(1_000);
    expect(room.of('audio_paused')).toEqual([]);
    room.hear(200, 0.3);
    expect(room.of('audio_paused').length).toBe(1);
    expect(room.session.bargeInCounts).toMatchObject({ tentative: 1, belowEcho: 1 });
  });

  it('learns an echo that grows louder', async () => {
    const room = await talkingAgent(GUARDED, { gain: 0.03 });
    room.hear(3_000);
    room.gain = 0.5;
    room.hear(3_000);
    room.model.push(speechStarts('u1'));
    room.hear(1_000);
    expect(room.of('audio_paused')).toEqual([]);
  });

  it('is a turn like any other when it goes on after the agent has finished', async () => {
    const room = await talkingAgent(GUARDED, { audioMs: 3_000 });
    room.hear(2_500);
    room.model.push(speechStarts('u1'));
    room.hear(500);
    room.hear(1_000, 0.1);
    room.model.push(...ends('u1'));
    expect(room.of('audio_paused')).toEqual([]);
    expect(sent(room)).toEqual(['create_response']);
  });

  it.each([
    ['Kitchen closes at ten.', 'echo'],
    ['please be seated', 'echo'],
    ['Can I bring my dog?', 'interrupts'],
    ['Hold on.', 'interrupts'],
    // A safety phrase counts though the agent says it too.
    ['Wait!', 'interrupts'],
    ['Mhm.', 'goes on'],
  ])('written down as "%s": %s', async (text, outcome) => {
    const room = await talkingAgent(GUARDED, { config: WRITTEN });
    room.hear(3_000);
    room.model.push(speechStarts('u1'));
    room.hear(600);
    room.model.push(...ends('u1'), written('u1', text));
    expect(sent(room)).toEqual(outcome === 'interrupts' ? ['truncate_item', 'create_response'] : []);
    expect(room.session.bargeInCounts.confirmed).toBe(outcome === 'interrupts' ? 1 : 0);
  });

  it('is believed where the session hears no microphone', async () => {
    const { model, clock, of } = await openHarness({ bargeIn: GUARDED });
    model.push(...replyBegins('r1', 'a1', TEXT, 10_000));
    clock.advance(2_000);
    model.push(speechStarts('u1'));
    expect(of('audio_paused').length).toBe(1);
  });

  it('keeps nothing of the sound where nobody asked for it', () => {
    for (const mode of ['immediate', 'two-stage', 'half-duplex', 'off'] as const) {
      const state = createSessionState({ outputModality: 'audio', inputFormat: PCM16_24K, outputFormat: PCM16_24K, tools: [] }, 'clock', { bargeIn: { mode } });
      expect(state.bargeIn.echo).toBeUndefined();
    }
  });

  it.each([[{ aboveEchoDb: -1 }], [{ aboveEchoDb: 41 }], [{ aboveEchoDb: Number.NaN }]])('refuses %j', async (bargeIn) => {
    await expect(openHarness({ bargeIn })).rejects.toThrow(RangeError);
  });
});

describe('mode auto', () => {
  const isSilent = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

  it('begins as two-stage, finds a strong echo in the first seconds of sound, and is half-duplex from there on', async () => {
    const room = await talkingAgent({ mode: 'auto' }, { gain: 0.5, audioMs: 8_000 });
    expect(room.model.commandsOf('configure')[0]?.config.turnDetection).toMatchObject({ interruptResponse: false, createResponse: false });
    // The echo is speech to the model; until the test is over, it is not believed.
    room.hear(500);
    room.model.push(speechStarts('u1'));
    room.hear(3_500);
    const [test] = room.of('echo_test');
    expect(test).toMatchObject({ mode: 'half-duplex' });
    expect(test?.info.timestamp).toBeLessThanOrEqual(1_000 + 2_500);
    expect(Math.abs((test?.echoDb ?? 0) + 6)).toBeLessThanOrEqual(2);
    expect(isSilent(room.model.commandsOf('append_audio').at(-1)?.bytes ?? tone(1))).toBe(true);
    room.model.push(...ends('u1'));
    expect(sent(room)).toEqual([]);
    // When the agent is silent, the caller is heard and answered, by the session as before.
    room.hear(5_000);
    room.hear(500, 0.2);
    expect(isSilent(room.model.commandsOf('append_audio').at(-1)?.bytes ?? new Uint8Array())).toBe(false);
    room.model.push(speechStarts('u2'), ...ends('u2'));
    expect(sent(room)).toEqual(['create_response']);
    expect([room.of('echo_test').length, room.of('audio_paused').length, room.of('audio_interrupted').length]).toEqual([1, 0, 0]);
  });

  it.each([[0.03], [0]])('stays two-stage where the microphone hears %d of the sound, and says so', async (gain) => {
    const room = await talkingAgent({ mode: 'auto' }, { gain });
    room.hear(7_000);
    expect(room.of('echo_test')).toMatchObject([{ mode: 'two-stage' }]);
    expect(room.of('echo_test')[0]?.echoDb).toBeLessThan(-25);
    room.hear(160, 0.3);
    room.model.push(speechStarts('u1'));
    expect(room.of('audio_paused').length).toBe(1);
  });
});
