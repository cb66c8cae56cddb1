import type { Outlet } from './operator.js';

/** Ends a stream with the signal's reason when it is aborted, or at once if it is. Gives what takes the listener off again. */
export function endOnAbort(outlet: Outlet<never>, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => {};
  const end = (): void => outlet.end({ how: 'aborted', reason: signal.reason });
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return () => signal.removeEventListener('abort', end);
}
