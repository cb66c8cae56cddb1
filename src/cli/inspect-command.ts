import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cannotWrite } from '../host/file-errors.js';
import { asciiTimeline, embedSound, inspectPage, latencyReport, percentileLines, readPageParts, readTimeline } from '../inspect/index.js';
import type { CallSound, InspectedCall, LatencyGroup, Timeline } from '../inspect/index.js';
import { readRecording } from '../recording/index.js';
import { commonFlags, counted, stringFlag, usage, wholeNumber } from './command.js';
import type { Command, FlagValues } from './command.js';
import { builtInspectDir } from './package-files.js';
import { painter } from './terminal.js';
import type { Terminal } from './terminal.js';

/** What the events and the drawing leave of this is for the sound: the page of an hour can still be sent by mail. */
const MAX_PAGE_BYTES = 19_500_000;
const COLUMNS = 100;

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'a recorded call as a timeline',
  about: [
    'Writes one HTML page that shows recorded calls: both sides as waveforms, turns and what their latency is made of, interruptions, tools,',
    'the listener\'s buffer, tokens and cost, every event, and the sound. It needs no network and holds the whole call: handle it like one.',
  ].join('\n'),
  example: 'npx voicewire inspect call.vw.jsonl',
  operands: '<file.vw.jsonl...>',
  flags: {
    out: { type: 'string', value: '<file.html>', help: 'where to write; the default is beside the first recording' },
    'no-sound': { type: 'boolean', help: 'leave the sound out of the page' },
    ascii: { type: 'boolean', help: 'draw in the terminal instead' },
    columns: { type: 'string', value: '<number>', help: `how wide (${COLUMNS})` },
    ...commonFlags,
  },
  run: async (values, terminal, files) => inspect(values, terminal, files),
};

function inspect(values: FlagValues, terminal: Terminal, files: readonly string[]): number {
  const [first] = files;
  if (first === undefined) throw usage('No recording was named.', 'Example: npx voicewire inspect call.vw.jsonl');
  const ascii = values['ascii'] === true;
  const out = stringFlag(values, 'out');
  if (out !== undefined && ascii) throw usage('--ascii draws in the terminal; --out names a page.', 'Give one of them.');
  const columns = wholeNumber(stringFlag(values, 'columns') ?? String(COLUMNS), '--columns', 40, 1000, 120);
  const calls = files.map((file) => readTimeline(readRecording(file)));
  const timelines = calls.map(({ timeline }) => timeline);
  const report = latencyReport(timelines);
  if (ascii && values['json'] !== true) {
    printAscii(timelines, report, columns, terminal);
    return 0;
  }
  if (values['json'] === true && out === undefined) {
    for (const timeline of timelines) terminal.out(JSON.stringify({ type: 'timeline', ...withoutDrawing(timeline) }));
    terminal.out(JSON.stringify({ type: 'latency', groups: report }));
    return 0;
  }
  const path = out ?? pagePath(files);
  const parts = readPageParts(builtInspectDir);
  const silentBytes = Buffer.byteLength(inspectPage(parts, timelines.map((timeline) => ({ timeline })), report));
  const soundBytes = values['no-sound'] === true ? 0 : Math.max(0, MAX_PAGE_BYTES - silentBytes) / calls.length;
  const page = inspectPage(parts, calls.map(({ timeline, sound }) => withSound(timeline, sound, soundBytes)), report);
  writePage(path, page);
  const megabytes = (Buffer.byteLength(page) / 1e6).toFixed(1);
  if (values['json'] === true) terminal.out(JSON.stringify({ type: 'page', path, bytes: Buffer.byteLength(page) }));
  else terminal.out(`${painter(terminal).bold(path)}  ${counted(files.length, 'call')}, ${megabytes} MB`);
  return 0;
}

function withSound(timeline: Timeline, sound: CallSound, maxBytes: number): InspectedCall {
  const embedded = maxBytes === 0 ? undefined : embedSound(sound, timeline.startMs, timeline.endMs, maxBytes);
  return { timeline, ...(embedded === undefined ? {} : { sound: embedded }) };
}

/** For programs: what is only there to be drawn stays out. */
function withoutDrawing({ peaks: _peaks, rows: _rows, ...rest }: Timeline): Omit<Timeline, 'peaks' | 'rows'> {
  return rest;
}

function printAscii(timelines: readonly Timeline[], report: readonly LatencyGroup[], columns: number, terminal: Terminal): void {
  const drawings = timelines.map((timeline) => asciiTimeline(timeline, report, columns));
  const lines = drawings.flatMap((drawing, index) => (index === 0 ? drawing : ['', ...drawing]));
  for (const line of [...lines, ...(timelines.length > 1 ? percentileLines(report.at(-1)) : [])]) terminal.out(line);
}

/** One: its own name. Several: they share a page. */
function pagePath(files: readonly string[]): string {
  const [first = ''] = files;
  return join(dirname(first), files.length === 1 ? `${basename(first).replace(/\.vw\.jsonl$/, '')}.html` : 'inspect.html');
}

function writePage(path: string, page: string): void {
  try {
    writeFileSync(path, page);
  } catch (cause) {
    throw cannotWrite(path, 'Name another place with --out.', cause);
  }
}
