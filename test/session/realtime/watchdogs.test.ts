import { describe, expect, it } from 'vitest';
import { PCM16_24K, msToSamples, samplesToPcm16 } from '../../../audio/index.js';
import type { TokenUsage } from '../../../session/index.js';
import { openHarness, replyBegins, replyEnds, speechStarts } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { random } from '../../helpers/random.js';

const rng = random(7);

/** 20 ms of the microphone: noise at a level, 0..1. */
function chunk(level: number): Uint8Array {
  return samplesToPcm16(Int16Array.from({ length: msToSamples(PCM16_24K, 20) }, () => Math.round((rng.next() - 0.5) * 2 * level * 32_767)));
}

/** So long of a microphone; voice comes in words of 200 ms with 100 ms between them. */
function listen({ session, clock }: Harness, ms: number, kind: 'voice' | 'room' | 'silence'): void {
  for (let at = 0; at < ms; at += 20) {
    session.sendAudio(chunk(kind === 'silence' ? 0 : kind === 'voice' && at % 300 < 200 ? 0.2 : 0.003));
    clock.advance(20);
  }
}

function codes({ of }: Harness): string[] {
  return of('error').map(({ error }) => error.code);
}

function usage(audio: number): TokenUsage {
  return { totalTokens: audio, inputTokens: 0, outputTokens: audio, input: { text: 0, audio: 0, image: 0, cached: 0 }, output: { text: 0, audio } };
}

describe('a model that does not react to speech', () => {
  it('is reported after 4 s of voice, once, until it hears again', async () => {
    const harness = await openHarness();
    listen(harness, 2_000, 'room');
    listen(harness, 3_900, 'voice');
    expect(codes(harness)).toEqual([]);
    listen(harness, 400, 'voice');
    expect(codes(harness)).toEqual(['SPEECH_UNANSWERED']);
    expect(harness.of('error')[0]?.error.retryable).toBe(true);
    listen(harness, 20_000, 'voice');
    expect(codes(harness).length).toBe(1);
    harness.model.push(speechStarts('u1'), { type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_cleared' });
    listen(harness, 2_000, 'room');
    listen(harness, 5_000, 'voice');
    expect(codes(harness).length).toBe(2);
  });

  it('is none when it heard, when there was a cough, when the noise is steady, when the agent speaks, and where the application commits by hand', async () => {
    const heard = await openHarness();
    listen(heard, 2_000, 'room');
    listen(heard, 1_000, 'voice');
    heard.model.push(speechStarts('u1'));
    listen(heard, 10_000, 'voice');
    expect(codes(heard)).toEqual([]);

    const cough = await openHarness();
    for (let time = 0; time < 5; time += 1) {
      listen(cough, 3_000, 'room');
      listen(cough, 200, 'voice');
    }
    expect(codes(cough)).toEqual([]);

    const steady = await openHarness();
    listen(steady, 2_000, 'silence');
    for (let at = 0; at < 60_000; at += 20) {
      steady.session.sendAudio(chunk(0.02));
      steady.clock.advance(20);
    }
    expect(codes(steady)).toEqual([]);

    const speaking = await openHarness();
    speaking.model.push(...replyBegins('r1', 'a1', 'A story.', 20_000), ...replyEnds('r1', 'a1', 'A story.'));
    listen(speaking, 10_000, 'voice');
    expect(codes(speaking)).toEqual([]);

    const byHand = await openHarness({ config: { turnDetection: null } });
    listen(byHand, 10_000, 'voice');
    expect(codes(byHand)).toEqual([]);
  });
});

describe('a listener that reports what it plays', () => {
  it('is missed 4 s after the sound must have ended, once, and again when it came back and went', async () => {
    const harness = await openHarness({ playback: 'reported' });
    harness.model.push(...replyBegins('r1', 'a1', 'Hello.', 1_000), ...replyEnds('r1', 'a1', 'Hello.'));
    harness.clock.advance(4_999);
    expect(codes(harness)).toEqual([]);
    harness.clock.advance(1);
    expect(codes(harness)).toEqual(['PLAYBACK_STALLED']);
    harness.clock.advance(60_000);
    expect(codes(harness).length).toBe(1);
    harness.session.reportPlayback({ itemId: 'a1', contentIndex: 0, samples: 24_000 });
    harness.model.push(...replyBegins('r2', 'a2', 'Hello.', 1_000), ...replyEnds('r2', 'a2', 'Hello.'));
    harness.clock.advance(60_000);
    expect(codes(harness).length).toBe(2);
  });

  it('is not missed while it reports, however slowly it plays, nor when all was heard', async () => {
    const harness = await openHarness({ playback: 'reported' });
    harness.model.push(...replyBegins('r1', 'a1', 'Hello.', 1_000), ...replyEnds('r1', 'a1', 'Hello.'));
    for (let second = 1; second <= 24; second += 1) {
      harness.clock.advance(1_000);
      harness.session.reportPlayback({ itemId: 'a1', contentIndex: 0, samples: second * 1_000 });
    }
    harness.clock.advance(60_000);
    expect(codes(harness)).toEqual([]);
  });
});

describe('a response that bills audio of which nothing was decoded', () => {
  it('is reported with the names that were not recognised, the audible one first', async () => {
    const harness = await openHarness();
    harness.model.push({ type: 'response_created', responseId: 'r1' });
    for (const name of ['response.mood', 'response.sound_audio.delta', 'response.sound_audio.delta', '__proto__']) harness.model.push({ type: 'raw_message', name, raw: {} });
    harness.model.push({ type: 'response_done', responseId: 'r1', status: 'completed', usage: usage(212), output: [] });
    expect(codes(harness)).toEqual(['AUDIO_UNDECODED']);
    expect(harness.of('error')[0]?.error.message).toBe(
      'The model billed 212 audio tokens of a response and none of its audio was decoded; unrecognised: "response.sound_audio.delta", "response.mood", "__proto__".',
    );
  });

  it('is none where the provider plays it itself, on a call that it carries', async () => {
    const harness = await openHarness();
    harness.model.push({ type: 'response_created', responseId: 'r1' }, { type: 'audio_elsewhere', responseId: 'r1' });
    harness.model.push({ type: 'response_done', responseId: 'r1', status: 'completed', usage: usage(212), output: [] });
    expect(codes(harness)).toEqual([]);
  });

  it('is none when its audio came, when it bills none, and when it was stopped before the first of it', async () => {
    const harness = await openHarness();
    harness.model.push(...replyBegins('r1', 'a1', 'Hi.', 100), { type: 'response_done', responseId: 'r1', status: 'completed', usage: usage(2), output: [] });
    harness.model.push({ type: 'response_created', responseId: 'r2' }, { type: 'response_done', responseId: 'r2', status: 'completed', usage: usage(0), output: [] });
    harness.model.push({ type: 'response_created', responseId: 'r3' }, { type: 'response_done', responseId: 'r3', status: 'cancelled', usage: usage(9), output: [] });
    expect(codes(harness)).toEqual([]);
  });
});

describe('the watchdogs', () => {
  it.each(['clock', 'reported'] as const)('never trip in 24 h of quiet, and have no timer then (%s)', async (playback) => {
    const harness = await openHarness({ playback });
    // An opening, a turn with a cut, an edit: everything that was owed has come.
    harness.model.push(...replyBegins('r1', 'a1', 'Hello.', 1_000), ...replyEnds('r1', 'a1', 'Hello.'));
    listen(harness, 400, 'voice');
    harness.model.push(speechStarts('u1'), { type: 'item_truncated', itemId: 'a1', contentIndex: 0, audioEndMs: 400 });
    listen(harness, 600, 'room');
    harness.model.push({ type: 'speech_stopped', itemId: 'u1', audioEndMs: 1_000 }, { type: 'input_committed', itemId: 'u1' });
    harness.model.push(...replyBegins('r2', 'a2', 'Yes?', 1_000), ...replyEnds('r2', 'a2', 'Yes?'));
    harness.session.setContext('order', 'none');
    const created = harness.model.commandsOf('create_item').at(-1)?.item;
    if (created?.type === 'message') harness.model.push({ type: 'item_added', item: { ...created, status: 'completed' } });
    harness.clock.advance(900);
    if (playback === 'reported') harness.session.reportPlayback({ itemId: 'a2', contentIndex: 0, samples: 24_000 });
    harness.clock.advance(60_000);
    expect(harness.clock.pendingTimers).toBe(0);
    // A room with a little noise: one chunk stands for the minute around it.
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      for (let count = 0; count < 10; count += 1) {
        harness.session.sendAudio(chunk(0.003));
        harness.clock.advance(20);
      }
      harness.clock.advance(59_800);
    }
    expect(harness.of('error')).toEqual([]);
    expect(harness.clock.pendingTimers).toBe(0);
  });
});
