import { useEffect, useState, useSyncExternalStore } from 'react';
import { runCalls, runText } from '../client/run-view.js';
import type { RunCall, RunView } from '../client/run-view.js';
import { RunStore } from './run-store.js';
import type { RunStoreOptions } from './run-store.js';

export interface UseRun extends Omit<RunView, 'settledParts'> {
  /** What the agent has said so far, in all its answers. */
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly RunCall[];
  readonly send: RunStore['send'];
  readonly stop: RunStore['stop'];
  readonly resume: RunStore['resume'];
}

/**
 * A streamed run in a component: what it says so far, and how to begin and to stop one. Renders at most once a frame, however fast events come. A component
 * that goes away lets go of the connection. Options may be new objects in each render; they count for the next run.
 */
export function useRun(options: RunStoreOptions): UseRun {
  const [store] = useState(() => new RunStore(options));
  useEffect(() => store.configure(options));
  useEffect(() => () => store.close(), [store]);
  const view = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  const { settledParts: _settledParts, ...shown } = view;
  return { ...shown, text: runText(view), reasoning: runText(view, 'reasoning'), calls: runCalls(view), send: store.send, stop: store.stop, resume: store.resume };
}
