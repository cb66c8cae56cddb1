// The model's side: a WebSocket server that sends messages made beforehand and counts what it gets. It runs in the process that orchestrates, so
// that its work is never measured with that of a client.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { sessionCreated, sessionUpdated } from './messages.mjs';

export async function startServer() {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
  const open = new Set();
  let audioMessages = 0;
  sockets.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('message', (data) => {
      // Only its length tells audio from the rest here: the server must be faster than any client.
      if (data.length > 1000 && data.indexOf('input_audio_buffer.append') !== -1) audioMessages += 1;
      else if (data.indexOf('"session.update"') !== -1) socket.send(sessionUpdated());
    });
    socket.send(sessionCreated());
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    port: http.address().port,
    sockets: open,
    /** Audio messages received since the last call. */
    takeCount() {
      const count = audioMessages;
      audioMessages = 0;
      return count;
    },
    get count() {
      return audioMessages;
    },
    close() {
      for (const socket of open) socket.terminate();
      http.close();
    },
  };
}

/** The frames of some text messages in one buffer, ready to be written to a socket: RFC 6455 section 5.2, not masked. */
export function frames(messages) {
  return Buffer.concat(
    messages.map((text) => {
      const body = Buffer.from(text);
      const long = body.length > 0xffff;
      const head = Buffer.alloc(body.length < 126 ? 2 : long ? 10 : 4);
      head[0] = 0x81;
      if (body.length < 126) head[1] = body.length;
      else if (long) {
        head[1] = 127;
        head.writeBigUInt64BE(BigInt(body.length), 2);
      } else {
        head[1] = 126;
        head.writeUInt16BE(body.length, 2);
      }
      return Buffer.concat([head, body]);
    }),
  );
}

/** Writes a buffer of frames `times` times, as fast as the client takes it. */
export async function pour(socket, buffer, times) {
  const stream = socket._socket;
  for (let time = 0; time < times; time += 1) {
    if (!stream.write(buffer)) await once(stream, 'drain');
  }
}
