import type { LoadLevel } from './load-run.js';

const HEIGHT = 8;

/** Calls against the p99 of lateness, as lines of text; `limitMs` is drawn where it fits. Empty where there is nothing to draw. */
export function kneeText(levels: readonly LoadLevel[], limitMs: number): string[] {
  if (levels.length === 0) return [];
  const top = Math.max(limitMs, 1, ...levels.map(({ latenessP99Ms }) => latenessP99Ms));
  const width = Math.max(3, ...levels.map(({ calls }) => String(calls).length + 1));
  const limitRow = Math.round((limitMs / top) * HEIGHT);
  const rows = Array.from({ length: HEIGHT + 1 }, (_none, index) => HEIGHT - index).map((row) => {
    const label = row === HEIGHT ? String(Math.round(top)) : row === limitRow ? String(limitMs) : row === 0 ? '0' : '';
    const cells = levels.map(({ latenessP99Ms }) => {
      const isHere = Math.round((latenessP99Ms / top) * HEIGHT) === row;
      return (isHere ? '*' : '').padStart(width, row === limitRow ? '-' : ' ');
    });
    return `${label.padStart(7)} |${cells.join('')}`;
  });
  return ['p99 of lateness, ms', ...rows, `        +${'-'.repeat(width * levels.length)}`, `         ${levels.map(({ calls }) => String(calls).padStart(width)).join('')}  calls`];
}

const [W, H, LEFT, TOP, RIGHT, BOTTOM] = [640, 360, 60, 30, 20, 50];

/** The same as an SVG of its own, without anything from elsewhere. */
export function kneeSvg(levels: readonly LoadLevel[], limitMs: number): string {
  const topMs = Math.max(limitMs * 1.25, 1, ...levels.map(({ latenessP99Ms }) => latenessP99Ms * 1.1));
  const most = Math.max(1, ...levels.map(({ calls }) => calls));
  const x = (calls: number): number => Math.round((LEFT + (calls / most) * (W - LEFT - RIGHT)) * 10) / 10;
  const y = (ms: number): number => Math.round((H - BOTTOM - (ms / topMs) * (H - TOP - BOTTOM)) * 10) / 10;
  const points = levels.map(({ calls, latenessP99Ms }) => `${x(calls)},${y(latenessP99Ms)}`);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * topMs);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${H}" font-family="sans-serif" font-size="12">`,
    `<title>Calls against the p99 of frame lateness</title>`,
    `<rect width="${W}" height="${H}" fill="#fff"/>`,
    ...ticks.map((ms) => `<line x1="${LEFT}" x2="${W - RIGHT}" y1="${y(ms)}" y2="${y(ms)}" stroke="#e4e4e4"/><text x="${LEFT - 8}" y="${y(ms) + 4}" text-anchor="end">${Math.round(ms)}</text>`),
    `<line x1="${LEFT}" x2="${W - RIGHT}" y1="${y(limitMs)}" y2="${y(limitMs)}" stroke="#b3261e" stroke-dasharray="5 4"/><text x="${W - RIGHT}" y="${y(limitMs) - 5}" text-anchor="end" fill="#b3261e">limit ${limitMs} ms</text>`,
    ...levels.map(({ calls }) => `<text x="${x(calls)}" y="${H - BOTTOM + 18}" text-anchor="middle">${calls}</text>`),
    `<polyline points="${points.join(' ')}" fill="none" stroke="#1a56b0" stroke-width="2"/>`,
    ...levels.map(({ calls, latenessP99Ms, frames }) => `<circle cx="${x(calls)}" cy="${y(latenessP99Ms)}" r="3.5" fill="#1a56b0"><title>${calls} calls: ${latenessP99Ms} ms, ${frames} frames</title></circle>`),
    `<text x="${(LEFT + W - RIGHT) / 2}" y="${H - 10}" text-anchor="middle">calls at once</text>`,
    `<text x="${LEFT}" y="18">p99 of frame lateness, ms</text>`,
    '</svg>',
    '',
  ].join('\n');
}
