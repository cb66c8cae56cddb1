import { stringFlag } from './command.js';
import type { FlagValues } from './command.js';
import type { Terminal } from './terminal.js';

export interface GatewayAddress {
  readonly url: string;
  readonly token?: string | undefined;
}

/** The address as a person has it: that of the page carries the token, which travels in a header and not in an address. */
export function gatewayAddress(text: string, values: FlagValues, terminal: Terminal): GatewayAddress {
  const flag = stringFlag(values, 'token');
  const variable = terminal.env['VOICEWIRE_TOKEN'];
  if (!URL.canParse(text)) return { url: text, token: flag ?? variable };
  const url = new URL(text);
  const inAddress = url.searchParams.get('token') ?? undefined;
  url.searchParams.delete('token');
  return { url: url.href, token: flag ?? inAddress ?? variable };
}
