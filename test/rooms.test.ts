import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Arrow {
  readonly from: string;
  readonly to: string;
}

function sources(folder: string): string[] {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** Everything that a file imports or re-exports, by type too: a type is an arrow as well. */
function imports(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g)].map(
    (match) => (match[1] ?? match[2] ?? match[3]) as string,
  );
}

function arrows(folder: string): Arrow[] {
  return sources(folder).flatMap((from) =>
    imports(from)
      .filter((path) => path.startsWith('.'))
      .map((path) => ({ from, to: relative(ROOT, resolve(ROOT, dirname(from), path)).replace(/\.js$/, '.ts') })),
  );
}

function packages(folder: string): Arrow[] {
  return sources(folder).flatMap((from) => imports(from).filter((path) => !path.startsWith('.')).map((to) => ({ from, to })));
}

/** The sub-room of a file, by the first prefix in the list that fits. */
function place(file: string, order: readonly (readonly string[])[]): number {
  return order.findIndex((row) => row.some((prefix) => file === `${prefix}.ts` || file.startsWith(`${prefix}/`)));
}

/** Inside a room, what stands in an earlier row may import what stands in a later row, and its own sub-room. */
const ORDER: Record<string, readonly (readonly string[])[]> = {
  audio: [['audio/index'], ['audio/stage'], ['audio/playout', 'audio/vad', 'audio/check'], ['audio/codec', 'audio/resample', 'audio/framing'], ['audio/format'], ['audio/errors']],
  session: [['session/index'], ['session/realtime', 'session/run', 'session/pipeline'], ['session/agent', 'session/state'], ['session/stream', 'session/cost'], ['session/ports'], ['session/events', 'session/error-text'], ['session/errors']],
  src: [
    ['src/cli', 'src/index', 'src/browser', 'src/worker', 'src/react', 'src/testing', 'src/page'],
    ['src/matchers', 'src/load', 'src/inspect', 'src/printer'],
    ['src/caller'],
    ['src/gateway', 'src/emulator', 'src/recording', 'src/client'],
    ['src/provider', 'src/event-stream'],
    ['src/transport', 'src/protocol'],
    ['src/host'],
  ],
};

describe('the rooms', () => {
  it('are found by this test', () => {
    for (const room of Object.keys(ORDER)) expect(sources(room).length, room).toBeGreaterThan(5);
    expect(imports('session/realtime/realtime-session.ts')).toContain('../state/step.js');
  });

  it.each([
    ['audio', ['audio']],
    ['session', ['session', 'audio']],
    ['src', ['src', 'session', 'audio']],
  ])('%s imports only %j', (room, allowed) => {
    expect(arrows(room).filter(({ to }) => !allowed.includes(to.split('/')[0] as string))).toEqual([]);
  });

  it('are entered by their one door', () => {
    const crossing = ['session', 'src'].flatMap(arrows).filter(({ from, to }) => from.split('/')[0] !== to.split('/')[0]);
    expect(crossing.length).toBeGreaterThan(10);
    expect(crossing.filter(({ to }) => !/^(audio|session)\/index\.ts$/.test(to))).toEqual([]);
  });

  it.each(Object.keys(ORDER))('%s has a place for each file, and arrows that run one way', (room) => {
    const order = ORDER[room] as readonly (readonly string[])[];
    expect(sources(room).filter((file) => place(file, order) === -1)).toEqual([]);
    const wrong = arrows(room).filter(({ from, to }) => {
      if (!to.startsWith(`${room}/`)) return false;
      const [own, other] = [place(from, order), place(to, order)];
      return own > other || (own === other && from.split('/')[1] !== to.split('/')[1]);
    });
    expect(wrong).toEqual([]);
  });

  it('have no two files that need each other', () => {
    const next = new Map<string, string[]>();
    for (const { from, to } of Object.keys(ORDER).flatMap(arrows)) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      if (done.has(file) || path.includes(file)) return;
      for (const to of next.get(file) ?? []) visit(to, [...path, file]);
      done.add(file);
    };
    for (const file of next.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it('audio and session import no node module, and of packages only zod', () => {
    expect(['audio', 'session'].flatMap(packages).filter(({ to }) => to !== 'zod/v4/core')).toEqual([]);
  });

  it('only the transport imports ws', () => {
    expect(packages('src').filter(({ from, to }) => to === 'ws' && !/^src\/transport\/ws-/.test(from))).toEqual([]);
  });

  it('only src/react imports react', () => {
    expect(packages('src').filter(({ from, to }) => /^react(-dom)?(\/|$)/.test(to) && !from.startsWith('src/react/'))).toEqual([]);
  });

  it('the transport, the protocols and the host know no room above them', () => {
    const order = ORDER['src'] as readonly (readonly string[])[];
    expect(arrows('src/protocol').filter(({ to }) => to.startsWith('src/') && place(to, order) < order.length - 2)).toEqual([]);
  });

  it('no room imports a test', () => {
    expect(['audio', 'session', 'src'].flatMap(arrows).filter(({ to }) => to.startsWith('test/'))).toEqual([]);
  });
});
