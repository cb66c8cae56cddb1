import type { CallEvent } from '../caller/index.js';

/** The turns of a call: each begins when the caller has finished speaking or has sent a message. Turn 0 is what comes before the first. */
export interface CallTurns {
  /** When the call began: the moment of its first event. */
  readonly startMs: number;
  /** When turn `n` begins, by `n`. Turn 0 begins when the connection is open. */
  readonly beginMs: readonly number[];
  /** The number of the turn at a moment. */
  at(ms: number): number;
  /** `turn 2, 3120 ms into the call` */
  when(ms: number): string;
}

/**
 * The end of the caller's speech is the `speechEndMs` of the turn's marks where they are known, else the moment at which the model told it, or
 * at which the turn was committed.
 */
export function callTurns(events: readonly CallEvent[]): CallTurns {
  const startMs = events[0]?.info.timestamp ?? 0;
  const opened = events.find((event) => event.type === 'connection' && event.connection.state === 'open');
  const ends = new Map<string, number>();
  const speechEnds = new Map<number, number>();
  for (const event of events) {
    if (event.type === 'turn_metrics' && event.marks.speechEndMs !== undefined && event.marks.endpointDecidedMs !== undefined) speechEnds.set(event.marks.endpointDecidedMs, event.marks.speechEndMs);
  }
  for (const event of events) {
    const nowMs = event.info.timestamp;
    if (event.type === 'input_speech_stopped') ends.set(event.itemId, speechEnds.get(nowMs) ?? nowMs);
    else if (event.type === 'input_committed' && !ends.has(event.itemId)) ends.set(event.itemId, nowMs);
    else if (event.type === 'history_added' && event.item.type === 'message' && event.item.role === 'user' && !event.item.spoken) ends.set(event.item.itemId, nowMs);
  }
  const beginMs = [opened?.info.timestamp ?? startMs, ...[...ends.values()].sort((a, b) => a - b)];
  const at = (ms: number): number => Math.max(0, beginMs.findLastIndex((begin) => begin <= ms));
  return { startMs, beginMs, at, when: (ms) => `turn ${at(ms)}, ${Math.round(ms - startMs)} ms into the call` };
}
