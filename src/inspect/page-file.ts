import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../host/errors.js';
import type { EmbeddedSound } from './embedded-sound.js';
import type { LatencyGroup } from './latency-report.js';
import type { Timeline } from './timeline.js';

/** The built page, in its parts. */
export interface PageParts {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

export interface InspectedCall {
  readonly timeline: Timeline;
  /** Absent: the page is silent for this call. */
  readonly sound?: EmbeddedSound;
}

/** Reads the page that the build has made. Throws `HostError` `PAGE_NOT_BUILT`. */
export function readPageParts(folder: string): PageParts {
  try {
    const [html = '', script = '', style = ''] = ['index.html', 'page.js', 'page.css'].map((name) => readFileSync(join(folder, name), 'utf8'));
    return { html, script, style };
  } catch (cause) {
    throw new HostError('PAGE_NOT_BUILT', `The page of timelines is not there: ${folder} lacks a part of it.`, { hint: 'Build it with "npm run build".', cause });
  }
}

/**
 * One file with everything in it. Its own policy allows the script and the style that stand in it and nothing from anywhere else, so that a page
 * that shows what strangers said can be sent around.
 */
export function inspectPage({ html, script, style }: PageParts, calls: readonly InspectedCall[], report: readonly LatencyGroup[]): string {
  const safeScript = script.replaceAll('</script', '<\\/script');
  const policy = `default-src 'none'; script-src '${sha256(safeScript)}'; style-src '${sha256(style)}'; img-src data:; media-src blob:`;
  const data = [
    `<script type="application/json" id="data">${json({ calls: calls.map(({ timeline }) => timeline), report })}</script>`,
    ...calls.flatMap(({ sound }, index) => (sound === undefined ? [] : [`<script type="application/json" id="sound-${index}">${json(sound)}</script>`])),
  ];
  // Replacements are functions, so that no "$" in them means anything.
  return html
    .replace(/<script type="module"[^>]*><\/script>/, () => '')
    .replace(/<link rel="stylesheet"[^>]*>/, () => `<style>${style}</style>`)
    .replace('<meta charset="utf-8" />', (charset) => `${charset}\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`)
    .replace('</body>', () => `${data.join('\n')}\n<script type="module">${safeScript}</script>\n  </body>`);
}

/** JSON that cannot end the element it stands in. */
function json(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

function sha256(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
