import { element } from './dom.js';

export interface VirtualListOptions {
  readonly rowHeight: number;
  readonly count: () => number;
  /** Fills a row that was made empty. */
  readonly fill: (row: HTMLElement, index: number) => void;
  readonly onSelect: (index: number) => void;
}

/** Rows beyond the edge of what is seen, so that scrolling shows no holes. */
const SPARE_ROWS = 6;

/** A list that holds only the rows that are seen: a call of an hour has thousands. Arrow keys, Home and End move the selection. */
export class VirtualList {
  readonly #box: HTMLElement;
  readonly #options: VirtualListOptions;
  readonly #ground = element('div', 'ground');
  readonly #rows = new Map<number, HTMLElement>();
  #selected = -1;

  constructor(box: HTMLElement, options: VirtualListOptions) {
    this.#box = box;
    this.#options = options;
    this.#ground.setAttribute('role', 'presentation');
    box.append(this.#ground);
    box.addEventListener('scroll', () => this.#fillSeen());
    new ResizeObserver(() => this.#fillSeen()).observe(box);
    box.addEventListener('click', ({ target }) => {
      const row = target instanceof Element ? target.closest<HTMLElement>('[data-index]') : null;
      if (row !== null) options.onSelect(Number(row.dataset['index']));
    });
    box.addEventListener('keydown', (event) => {
      const to = { ArrowDown: this.#selected + 1, ArrowUp: this.#selected - 1, Home: 0, End: options.count() - 1, PageDown: this.#selected + this.#pageRows(), PageUp: this.#selected - this.#pageRows() }[event.key];
      if (to === undefined || options.count() === 0) return;
      event.preventDefault();
      event.stopPropagation();
      options.onSelect(Math.max(0, Math.min(options.count() - 1, to)));
    });
  }

  /** What the rows show has changed. */
  renew(): void {
    this.#ground.style.height = `${this.#options.count() * this.#options.rowHeight}px`;
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    this.#fillSeen();
  }

  /** Marks a row, -1 for none, and brings it into sight. */
  select(index: number): void {
    if (index === this.#selected) return;
    this.#selected = index;
    if (index >= 0) {
      const { rowHeight } = this.#options;
      const [top, height] = [this.#box.scrollTop, this.#box.clientHeight];
      if (index * rowHeight < top) this.#box.scrollTop = Math.max(0, (index - 2) * rowHeight);
      else if ((index + 1) * rowHeight > top + height) this.#box.scrollTop = (index + 3) * rowHeight - height;
    }
    this.#fillSeen();
    for (const [each, row] of this.#rows) mark(row, each === index);
    if (index >= 0) this.#box.setAttribute('aria-activedescendant', `${this.#box.id}-${index}`);
    else this.#box.removeAttribute('aria-activedescendant');
  }

  get selected(): number {
    return this.#selected;
  }

  #pageRows(): number {
    return Math.max(1, Math.floor(this.#box.clientHeight / this.#options.rowHeight) - 1);
  }

  #fillSeen(): void {
    const { rowHeight, count } = this.#options;
    const first = Math.max(0, Math.floor(this.#box.scrollTop / rowHeight) - SPARE_ROWS);
    const last = Math.min(count(), Math.ceil((this.#box.scrollTop + this.#box.clientHeight) / rowHeight) + SPARE_ROWS);
    for (const [index, row] of this.#rows) {
      if (index >= first && index < last) continue;
      row.remove();
      this.#rows.delete(index);
    }
    for (let index = first; index < last; index += 1) if (!this.#rows.has(index)) this.#add(index);
  }

  #add(index: number): void {
    const row = element('div', 'row');
    row.id = `${this.#box.id}-${index}`;
    row.dataset['index'] = String(index);
    row.setAttribute('role', 'option');
    row.setAttribute('aria-setsize', String(this.#options.count()));
    row.setAttribute('aria-posinset', String(index + 1));
    row.style.transform = `translateY(${index * this.#options.rowHeight}px)`;
    row.style.height = `${this.#options.rowHeight}px`;
    this.#options.fill(row, index);
    mark(row, index === this.#selected);
    this.#rows.set(index, row);
    this.#ground.append(row);
  }
}

function mark(row: HTMLElement, selected: boolean): void {
  row.classList.toggle('selected', selected);
  row.setAttribute('aria-selected', String(selected));
}
