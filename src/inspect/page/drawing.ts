import type { Timeline } from '../index.js';
import type { Palette } from './palette.js';
import type { PeakPyramid } from './peak-pyramid.js';
import type { ViewWindow } from './view-window.js';

/** A call with what the drawing needs of it made once. */
export interface DrawnCall {
  readonly timeline: Timeline;
  readonly caller: PeakPyramid;
  readonly received: PeakPyramid;
  readonly heard: PeakPyramid;
  readonly maxDepthMs: number;
  readonly maxTokens: number;
}

/** Something under the pointer. */
export interface Hit {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly title: string;
  readonly text: string;
}

/** One lane's place on the canvas, and what it draws with. Times become x by `x()`. */
export interface Drawing {
  readonly context: CanvasRenderingContext2D;
  readonly palette: Palette;
  readonly call: DrawnCall;
  readonly view: ViewWindow;
  readonly width: number;
  readonly y: number;
  readonly height: number;
  readonly selectedTurn: number | undefined;
  readonly hits: Hit[];
}

export function xOf({ view, width }: Pick<Drawing, 'view' | 'width'>, atMs: number): number {
  return ((atMs - view.fromMs) / (view.toMs - view.fromMs)) * width;
}

export function isSeen({ view }: Pick<Drawing, 'view'>, fromMs: number, toMs: number): boolean {
  return toMs >= view.fromMs && fromMs <= view.toMs;
}

/** The place of a span, cut where the canvas ends; never narrower than can be seen. */
export function boxOf(drawing: Drawing, fromMs: number, toMs: number, minWidth = 2): { readonly x: number; readonly width: number } {
  const x = Math.max(-4, xOf(drawing, fromMs));
  return { x, width: Math.max(minWidth, Math.min(drawing.width + 4, xOf(drawing, toMs)) - x) };
}

export const FONT = '11px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
export const BOLD_FONT = FONT.replace('11px', '600 11px');

/** As much of a text as fits, with an ellipsis; nothing where not even a few letters would. Gives the width that was used. */
export function fitText(context: CanvasRenderingContext2D, text: string, x: number, y: number, maxWidth: number): number {
  if (text === '' || maxWidth < 14) return 0;
  const full = context.measureText(text).width;
  if (full <= maxWidth) {
    context.fillText(text, x, y);
    return full;
  }
  if (maxWidth < 34) return 0;
  let length = Math.floor((text.length * maxWidth) / full);
  while (length > 0 && context.measureText(`${text.slice(0, length)}…`).width > maxWidth) length -= 1;
  if (length < 3) return 0;
  context.fillText(`${text.slice(0, length).trimEnd()}…`, x, y);
  return maxWidth;
}

export function roundedBox(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, radius = 3): void {
  context.beginPath();
  context.roundRect(x, y, width, height, Math.min(radius, width / 2));
}

/** Slanted lines in a box: what did not happen, or is not yet. */
export function hatch(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, colour: string, gap = 6): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let at = x - height - ((x - height) % gap); at < x + width; at += gap) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}
