import type { Timeline } from '../index.js';
import type { DrawnCall } from './drawing.js';
import { byId, element } from './dom.js';
import { EventList } from './event-list.js';
import { lastBefore } from './depth-lane.js';
import { Overview } from './overview.js';
import { bytesOf, readPageData, readSound } from './page-data.js';
import { PeakPyramid } from './peak-pyramid.js';
import { showPercentiles } from './percentile-plot.js';
import { partTexts } from './palette.js';
import { Player } from './player.js';
import { showCost, showCount, showLength, showMoment } from './show-time.js';
import { showTables } from './tables.js';
import { TimelinePlot } from './timeline-plot.js';
import { TurnList } from './turn-list.js';
import { panned, showing, whole, zoomed } from './view-window.js';

const { calls, report } = readPageData();
let call = drawn(calls[0] as Timeline);
let callIndex = 0;
let cursorMs = call.timeline.startMs;

const plot = new TimelinePlot({ onPoint: (atMs) => setCursor(atMs), onView: (view) => overview.setView(view) });
const overview = new Overview((view) => plot.setView(view));
const events = new EventList(({ atMs }) => setCursor(atMs));
const turns = new TurnList(({ fromMs }) => setCursor(fromMs));
const player = new Player({
  onTime: (ms) => setCursor(call.timeline.startMs + ms, false),
  onState: (playing) => byId('play').replaceChildren(element('span', '', playing ? '❚❚' : '▶'), playing ? ' Pause' : ' Play'),
});

function drawn(timeline: Timeline): DrawnCall {
  const { peaks, depth, responses } = timeline;
  const pyramid = (base64: string): PeakPyramid => new PeakPyramid(new Int8Array(bytesOf(base64).buffer as ArrayBuffer), peaks.bucketMs);
  return {
    timeline,
    caller: pyramid(peaks.caller),
    received: pyramid(peaks.received),
    heard: pyramid(peaks.heard),
    maxDepthMs: depth.depthMs.reduce((most, ms) => Math.max(most, ms), 0),
    maxTokens: responses.reduce((most, { inputTokens, outputTokens }) => Math.max(most, inputTokens, outputTokens), 0),
  };
}

function showCall(index: number): void {
  callIndex = index;
  call = drawn(calls[index] as Timeline);
  const { timeline } = call;
  player.load(() => readSound(callIndex));
  document.title = `${timeline.name} · voicewire inspect`;
  byId('call-name').textContent = timeline.name;
  byId('call-facts').textContent = [showLength(timeline.endMs - timeline.startMs), timeline.startedAt?.replace('T', ' ').slice(0, 16), timeline.peers['model'], timeline.complete ? undefined : 'not complete: its writer died'].filter((fact) => fact !== undefined).join(' · ');
  byId('tiles').replaceChildren(...tiles(timeline).flatMap(([name, value, note]) => element('div', 'tile', element('dt', '', name), element('dd', '', value, element('small', '', note)))));
  byId('play').toggleAttribute('disabled', document.getElementById(`sound-${index}`) === null);
  byId('status').textContent = document.getElementById(`sound-${index}`) === null ? 'no sound in this page' : '';
  plot.show(call);
  overview.show(call);
  events.show(timeline);
  turns.show(timeline);
  showTables(timeline, report);
  setCursor(timeline.turns[0]?.fromMs ?? timeline.startMs);
}

function tiles({ level, turns: all, interruptions, tools, totals, heard }: Timeline): [string, string, string][] {
  const measured = report[callIndex]?.measured.latency;
  const heardMs = heard.reduce((sum, item) => sum + item.heardMs, 0);
  const cuts = interruptions.filter(({ unheardMs }) => unheardMs > 0);
  const unpriced = totals.unpriced > 0 ? `${totals.unpriced} without a price` : 'all priced';
  const shown: [string, string, string][] = [
    ['Latency, median', measured === undefined ? '–' : showLength(measured.p50), measured === undefined ? 'no turn was waited for' : `p95 ${showLength(measured.p95)}`],
    ['Turns', showCount(all.length), `${all.filter(({ latencyMs }) => latencyMs !== undefined).length} with a latency`],
    ['Agent heard', showLength(heardMs), `${heard.length} ${heard.length === 1 ? 'item' : 'items'}`],
    ['Interruptions', showCount(cuts.length), cuts.length === 0 ? 'nothing was cut' : `${showLength(cuts.reduce((sum, { unheardMs }) => sum + unheardMs, 0))} not heard`],
    ['Tools', showCount(tools.length), tools.length === 0 ? 'none called' : `${tools.filter(({ outcome }) => outcome === 'ok').length} ok`],
    ['Tokens', showCount(totals.inputTokens + totals.outputTokens), `${showCount(totals.inputTokens)} in, ${showCount(totals.outputTokens)} out`],
    ['Cost', totals.usd === 0 && totals.unpriced > 0 ? '–' : showCost(totals.usd), unpriced],
    ['Errors', showCount(totals.errors), totals.errors === 0 ? 'none told' : 'see the events'],
  ];
  // What is a session's is not nought on a wire: it is not known.
  return level === 'session' ? shown : shown.map(([name]) => [name, '–', 'not told by a wire']);
}

/** Everything follows the cursor. `moved`: somebody put it there, so that the sound goes there too. */
function setCursor(atMs: number, moved = true): void {
  const { startMs, endMs, turns: all } = call.timeline;
  cursorMs = Math.min(endMs, Math.max(startMs, atMs));
  const turn = lastBefore(all.map(({ fromMs }) => fromMs), cursorMs);
  plot.setCursor(cursorMs, turn < 0 ? undefined : turn);
  const seen = showing(plot.view, cursorMs, call.timeline);
  if (seen !== plot.view) plot.setView(seen);
  overview.setCursor(cursorMs);
  events.setCursor(cursorMs);
  turns.select(turn < 0 ? undefined : turn);
  byId('clock').textContent = `${showMoment(cursorMs - startMs)} / ${showMoment(endMs - startMs)}`;
  const slider = byId('lanes');
  slider.setAttribute('aria-valuemin', '0');
  slider.setAttribute('aria-valuemax', String(Math.round(endMs - startMs)));
  slider.setAttribute('aria-valuenow', String(Math.round(cursorMs - startMs)));
  slider.setAttribute('aria-valuetext', `${showMoment(cursorMs - startMs)}${turn < 0 ? '' : `, turn ${turn + 1}`}`);
  if (moved) player.seek(cursorMs - startMs);
}

function toTurn(by: 1 | -1): void {
  const { turns: all } = call.timeline;
  const now = lastBefore(all.map(({ fromMs }) => fromMs), cursorMs);
  // From within a turn the first step back goes to its own beginning.
  const back = by === -1 && now >= 0 && cursorMs > (all[now]?.fromMs ?? 0) + 1 ? now : now + by;
  const target = all[Math.max(0, Math.min(all.length - 1, back))];
  if (target !== undefined) setCursor(target.fromMs);
}

function togglePlay(): void {
  player.toggle(cursorMs - call.timeline.startMs).then(
    (played) => played || (byId('status').textContent = 'no sound in this page'),
    (error: unknown) => (byId('status').textContent = `cannot play: ${error instanceof Error ? error.message : String(error)}`),
  );
}

const zoom = (factor: number): void => plot.setView(zoomed(plot.view, factor, cursorMs, call.timeline));
const move = (share: number): void => setCursor(cursorMs + (plot.view.toMs - plot.view.fromMs) * share);
const keys: Readonly<Record<string, () => void>> = {
  ' ': togglePlay,
  ArrowLeft: () => move(-0.01),
  ArrowRight: () => move(0.01),
  'Shift+ArrowLeft': () => move(-0.1),
  'Shift+ArrowRight': () => move(0.1),
  Home: () => setCursor(call.timeline.startMs),
  End: () => setCursor(call.timeline.endMs),
  '[': () => toTurn(-1),
  ']': () => toTurn(1),
  '+': () => zoom(0.6),
  '=': () => zoom(0.6),
  '-': () => zoom(1 / 0.6),
  '0': () => plot.setView(whole(call.timeline)),
  a: () => plot.setView(panned(plot.view, -(plot.view.toMs - plot.view.fromMs) / 4, call.timeline)),
  d: () => plot.setView(panned(plot.view, (plot.view.toMs - plot.view.fromMs) / 4, call.timeline)),
  '/': () => events.focusFilter(),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  // Buttons and choices keep the keys that are theirs.
  const own = event.target instanceof HTMLElement && event.target.closest('select, input, summary') !== null;
  if (own || (event.key === ' ' && event.target instanceof HTMLButtonElement)) return;
  const action = keys[event.shiftKey && event.key.startsWith('Arrow') ? `Shift+${event.key}` : event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
});

byId('play').addEventListener('click', togglePlay);
byId<HTMLSelectElement>('speed').addEventListener('change', ({ target }) => player.setSpeed(Number((target as HTMLSelectElement).value)));
byId('turn-before').addEventListener('click', () => toTurn(-1));
byId('turn-after').addEventListener('click', () => toTurn(1));
byId('zoom-in').addEventListener('click', () => zoom(0.6));
byId('zoom-out').addEventListener('click', () => zoom(1 / 0.6));
byId('zoom-fit').addEventListener('click', () => plot.setView(whole(call.timeline)));
byId('legend').replaceChildren(...Object.entries(partTexts).map(([part, { letter, name, what }]) => element('span', 'key', element('i', `part ${part}`, letter), element('b', '', name), ` ${what}`)));

function onTheme(): void {
  plot.onTheme();
  overview.redraw();
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onTheme);
byId('theme').addEventListener('click', () => {
  const root = document.documentElement;
  const dark = root.dataset['theme'] === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : root.dataset['theme'] === 'dark';
  root.dataset['theme'] = dark ? 'light' : 'dark';
  onTheme();
});

const chooser = byId<HTMLSelectElement>('calls');
byId('chooser').hidden = calls.length < 2;
byId('call-name').hidden = calls.length > 1;
chooser.replaceChildren(...calls.map(({ name }, index) => new Option(name, String(index))));
chooser.addEventListener('change', () => showCall(Number(chooser.value)));
showPercentiles(report);
showCall(0);
