import type { LatencyGroup, Measured, Quantiles } from '../index.js';
import { byId, svgElement } from './dom.js';
import { partTexts } from './palette.js';
import { showLength } from './show-time.js';
import { roundUp } from './turn-list.js';
import { tickStepMs } from './view-window.js';

export const measuredNames: Readonly<Record<Measured, string>> = {
  latency: 'whole latency',
  endpoint: partTexts.endpoint.name,
  commit: partTexts.commit.name,
  request: partTexts.request.name,
  model: partTexts.model.name,
  send: partTexts.send.name,
  playout: partTexts.playout.name,
};

const POINTS = ['p50', 'p90', 'p95', 'p99'] as const;
const ROW = 30;
const LEFT = 150;
const RIGHT = 30;
const TOP = 22;

interface Row {
  readonly name: string;
  readonly numbers: Quantiles;
  readonly strong: boolean;
}

/** One file: a row for the whole latency and for each of its parts. Many: a row for each file and for all, of what is chosen. */
export function showPercentiles(report: readonly LatencyGroup[]): void {
  const measure = byId<HTMLSelectElement>('measure');
  const many = report.length > 1;
  byId('measure-label').hidden = !many;
  const present = (Object.keys(measuredNames) as Measured[]).filter((what) => report.some(({ measured }) => (measured[what]?.max ?? 0) > 0));
  measure.replaceChildren(...present.map((what) => new Option(measuredNames[what], what)));
  const draw = (): void => {
    const rows = many ? report.flatMap((group) => rowOf(group.name, group.measured[(measure.value || 'latency') as Measured], group === report.at(-1))) : present.flatMap((what) => rowOf(measuredNames[what], report[0]?.measured[what], what === 'latency'));
    drawRows(rows);
  };
  measure.onchange = draw;
  new ResizeObserver(draw).observe(byId('percentiles'));
  const count = report.at(-1)?.measured.latency?.count ?? 0;
  byId('latency-note').textContent = count === 0 ? 'no turn was waited for to its end' : `percentiles over ${count} ${count === 1 ? 'turn' : 'turns'}, by nearest rank`;
  draw();
}

function rowOf(name: string, numbers: Quantiles | undefined, strong: boolean): Row[] {
  return numbers === undefined ? [] : [{ name, numbers, strong }];
}

function drawRows(rows: readonly Row[]): void {
  const box = byId('percentiles');
  box.hidden = rows.length === 0;
  const width = Math.max(320, box.clientWidth);
  const fullMs = roundUp(Math.max(1, ...rows.map(({ numbers }) => numbers.max)));
  const xOf = (ms: number): number => LEFT + (ms / fullMs) * (width - LEFT - RIGHT);
  const height = TOP + rows.length * ROW + 8;
  const parts: Node[] = [];
  const step = tickStepMs(fullMs, (width - LEFT - RIGHT) / 90);
  for (let ms = 0; ms <= fullMs; ms += step) {
    parts.push(svgElement('line', { x1: xOf(ms), x2: xOf(ms), y1: TOP - 4, y2: height - 8, class: 'grid' }), svgElement('text', { x: xOf(ms), y: 12, class: 'tick', 'text-anchor': ms === 0 ? 'start' : 'middle' }, showLength(ms)));
  }
  rows.forEach(({ name, numbers, strong }, index) => {
    const y = TOP + index * ROW + ROW / 2;
    parts.push(svgElement('text', { x: 4, y: y + 4, class: strong ? 'name strong' : 'name' }, short(name)));
    parts.push(svgElement('line', { x1: xOf(numbers.p50), x2: xOf(numbers.p99), y1: y, y2: y, class: 'range' }));
    // From the last to the first, so that the median is on top where they fall together.
    for (const point of [...POINTS].reverse()) parts.push(shape(point, xOf(numbers[point]), y, `${name}: ${point} ${showLength(numbers[point])}`));
    // To the right of the slowest while there is room, else to the left of the median.
    const text = POINTS.map((point) => showLength(numbers[point])).filter((each, at, all) => all.indexOf(each) === at).join(' · ');
    const atRight = xOf(numbers.p99) + 14 + text.length * 6.2 < width;
    parts.push(svgElement('text', { x: atRight ? xOf(numbers.p99) + 14 : xOf(numbers.p50) - 14, y: y + 4, class: 'value', 'text-anchor': atRight ? 'start' : 'end' }, text));
  });
  const svg = svgElement('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': 'Percentiles of the latency; the same stands in the tables below.' }, ...parts);
  const legend = document.createElement('figcaption');
  legend.append(...POINTS.flatMap((point) => [svgElement('svg', { width: 16, height: 14, viewBox: '0 0 16 14', 'aria-hidden': 'true' }, shape(point, 8, 7, point)), `${point} `]));
  box.replaceChildren(svg, legend);
}

/** Each percentile has a shape of its own. */
function shape(point: (typeof POINTS)[number], x: number, y: number, title: string): SVGElement {
  const label = svgElement('title', {}, title);
  switch (point) {
    case 'p50':
      return svgElement('circle', { cx: x, cy: y, r: 5.5, class: 'p50' }, label);
    case 'p90':
      return svgElement('rect', { x: x - 4.5, y: y - 4.5, width: 9, height: 9, class: 'p90' }, label);
    case 'p95':
      return svgElement('path', { d: `M${x} ${y - 6}l6 10.5h-12z`, class: 'p95' }, label);
    case 'p99':
      return svgElement('path', { d: `M${x} ${y - 6.5}l6 6.5l-6 6.5l-6 -6.5z`, class: 'p99' }, label);
  }
}

function short(name: string): string {
  return name.length > 22 ? `${name.slice(0, 21)}…` : name;
}
