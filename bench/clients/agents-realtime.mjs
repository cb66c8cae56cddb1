// @openai/agents-realtime: its RealtimeSession over its own WebSocket transport. Tracing is off, it would send what is measured to a server.
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } from '@openai/agents-realtime';

export async function connect(url, { onAudio, onArguments, onTurn }) {
  const session = new RealtimeSession(new RealtimeAgent({ name: 'bench', instructions: 'Be brief.' }), {
    transport: new OpenAIRealtimeWebSocket({ url }),
    tracingDisabled: true,
  });
  session.on('error', () => {});
  session.on('audio', (event) => onAudio(event.data));
  session.on('history_updated', () => {});
  // It has no event of its own for arguments: the transport's is what there is.
  session.on('transport_event', (event) => {
    if (event.type === 'response.function_call_arguments.delta') onArguments(event.delta);
    else if (event.type === 'response.done') onTurn();
  });
  await session.connect({ apiKey: 'none', url });
  return {
    sendAudio: (bytes) => session.sendAudio(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
    close: () => session.close(),
  };
}
