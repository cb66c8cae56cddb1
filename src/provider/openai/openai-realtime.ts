import type { RealtimeModel } from '../../../session/index.js';
import { connectWebSocket } from '../../transport/ws-client.js';
import { openaiModel } from './openai-model.js';
import type { OpenaiRealtimeOptions } from './openai-model.js';

export type { OpenaiRealtimeOptions } from './openai-model.js';

/**
 * OpenAI's realtime model, or one of a compatible server. Throws `HostError` `USAGE` at once for an address that cannot be one.
 * A message that cannot be read does not end the connection: it arrives as `model_error` with the code `PROTOCOL_BAD_EVENT`.
 */
export function openaiRealtime(options: OpenaiRealtimeOptions = {}): RealtimeModel {
  return openaiModel(options, connectWebSocket);
}
