import { HostError } from '../host/errors.js';

/** As providers write their secret keys. Short-lived ones that are made for a page begin otherwise. */
const SECRET_KEY = /\bsk-[\w-]{16,}/;

/**
 * A provider's key in a page is everybody's: it is never sent, neither to a provider nor to a server that has its own. Throws `HostError` `USAGE`, without the
 * key in its words.
 */
export function refuseProviderKey(value: string, where: string): void {
  if (SECRET_KEY.test(value)) throw new HostError('USAGE', `${where} looks like the key of a model provider.`, { hint: 'Keep the key on the server, and give the page a token of your own.' });
}
