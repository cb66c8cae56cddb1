import type { OpenSocket } from '../client/index.js';
import { connectWebSocket } from '../transport/ws-client.js';
import type { Transport } from '../transport/transport.js';

/** Bytes of all messages, without what the socket puts around them. */
export interface ByteCount {
  sent: number;
  received: number;
}

/** As much as a gateway's longest event. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Opens sockets whose messages are counted. */
export function countingSocket(count: ByteCount): OpenSocket {
  return async (url, { protocols, headers, signal, connectTimeoutMs }) =>
    counted(await connectWebSocket(url, { protocols, signal, connectTimeoutMs, maxPayloadBytes: MAX_MESSAGE_BYTES, ...(headers === undefined ? {} : { headers }) }), count);
}

function counted(transport: Transport, count: ByteCount): Transport {
  return {
    protocol: transport.protocol,
    get bufferedBytes() {
      return transport.bufferedBytes;
    },
    listen: (handlers) =>
      transport.listen({
        onMessage(data) {
          count.received += sizeOf(data);
          handlers.onMessage(data);
        },
        onClose: (close) => handlers.onClose(close),
      }),
    send(data) {
      count.sent += sizeOf(data);
      transport.send(data);
    },
    pause: () => transport.pause(),
    resume: () => transport.resume(),
    close: (code, reason) => transport.close(code, reason),
    destroy: (error) => transport.destroy(error),
  };
}

function sizeOf(data: string | Uint8Array): number {
  return typeof data === 'string' ? Buffer.byteLength(data) : data.length;
}
