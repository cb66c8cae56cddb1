import { systemClock } from '../host/system-clock.js';
import { connectWebSocket } from '../transport/ws-client.js';
import { VoiceClient, connectVoiceClient } from './voice-client.js';
import type { VoiceClientOptions } from './voice-client.js';

/** A gateway's events may be longer than its audio: a history with a tool's whole output. */
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/** {@link VoiceClientOptions} with Node's socket and the machine's clock filled in. */
export type NodeVoiceOptions = Omit<VoiceClientOptions, 'openSocket' | 'clock'> & Partial<Pick<VoiceClientOptions, 'openSocket' | 'clock'>>;

/** Makes a voice client for Node; nothing is opened yet. */
export function nodeVoiceClient(options: NodeVoiceOptions): VoiceClient {
  return new VoiceClient(withDefaults(options));
}

/** Connects a voice client from Node. `on` is a chance to put handlers on before the first event. */
export function connectNodeVoiceClient(options: NodeVoiceOptions & { readonly on?: (client: VoiceClient) => void }): Promise<VoiceClient> {
  return connectVoiceClient({ ...withDefaults(options), ...(options.on === undefined ? {} : { on: options.on }) });
}

function withDefaults(options: NodeVoiceOptions): VoiceClientOptions {
  return {
    ...options,
    clock: options.clock ?? systemClock,
    openSocket:
      options.openSocket ??
      ((url, { protocols, headers, signal, connectTimeoutMs }) =>
        connectWebSocket(url, { protocols, signal, connectTimeoutMs, maxPayloadBytes: MAX_EVENT_BYTES, ...(headers === undefined ? {} : { headers }) })),
  };
}
