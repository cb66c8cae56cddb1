/** A model's server that has stopped reading, on a real socket: what the session sends it does not pile up here. */
import { expect, it } from 'vitest';
import { PCM16_24K, bytesToMs } from '../../../audio/index.js';
import { RealtimeAgent, RealtimeSession } from '../../../session/index.js';
import type { SessionEventMap } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { openaiRealtime } from '../../../src/provider/openai/openai-realtime.js';
import { heldBytes } from '../../helpers/heap.js';
import { startModelServer } from '../../helpers/model-server.js';
import { tone } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';

const MIB = 1024 * 1024;
const CHUNK = tone(100);

it('10 minutes of microphone to a server that reads nothing cost less than 2 MiB, are told as pressure, and flow again when it reads', async () => {
  let arrived = 0;
  await using server = await startModelServer(({ type }) => {
    if (type === 'input_audio_buffer.append') arrived += 1;
    return type === 'input_audio_buffer.append';
  });
  // Time stands still: no watchdog ends what is to be seen.
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model: openaiRealtime({ url: server.url }), clock: new ManualClock(), reconnect: false });
  const pressure: SessionEventMap['pressure'][] = [];
  session.on('pressure', (event) => pressure.push(event));
  await session.connect();
  const far = await server.serving();
  far.pause();
  // What the network itself takes, some MiB, is not held here: first it is filled.
  let sent = 0;
  const send = async (chunks: number): Promise<void> => {
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      session.sendAudio(CHUNK);
      sent += 1;
      if (chunk % 50 === 49) await settle();
    }
  };
  while (pressure.length === 0 && sent < 40_000) await send(50);
  expect(pressure).toMatchObject([{ queue: 'microphone', state: 'high', dropped: 1 }]);
  const before = await heldBytes();
  await send(6_000);
  expect(bytesToMs(PCM16_24K, 6_000 * CHUNK.length)).toBe(600_000);
  expect((await heldBytes()) - before).toBeLessThan(2 * MIB);
  expect(pressure.length).toBe(1);
  expect(session.state).toBe('open');

  far.resume();
  await expect.poll(() => (session.sendAudio(CHUNK), (sent += 1), pressure.length)).toBe(2);
  const [, normal] = pressure;
  expect(normal).toMatchObject({ queue: 'microphone', state: 'normal' });
  // What was dropped, and nothing else, is missing at the other end.
  await expect.poll(() => arrived).toBe(sent - (normal?.dropped ?? 0));
  await session.close();
});
