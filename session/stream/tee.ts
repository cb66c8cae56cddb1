import { Channel } from './channel.js';
import type { Stream } from './channel.js';
import { needWhole } from './check-options.js';
import { Inlet } from './inlet.js';

export interface TeeOptions {
  /** Values that wait for each reader. Default 64. */
  readonly capacity?: number;
  /** For a reader that is behind by `capacity`: all wait for it (`wait`, the default), or it loses values, or its own stream fails. */
  readonly whenFull?: 'wait' | 'drop-oldest' | 'drop-newest' | 'fail';
}

/**
 * `count` streams of the same values, each with a reader of its own. The source is read when one of them waits; a reader that leaves holds nobody up, and
 * the last one lets go of the source. A stream that is never read counts as a reader: leave it, or it holds the others after `capacity` values.
 */
export function tee<T>(source: AsyncIterable<T>, count: number, { capacity = 64, whenFull = 'wait' }: TeeOptions = {}): readonly Stream<T>[] {
  needWhole('count', count);
  const open = new Set<Channel<T>>();
  const pull = (): void => {
    let wanted = false;
    for (const branch of open) {
      if (whenFull === 'wait' && branch.room === 0) return;
      wanted ||= branch.waiting > 0;
    }
    if (wanted) inlet.pull();
  };
  const leave = (branch: Channel<T>): Promise<void> | undefined => {
    open.delete(branch);
    if (open.size === 0) return inlet.release();
    pull();
    return undefined;
  };
  const inlet = new Inlet<T>(source, {
    onValue(value) {
      for (const branch of open) {
        branch.push(value);
        // The policy `fail` has ended it.
        if (branch.closed) open.delete(branch);
      }
    },
    onReady() {
      // Who had asked for the value may have left before it came, and all others were too far behind.
      if (open.size === 0) inlet.release()?.catch(() => {});
      else pull();
    },
    onEnd() {
      for (const branch of open) branch.close();
    },
    onError(error) {
      for (const branch of open) branch.fail(error);
    },
  });
  return Array.from({ length: count }, () => {
    const branch: Channel<T> = new Channel<T>({ capacity, whenFull }, () => leave(branch), pull);
    open.add(branch);
    return branch;
  });
}
