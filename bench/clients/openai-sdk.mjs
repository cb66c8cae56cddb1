// The realtime socket of the official SDK, as its README uses it: events are parsed objects, the audio is decoded by the application.
import { connect as connectPlain } from 'node:net';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';

export function connect(url, { onAudio, onArguments, onTurn }) {
  const { port } = new URL(url);
  // It insists on wss; a plain connection handed to it makes it talk to a server without TLS.
  const client = new OpenAI({ apiKey: 'none', baseURL: `http://127.0.0.1:${port}/v1` });
  const realtime = new OpenAIRealtimeWS({ model: 'bench', options: { createConnection: () => connectPlain(Number(port), '127.0.0.1') } }, client);
  return new Promise((resolve, reject) => {
    realtime.on('error', reject);
    realtime.on('response.output_audio.delta', (event) => onAudio(Buffer.from(event.delta, 'base64')));
    realtime.on('response.function_call_arguments.delta', (event) => onArguments(event.delta));
    realtime.on('response.done', () => onTurn());
    realtime.on('session.created', () => realtime.send({ type: 'session.update', session: { type: 'realtime' } }));
    realtime.on('session.updated', () =>
      resolve({
        sendAudio: (bytes) => realtime.send({ type: 'input_audio_buffer.append', audio: bytes.toString('base64') }),
        close: () => realtime.socket.terminate(),
      }),
    );
  });
}
