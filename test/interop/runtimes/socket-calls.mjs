// The same over real sockets of the runtime: the emulator as the model, a gateway, a caller at it, and a run over server-sent events.

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

export async function onSockets(doors) {
  return { model: await modelOnSocket(doors), gateway: await gatewayOnSocket(doors) };
}
