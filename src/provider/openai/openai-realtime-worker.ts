import type { RealtimeModel } from '../../../session/index.js';
import { connectByFetch } from '../../transport/fetch-socket.js';
import { openaiModel } from './openai-model.js';
import type { OpenaiRealtimeOptions } from './openai-model.js';

/**
 * The same as in Node, in a worker: there a socket with headers is opened by `fetch`. It has no pings: a model that is gone without a word is noticed by
 * the session, when it owes something.
 */
export function openaiRealtime(options: OpenaiRealtimeOptions = {}): RealtimeModel {
  return openaiModel(options, connectByFetch);
}
