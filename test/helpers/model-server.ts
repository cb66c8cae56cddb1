import type { Transport } from '../../src/transport/transport.js';
import { openDoor } from './socket-pair.js';

/** A realtime model's server on a real socket, reduced to its manners: it greets, confirms each configuration, and says what the test has it say. */
export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  /** Connections so far. */
  readonly connections: number;
  /** The connection that serves now; resolves when one has been configured. */
  serving(): Promise<Transport>;
  /** On the connection that serves. An object is sent as JSON, a string as it is. */
  say(...messages: readonly (string | object | Uint8Array)[]): Promise<void>;
}

/** `onMessage` sees every event of a client; true keeps the server from dealing with it. */
export async function startModelServer(onMessage: (event: { readonly type: string; readonly event_id?: string }, transport: Transport) => boolean = () => false): Promise<ModelServer> {
  let current: Transport | undefined;
  let connections = 0;
  const waiting: ((transport: Transport) => void)[] = [];
  const door = await openDoor({
    onConnection(transport) {
      connections += 1;
      transport.send(JSON.stringify({ type: 'session.created', event_id: 'event_1', session: { id: `sess_${connections}`, type: 'realtime' } }));
      transport.listen({
        onMessage(data) {
          const event = JSON.parse(String(data)) as { type: string; event_id?: string };
          if (onMessage(event, transport) || event.type !== 'session.update') return;
          transport.send(JSON.stringify({ type: 'session.updated', event_id: 'event_2', session: { id: `sess_${connections}`, type: 'realtime' } }));
          current = transport;
          for (const resolve of waiting.splice(0)) resolve(transport);
        },
        onClose: () => {
          if (current === transport) current = undefined;
        },
      });
    },
  });
  const serving = (): Promise<Transport> => (current === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(current));
  return {
    url: door.url,
    get connections() {
      return connections;
    },
    serving,
    async say(...messages) {
      const transport = await serving();
      for (const message of messages) transport.send(typeof message === 'string' || message instanceof Uint8Array ? message : JSON.stringify(message));
    },
    [Symbol.asyncDispose]: () => door[Symbol.asyncDispose](),
  };
}
