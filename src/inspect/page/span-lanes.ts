import type { ToolSpan, TurnPartName } from '../index.js';
import { BOLD_FONT, FONT, boxOf, fitText, hatch, isSeen, roundedBox, xOf } from './drawing.js';
import type { Drawing } from './drawing.js';
import { partTexts } from './palette.js';
import { showCost, showCount, showLength } from './show-time.js';

const MIN_PARTS_WIDTH = 5;

/** Each turn from the end of the caller's speech to the first sound, in its parts, and how long that was. */
export function drawTurns(drawing: Drawing): void {
  const { context, palette, call, y, height } = drawing;
  const { turns } = call.timeline;
  const [top, barHeight] = [y + 6, height - 12];
  const longestMs = turns.reduce((most, { fromMs, toMs }) => Math.max(most, toMs - fromMs), 1);
  turns.forEach((turn, index) => {
    if (!isSeen(drawing, turn.fromMs, Math.max(turn.toMs, (turns[index + 1]?.fromMs ?? turn.toMs) - 1))) return;
    const whole = boxOf(drawing, turn.fromMs, turn.toMs, 3);
    let atMs = turn.fromMs;
    if (whole.width < MIN_PARTS_WIDTH) {
      // Too narrow for its parts: as high as it was long.
      const tall = Math.max(2, barHeight * ((turn.toMs - turn.fromMs) / longestMs));
      context.fillStyle = palette.model;
      context.fillRect(whole.x, top + barHeight - tall, Math.max(2, whole.width - 1), tall);
    } else for (const { name, ms } of turn.parts) {
      if (ms <= 0) continue;
      const { x, width } = boxOf(drawing, atMs, atMs + ms, 1);
      context.fillStyle = palette[name];
      context.fillRect(x, top, width, barHeight);
      drawPartText(drawing, name, ms, x, width, top, barHeight);
      atMs += ms;
    }
    if (whole.width >= MIN_PARTS_WIDTH && turn.parts.every(({ ms }) => ms <= 0)) {
      context.fillStyle = palette.soft;
      context.fillRect(whole.x, top, 3, barHeight);
    }
    if (drawing.selectedTurn === index) {
      context.strokeStyle = palette.ink;
      context.lineWidth = 1.5;
      context.strokeRect(whole.x - 1.5, top - 2.5, whole.width + 3, barHeight + 5);
    }
    const label = whole.x + whole.width + 6;
    const room = Math.min(drawing.width, xOf(drawing, turns[index + 1]?.fromMs ?? Infinity)) - label - 4;
    context.fillStyle = palette.ink;
    context.font = BOLD_FONT;
    if (whole.x + whole.width > 0) {
      const used = fitText(context, `T${turn.number}`, label, y + height / 2 + 4, room);
      context.font = FONT;
      context.fillStyle = palette.soft;
      if (used > 0 && turn.latencyMs !== undefined) fitText(context, showLength(turn.latencyMs), label + used + 5, y + height / 2 + 4, room - used - 5);
      else if (used > 0) fitText(context, 'the agent speaks first', label + used + 5, y + height / 2 + 4, room - used - 5);
    }
    const parts = turn.parts.filter(({ ms }) => ms > 0).map(({ name, ms }) => `${partTexts[name].name} ${showLength(ms)}`);
    drawing.hits.push({ x: whole.x - 2, y, width: Math.max(10, whole.width + 4), height, fromMs: turn.fromMs, toMs: turn.toMs, title: `Turn ${turn.number}: ${turn.latencyMs === undefined ? showLength(turn.toMs - turn.fromMs) : showLength(turn.latencyMs)}`, text: parts.join(' · ') });
  });
}

function drawPartText({ context, palette }: Drawing, name: TurnPartName, ms: number, x: number, width: number, top: number, height: number): void {
  if (width < 12) return;
  const { letter, name: word } = partTexts[name];
  context.font = BOLD_FONT;
  context.fillStyle = name === 'playout' ? palette['on-playout'] : palette['on-part'];
  const long = `${word} ${Math.round(ms)}`;
  const text = context.measureText(long).width + 10 <= width ? long : letter;
  context.fillText(text, x + (width - context.measureText(text).width) / 2, top + height / 2 + 4);
}

/** Arguments are hatched, the run of the tool itself is solid. */
export function drawTools(drawing: Drawing): void {
  const { context, palette, call, y } = drawing;
  const rows = toolRows(call.timeline.tools);
  call.timeline.tools.forEach((tool, index) => {
    if (!isSeen(drawing, tool.fromMs, tool.toMs)) return;
    const top = y + 4 + (rows[index] ?? 0) * TOOL_ROW;
    const { x, width } = boxOf(drawing, tool.fromMs, tool.toMs, 3);
    const ran = boxOf(drawing, tool.toMs - (tool.durationMs ?? 0), tool.toMs, tool.durationMs === undefined ? 0 : 3);
    context.fillStyle = palette['tool-wash'];
    roundedBox(context, x, top, width, TOOL_ROW - 4);
    context.fill();
    hatch(context, x, top, width, TOOL_ROW - 4, palette.tool, 5);
    context.fillStyle = palette.tool;
    roundedBox(context, Math.max(x, ran.x), top, Math.min(width, ran.width), TOOL_ROW - 4);
    context.fill();
    const sign = tool.outcome === 'ok' ? '' : tool.outcome === 'open' ? '… ' : '! ';
    context.font = BOLD_FONT;
    context.fillStyle = palette.ink;
    const label = x + width + 6;
    const next = call.timeline.tools.find((_tool, at) => at > index && rows[at] === rows[index]);
    const limit = Math.min(drawing.width, xOf(drawing, next?.fromMs ?? Infinity));
    fitText(context, `${sign}${tool.toolName}  ${tool.durationMs === undefined ? '' : showLength(tool.durationMs)}${tool.outcome === 'ok' ? '' : ` ${tool.outcome}`}`, Math.max(4, label), top + TOOL_ROW / 2 + 2, limit - label - 4);
    drawing.hits.push({ x, y: top, width: Math.max(10, width), height: TOOL_ROW - 4, fromMs: tool.fromMs, toMs: tool.toMs, title: `${tool.toolName}: ${tool.outcome}${tool.durationMs === undefined ? '' : ` after ${showLength(tool.durationMs)}`}`, text: `${tool.arguments} → ${tool.output}` });
  });
}

export const TOOL_ROW = 20;
const MAX_TOOL_ROWS = 4;

/** Calls that run beside each other stand below each other. */
export function toolRows(tools: readonly ToolSpan[]): readonly number[] {
  const busyUntil: number[] = [];
  return tools.map(({ fromMs, toMs }) => {
    const free = busyUntil.findIndex((until) => until <= fromMs);
    const row = Math.min(MAX_TOOL_ROWS - 1, free === -1 ? busyUntil.length : free);
    busyUntil[row] = Math.max(busyUntil[row] ?? 0, toMs);
    return row;
  });
}

export function drawConnection(drawing: Drawing): void {
  const { context, palette, call, y, height } = drawing;
  let freeFrom = -Infinity;
  for (const { fromMs, toMs, state, note } of call.timeline.connection) {
    if (!isSeen(drawing, fromMs, toMs)) continue;
    const { x, width } = boxOf(drawing, fromMs, toMs, 2);
    const good = state === 'open' || state === 'resumed' || state === 'rotating';
    context.fillStyle = good ? palette.open : palette.trouble;
    if (good) context.fillRect(x, y + height - 7, width, 3);
    else hatch(context, x, y + height - 9, width, 7, palette.trouble, 4);
    context.font = FONT;
    context.fillStyle = palette.soft;
    const left = Math.max(2, x + 2, freeFrom);
    freeFrom = left + 8 + fitText(context, state, left, y + 11, Math.min(drawing.width - left, Math.max(width, good ? 0 : 90)) - 4);
    drawing.hits.push({ x, y, width: Math.max(8, width), height, fromMs, toMs, title: `Connection: ${state}`, text: note });
  }
}

/** For each response, at its end: tokens in to the left, out to the right, as high as the most of any. */
export function drawTokens(drawing: Drawing): void {
  const { context, palette, call, y, height } = drawing;
  const room = height - 8;
  let freeFrom = -Infinity;
  const seen = call.timeline.responses.filter(({ toMs }) => isSeen(drawing, toMs, toMs)).length;
  // A pair never takes more than its share of the lane.
  const bar = Math.max(1, Math.min(5, Math.floor(drawing.width / Math.max(1, seen) / 2 - 1)));
  for (const { fromMs, toMs, inputTokens, outputTokens, usd, outcome, agentName } of call.timeline.responses) {
    if (!isSeen(drawing, toMs, toMs) || call.maxTokens === 0 || inputTokens + outputTokens === 0) continue;
    const x = Math.round(xOf(drawing, toMs));
    const heights = [inputTokens, outputTokens].map((tokens) => (tokens === 0 ? 0 : Math.max(1, (tokens / call.maxTokens) * room)));
    const [input = 0, output = 0] = heights;
    context.fillStyle = palette['tokens-in'];
    context.fillRect(x - bar - (bar > 2 ? 1 : 0), y + height - 3 - input, bar, input);
    context.fillStyle = palette['tokens-out'];
    context.fillRect(x, y + height - 3 - output, bar, output);
    context.font = FONT;
    context.fillStyle = palette.soft;
    const text = `${showCount(inputTokens)} in, ${showCount(outputTokens)} out${usd === undefined || usd === 'unpriced' ? '' : `, ${showCost(usd)}`}`;
    const next = call.timeline.responses.find((other) => other.toMs > toMs && other.inputTokens + other.outputTokens > 0);
    const width = context.measureText(text).width;
    const limit = Math.min(drawing.width - 4, next === undefined ? Infinity : xOf(drawing, next.toMs) - 12);
    // To the right where there is room, else to the left.
    const left = x + 10 + width <= limit ? x + 10 : x - 12 - width;
    if (left >= freeFrom && left >= 0) {
      context.fillText(text, left, y + height - 6);
      freeFrom = Math.max(x, left + width) + 12;
    } else freeFrom = x + 12;
    drawing.hits.push({ x: x - 7, y, width: 14, height, fromMs, toMs, title: `Response of ${agentName}: ${outcome}`, text });
  }
}
