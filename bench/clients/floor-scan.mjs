// The scanning floor: finds the audio in the bytes of a message without parsing it, and joins strings where it sends audio. It knows nothing of
// items, keeps nothing, and would misread any message that is written another way: as little work as it can be.
import { WebSocket } from 'ws';

const TYPE = '{"type":"response.output_audio.delta"';
const DELTA = '"delta":"';

export function connect(url, { onAudio, onArguments, onTurn }) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.on('error', reject);
    socket.on('message', (data) => {
      const text = data.latin1Slice(0, data.length);
      if (text.startsWith(TYPE)) {
        const start = text.indexOf(DELTA) + DELTA.length;
        return onAudio(Buffer.from(text.slice(start, text.indexOf('"', start)), 'base64'));
      }
      const event = JSON.parse(data.toString());
      switch (event.type) {
        case 'response.function_call_arguments.delta':
          return onArguments(event.delta);
        case 'response.done':
          return onTurn();
        case 'session.created':
          return socket.send('{"type":"session.update","session":{"type":"realtime"}}');
        case 'session.updated':
          return resolve({
            sendAudio: (bytes) => socket.send(`{"type":"input_audio_buffer.append","audio":"${bytes.toString('base64')}"}`),
            close: () => socket.terminate(),
          });
      }
    });
  });
}
