import { boxOf, FONT, fitText, hatch, isSeen, xOf } from './drawing.js';
import type { Drawing } from './drawing.js';
import type { PeakPyramid } from './peak-pyramid.js';
import { showLength } from './show-time.js';

const CAPTION = 17;
/** From the line of a cut to its words: the sign stands between. */
const CUT_LABEL_X = 17;

export function drawCaller(drawing: Drawing): void {
  const { context, palette, call, y, height } = drawing;
  const { speech, turns } = call.timeline;
  context.fillStyle = palette['caller-wash'];
  for (const { fromMs, toMs } of speech) {
    if (!isSeen(drawing, fromMs, toMs)) continue;
    const { x, width } = boxOf(drawing, fromMs, toMs);
    context.fillRect(x, y, width, height);
    drawing.hits.push({ x, y, width, height, fromMs, toMs, title: 'Speech, as the model found it', text: showLength(toMs - fromMs) });
  }
  drawWave(drawing, call.caller, palette.caller, y + 2, height - CAPTION - 4);
  drawEmpty(drawing, call.caller, height - CAPTION);
  context.font = FONT;
  context.fillStyle = palette.soft;
  const captions = turns.flatMap(({ fromMs, saidByCaller, marks }, index) => {
    if (saidByCaller === '') return [];
    // What was said stands below the speech, what was typed where it was sent.
    const spoken = speech.findLast((span) => span.fromMs < (marks.committedMs ?? fromMs) && span.toMs >= (turns[index - 1]?.toMs ?? 0));
    return [{ atMs: spoken?.fromMs ?? fromMs, text: spoken === undefined ? `⌨ “${saidByCaller}”` : `“${saidByCaller}”` }];
  });
  captions.forEach(({ atMs, text }, index) => {
    const untilMs = captions[index + 1]?.atMs ?? Infinity;
    if (!isSeen(drawing, atMs, untilMs)) return;
    const x = Math.max(4, xOf(drawing, atMs) + 4);
    fitText(context, text, x, y + height - 5, Math.min(drawing.width, xOf(drawing, untilMs)) - x - 6);
  });
}

export function drawReceived(drawing: Drawing): void {
  drawWave(drawing, drawing.call.received, drawing.palette.received, drawing.y + 3, drawing.height - 6);
  drawEmpty(drawing, drawing.call.received, drawing.height);
}

export function drawHeard(drawing: Drawing): void {
  const { context, palette, call, y, height } = drawing;
  const { heard, interruptions, endMs } = call.timeline;
  const waveHeight = height - CAPTION;
  heard.forEach(({ fromMs, toMs, text, heardMs }, index) => {
    if (!isSeen(drawing, fromMs, toMs)) return;
    const { x, width } = boxOf(drawing, fromMs, toMs);
    context.fillStyle = palette['heard-wash'];
    context.fillRect(x, y, width, height);
    context.fillStyle = palette.soft;
    context.font = FONT;
    const limit = xOf(drawing, heard[index + 1]?.fromMs ?? Infinity);
    const cut = interruptions.findLast((each) => each.unheardMs > 0 && each.atMs <= fromMs);
    const left = Math.max(4, x + 4, cut === undefined ? 0 : xOf(drawing, cut.atMs) + CUT_LABEL_X + context.measureText(cutLabel(cut)).width + 8);
    fitText(context, text === '' ? '' : `“${text}”`, left, y + height - 5, Math.min(x + width, limit) - left - 4);
    drawing.hits.push({ x, y, width, height, fromMs, toMs, title: `Heard for ${showLength(heardMs)}`, text });
  });
  for (const { atMs, unheardMs } of interruptions) {
    const nextMs = heard.find(({ fromMs }) => fromMs >= atMs)?.fromMs ?? endMs;
    const toMs = Math.min(nextMs, atMs + unheardMs);
    if (unheardMs <= 0 || !isSeen(drawing, atMs, toMs)) continue;
    const { x, width } = boxOf(drawing, atMs, toMs);
    hatch(context, x, y + 4, width, waveHeight - 8, palette.cut);
  }
  drawWave(drawing, call.heard, palette.heard, y + 2, waveHeight - 4);
  drawEmpty(drawing, call.heard, waveHeight);
}

/** A line, a sign and words where the sound was stopped; after everything else, since it stands above the lanes. */
export function drawInterruptions(drawing: Drawing): void {
  const { context, palette, call, y, height } = drawing;
  const cuts = call.timeline.interruptions.filter(({ unheardMs }) => unheardMs > 0);
  for (const [index, { atMs, heardMs, heardText, unheardText, unheardMs }] of cuts.entries()) {
    if (!isSeen(drawing, atMs, atMs)) continue;
    const x = Math.round(xOf(drawing, atMs)) + 0.5;
    const room = Math.min(drawing.width, xOf(drawing, cuts[index + 1]?.atMs ?? Infinity)) - x;
    context.strokeStyle = palette.cut;
    context.lineWidth = 1.5;
    context.setLineDash([4, 3]);
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x, y + height);
    context.stroke();
    context.setLineDash([]);
    drawing.hits.push({ x: x - 5, y, width: 22, height, fromMs: atMs, toMs: atMs + unheardMs, title: `Interrupted: ${showLength(heardMs)} heard, ${showLength(unheardMs)} not`, text: `${heardText} ⟋ ${unheardText}` });
    if (room < 18) continue;
    const top = y + height - CAPTION + 3;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x + 5, top);
    context.lineTo(x + 12, top + 7);
    context.moveTo(x + 12, top);
    context.lineTo(x + 5, top + 7);
    context.stroke();
    context.font = FONT;
    const label = cutLabel({ heardMs });
    const width = context.measureText(label).width;
    if (width + 24 < room) {
      context.fillStyle = palette.surface;
      context.globalAlpha = 0.85;
      context.fillRect(x + 15, top - 2, width + 4, 13);
      context.globalAlpha = 1;
      context.fillStyle = palette.cut;
      context.fillText(label, x + CUT_LABEL_X, y + height - 5);
    }
  }
}

function cutLabel({ heardMs }: { readonly heardMs: number }): string {
  return `cut after ${showLength(heardMs)}`;
}

/** One column a pixel, from the lowest sample to the highest. */
function drawWave({ context, call, view, width }: Drawing, peaks: PeakPyramid, colour: string, y: number, height: number): void {
  if (peaks.empty) return;
  const perPixelMs = (view.toMs - view.fromMs) / width;
  const { startMs } = call.timeline;
  const middle = y + height / 2;
  const scale = (height / 2) * peaks.gain;
  const found = { low: 0, high: 0 };
  context.fillStyle = colour;
  context.beginPath();
  for (let x = 0; x < width; x += 1) {
    const fromMs = view.fromMs - startMs + x * perPixelMs;
    peaks.between(fromMs, fromMs + perPixelMs, found);
    const top = middle - found.high * scale;
    context.rect(x, top - 0.3, 1, Math.max(0.6, (found.high - found.low) * scale));
  }
  context.fill();
}

function drawEmpty({ context, palette, y }: Drawing, peaks: PeakPyramid, height: number): void {
  if (!peaks.empty) return;
  context.font = FONT;
  context.fillStyle = palette.faint;
  context.fillText('no sound is kept in this recording', 8, y + height / 2 + 4);
}
