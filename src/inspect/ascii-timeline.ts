import { depthAt } from './depth-curve.js';
import type { LatencyGroup } from './latency-report.js';
import { MEASURED } from './measures.js';
import type { Timeline, Turn } from './timeline.js';

/** From silence to loud. */
const LEVELS = ' .:-=+*#%@';
const LABEL = 12;

/** A timeline in `columns` characters of ASCII, then its turns and percentiles: for a terminal, a log, a ticket. */
export function asciiTimeline(timeline: Timeline, report: readonly LatencyGroup[], columns: number): readonly string[] {
  const width = Math.max(20, columns - LABEL);
  const { startMs, endMs, peaks, turns, tools, interruptions, speech, depth, name } = timeline;
  const columnOf = (ms: number): number => Math.min(width - 1, Math.max(0, Math.floor(((ms - startMs) / Math.max(1, endMs - startMs)) * width)));
  const lane = (label: string, text: string): string[] => (text.trim() === '' ? [] : [`${label.padEnd(LABEL)}${text.trimEnd()}`]);
  const spans = (all: readonly { readonly fromMs: number; readonly toMs: number }[], sign: string): string => {
    const row = new Array<string>(width).fill(' ');
    for (const { fromMs, toMs } of all) row.fill(sign, columnOf(fromMs), columnOf(toMs) + 1);
    return row.join('');
  };
  return [
    `${name}: ${seconds(endMs - startMs)} s, turns ${turns.length}, tools ${tools.length}, interruptions ${interruptions.filter(({ unheardMs }) => unheardMs > 0).length}`,
    '',
    `${''.padEnd(LABEL)}${axis(endMs - startMs, width)}`,
    ...lane('caller', wave(peaks.caller, width)),
    ...lane('  speech', spans(speech, '=')),
    ...lane('received', wave(peaks.received, width)),
    ...lane('heard', wave(peaks.heard, width)),
    ...lane('  cut', marked(interruptions.filter(({ unheardMs }) => unheardMs > 0).map(({ atMs }) => columnOf(atMs)), width)),
    ...lane('turns', turnRow(turns, columnOf, width)),
    ...lane('tools', spans(tools, 't')),
    ...lane('buffer', levels(Array.from({ length: width }, (_, index) => depthAt(depth, startMs + ((index + 0.5) / width) * (endMs - startMs))))),
    '',
    ...turns.map((turn) => `  turn ${String(turn.number).padStart(3)}  ${seconds(turn.fromMs - startMs).padStart(8)} s  ${turn.latencyMs === undefined ? '       -' : `${Math.round(turn.latencyMs)} ms`.padStart(8)}  ${parts(turn)}${turn.interrupted ? '  interrupted' : ''}`),
    ...percentileLines(report.find((group) => group.name === name)),
  ];
}

/** What the percentiles of a group are, as lines; none for a group without turns. */
export function percentileLines(group: LatencyGroup | undefined): string[] {
  if (group?.measured.latency === undefined) return [];
  const number = (ms: number): string => String(Math.round(ms)).padStart(8);
  return [
    '',
    `  ${`${group.name}, ms`.padEnd(22)}     p50     p90     p95     p99    turns`,
    ...MEASURED.flatMap((what) => {
      const numbers = group.measured[what];
      return numbers === undefined || numbers.max === 0 ? [] : [`  ${what.padEnd(22)}${number(numbers.p50)}${number(numbers.p90)}${number(numbers.p95)}${number(numbers.p99)}${number(numbers.count)}`];
    }),
  ];
}

function wave(base64: string, width: number): string {
  const peaks = new Int8Array(Buffer.from(base64, 'base64'));
  const buckets = peaks.length / 2;
  return levels(
    Array.from({ length: width }, (_, index) => {
      let most = 0;
      const last = Math.max(Math.floor((index * buckets) / width) + 1, Math.floor(((index + 1) * buckets) / width));
      for (let bucket = Math.floor((index * buckets) / width); bucket < last; bucket += 1) most = Math.max(most, peaks[bucket * 2 + 1] ?? 0, -(peaks[bucket * 2] ?? 0));
      // One 256th of full scale is the rounding of silence.
      return most <= 1 ? 0 : most;
    }),
  );
}

function levels(values: readonly number[]): string {
  const most = values.reduce((max, value) => Math.max(max, value), 0);
  return values.map((value) => (value <= 0 || most === 0 ? ' ' : (LEVELS[Math.max(1, Math.ceil((value / most) * (LEVELS.length - 1)))] ?? '@'))).join('');
}

function axis(durationMs: number, width: number): string {
  const row = new Array<string>(width).fill('-');
  for (let column = 0; column + 10 <= width; column += 20) {
    const label = `|${seconds((column / width) * durationMs)}`;
    for (const [index, character] of [...label].entries()) row[column + index] = character;
  }
  return row.join('');
}

function marked(columns: readonly number[], width: number): string {
  const row = new Array<string>(width).fill(' ');
  for (const column of columns) row[column] = 'X';
  return row.join('');
}

function turnRow(turns: readonly Turn[], columnOf: (ms: number) => number, width: number): string {
  const row = new Array<string>(width).fill(' ');
  for (const { fromMs, toMs, number } of turns) {
    row.fill('-', columnOf(fromMs), columnOf(toMs) + 1);
    for (const [index, digit] of [...String(number)].entries()) if (columnOf(fromMs) + index < width) row[columnOf(fromMs) + index] = digit;
  }
  return row.join('');
}

function parts({ parts: all }: Turn): string {
  return all.filter(({ ms }) => ms > 0).map(({ name, ms }) => `${name} ${Math.round(ms)}`).join(', ');
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
