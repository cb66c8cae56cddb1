import { HostError } from '../host/errors.js';
import { SOCKET_PATH } from '../protocol/voicewire/index.js';

/**
 * The socket's address from what a person types: `http(s)://host:port/` as the gateway prints it, or `ws(s)://…`. Without a path, the path is
 * the protocol's own. Throws `HostError` `USAGE` for anything else.
 */
export function gatewaySocketUrl(address: string | URL): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch (cause) {
    throw badAddress(String(address), cause);
  }
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') throw badAddress(String(address));
  if (url.pathname === '/') url.pathname = SOCKET_PATH;
  url.hash = '';
  return url.href;
}

function badAddress(address: string, cause?: unknown): HostError {
  return new HostError('USAGE', `${JSON.stringify(address)} is not the address of a gateway.`, {
    hint: 'Use the address that the gateway printed, such as http://127.0.0.1:3000.',
    ...(cause === undefined ? {} : { cause }),
  });
}
