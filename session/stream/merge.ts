import { Channel } from './channel.js';
import type { Stream } from './channel.js';
import { Inlet } from './inlet.js';

/** A value, and the name of the source that gave it: a union by `source`. */
export type Merged<Sources extends Readonly<Record<string, AsyncIterable<unknown>>>> = {
  [Name in keyof Sources & string]: { readonly source: Name; readonly value: Sources[Name] extends AsyncIterable<infer T> ? T : never };
}[keyof Sources & string];

/**
 * Values of several sources in the order in which they come, each with its source's name. All sources are read at once, and each is at most one value
 * ahead of the reader: a fast one waits until the values of the others have been read. Ends with the last source; an error of one ends all.
 */
export function merge<Sources extends Readonly<Record<string, AsyncIterable<unknown>>>>(sources: Sources): Stream<Merged<Sources>> {
  const names = Object.keys(sources);
  let open = names.length;
  // Nothing waits in the channel when the reader does: so each inlet that is pulled then has at most one value in it.
  const pull = (): void => {
    if (channel.waiting > 0) for (const inlet of inlets) inlet.pull();
  };
  const release = async (): Promise<void> => {
    await Promise.all(inlets.map(async (inlet) => inlet.release()));
  };
  const channel = new Channel<Merged<Sources>>({ capacity: Math.max(1, open), whenFull: 'wait' }, release, pull);
  const inlets = names.map(
    (source) =>
      new Inlet<unknown>(sources[source] as AsyncIterable<unknown>, {
        onValue: (value) => void channel.push({ source, value } as Merged<Sources>),
        onReady: pull,
        onEnd() {
          open -= 1;
          if (open === 0) channel.close();
        },
        onError(error) {
          release().catch(() => {});
          channel.fail(error);
        },
      }),
  );
  if (open === 0) channel.close();
  return channel;
}
