import type { Duplex } from 'node:stream';

type Written = string | Uint8Array;
type Done = (error?: Error | null) => void;

/**
 * Cuts a socket at the byte `bytes` of all that it has ever carried towards the peer: in the middle of a frame, where the byte is. What was written
 * before leaves. The upgrade's answer counts as well.
 */
export function cutAtByte(socket: Duplex & { readonly bytesWritten?: number }, bytes: number): void {
  let left = bytes - (socket.bytesWritten ?? 0);
  if (left <= 0) return void socket.destroy();
  replaceWrite(socket, (chunk, write, done) => {
    if (chunk.length <= left) {
      left -= chunk.length;
      return write(chunk, done);
    }
    const last = chunk.subarray(0, left);
    left = 0;
    write(last, () => socket.destroy());
    return false;
  });
}

/** From now on nothing that is written leaves, pings and closing handshakes included. The connection stays. */
export function swallowWrites(socket: Duplex): void {
  replaceWrite(socket, (_chunk, _write, done) => {
    done();
    return true;
  });
}

function replaceWrite(socket: Duplex, through: (chunk: Uint8Array, write: (chunk: Uint8Array, done: Done) => boolean, done: Done) => boolean): void {
  const write = socket.write.bind(socket) as (chunk: Written, done: Done) => boolean;
  const replaced = (chunk: Written, encodingOrDone?: BufferEncoding | Done, maybeDone?: Done): boolean => {
    const done = typeof encodingOrDone === 'function' ? encodingOrDone : (maybeDone ?? ((): void => {}));
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, typeof encodingOrDone === 'string' ? encodingOrDone : 'utf8') : chunk;
    return through(bytes, write, done);
  };
  socket.write = replaced as typeof socket.write;
}
