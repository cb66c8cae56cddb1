// The parsing floor: what any client does that takes JSON apart, and nothing else.
import { WebSocket } from 'ws';

export function connect(url, { onAudio, onArguments, onTurn }) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.on('error', reject);
    socket.on('message', (data) => {
      const event = JSON.parse(data.toString());
      switch (event.type) {
        case 'response.output_audio.delta':
          return onAudio(Buffer.from(event.delta, 'base64'));
        case 'response.function_call_arguments.delta':
          return onArguments(event.delta);
        case 'response.done':
          return onTurn();
        case 'session.created':
          return socket.send('{"type":"session.update","session":{"type":"realtime"}}');
        case 'session.updated':
          return resolve({
            sendAudio: (bytes) => socket.send(JSON.stringify({ type: 'input_audio_buffer.append', audio: bytes.toString('base64') })),
            close: () => socket.terminate(),
          });
      }
    });
  });
}
