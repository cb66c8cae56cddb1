import { TransportError } from '../../../session/index.js';

/** A key, or a function that fetches one for each request. */
export type ApiKey = string | (() => string | Promise<string>);

/** The key, or undefined where there is none. A function is not waited for after an abort; what it throws is the cause of a `MODEL_UNAUTHORIZED`. */
export async function fetchKey(apiKey: ApiKey | undefined, signal: AbortSignal): Promise<string | undefined> {
  if (typeof apiKey !== 'function') return tidy(apiKey);
  const life = new AbortController();
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: life.signal }));
  try {
    return tidy(await Promise.race([apiKey(), aborted]));
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new TransportError('MODEL_UNAUTHORIZED', 'The key for the model could not be fetched.', { stage: 'connect', retryable: true, hint: 'See the cause: it is what the apiKey function threw.', cause });
  } finally {
    life.abort();
  }
}

/** A key that was read from a file ends in a line break more often than not; an empty one is none. */
function tidy(key: string | undefined): string | undefined {
  return key?.trim() || undefined;
}
