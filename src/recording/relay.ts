import type { Clock } from '../../session/index.js';
import type { Transport, TransportClose } from '../transport/transport.js';
import { closeLike } from './replay-server.js';

export interface RelayListener {
  /** Before it goes on. Bytes are borrowed until the call returns. */
  onMessage(from: 'near' | 'far', data: string | Uint8Array): void;
  /** Once, by whoever ended it. */
  onClose(from: 'near' | 'far', close: TransportClose): void;
}

/** What may wait for a slow side before the other one is no longer read, and when it is read again. */
const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 256 * 1024;
const LOOK_EVERY_MS = 10;

/** Joins two open sockets until one of them ends: what comes on one goes out on the other, as it came and no faster than it is taken. Takes both over. */
export function relay(near: Transport, far: Transport, clock: Clock, listener: RelayListener): void {
  let over = false;

  function join(from: 'near' | 'far', source: Transport, sink: Transport): void {
    const lookAgain = (): void => {
      if (over) return;
      if (sink.bufferedBytes > LOW_WATER_BYTES) clock.after(LOOK_EVERY_MS, lookAgain);
      else source.resume();
    };
    source.listen({
      onMessage(data) {
        if (over) return;
        listener.onMessage(from, data);
        sink.send(data);
        if (sink.bufferedBytes <= HIGH_WATER_BYTES) return;
        source.pause();
        clock.after(LOOK_EVERY_MS, lookAgain);
      },
      onClose(close) {
        if (over) return;
        over = true;
        listener.onClose(from, close);
        closeLike(sink, close.code, close.reason);
      },
    });
  }

  join('far', far, near);
  join('near', near, far);
}
