import { drawDepth } from './depth-lane.js';
import type { Drawing, DrawnCall } from './drawing.js';
import { drawCaller, drawHeard, drawReceived } from './sound-lanes.js';
import { TOOL_ROW, drawConnection, drawTokens, drawTools, drawTurns, toolRows } from './span-lanes.js';

export interface Lane {
  readonly name: string;
  readonly note: string;
  readonly y: number;
  readonly height: number;
  draw(drawing: Drawing): void;
}

export const AXIS_HEIGHT = 24;

/** The lanes of a call, from above; what it has nothing of has no lane. */
export function lanesOf({ timeline, maxDepthMs, maxTokens }: DrawnCall): readonly Lane[] {
  const rows = Math.max(0, ...toolRows(timeline.tools)) + 1;
  const wanted: (Omit<Lane, 'y'> | false)[] = [
    { name: 'Caller', note: 'microphone', height: 84, draw: drawCaller },
    { name: 'Agent', note: 'as received', height: 44, draw: drawReceived },
    { name: 'Agent', note: timeline.heardFrom === 'reports' ? 'as heard, by reports' : 'as heard, by the clock', height: 84, draw: drawHeard },
    timeline.turns.length > 0 && { name: 'Turns', note: 'speech end to sound', height: 42, draw: drawTurns },
    timeline.tools.length > 0 && { name: 'Tools', note: '', height: rows * TOOL_ROW + 8, draw: drawTools },
    maxDepthMs > 0 && { name: 'Buffer', note: 'sent, not yet heard', height: 58, draw: drawDepth },
    maxTokens > 0 && { name: 'Tokens', note: 'in, out', height: 44, draw: drawTokens },
    timeline.connection.length > 0 && { name: 'Connection', note: '', height: 26, draw: drawConnection },
  ];
  let y = AXIS_HEIGHT;
  return wanted.flatMap((lane) => {
    if (lane === false) return [];
    const placed = { ...lane, y };
    y += lane.height;
    return [placed];
  });
}

export function heightOf(lanes: readonly Lane[]): number {
  const last = lanes.at(-1);
  return last === undefined ? AXIS_HEIGHT : last.y + last.height;
}
