/** A user who is muted stays in the conversation, and is silent. */
import { describe, expect, it } from 'vitest';
import { ALAW_8K, MULAW_8K, PCM16_24K, silenceByte } from '../../../audio/index.js';
import type { SessionInput } from '../../../session/index.js';
import { makeHarness, openHarness, tone } from '../../helpers/session-harness.js';

describe('a muted session', () => {
  it.each([PCM16_24K, MULAW_8K, ALAW_8K])('sends as much silence as it was given sound, over the same connection ($encoding)', async (format) => {
    const { session, model } = await openHarness({ config: { inputFormat: format } });
    const chunk = tone(20);
    session.sendAudio(chunk);
    session.mute();
    expect(session.muted).toBe(true);
    for (let at = 0; at < 50; at += 1) session.sendAudio(chunk);
    session.mute(false);
    session.sendAudio(chunk);
    const silence = silenceByte(format.encoding);
    const sent = model.commandsOf('append_audio').map(({ bytes }) => `${bytes.every((byte) => byte === silence) ? 'silence' : 'sound'} ${bytes.length}`);
    expect(sent).toEqual([`sound ${chunk.length}`, ...Array.from({ length: 50 }, () => `silence ${chunk.length}`), `sound ${chunk.length}`]);
    expect([session.sessionId, session.state, model.connects]).toEqual(['test', 'open', 1]);
  });

  it('keeps nothing of the sound for the connection that is still being made, nor for a recording', async () => {
    const inputs: SessionInput[] = [];
    const nothing = (): void => {};
    const { session, model } = makeHarness({ recorder: { onStart: nothing, onInput: (input) => void inputs.push(input), onCommand: nothing, onEvent: nothing, onEnd: nothing } });
    session.mute();
    const connecting = session.connect();
    session.sendAudio(tone(400));
    await connecting;
    const heard = [...model.commandsOf('append_audio'), ...inputs.filter((input) => input.type === 'microphone')].flatMap(({ bytes }) => [...bytes]);
    expect(heard.length).toBe(2 * 400 * 48);
    expect(heard.every((byte) => byte === 0)).toBe(true);
  });
});
