import type { Timeline, Turn } from '../index.js';
import { byId, element } from './dom.js';
import { partTexts } from './palette.js';
import { showCost, showCount, showLength, showMoment } from './show-time.js';
import { VirtualList } from './virtual-list.js';

/** The turns below each other, all beginning at one line: a waterfall. */
export class TurnList {
  readonly #list: VirtualList;
  #turns: readonly Turn[] = [];
  #startMs = 0;
  #scaleMs = 1;

  constructor(onSelect: (turn: Turn) => void) {
    this.#list = new VirtualList(byId('turns'), {
      rowHeight: 30,
      count: () => this.#turns.length,
      fill: (row, index) => this.#fill(row, index),
      onSelect: (index) => {
        const turn = this.#turns[index];
        if (turn !== undefined) onSelect(turn);
      },
    });
  }

  show({ turns, startMs }: Timeline): void {
    this.#turns = turns;
    this.#startMs = startMs;
    this.#scaleMs = roundUp(Math.max(1, ...turns.map(({ fromMs, toMs }) => toMs - fromMs)));
    byId('turn-scale').replaceChildren(element('span', '', '0'), element('span', '', showLength(this.#scaleMs / 2)), element('span', '', showLength(this.#scaleMs)));
    this.#list.select(-1);
    this.#list.renew();
    this.#say(undefined);
  }

  select(index: number | undefined): void {
    this.#list.select(index ?? -1);
    this.#say(index === undefined ? undefined : this.#turns[index]);
  }

  #say(turn: Turn | undefined): void {
    const line = (who: string, className: string, text: string): HTMLElement => element('p', className, element('b', '', who), ` ${text}`);
    byId('said').replaceChildren(
      ...(turn === undefined
        ? [element('p', 'quiet', this.#turns.length === 0 ? 'This recording tells of no turns.' : 'Choose a turn to read what was said.')]
        : [
            line('Caller', 'of-caller', turn.saidByCaller || '–'),
            line('Agent', 'of-agent', turn.saidByAgent || '–'),
            element('p', 'quiet', turn.parts.filter(({ ms }) => ms > 0).map(({ name, ms }) => `${partTexts[name].name} ${showLength(ms)}`).join(' · ') + (turn.toolMs > 0 ? ` (tools ${showLength(turn.toolMs)})` : '')),
          ]),
    );
  }

  #fill(row: HTMLElement, index: number): void {
    const turn = this.#turns[index];
    if (turn === undefined) return;
    const bar = element('span', 'waterfall');
    for (const { name, ms } of turn.parts) {
      if (ms <= 0) continue;
      const share = (ms / this.#scaleMs) * 100;
      const part = element('i', `part ${name}`, share > 5 ? partTexts[name].letter : '');
      part.style.width = `${share}%`;
      part.title = `${partTexts[name].name} ${showLength(ms)}: ${partTexts[name].what}`;
      bar.append(part);
    }
    const latency = turn.latencyMs === undefined ? '–' : showLength(turn.latencyMs);
    row.setAttribute('aria-label', `Turn ${turn.number} at ${showMoment(turn.fromMs - this.#startMs, 1)}: ${latency}${turn.interrupted ? ', interrupted' : ''}. ${turn.saidByCaller}`);
    row.append(
      element('span', 'number', String(turn.number)),
      element('span', 'time', showMoment(turn.fromMs - this.#startMs, 1)),
      bar,
      element('span', 'latency', latency, ...(turn.interrupted ? [cutSign()] : [])),
      element('span', 'tokens', `${showCount(turn.inputTokens)} → ${showCount(turn.outputTokens)}`),
      element('span', 'cost', showCost(turn.usd)),
    );
  }
}

function cutSign(): HTMLElement {
  const sign = element('span', 'cut-sign', '✕');
  sign.title = 'interrupted';
  return sign;
}

/** The next of 1, 2, 5, 10, … that is not smaller. */
export function roundUp(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 4, 5, 6, 8].find((step) => step * unit >= value) ?? 10) * unit;
}
