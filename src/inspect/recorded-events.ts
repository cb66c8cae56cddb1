import type { SessionEvent } from '../../session/index.js';
import type { RecordingLine } from '../recording/index.js';

export interface RecordedEvent {
  readonly atMs: number;
  /** As it stands in the file: its bytes are references. */
  readonly event: SessionEvent;
}

/** What a session told, in order. */
export function eventsOf(lines: readonly RecordingLine[]): readonly RecordedEvent[] {
  return lines.flatMap((line) => (line.type === 'event' ? [{ atMs: line.at, event: line.event as SessionEvent }] : []));
}
