import type { Send } from './produced.js';

/**
 * Sends on what `source` gives, until it ends or nobody wants more. The source is let go of at once when `signal` aborts, also while it is waited for.
 */
export async function forward<T>(source: AsyncIterable<T>, send: Send<T>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const iterator = source[Symbol.asyncIterator]();
  const settled = new AbortController();
  let leave: (reason: unknown) => void = () => {};
  const left = new Promise<never>((_, reject) => (leave = reject));
  // It is a reason only for those who wait for it.
  left.catch(() => {});
  // How the source takes its end does not matter to anyone any more.
  const letGo = (): void => void Promise.resolve(iterator.return?.()).catch(() => {});
  signal.addEventListener(
    'abort',
    () => {
      letGo();
      leave(signal.reason);
    },
    { once: true, signal: settled.signal },
  );
  try {
    for (;;) {
      const { done, value } = await Promise.race([iterator.next(), left]);
      if (done === true) return;
      if (!(await send(value))) return letGo();
    }
  } finally {
    settled.abort();
  }
}
