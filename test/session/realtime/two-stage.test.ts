import { describe, expect, it } from 'vitest';
import { PCM16_24K, msToBytes, samplesToMs } from '../../../audio/index.js';
import { RealtimeAgent } from '../../../session/index.js';
import type { BargeInOptions, ModelCommand, ModelInput, SessionConfig } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import { openHarness, replyBegins, replyEnds, speechStarts, tone } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';

const TEXT = 'one two three four five six seven eight nine ten';
const WRITTEN: SessionConfig = { transcription: { model: 'm' } };

async function speaking(bargeIn: BargeInOptions = {}, config: SessionConfig = {}, audioMs = 10_000, generated = true): Promise<Harness> {
  const harness = await openHarness({ bargeIn: { mode: 'two-stage', ...bargeIn }, config });
  harness.model.push(...replyBegins('r1', 'a1', TEXT, audioMs));
  if (generated) harness.model.push(...replyEnds('r1', 'a1', TEXT));
  harness.clock.advance(1_000);
  return harness;
}

function sent({ model }: Harness): ModelCommand['type'][] {
  return model.commands.map(({ type }) => type).filter((type) => type !== 'configure' && type !== 'append_audio');
}

/** The microphone for `ms`, at a level of 0..1 of full scale. */
function microphone({ session, clock }: Harness, ms: number, level: number): void {
  for (let at = 0; at < ms; at += 20) {
    clock.advance(20);
    session.sendAudio(new Uint8Array(new Int16Array(480).fill(level * 32_767).buffer));
  }
}

function speechEnds(itemId: string, audioEndMs: number): ModelInput[] {
  return [
    { type: 'speech_stopped', itemId, audioEndMs },
    { type: 'input_committed', itemId },
  ];
}

function written(itemId: string, text: string): ModelInput {
  return { type: 'user_transcript', itemId, contentIndex: 0, text, final: true };
}

const counts = ({ session }: Harness) => {
  const { tentative, confirmed, resumed } = session.bargeInCounts;
  return { tentative, confirmed, resumed };
};

describe('two-stage barge-in', () => {
  it('configures the model neither to stop nor to answer by itself, and keeps the rest of the turn detection', async () => {
    const { model } = await openHarness({ bargeIn: { mode: 'two-stage' }, config: { turnDetection: { type: 'semantic_vad', eagerness: 'low' } } });
    expect(model.commandsOf('configure')[0]?.config.turnDetection).toEqual({ type: 'semantic_vad', eagerness: 'low', interruptResponse: false, createResponse: false });
    const manual = await openHarness({ bargeIn: { mode: 'two-stage' }, config: { turnDetection: null } });
    expect(manual.model.commandsOf('configure')[0]?.config.turnDetection).toBeNull();
  });

  it('stays with the model through a hand-off', async () => {
    const { model, session } = await openHarness({ bargeIn: { mode: 'two-stage' } });
    await session.updateAgent(new RealtimeAgent({ name: 'Bo', instructions: 'Be polite.' }));
    const given = model.commandsOf('configure').map(({ config }) => config);
    expect(given.map(({ instructions }) => instructions)).toEqual(['Be brief.', 'Be polite.']);
    expect(given.map(({ turnDetection }) => turnDetection)).toEqual(Array(2).fill({ type: 'server_vad', interruptResponse: false, createResponse: false }));
  });

  it('holds the sound at the first sign of speech, cancels nothing, and goes on receiving', async () => {
    const harness = await speaking({}, {}, 2_000, false);
    harness.model.push(speechStarts('u1'));
    expect(harness.of('audio_paused')).toMatchObject([{ how: 'pause', epoch: 0, itemId: 'a1', responseId: 'r1', contentIndex: 0, sample: 24_000 }]);
    harness.model.push({ type: 'audio_delta', responseId: 'r1', itemId: 'a1', contentIndex: 0, bytes: tone(400) });
    expect(harness.of('audio').length).toBe(2);
    expect(sent(harness)).toEqual([]);
  });

  it('plays on from the same sample when the speech was short, and asks for no answer', async () => {
    const harness = await speaking();
    harness.model.push(speechStarts('u1', 700));
    harness.clock.advance(800);
    harness.model.push(...speechEnds('u1', 700 + 300 + 200 + 500));
    expect(harness.of('audio_resumed')).toMatchObject([{ epoch: 0, itemId: 'a1', sample: 24_000 }]);
    expect(sent(harness)).toEqual([]);
    expect(counts(harness)).toEqual({ tentative: 1, confirmed: 0, resumed: 1 });
    // The pause is no hearing: an interruption 500 ms later cuts at 1500 ms.
    harness.clock.advance(500);
    harness.session.interrupt();
    expect(harness.model.commandsOf('truncate_item')).toMatchObject([{ itemId: 'a1', audioEndMs: 1_500 }]);
  });

  it('interrupts when the voice goes on, with what was heard before the pause, and answers the turn', async () => {
    const harness = await speaking({}, {}, 10_000, false);
    microphone(harness, 100, 0.001);
    microphone(harness, 100, 0.3);
    harness.model.push(speechStarts('u1'));
    microphone(harness, 480, 0.3);
    expect(sent(harness)).toEqual([]);
    microphone(harness, 20, 0.3);
    expect(sent(harness)).toEqual(['cancel_response', 'truncate_item']);
    expect(harness.model.commandsOf('truncate_item')).toMatchObject([{ itemId: 'a1', audioEndMs: 1_200 }]);
    expect(harness.of('audio_interrupted')).toMatchObject([{ epoch: 1, itemId: 'a1', heardMs: 1_200 }]);
    expect(harness.of('audio_resumed')).toEqual([]);
    harness.model.push(...replyEnds('r1', 'a1', TEXT, 'cancelled'), ...speechEnds('u1', 3_000));
    expect(sent(harness).at(-1)).toBe('create_response');
    expect(counts(harness)).toEqual({ tentative: 1, confirmed: 1, resumed: 0 });
  });

  it('believes a listener that says where it stopped', async () => {
    const harness = await speaking();
    harness.session.reportPlayback({ itemId: 'a1', contentIndex: 0, samples: 23_000 });
    harness.model.push(speechStarts('u1'));
    harness.clock.advance(30);
    harness.session.reportPlayback({ itemId: 'a1', contentIndex: 0, samples: 24_960 });
    harness.clock.advance(970);
    expect(harness.model.commandsOf('truncate_item')).toMatchObject([{ itemId: 'a1', audioEndMs: 1_040 }]);
  });

  it('takes a microphone that falls silent with the loudspeaker for echo', async () => {
    const harness = await speaking();
    microphone(harness, 400, 0.1);
    harness.model.push(speechStarts('u1'));
    microphone(harness, 100, 0.1);
    microphone(harness, 800, 0.002);
    harness.model.push(...speechEnds('u1', 2_000));
    expect(counts(harness)).toEqual({ tentative: 1, confirmed: 0, resumed: 1 });
    expect(sent(harness)).toEqual([]);
  });

  it('takes echo that is ducked with the loudspeaker for echo, for as long as the model hears speech', async () => {
    const harness = await speaking({ pause: 'duck' });
    microphone(harness, 400, 0.1);
    harness.model.push(speechStarts('u1'));
    expect(harness.of('audio_paused')).toMatchObject([{ how: 'duck' }]);
    microphone(harness, 3_000, 0.025);
    expect(counts(harness)).toEqual({ tentative: 1, confirmed: 0, resumed: 1 });
    expect(harness.of('audio_resumed')[0]?.info.timestamp).toBe(harness.of('audio_paused')[0]!.info.timestamp + 1_500);
    // A ducked sound is heard all the while.
    expect(harness.of('audio_resumed')[0]?.sample).toBe((harness.of('audio_paused')[0]?.sample ?? 0) + 36_000);
  });

  it('leaves a voice that hardly stands out of the room to the model, which hears it to the end', async () => {
    const harness = await speaking();
    microphone(harness, 400, 0.05);
    harness.model.push(speechStarts('u1'));
    microphone(harness, 1_480, 0.06);
    expect(counts(harness)).toEqual({ tentative: 1, confirmed: 0, resumed: 0 });
    microphone(harness, 20, 0.06);
    expect(counts(harness)).toEqual({ tentative: 1, confirmed: 1, resumed: 0 });
  });

  it('without a microphone to measure, takes speech whose end does not come for an interruption', async () => {
    const harness = await speaking();
    harness.model.push(speechStarts('u1'));
    harness.clock.advance(990);
    expect(counts(harness).confirmed).toBe(0);
    harness.clock.advance(10);
    expect(counts(harness).confirmed).toBe(1);
  });

  it('without a microphone to measure, goes by the marks of speech that has ended', async () => {
    const harness = await speaking();
    harness.model.push(speechStarts('u1', 700));
    harness.clock.advance(900);
    harness.model.push(...speechEnds('u1', 700 + 300 + 600 + 500));
    expect(counts(harness)).toEqual({ tentative: 1, confirmed: 1, resumed: 0 });
    expect(sent(harness)).toEqual(['truncate_item', 'create_response']);
  });

  it.each([
    ['Mhm, uh-huh.', 'resumed'],
    ['Yeah, okay, I see!', 'resumed'],
    ['Right.', 'resumed'],
    ['Bananas.', 'resumed'],
    ['', 'resumed'],
    ['Yeah, but not on Tuesday.', 'confirmed'],
    ['Two people', 'confirmed'],
    ['Stop!', 'confirmed'],
    ['Okay, wait.', 'confirmed'],
    ['HOLD ON', 'confirmed'],
  ] as const)('short speech that is written down as "%s" is %s', async (text, outcome) => {
    const harness = await speaking({}, WRITTEN);
    harness.model.push(speechStarts('u1'));
    harness.clock.advance(700);
    harness.model.push(...speechEnds('u1', 900));
    expect(counts(harness)).toEqual({ tentative: 1, confirmed: 0, resumed: 0 });
    harness.model.push(written('u1', text));
    expect(counts(harness)[outcome]).toBe(1);
    expect(sent(harness)).toEqual(outcome === 'confirmed' ? ['truncate_item', 'create_response'] : []);
    expect(harness.of('audio_interrupted').length).toBe(outcome === 'confirmed' ? 1 : 0);
  });

  it('interrupts on words that come while the user still speaks', async () => {
    const harness = await speaking({}, WRITTEN);
    harness.model.push({ type: 'item_added', item: { type: 'message', id: 'u1', role: 'user', status: 'in_progress', content: [] } }, speechStarts('u1'));
    const say = (delta: string) => harness.model.push({ type: 'user_transcript_delta', itemId: 'u1', contentIndex: 0, delta });
    say('yeah ');
    expect(counts(harness).confirmed).toBe(0);
    say('but no');
    expect(counts(harness).confirmed).toBe(1);
  });

  it('plays on when the words do not come in time, and still stops when they come late', async () => {
    const harness = await speaking({}, WRITTEN);
    harness.model.push(speechStarts('u1'));
    harness.clock.advance(700);
    harness.model.push(...speechEnds('u1', 900));
    harness.clock.advance(790);
    expect(harness.of('audio_resumed')).toEqual([]);
    harness.clock.advance(10);
    expect(harness.of('audio_resumed')).toMatchObject([{ sample: 24_000 }]);
    harness.clock.advance(300);
    harness.model.push(written('u1', 'Not on Tuesday please'));
    expect(harness.model.commandsOf('truncate_item')).toMatchObject([{ itemId: 'a1', audioEndMs: 1_300 }]);
    expect(sent(harness).at(-1)).toBe('create_response');
    expect(counts(harness)).toEqual({ tentative: 1, confirmed: 1, resumed: 1 });
  });

  it('plays on when the audio in question is thrown away', async () => {
    const harness = await speaking({}, WRITTEN);
    harness.model.push(speechStarts('u1'), { type: 'input_cleared' });
    harness.clock.advance(5_000);
    expect(counts(harness)).toEqual({ tentative: 1, confirmed: 0, resumed: 1 });
  });

  it('takes a failed transcription for no words', async () => {
    const harness = await speaking({}, WRITTEN);
    harness.model.push(speechStarts('u1'), ...speechEnds('u1', 900), { type: 'user_transcript_failed', itemId: 'u1', contentIndex: 0, error: { message: 'x' } });
    expect(counts(harness)).toEqual({ tentative: 1, confirmed: 0, resumed: 1 });
  });

  it('takes a "yes" over the last half second for the answer that it is', async () => {
    const harness = await speaking({}, WRITTEN, 1_500);
    harness.model.push(speechStarts('u1'));
    harness.clock.advance(700);
    harness.model.push(...speechEnds('u1', 900), written('u1', 'Yes.'));
    expect(sent(harness)).toEqual(['truncate_item', 'create_response']);
  });

  it('answers speech over silence like any other turn, and its words stop nothing', async () => {
    const harness = await openHarness({ bargeIn: { mode: 'two-stage' }, config: WRITTEN });
    harness.model.push(speechStarts('u1'), ...speechEnds('u1', 900));
    const { request } = harness.model.commandsOf('create_response')[0] ?? {};
    harness.model.push(...replyBegins('r1', 'a1', TEXT, 2_000, request?.metadata), written('u1', 'Stop the washing machine'));
    expect(harness.of('audio_paused')).toEqual([]);
    expect(sent(harness)).toEqual(['create_response']);
  });

  it('leaves answers to an application that wants to ask for them itself', async () => {
    const harness = await openHarness({ bargeIn: { mode: 'two-stage' }, config: { turnDetection: { type: 'server_vad', createResponse: false } } });
    harness.model.push(speechStarts('u1'), ...speechEnds('u1', 900));
    expect(sent(harness)).toEqual([]);
  });

  it('ends the pause when the application interrupts or the user types meanwhile', async () => {
    const harness = await speaking();
    harness.model.push(speechStarts('u1'));
    harness.session.sendMessage('Never mind.');
    expect(harness.model.commandsOf('truncate_item')).toMatchObject([{ audioEndMs: 1_000 }]);
    harness.clock.advance(5_000);
    expect([harness.of('audio_resumed').length, harness.of('audio_interrupted').length]).toEqual([0, 1]);
  });

  it('lets a listener play on when there is nothing left to interrupt', async () => {
    const harness = await openHarness({ bargeIn: { mode: 'two-stage' } });
    harness.model.push({ type: 'response_created', responseId: 'r1' }, speechStarts('u1'));
    expect(harness.of('audio_paused').map(({ itemId }) => itemId)).toEqual([undefined]);
    harness.model.push({ type: 'response_done', responseId: 'r1', status: 'failed', output: [] });
    harness.session.interrupt();
    expect(harness.of('audio_resumed').length).toBe(1);
    expect(harness.of('audio_interrupted')).toEqual([]);
  });

  it.each([
    [{ confirmMs: -1 }],
    [{ decideWithinMs: Number.NaN }],
    [{ warmUpMs: 60_001 }],
    [{ tailMs: -5 }],
    [{ minWords: 0 }],
    [{ confirmMs: 2_000, decideWithinMs: 1_000 }],
  ])('refuses %j', async (bargeIn) => {
    await expect(openHarness({ bargeIn })).rejects.toThrow(RangeError);
  });

  it('never leaves a listener paused, never counts the pause as heard, and settles every doubt in time, for 1000 random courses', async () => {
    const rng = random();
    for (let round = 0; round < 1_000; round += 1) {
      const where = `seed ${rng.seed}, round ${round}`;
      const decideWithinMs = rng.int(500, 2_000);
      const harness = await openHarness({ bargeIn: { mode: 'two-stage', pause: 'pause', decideWithinMs }, config: rng.pick([{}, WRITTEN]) });
      const { model, clock, session } = harness;
      model.push(...replyBegins('r1', 'a1', TEXT, 30_000));
      if (rng.next() < 0.5) model.push(...replyEnds('r1', 'a1', TEXT));
      let speechId: string | undefined;
      for (let action = 0; action < 20; action += 1) {
        clock.advance(rng.int(0, 400));
        if (harness.of('audio_interrupted').length > 0) break;
        const chance = rng.next();
        if (chance < 0.3 && speechId === undefined) model.push(speechStarts((speechId = `u${action}`), clock.now()));
        else if (chance < 0.5 && speechId !== undefined) {
          model.push(...speechEnds(speechId, clock.now() + 500));
          if (rng.next() < 0.5) model.push(written(speechId, rng.pick(['mhm', 'no no no', 'yes but', ''])));
          speechId = undefined;
        } else if (chance < 0.8) session.sendAudio(tone(20));
      }
      session.interrupt();
      const [interrupted] = harness.of('audio_interrupted');
      let inPauseMs = 0;
      for (const paused of harness.of('audio_paused')) {
        const end = harness.events.slice(harness.events.indexOf(paused)).find(({ type }) => type === 'audio_resumed' || type === 'audio_interrupted');
        const lastedMs = (end?.info.timestamp ?? Infinity) - paused.info.timestamp;
        expect(lastedMs, where).toBeLessThanOrEqual(decideWithinMs);
        if (end?.type === 'audio_resumed') expect(end.sample, where).toBe(paused.sample);
        inPauseMs += lastedMs;
      }
      expect(interrupted?.heardMs, where).toBe((interrupted?.info.timestamp ?? 0) - 1_000 - inPauseMs);
    }
  }, 60_000);
});

describe('speech that never interrupts', () => {
  it('is answered when the agent has finished, and nothing is cut', async () => {
    const harness = await speaking({ mode: 'off' }, {}, 4_000, false);
    harness.model.push(speechStarts('u1'), ...speechEnds('u1', 900));
    expect(sent(harness)).toEqual([]);
    harness.model.push(...replyEnds('r1', 'a1', TEXT));
    expect(sent(harness)).toEqual(['create_response']);
    expect([harness.of('audio_paused'), harness.of('audio_interrupted')]).toEqual([[], []]);
  });

  it('stops the agent when it holds a safety phrase', async () => {
    const harness = await speaking({ mode: 'off', safetyPhrases: ['red light'] }, WRITTEN);
    harness.model.push(speechStarts('u1'), ...speechEnds('u1', 900), written('u1', 'I say: red light!'));
    expect(harness.of('audio_interrupted').length).toBe(1);
  });
});

describe('half-duplex', () => {
  const loud = (bytes: Uint8Array): boolean => bytes.some((byte) => byte !== 0);

  it('lets the model hear silence while the agent sounds and while its room does, sample for sample', async () => {
    const harness = await openHarness({ bargeIn: { mode: 'half-duplex', tailMs: 200 } });
    microphone(harness, 100, 0.3);
    harness.model.push(...replyBegins('r1', 'a1', TEXT, 1_000), ...replyEnds('r1', 'a1', TEXT));
    microphone(harness, 2_000, 0.3);
    const heard = harness.model.commandsOf('append_audio').map(({ bytes }) => loud(bytes));
    expect(heard.length).toBe(105);
    const [from, to] = [heard.indexOf(false), heard.lastIndexOf(false)];
    expect(heard.slice(from, to + 1).every((each) => !each)).toBe(true);
    expect(from).toBe(5);
    expect((to - from + 1) * 20).toBeGreaterThanOrEqual(1_160);
    expect((to - from + 1) * 20).toBeLessThanOrEqual(1_200);
    expect(harness.model.commandsOf('append_audio').reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(msToBytes(PCM16_24K, 2_100));
    expect(harness.session.bargeInCounts.mutedMs).toBe((to - from + 1) * 20);
  });

  it('does not leave the model deaf when the listener stops reporting', async () => {
    const harness = await openHarness({ bargeIn: { mode: 'half-duplex' }, playback: 'reported' });
    harness.model.push(...replyBegins('r1', 'a1', TEXT, 1_000), ...replyEnds('r1', 'a1', TEXT));
    microphone(harness, 3_200, 0.3);
    const before = harness.model.commandsOf('append_audio').length;
    expect(harness.model.commandsOf('append_audio').some(({ bytes }) => loud(bytes))).toBe(false);
    microphone(harness, 200, 0.3);
    expect(harness.model.commandsOf('append_audio').slice(before).some(({ bytes }) => loud(bytes))).toBe(true);
  });

  it('is silence in the words of the format', async () => {
    const mulaw = { encoding: 'mulaw', sampleRate: 8_000, channels: 1 } as const;
    const harness = await openHarness({ bargeIn: { mode: 'half-duplex' }, config: { inputFormat: mulaw } });
    harness.model.push(...replyBegins('r1', 'a1', TEXT, 1_000));
    harness.clock.advance(20);
    harness.session.sendAudio(new Uint8Array(160).fill(3));
    expect(harness.model.commandsOf('append_audio')[0]?.bytes).toEqual(new Uint8Array(160).fill(0xff));
  });

  it('mutes only the first moments of the agent where just a warm-up is wanted, each time it begins', async () => {
    const harness = await openHarness({ bargeIn: { warmUpMs: 300 } });
    for (const id of ['1', '2']) {
      harness.model.push(...replyBegins(`r${id}`, `a${id}`, TEXT, 1_000), ...replyEnds(`r${id}`, `a${id}`, TEXT));
      microphone(harness, 1_500, 0.3);
    }
    const quiet = harness.model.commandsOf('append_audio').flatMap(({ bytes }, index) => (loud(bytes) ? [] : [index]));
    const wanted = Array.from({ length: 15 }, (_, index) => index);
    expect(quiet).toEqual([...wanted, ...wanted.map((index) => 75 + index)]);
    expect(samplesToMs(PCM16_24K, quiet.length * 480)).toBe(600);
  });
});
