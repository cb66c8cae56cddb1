import type { TurnPartName } from '../index.js';

const NAMES = ['surface', 'stripe', 'ink', 'soft', 'faint', 'line', 'caller', 'caller-wash', 'received', 'heard', 'heard-wash', 'cut', 'tool', 'tool-wash', 'depth', 'depth-wash', 'tokens-in', 'tokens-out', 'open', 'trouble', 'endpoint', 'commit', 'request', 'model', 'send', 'playout', 'on-part', 'on-playout'] as const;

export type Palette = Readonly<Record<(typeof NAMES)[number], string>>;

/** The colours of the style sheet, for canvases, as they are now. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as unknown as Palette;
}

/** What a part of a turn is: its letter stands beside its colour wherever there is room. */
export const partTexts: Readonly<Record<TurnPartName, { readonly letter: string; readonly name: string; readonly what: string }>> = {
  endpoint: { letter: 'E', name: 'endpoint', what: 'until it was clear that the caller had finished' },
  commit: { letter: 'C', name: 'commit', what: 'until the speech was taken as a turn' },
  request: { letter: 'R', name: 'request', what: 'until the model had begun a response' },
  model: { letter: 'M', name: 'model', what: 'until its first sound, tools included' },
  send: { letter: 'S', name: 'send', what: 'until it was sent to the listener' },
  playout: { letter: 'P', name: 'playout', what: 'until it was heard' },
};
