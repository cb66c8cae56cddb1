import { request } from 'node:http';
import type { Gateway } from '../../../src/gateway/index.js';
import { decodeAudioFrame, encodeAudioFrame, offeredSubprotocols } from '../../../src/protocol/voicewire/index.js';
import type { AudioFrame, ClientMessage, GatewayMessage } from '../../../src/protocol/voicewire/index.js';
import { connectWebSocket } from '../../../src/transport/ws-client.js';
import type { TransportClose } from '../../../src/transport/transport.js';

export type Received = { readonly type: 'audio'; readonly frame: AudioFrame } | GatewayMessage;

/** A voice client of a test: sends what it is told, legal or not, and keeps what comes. */
export interface VoiceSocket {
  readonly received: readonly Received[];
  readonly closed: Promise<TransportClose>;
  send(message: ClientMessage | string | Uint8Array): void;
  /** Microphone audio of so many samples. */
  speak(samples: number, firstSample?: number): void;
  /** The first message of a type that has not been waited for yet; rejects when the socket closes before it comes. */
  next<T extends Received['type']>(type: T): Promise<Extract<Received, { type: T }>>;
  /** The first event of a type not waited for yet. */
  nextEvent(type: string): Promise<Extract<Received, { type: 'event' }>['event']>;
  close(): Promise<TransportClose>;
  destroy(): void;
}

export async function openVoiceSocket(gateway: Gateway, token?: string): Promise<VoiceSocket> {
  const transport = await connectWebSocket(gateway.socketUrl, { protocols: offeredSubprotocols(token) });
  const received: Received[] = [];
  const taken = new Set<Received>();
  const waiting = new Set<() => boolean>();
  let end: TransportClose | undefined;
  let confirmClosed: (close: TransportClose) => void = () => {};
  const closed = new Promise<TransportClose>((resolve) => (confirmClosed = resolve));
  const wake = (): void => {
    for (const settle of waiting) if (settle()) waiting.delete(settle);
  };
  transport.listen({
    onMessage(data) {
      received.push(typeof data === 'string' ? (JSON.parse(data) as GatewayMessage) : { type: 'audio', frame: decodeAudioFrame(data, 'agent') });
      wake();
    },
    onClose(close) {
      end = close;
      confirmClosed(close);
      wake();
    },
  });
  function first<R extends Received>(what: string, matches: (message: Received) => message is R): Promise<R> {
    return new Promise((resolve, reject) => {
      const settle = (): boolean => {
        for (const message of received) {
          if (taken.has(message) || !matches(message)) continue;
          taken.add(message);
          resolve(message);
          return true;
        }
        if (end === undefined) return false;
        reject(new Error(`The socket closed with ${end.code} ${end.reason} before ${what} came.`));
        return true;
      };
      if (!settle()) waiting.add(settle);
    });
  }
  return {
    received,
    closed,
    send: (message) => transport.send(typeof message === 'string' || message instanceof Uint8Array ? message : JSON.stringify(message)),
    speak: (samples, firstSample = 0) => transport.send(encodeAudioFrame({ kind: 'microphone', epoch: 0, item: 0, firstSample, pcm: new Uint8Array(samples * 2).fill(7) })),
    next: <T extends Received['type']>(type: T) => first(type, (message): message is Extract<Received, { type: T }> => message.type === type),
    nextEvent: async (type) =>
      (await first(`event ${type}`, (message): message is Extract<Received, { type: 'event' }> => message.type === 'event' && message.event.type === type)).event,
    close: () => transport.close(1000, ''),
    destroy: () => transport.destroy(),
  };
}

/** Asks for an upgrade and tells the answer's status: 101 when it was let in. */
export function knock(gateway: Gateway, headers: Readonly<Record<string, string>> = {}, path = '/v1/voice'): Promise<{ status: number; headers: NodeJS.Dict<string | string[]> }> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: gateway.address.host,
      port: gateway.address.port,
      path,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Protocol': 'voicewire.v1',
        ...headers,
      },
    });
    asked.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: 101, headers: response.headers });
    });
    asked.on('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    });
    asked.on('error', reject);
    asked.end();
  });
}
