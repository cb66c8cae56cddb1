// voicewire: a whole session, with its ledger and its history, from the build in `bench/.built`.
import { RealtimeAgent, RealtimeSession, openaiRealtime } from '../.built/src/index.js';

export async function connect(url, { onAudio, onArguments, onTurn }) {
  const session = new RealtimeSession(new RealtimeAgent({ name: 'bench', instructions: 'Be brief.' }), { model: openaiRealtime({ url, apiKey: 'none' }) });
  session.on('audio', (event) => onAudio(event.chunk.bytes));
  session.on('history_updated', () => {});
  session.on('tool_arguments_delta', (event) => onArguments(event.delta));
  session.on('agent_end', () => onTurn());
  await session.connect();
  return { sendAudio: (bytes) => session.sendAudio(bytes), close: () => void session.close() };
}
