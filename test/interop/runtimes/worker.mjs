// What a worker runs: the same call and run, and a call over a socket of its own, from the package in one file. `?model=` is where a model listens.
import * as voicewire from 'voicewire';
import { inProcess } from './echo-call.mjs';

const { RealtimeAgent, RealtimeSession, openaiRealtime } = voicewire;

async function greeted(url, apiKey) {
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Aurora' }), { model: openaiRealtime({ url, apiKey }), reconnect: false });
  let bytes = 0;
  session.on('audio', ({ chunk }) => void (bytes += chunk.bytes.length));
  try {
    await session.connect();
  } catch ({ code }) {
    return code;
  }
  const { outcome, text } = await session.respond().done;
  await session.close();
  return { outcome, text, seconds: Math.floor(bytes / 48_000) };
}

export default {
  async fetch(request) {
    const url = new URL(request.url).searchParams.get('model');
    return Response.json({ ...(await inProcess(voicewire)), model: { ...(await greeted(url, 'sk-here')), refused: await greeted(url, 'sk-wrong'), unreachable: await greeted('ws://127.0.0.1:9/', 'sk-here') } });
  },
};
