import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HostError } from '../host/errors.js';

export interface ListeningHttp {
  /** The address that the server is bound to. */
  readonly host: string;
  /** The real port, also when 0 was asked for. */
  readonly port: number;
  /** Host and port as they stand in a URL by which this machine reaches the server, also one that is bound to every address. */
  readonly authority: string;
  /** Stops listening and cuts every connection; may be called twice. */
  close(): Promise<void>;
}

/**
 * Binds an HTTP server. Rejects with `HostError` `PORT_IN_USE` when another program has the port, and `ADDRESS_UNAVAILABLE` when this machine
 * does not have the address or does not give the port away.
 */
export function listenHttp(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<ListeningHttp> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(explain(error, host, port));
    server.once('error', onError);
    server.listen({ host, port }, () => {
      server.off('error', onError);
      const bound = server.address() as AddressInfo;
      let closed: Promise<void> | undefined;
      resolve({
        host: bound.address,
        port: bound.port,
        authority: `${hostInUrl(bound.address)}:${bound.port}`,
        close() {
          closed ??= new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          });
          return closed;
        },
      });
    });
  });
}

function hostInUrl(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return address.includes(':') ? `[${address}]` : address;
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new HostError('PORT_IN_USE', `Port ${port} on ${host} is in use by another program.`, { hint: 'Choose another port, or 0 for any free one.', cause: error });
    case 'EACCES':
      return new HostError('ADDRESS_UNAVAILABLE', `Port ${port} on ${host} is not allowed for this user.`, { hint: 'Choose a port from 1024 up.', cause: error });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new HostError('ADDRESS_UNAVAILABLE', `This machine has no address ${host}.`, { hint: 'Use 127.0.0.1 for this machine only, 0.0.0.0 for every network.', cause: error });
    default:
      return error;
  }
}
