import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inspectPage, latencyReport, readPageParts, readTimeline } from '../../../src/inspect/index.js';
import type { Timeline } from '../../../src/inspect/index.js';
import { readRecording } from '../../../src/recording/index.js';

const { timeline } = readTimeline(readRecording(fileURLToPath(new URL('../../../fixtures/recordings/tool-call.vw.jsonl', import.meta.url))));
const parts = {
  html: '<!doctype html><html><head>\n<meta charset="utf-8" /><script type="module" crossorigin src="./page.js"></script><link rel="stylesheet" crossorigin href="./page.css"></head><body><p>here</p></body></html>',
  script: 'const end = "</script>"; const money = "$&";',
  style: 'p { color: red }',
};
const block = (page: string, id: string): unknown => JSON.parse(new RegExp(`<script type="application/json" id="${id}">([^]*?)</script>`).exec(page)?.[1] ?? 'null');

describe('the file of a page', () => {
  it('holds everything and asks for nothing', () => {
    const page = inspectPage(parts, [{ timeline }], latencyReport([timeline]));
    expect(page).not.toMatch(/ (?:src|href)=/);
    expect(page).toContain('<style>p { color: red }</style>');
    expect(page).toContain('const money = "$&";');
    expect(block(page, 'data')).toEqual(JSON.parse(JSON.stringify({ calls: [timeline], report: latencyReport([timeline]) })));
    expect(block(page, 'sound-0')).toBeNull();
  });

  it('what was said in a call stays text', () => {
    const hostile = { ...timeline, name: '</script><script>alert(1)</script><!--' } as Timeline;
    const page = inspectPage(parts, [{ timeline: hostile }], []);
    expect(page.match(/<script/g)?.length).toBe(2);
    expect(page.match(/<\/script>/g)?.length).toBe(2);
    expect((block(page, 'data') as { calls: { name: string }[] }).calls[0]?.name).toBe(hostile.name);
  });

  it('its policy allows the script that stands in it and no other', () => {
    const page = inspectPage(parts, [{ timeline }], []);
    const script = /<script type="module">([^]*?)<\/script>/.exec(page)?.[1] ?? '';
    const policy = /Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1] ?? '';
    expect(policy).toContain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}';`);
    expect(policy).toMatch(/^default-src 'none';/);
    expect(policy).not.toContain('unsafe');
  });

  it('a page that was not built is told', () => {
    expect(() => readPageParts('/nowhere')).toThrowError(expect.objectContaining({ code: 'PAGE_NOT_BUILT' }));
  });
});
