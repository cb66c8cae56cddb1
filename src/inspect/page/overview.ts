import type { DrawnCall } from './drawing.js';
import { byId } from './dom.js';
import { readPalette } from './palette.js';
import type { PeakPyramid } from './peak-pyramid.js';
import { within } from './view-window.js';
import type { ViewWindow } from './view-window.js';

type Grip = { readonly kind: 'new'; readonly fromMs: number } | { readonly kind: 'move'; readonly offMs: number } | { readonly kind: 'from' | 'to' };

/** The narrowest window that a hand can hold. */
const GRIP_PIXELS = 7;

/** The whole call in a strip: the caller above, the agent below, and the window that the lanes show. */
export class Overview {
  readonly #box = byId('overview');
  readonly #canvas = this.#box.querySelector('canvas') as HTMLCanvasElement;
  readonly #window = byId('window');
  readonly #needle = byId('overview-needle');
  readonly #onView: (view: ViewWindow) => void;
  #call: DrawnCall | undefined;
  #view: ViewWindow = { fromMs: 0, toMs: 1 };
  #cursorMs = 0;

  constructor(onView: (view: ViewWindow) => void) {
    this.#onView = onView;
    new ResizeObserver(() => this.redraw()).observe(this.#box);
    this.#listen();
  }

  show(call: DrawnCall): void {
    this.#call = call;
    this.redraw();
  }

  setView(view: ViewWindow): void {
    this.#view = view;
    this.#place();
  }

  setCursor(atMs: number): void {
    this.#cursorMs = atMs;
    this.#place();
  }

  redraw(): void {
    const call = this.#call;
    const context = this.#canvas.getContext('2d');
    if (call === undefined || context === null) return;
    const [width, height, ratio, palette] = [this.#box.clientWidth, this.#box.clientHeight, window.devicePixelRatio, readPalette()];
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    const half = height / 2;
    drawHalf(context, call, call.caller, palette.caller, width, half - 1, half - 3, -1);
    drawHalf(context, call, call.heard, palette.heard, width, half + 1, half - 3, 1);
    context.fillStyle = palette.cut;
    for (const { atMs, unheardMs } of call.timeline.interruptions) if (unheardMs > 0) context.fillRect(this.#xOf(atMs) - 0.75, 0, 1.5, height);
    this.#place();
  }

  #place(): void {
    const [from, to] = [this.#xOf(this.#view.fromMs), this.#xOf(this.#view.toMs)];
    this.#window.style.left = `${from}px`;
    this.#window.style.width = `${Math.max(3, to - from)}px`;
    this.#needle.style.transform = `translateX(${this.#xOf(this.#cursorMs)}px)`;
  }

  #xOf(atMs: number): number {
    const { startMs = 0, endMs = 1 } = this.#call?.timeline ?? {};
    return ((atMs - startMs) / Math.max(1, endMs - startMs)) * this.#box.clientWidth;
  }

  #msAt(x: number): number {
    const { startMs = 0, endMs = 1 } = this.#call?.timeline ?? {};
    return startMs + (x / Math.max(1, this.#box.clientWidth)) * (endMs - startMs);
  }

  #gripAt(x: number): Grip {
    const [from, to] = [this.#xOf(this.#view.fromMs), this.#xOf(this.#view.toMs)];
    if (Math.abs(x - from) < GRIP_PIXELS && to - from > 3 * GRIP_PIXELS) return { kind: 'from' };
    if (Math.abs(x - to) < GRIP_PIXELS && to - from > 3 * GRIP_PIXELS) return { kind: 'to' };
    const isWhole = to - from > this.#box.clientWidth - 2;
    if (x > from - 2 && x < to + 2 && !isWhole) return { kind: 'move', offMs: this.#msAt(x) - this.#view.fromMs };
    return { kind: 'new', fromMs: this.#msAt(x) };
  }

  #listen(): void {
    let grip: Grip | undefined;
    this.#box.addEventListener('pointerdown', (event) => {
      grip = this.#gripAt(event.offsetX);
      this.#box.setPointerCapture(event.pointerId);
    });
    this.#box.addEventListener('pointermove', (event) => {
      const atMs = this.#msAt(event.offsetX);
      if (grip === undefined || this.#call === undefined) return;
      this.#onView(within(this.#dragged(grip, atMs), this.#call.timeline));
    });
    this.#box.addEventListener('pointerup', () => (grip = undefined));
    this.#box.addEventListener('pointercancel', () => (grip = undefined));
  }

  #dragged(grip: Grip, atMs: number): ViewWindow {
    const { fromMs, toMs } = this.#view;
    switch (grip.kind) {
      case 'new':
        return { fromMs: Math.min(grip.fromMs, atMs), toMs: Math.max(grip.fromMs, atMs) };
      case 'move':
        return { fromMs: atMs - grip.offMs, toMs: atMs - grip.offMs + (toMs - fromMs) };
      case 'from':
        return { fromMs: Math.min(atMs, toMs), toMs };
      case 'to':
        return { fromMs, toMs: Math.max(atMs, fromMs) };
    }
  }
}

function drawHalf(context: CanvasRenderingContext2D, call: DrawnCall, peaks: PeakPyramid, colour: string, width: number, base: number, height: number, direction: 1 | -1): void {
  const perPixelMs = (call.timeline.endMs - call.timeline.startMs) / width;
  const found = { low: 0, high: 0 };
  context.fillStyle = colour;
  for (let x = 0; x < width; x += 1) {
    peaks.between(x * perPixelMs, (x + 1) * perPixelMs, found);
    const tall = Math.max(found.high, -found.low) * peaks.gain * height;
    if (tall > 0.3) context.fillRect(x, direction === 1 ? base : base - tall, 1, tall);
  }
}
