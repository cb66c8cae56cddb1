import { describe, expect, it } from 'vitest';
import type { BargeInOptions, ModelInput, SessionConfig } from '../../../session/index.js';
import { openHarness, replyBegins, replyEnds, speechStarts } from '../../helpers/session-harness.js';

const TEXT = 'Our kitchen closes at ten, and please wait to be seated.';
const WRITTEN: SessionConfig = { transcription: { model: 'm' } };

const written = (itemId: string, text: string): ModelInput => ({ type: 'user_transcript', itemId, contentIndex: 0, text, final: true });
const ends = (itemId: string): ModelInput[] => [
  { type: 'speech_stopped', itemId, audioEndMs: 4_000 },
  { type: 'input_committed', itemId },
];

describe('a safety phrase', () => {
  const says = (itemId: string, delta: string): ModelInput => ({ type: 'user_transcript_delta', itemId, contentIndex: 0, delta });
  const begins = (itemId: string): ModelInput[] => [{ type: 'item_added', item: { type: 'message', id: itemId, role: 'user', status: 'in_progress', content: [] } }, speechStarts(itemId)];
  const KEPT_ON: SessionConfig = { ...WRITTEN, turnDetection: { type: 'server_vad', interruptResponse: false } };

  it.each([
    ['immediate', KEPT_ON],
    ['half-duplex', KEPT_ON],
    ['two-stage', WRITTEN],
    ['auto', WRITTEN],
    ['off', WRITTEN],
  ] as const)('stops the agent in mode %s as soon as it is written down, while the user still speaks', async (mode, config) => {
    const { model, clock, of } = await openHarness({ bargeIn: { mode }, config });
    model.push(...replyBegins('r1', 'a1', TEXT, 10_000));
    clock.advance(1_000);
    model.push(...begins('u1'), says('u1', 'please '));
    expect(of('audio_interrupted')).toEqual([]);
    model.push(says('u1', 'stop'));
    expect(of('audio_interrupted')).toMatchObject([{ itemId: 'a1', heardMs: 1_000 }]);
    expect(model.commandsOf('truncate_item').length).toBe(1);
  });

  it('counts though it is a back-channel word as well, and though the speech was taken for none', async () => {
    const bargeIn: BargeInOptions = { mode: 'two-stage', backChannels: ['okay', 'stop'], safetyPhrases: ['stop'] };
    const { model, clock, of, session } = await openHarness({ bargeIn, config: WRITTEN });
    model.push(...replyBegins('r1', 'a1', TEXT, 10_000), ...replyEnds('r1', 'a1', TEXT));
    clock.advance(1_000);
    model.push(speechStarts('u1'), { type: 'speech_stopped', itemId: 'u1', audioEndMs: 900 }, { type: 'input_committed', itemId: 'u1' });
    clock.advance(2_000);
    expect(of('audio_resumed').length).toBe(1);
    // Other speech has begun before its words come.
    model.push(speechStarts('u2'));
    model.push(written('u1', 'Okay, stop.'));
    expect(of('audio_interrupted').length).toBe(1);
    expect(session.bargeInCounts.tentative).toBe(2);
  });

  it('that comes late stops no answer to itself, and nothing when it was said over silence', async () => {
    const { model, clock, of } = await openHarness({ bargeIn: { mode: 'immediate' }, config: { ...WRITTEN, turnDetection: { type: 'server_vad', interruptResponse: false } } });
    model.push(...replyBegins('r1', 'a1', TEXT, 1_000), ...replyEnds('r1', 'a1', TEXT));
    clock.advance(500);
    model.push(speechStarts('u1'), ...ends('u1'));
    clock.advance(1_000);
    model.push(...replyBegins('r2', 'a2', TEXT, 3_000), written('u1', 'Stop the washing machine.'));
    expect(of('audio_interrupted')).toEqual([]);
    model.push(...replyEnds('r2', 'a2', TEXT));
    clock.advance(5_000);
    model.push(speechStarts('u2'), ...ends('u2'), ...replyBegins('r3', 'a3', TEXT, 3_000), written('u2', 'Stop it.'));
    expect(of('audio_interrupted')).toEqual([]);
  });
});
