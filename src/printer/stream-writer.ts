import type { Writable } from 'node:stream';

/** The `write` of a Node stream, for a printer: resolves when the stream has room again, and when it is closed for good. */
export function streamWriter(stream: Writable): (text: string) => void | Promise<void> {
  let room: Promise<void> | undefined;
  return (text) => {
    // Whoever reads no more holds nobody up.
    if (stream.destroyed || stream.write(text)) return undefined;
    room ??= new Promise((resolve) => {
      const events = ['drain', 'close', 'error'];
      const done = (): void => {
        room = undefined;
        for (const event of events) stream.off(event, done);
        resolve();
      };
      for (const event of events) stream.on(event, done);
    });
    return room;
  };
}
