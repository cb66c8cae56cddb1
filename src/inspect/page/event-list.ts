import type { EventRow, Timeline } from '../index.js';
import { byId, element } from './dom.js';
import { showCount, showMoment } from './show-time.js';
import { VirtualList } from './virtual-list.js';

const kinds: Readonly<Record<EventRow['kind'], { readonly sign: string; readonly name: string }>> = {
  event: { sign: '●', name: 'told by the session' },
  input: { sign: '▸', name: 'told to the session' },
  command: { sign: '◂', name: 'told to the model' },
  wire: { sign: '⇄', name: 'on the wire' },
  file: { sign: '▫', name: 'of the file' },
};

/** What happened, as a list that can be filtered and that follows the cursor. */
export class EventList {
  readonly #list: VirtualList;
  readonly #filter = byId<HTMLInputElement>('filter');
  readonly #kind = byId<HTMLSelectElement>('kind');
  #all: readonly EventRow[] = [];
  #shown: readonly EventRow[] = [];
  #startMs = 0;
  #cursorMs = 0;

  /** `onSelect`: somebody has chosen an event. */
  constructor(onSelect: (row: EventRow) => void) {
    this.#list = new VirtualList(byId('events'), {
      rowHeight: 24,
      count: () => this.#shown.length,
      fill: (row, index) => this.#fill(row, index),
      onSelect: (index) => {
        const row = this.#shown[index];
        if (row === undefined) return;
        this.#choose(index);
        onSelect(row);
      },
    });
    this.#filter.addEventListener('input', () => this.#apply());
    this.#kind.addEventListener('change', () => this.#apply());
    // Rows are drawn by CSS alone; the keys of the list stay its own.
    this.#filter.addEventListener('keydown', (event) => {
      event.stopPropagation();
      if (event.key === 'Escape') this.#filter.blur();
    });
  }

  show({ rows, startMs }: Timeline): void {
    this.#all = rows;
    this.#startMs = startMs;
    const present = new Set(rows.map(({ kind }) => kind));
    this.#kind.replaceChildren(new Option('all kinds', ''), ...[...present].map((kind) => new Option(`${kinds[kind].sign} ${kinds[kind].name}`, kind)));
    this.#apply();
  }

  /** The last event before the cursor is marked. */
  setCursor(atMs: number): void {
    this.#cursorMs = atMs;
    const selected = this.#shown[this.#list.selected];
    // Of several at one moment the chosen one stays.
    if (selected !== undefined && selected.atMs === atMs) return;
    this.#choose(this.#indexAt(atMs));
  }

  focusFilter(): void {
    this.#filter.focus();
    this.#filter.select();
  }

  #apply(): void {
    const words = this.#filter.value.toLowerCase().split(/\s+/).filter((word) => word !== '');
    const kind = this.#kind.value;
    this.#shown = this.#all.filter((row) => (kind === '' || row.kind === kind) && words.every((word) => `${row.type} ${row.text}`.toLowerCase().includes(word)));
    byId('event-count').textContent = this.#shown.length === this.#all.length ? `${showCount(this.#all.length)} rows` : `${showCount(this.#shown.length)} of ${showCount(this.#all.length)} rows`;
    this.#list.select(-1);
    this.#list.renew();
    this.#choose(this.#indexAt(this.#cursorMs));
  }

  #indexAt(atMs: number): number {
    let [low, high] = [0, this.#shown.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#shown[middle]?.atMs ?? 0) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #choose(index: number): void {
    if (index === this.#list.selected && index >= 0) return;
    this.#list.select(index);
    const row = this.#shown[index];
    byId('detail').textContent = row === undefined ? '' : `line ${row.line}${row.count === 1 ? '' : ` and ${row.count - 1} more, until ${showMoment(row.untilMs - this.#startMs)}`}\n${pretty(row.detail)}`;
    byId('detail').scrollTop = 0;
  }

  #fill(row: HTMLElement, index: number): void {
    const event = this.#shown[index];
    if (event === undefined) return;
    const sign = element('span', 'sign', kinds[event.kind].sign);
    sign.title = kinds[event.kind].name;
    row.classList.add(`of-${event.kind}`);
    if (event.type === 'error' || event.type === 'refused') row.classList.add('bad');
    row.append(element('span', 'time', showMoment(event.atMs - this.#startMs)), sign, element('span', 'type', event.type), element('span', 'times', event.count === 1 ? '' : `×${event.count}`), element('span', 'text', event.text));
  }
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), undefined, 2);
  } catch {
    return json;
  }
}
