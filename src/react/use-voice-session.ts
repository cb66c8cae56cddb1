import { useEffect, useState, useSyncExternalStore } from 'react';
import { VoiceStore } from './voice-store.js';
import type { VoiceStoreOptions, VoiceView } from './voice-store.js';

export interface UseVoiceSession extends VoiceView {
  readonly connect: VoiceStore['connect'];
  readonly disconnect: VoiceStore['disconnect'];
  readonly mute: VoiceStore['mute'];
  readonly sendText: VoiceStore['sendText'];
  readonly interrupt: VoiceStore['interrupt'];
}

/**
 * A voice call with a gateway in a component. `connect` belongs into the handler of a click. Renders at most once a frame. A component that goes away hangs
 * up and lets go of the microphone. Options may be new objects in each render; the first call
 * settles them.
 */
export function useVoiceSession(options: VoiceStoreOptions): UseVoiceSession {
  const [store] = useState(() => new VoiceStore(options));
  useEffect(() => store.configure(options));
  useEffect(() => () => store.close(), [store]);
  const view = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  return { ...view, connect: store.connect, disconnect: store.disconnect, mute: store.mute, sendText: store.sendText, interrupt: store.interrupt };
}
