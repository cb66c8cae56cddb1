import type { LatencyGroup, Timeline } from '../index.js';
import { MEASURED, TURN_PARTS } from '../measures.js';
import { byId, element } from './dom.js';
import { partTexts } from './palette.js';
import { measuredNames } from './percentile-plot.js';
import { showCost, showLength, showMoment } from './show-time.js';

interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: () => readonly (readonly string[])[];
}

/** A browser slows down over more; who wants all of them takes `--json`. */
const MAX_ROWS = 500;

/** What the plots show, as tables; each is filled when it is opened. */
export function showTables(timeline: Timeline, report: readonly LatencyGroup[]): void {
  byId('tables').replaceChildren(
    ...tablesOf(timeline, report).map(({ title, head, rows }) => {
      const details = element('details', '', element('summary', '', title));
      details.addEventListener('toggle', () => {
        if (details.open && details.childElementCount === 1) details.append(tableOf(title, head, rows()));
      });
      return details;
    }),
  );
}

function tablesOf({ startMs, turns, tools, interruptions, speech, heard, depth, connection, responses }: Timeline, report: readonly LatencyGroup[]): readonly Table[] {
  const at = (ms: number): string => showMoment(ms - startMs);
  return [
    { title: 'Who spoke when', head: ['from', 'to', 'length', 'who', 'words'], rows: () => [...speech.map((span) => ({ ...span, who: 'caller', text: '' })), ...heard.map((item) => ({ ...item, who: 'agent, as heard' }))].sort((a, b) => a.fromMs - b.fromMs).map(({ fromMs, toMs, who, text }) => [at(fromMs), at(toMs), showLength(toMs - fromMs), who, text]) },
    { title: 'Turns', head: ['turn', 'at', 'latency', ...TURN_PARTS.map((part) => partTexts[part].name), 'in tools', 'tokens in', 'tokens out', 'cost', 'caller', 'agent'], rows: () => turns.map((turn) => [String(turn.number), at(turn.fromMs), turn.latencyMs === undefined ? '–' : showLength(turn.latencyMs), ...TURN_PARTS.map((part) => showPart(turn.parts.find(({ name }) => name === part)?.ms)), showLength(turn.toolMs), String(turn.inputTokens), String(turn.outputTokens), showCost(turn.usd), turn.saidByCaller, turn.saidByAgent]) },
    { title: 'Interruptions', head: ['at', 'heard', 'not heard', 'heard words', 'words not heard'], rows: () => interruptions.map((each) => [at(each.atMs), showLength(each.heardMs), showLength(each.unheardMs), each.heardText, each.unheardText]) },
    { title: 'Tools', head: ['from', 'to', 'ran', 'tool', 'outcome', 'arguments', 'output'], rows: () => tools.map((tool) => [at(tool.fromMs), at(tool.toMs), tool.durationMs === undefined ? '–' : showLength(tool.durationMs), tool.toolName, tool.outcome, tool.arguments, tool.output]) },
    { title: 'Buffer', head: ['at', 'sent, not yet heard'], rows: () => depth.atMs.map((ms, index) => [at(ms), showLength(depth.depthMs[index] ?? 0)]) },
    { title: 'Responses, tokens and cost', head: ['from', 'to', 'agent', 'outcome', 'tokens in', 'tokens out', 'cost'], rows: () => responses.map((each) => [at(each.fromMs), at(each.toMs), each.agentName, each.outcome, String(each.inputTokens), String(each.outputTokens), showCost(each.usd ?? 'unpriced')]) },
    { title: 'Connection', head: ['from', 'to', 'state', 'note'], rows: () => connection.map((each) => [at(each.fromMs), at(each.toMs), each.state, each.note]) },
    { title: 'Latency percentiles', head: ['of', 'what', 'turns', 'p50', 'p90', 'p95', 'p99', 'most'], rows: () => report.flatMap(({ name, measured }) => MEASURED.flatMap((what) => { const numbers = measured[what]; return numbers === undefined ? [] : [[name, measuredNames[what], String(numbers.count), ...[numbers.p50, numbers.p90, numbers.p95, numbers.p99, numbers.max].map(showLength)]]; })) },
  ];
}

function showPart(ms: number | undefined): string {
  return ms === undefined ? '–' : showLength(ms);
}

function tableOf(title: string, head: readonly string[], rows: readonly (readonly string[])[]): HTMLElement {
  const table = element('table', '', element('caption', 'hidden', title), element('thead', '', element('tr', '', ...head.map((text) => headCell(text)))), element('tbody', '', ...rows.slice(0, MAX_ROWS).map((row) => element('tr', '', ...row.map((text) => element('td', text.length < 24 ? 'short' : '', text))))));
  const note = rows.length === 0 ? 'none' : rows.length > MAX_ROWS ? `the first ${MAX_ROWS} of ${rows.length}; --json gives all` : '';
  return element('div', 'table-box', table, ...(note === '' ? [] : [element('p', 'quiet', note)]));
}

function headCell(text: string): HTMLElement {
  const cell = element('th', '', text);
  cell.scope = 'col';
  return cell;
}
