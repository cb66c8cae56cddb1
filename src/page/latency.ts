import type { TurnMarks } from 'voicewire/browser';
import { byId, element } from './dom.js';

/** A bar of this many ms fills the width; longer ones are cut. */
const FULL_WIDTH_MS = 2_000;

/** One bar for each turn: from the end of the user's speech to the first sound that was heard, and what the time went to. */
export class Latency {
  readonly #list = byId<HTMLOListElement>('latency');
  readonly #rows = new Map<string, HTMLLIElement>();

  /** Gives the whole latency as text, once it is known. */
  show(turnId: string, marks: TurnMarks): string | undefined {
    const { speechEndMs, firstFrameHeardMs } = marks;
    if (speechEndMs === undefined || firstFrameHeardMs === undefined) return undefined;
    const totalMs = firstFrameHeardMs - speechEndMs;
    const decidedMs = marks.endpointDecidedMs ?? speechEndMs;
    const deltaMs = marks.firstDeltaMs ?? decidedMs;
    const text = totalMs < 1000 ? `${Math.round(totalMs)} ms` : `${(totalMs / 1000).toFixed(2)} s`;
    const bar = element('span', 'bar-track', part('endpoint', decidedMs - speechEndMs), part('model-part', deltaMs - decidedMs), part('playout', firstFrameHeardMs - deltaMs));
    bar.setAttribute('aria-hidden', 'true');
    this.#row(turnId).replaceChildren(element('span', 'turn-number', `Turn ${[...this.#rows.keys()].indexOf(turnId) + 1}`), bar, element('strong', '', text));
    byId('latency-empty').hidden = true;
    byId('latency-legend').hidden = false;
    return text;
  }

  begin(): void {
    this.#rows.clear();
    this.#list.replaceChildren();
    byId('latency-empty').hidden = false;
    byId('latency-legend').hidden = true;
  }

  #row(turnId: string): HTMLLIElement {
    let row = this.#rows.get(turnId);
    if (row !== undefined) return row;
    row = element('li');
    this.#rows.set(turnId, row);
    this.#list.append(row);
    while (this.#list.childElementCount > 6) this.#list.firstElementChild?.remove();
    return row;
  }
}

function part(name: string, ms: number): HTMLSpanElement {
  const made = element('span', `part ${name}`);
  made.style.width = `${Math.max(0, Math.min(100, (ms / FULL_WIDTH_MS) * 100))}%`;
  return made;
}
