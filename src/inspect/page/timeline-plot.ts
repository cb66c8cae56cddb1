import { FONT, xOf } from './drawing.js';
import type { DrawnCall, Hit } from './drawing.js';
import { byId, element } from './dom.js';
import { AXIS_HEIGHT, heightOf, lanesOf } from './lanes.js';
import type { Lane } from './lanes.js';
import { readPalette } from './palette.js';
import { showMoment } from './show-time.js';
import { drawInterruptions } from './sound-lanes.js';
import { panned, tickStepMs, whole, within, zoomed } from './view-window.js';
import type { ViewWindow } from './view-window.js';

export interface PlotHandlers {
  /** The cursor is wanted here. */
  onPoint(atMs: number): void;
  onView(view: ViewWindow): void;
}

/** A press that moves farther than this is a drag. */
const DRAG_PIXELS = 4;

/** The lanes on one canvas over one axis of time, with the cursor above them. */
export class TimelinePlot {
  view: ViewWindow = { fromMs: 0, toMs: 1 };
  readonly #box = byId('lanes');
  readonly #canvas = this.#box.querySelector('canvas') as HTMLCanvasElement;
  readonly #needle = byId('needle');
  readonly #tip = byId('tip');
  readonly #handlers: PlotHandlers;
  #call: DrawnCall | undefined;
  #lanes: readonly Lane[] = [];
  #hits: Hit[] = [];
  #palette = readPalette();
  #cursorMs = 0;
  #selectedTurn: number | undefined;
  #asked = false;

  constructor(handlers: PlotHandlers) {
    this.#handlers = handlers;
    new ResizeObserver(() => this.redraw()).observe(this.#box);
    this.#listen();
  }

  show(call: DrawnCall): void {
    this.#call = call;
    this.#lanes = lanesOf(call);
    this.#canvas.style.height = `${heightOf(this.#lanes)}px`;
    byId('gutter').replaceChildren(
      ...this.#lanes.map(({ name, note, y, height }) => {
        const row = element('div', 'lane-name', element('b', '', name), element('span', '', note));
        row.style.top = `${y}px`;
        row.style.height = `${height}px`;
        return row;
      }),
    );
    byId('gutter').style.height = `${heightOf(this.#lanes)}px`;
    this.setView(whole(call.timeline));
  }

  setView(view: ViewWindow): void {
    if (this.#call === undefined) return;
    this.view = within(view, this.#call.timeline);
    this.redraw();
    this.#handlers.onView(this.view);
  }

  setCursor(atMs: number, selectedTurn: number | undefined): void {
    this.#cursorMs = atMs;
    if (selectedTurn !== this.#selectedTurn) {
      this.#selectedTurn = selectedTurn;
      this.redraw();
    }
    this.#placeNeedle();
  }

  onTheme(): void {
    this.#palette = readPalette();
    this.redraw();
  }

  /** Draws with the next frame, however often it is asked. */
  redraw(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#draw();
    });
  }

  get width(): number {
    return Math.max(1, this.#box.clientWidth);
  }

  #draw(): void {
    const call = this.#call;
    const context = this.#canvas.getContext('2d');
    if (call === undefined || context === null) return;
    const [width, height, ratio] = [this.width, heightOf(this.#lanes), window.devicePixelRatio];
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    this.#hits = [];
    const base = { context, palette: this.#palette, call, view: this.view, width, selectedTurn: this.#selectedTurn, hits: this.#hits };
    this.#drawGround(context, width, height);
    for (const lane of this.#lanes) {
      context.save();
      context.beginPath();
      context.rect(0, lane.y, width, lane.height);
      context.clip();
      lane.draw({ ...base, y: lane.y, height: lane.height });
      context.restore();
    }
    const [received, heard] = [this.#lanes[1], this.#lanes[2]];
    if (received !== undefined && heard !== undefined) drawInterruptions({ ...base, y: received.y, height: heard.y + heard.height - received.y });
    this.#placeNeedle();
    // For whoever measures: the first picture is there.
    if (!performance.getEntriesByName('drawn').length) performance.mark('drawn');
  }

  #drawGround(context: CanvasRenderingContext2D, width: number, height: number): void {
    const palette = this.#palette;
    const startMs = this.#call?.timeline.startMs ?? 0;
    this.#lanes.forEach(({ y, height: laneHeight }, index) => {
      if (index % 2 === 1) {
        context.fillStyle = palette.stripe;
        context.fillRect(0, y, width, laneHeight);
      }
    });
    const step = tickStepMs(this.view.toMs - this.view.fromMs, width / 84);
    const digits = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3;
    context.font = FONT;
    context.lineWidth = 1;
    for (let at = Math.ceil((this.view.fromMs - startMs) / step) * step; at + startMs <= this.view.toMs; at += step) {
      const x = Math.round(xOf({ view: this.view, width }, at + startMs)) + 0.5;
      context.strokeStyle = palette.line;
      context.beginPath();
      context.moveTo(x, AXIS_HEIGHT - 7);
      context.lineTo(x, height);
      context.stroke();
      context.fillStyle = palette.soft;
      const text = showMoment(at, digits);
      const left = x + 4;
      if (left + context.measureText(text).width < width) context.fillText(text, left, AXIS_HEIGHT - 9);
    }
  }

  #placeNeedle(): void {
    const x = xOf({ view: this.view, width: this.width }, this.#cursorMs);
    this.#needle.hidden = x < -1 || x > this.width + 1;
    this.#needle.style.transform = `translateX(${x}px)`;
    this.#needle.classList.toggle('left', x > this.width - 80);
    byId('needle-time').textContent = showMoment(this.#cursorMs - (this.#call?.timeline.startMs ?? 0));
  }

  #msAt(x: number): number {
    return this.view.fromMs + (x / this.width) * (this.view.toMs - this.view.fromMs);
  }

  #hitAt(x: number, y: number): Hit | undefined {
    return this.#hits.findLast((hit) => x >= hit.x && x <= hit.x + hit.width && y >= hit.y && y <= hit.y + hit.height);
  }

  #listen(): void {
    let press: { readonly x: number; readonly view: ViewWindow; dragged: boolean } | undefined;
    this.#box.addEventListener('pointerdown', (event) => {
      press = { x: event.offsetX, view: this.view, dragged: false };
      this.#box.setPointerCapture(event.pointerId);
    });
    this.#box.addEventListener('pointermove', (event) => {
      if (press === undefined) return this.#showTip(event);
      if (Math.abs(event.offsetX - press.x) > DRAG_PIXELS) press.dragged = true;
      if (!press.dragged || this.#call === undefined) return;
      this.#tip.hidden = true;
      const byMs = ((press.x - event.offsetX) / this.width) * (press.view.toMs - press.view.fromMs);
      this.setView(panned(press.view, byMs, this.#call.timeline));
    });
    this.#box.addEventListener('pointerup', (event) => {
      if (press?.dragged === false) {
        const hit = this.#hitAt(event.offsetX, event.offsetY);
        // A thing that begins under the pointer is meant from its beginning.
        this.#handlers.onPoint(hit !== undefined && (hit.height < 60 || hit.width <= 22) ? Math.max(hit.fromMs, this.view.fromMs) : this.#msAt(event.offsetX));
      }
      press = undefined;
    });
    this.#box.addEventListener('pointercancel', () => (press = undefined));
    this.#box.addEventListener('pointerleave', () => (this.#tip.hidden = true));
    this.#box.addEventListener('dblclick', (event) => {
      const hit = this.#hitAt(event.offsetX, event.offsetY);
      if (hit === undefined) return;
      const margin = Math.max(50, (hit.toMs - hit.fromMs) * 0.35);
      this.setView({ fromMs: hit.fromMs - margin, toMs: hit.toMs + margin });
    });
    this.#box.addEventListener(
      'wheel',
      (event) => {
        if (this.#call === undefined) return;
        const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
        if (event.ctrlKey || event.metaKey) this.setView(zoomed(this.view, Math.exp(event.deltaY / 240), this.#msAt(event.offsetX), this.#call.timeline));
        else if (sideways !== 0) this.setView(panned(this.view, (sideways / this.width) * (this.view.toMs - this.view.fromMs), this.#call.timeline));
        else return;
        event.preventDefault();
      },
      { passive: false },
    );
  }

  #showTip(event: PointerEvent): void {
    const hit = this.#hitAt(event.offsetX, event.offsetY);
    this.#tip.hidden = hit === undefined;
    if (hit === undefined || this.#call === undefined) return;
    const { startMs } = this.#call.timeline;
    this.#tip.replaceChildren(element('b', '', hit.title), element('span', 'tip-time', showMoment(hit.fromMs - startMs)), element('span', 'tip-text', hit.text.length > 260 ? `${hit.text.slice(0, 260)}…` : hit.text));
    this.#tip.style.left = `${Math.min(event.clientX + 14, window.innerWidth - this.#tip.offsetWidth - 12)}px`;
    this.#tip.style.top = `${event.clientY + 18 + this.#tip.offsetHeight > window.innerHeight ? event.clientY - this.#tip.offsetHeight - 12 : event.clientY + 18}px`;
  }
}
