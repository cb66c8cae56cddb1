import { FONT, xOf } from './drawing.js';
import type { Drawing } from './drawing.js';
import { showLength } from './show-time.js';

/** Sound that was sent and not yet heard, as an area. */
export function drawDepth(drawing: Drawing): void {
  const { context, palette, call, view, width, y, height } = drawing;
  const { atMs, depthMs } = call.timeline.depth;
  if (atMs.length === 0 || call.maxDepthMs === 0) return;
  const base = y + height - 4;
  const scale = (height - 18) / call.maxDepthMs;
  const first = Math.max(0, lastBefore(atMs, view.fromMs));
  context.beginPath();
  context.moveTo(xOf(drawing, atMs[first] ?? 0), base);
  let lastX = -Infinity;
  for (let index = first; index < atMs.length; index += 1) {
    const x = xOf(drawing, atMs[index] ?? 0);
    context.lineTo(x, base - (depthMs[index] ?? 0) * scale);
    lastX = x;
    if ((atMs[index] ?? 0) > view.toMs) break;
  }
  context.lineTo(lastX, base);
  context.closePath();
  context.fillStyle = palette['depth-wash'];
  context.fill();
  context.strokeStyle = palette.depth;
  context.lineWidth = 1.25;
  context.stroke();
  const top = Math.round(base - call.maxDepthMs * scale) + 0.5;
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.setLineDash([2, 3]);
  context.beginPath();
  context.moveTo(0, top);
  context.lineTo(width, top);
  context.stroke();
  context.setLineDash([]);
  context.font = FONT;
  context.fillStyle = palette.soft;
  const text = `most ${showLength(call.maxDepthMs)}`;
  context.fillText(text, width - context.measureText(text).width - 6, top - 3);
}

/** Index of the last moment that is not later. */
export function lastBefore(moments: readonly number[], whenMs: number): number {
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((moments[middle] ?? 0) <= whenMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
