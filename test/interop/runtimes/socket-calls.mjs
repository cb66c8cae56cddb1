// The same over real sockets of the runtime: the emulator as the model, a gateway, a caller at it, a run over server-sent events, and a slow reader.
import { connect } from 'node:net';
import { WebSocketServer } from 'ws';

/** A session whose model is at the far end of a socket: the greeting, and a refusal with its reason. */
async function modelOnSocket({ RealtimeAgent, RealtimeSession, openaiRealtime, startEmulator, createVoice, systemClock }) {
  const emulator = await startEmulator({ apiKey: 'sk-here', pace: 50, voice: createVoice({ synthesizers: [] }) });
  // What is overdue is asked for with a time below zero; some runtimes complain of that.
  await new Promise((resolve) => systemClock.after(-5, resolve));
  const session = (apiKey) => new RealtimeSession(new RealtimeAgent({ name: 'Aurora' }), { model: openaiRealtime({ url: emulator.url, apiKey }), reconnect: false });
  const served = session('sk-here');
  let bytes = 0;
  served.on('audio', ({ chunk }) => void (bytes += chunk.bytes.length));
  await served.connect();
  const { outcome, text } = await served.respond().done;
  await served.close();
  const refused = await session('sk-wrong').connect().then(
    () => 'served',
    ({ code }) => code,
  );
  await emulator.close();
  return { outcome, text, seconds: Math.floor(bytes / 48_000), refused };
}

/** A caller at a gateway at the emulator, binary frames both ways; then a text run at the same gateway, read by the client of it. */
async function gatewayOnSocket({ Agent, RealtimeAgent, caller, createVoice, openaiRealtime, runStreamed, scriptedTextModel, startEmulator, startGateway, streamRun }) {
  const emulator = await startEmulator({ pace: 50, voice: createVoice({ synthesizers: [] }) });
  const chat = ({ input, signal }) => runStreamed(new Agent({ name: 'Clock' }), input, { model: scriptedTextModel(['It is seven.']), signal }).flatEvents();
  const gateway = await startGateway({ port: 0, agent: new RealtimeAgent({ name: 'Aurora' }), model: openaiRealtime({ url: emulator.url }), chat });
  const call = await caller().says(new Int16Array(2_400)).untilAgentSpeaks({ withinMs: 20_000 }).hangsUp().dials({ url: gateway.url });
  const run = [];
  for await (const event of streamRun(`${gateway.url}/chat/stream`, { input: 'What time is it?' })) if (event.type === 'response.text.delta') run.push(event.delta);
  await gateway.close();
  await emulator.close();
  return { heard: call.played.length > 0, run: run.join('') };
}

/** A reader that takes nothing is let go, whatever this runtime's sockets say of what they hold. */
async function readerThatTakesNothing({ standardTransport, streamToSocket }) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  const accepted = new Promise((resolve) => server.once('connection', resolve));
  const { port } = server.address();
  const reader = connect(port, '127.0.0.1', () => reader.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'));
  reader.pause();
  let made = 0;
  async function* flood() {
    // 100 MB, with a turn for the socket between any two.
    for (; made < 1_000; made += 1) {
      yield { type: 'control', text: 'x'.repeat(100_000) };
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
  const { reason } = await streamToSocket(standardTransport(await accepted, { anyCode: true }), flood(), { whenSlow: 'shed', maxUnreadBytes: 500_000 });
  reader.destroy();
  await new Promise((resolve) => server.close(resolve));
  return { reason, beforeItsEnd: made < 1_000 };
}

export async function onSockets(doors) {
  return { model: await modelOnSocket(doors), gateway: await gatewayOnSocket(doors), slow: await readerThatTakesNothing(doors) };
}
