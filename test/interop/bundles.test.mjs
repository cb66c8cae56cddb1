// The built package in the bundlers that people use, without any of its optional packages. Needs a build.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build as esbuild } from 'esbuild';
import { rolldown } from 'rolldown';
import { build as vite } from 'vite';
import webpack from 'webpack';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { usersProject } from './users-project.mjs';

let home = '';
let remove = () => {};
beforeAll(() => ({ home, remove } = usersProject()));
afterAll(() => remove());

const inHome = (...names) => join(home, ...names);
const scripts = (folder) => readdirSync(inHome(folder), { recursive: true }).filter((name) => /\.m?js$/.test(name));
const textOf = (folder) => scripts(folder).map((name) => readFileSync(inHome(folder, name), 'utf8')).join('\n');

function webpacked(options) {
  return new Promise((resolve, reject) => {
    webpack({ mode: 'production', performance: false, optimization: { minimize: false }, context: home, ...options }, (error, stats) => (error ? reject(error) : resolve(stats.toJson({ all: false, errors: true, warnings: true }))));
  });
}

/** Each takes a page that uses everything of the door, and writes a folder. */
const FOR_BROWSERS = {
  vite: (folder) => vite({ root: home, configFile: false, logLevel: 'silent', build: { outDir: folder, emptyOutDir: true, assetsInlineLimit: 0, rollupOptions: { input: inHome('page.mjs') } } }),
  rolldown: async (folder) => {
    const bundle = await rolldown({ input: inHome('page.mjs'), platform: 'browser', onLog: (level, { message }) => expect.fail(`${level}: ${message}`) });
    await bundle.write({ dir: inHome(folder), minify: true });
  },
  esbuild: (folder) => esbuild({ entryPoints: [inHome('page.mjs')], bundle: true, minify: true, format: 'esm', platform: 'browser', outdir: inHome(folder), logLevel: 'silent' }),
  webpack: async (folder) => expect(await webpacked({ target: 'web', entry: inHome('page.mjs'), output: { path: inHome(folder) } })).toEqual({ errors: [], warnings: [] }),
};

describe('for browsers', () => {
  beforeAll(() => writeFileSync(inHome('page.mjs'), "import * as voicewire from 'voicewire';\nglobalThis.doors = voicewire;\n"));

  test.each(Object.entries(FOR_BROWSERS))('%s makes a bundle that asks for no module of Node', async (name, bundle) => {
    const folder = `${name}-out`;
    await bundle(folder);
    const text = textOf(folder);
    expect(text).toContain('GATEWAY_UNREACHABLE');
    const asked = [...text.matchAll(/(?:\bfrom|\bimport|\brequire\()\s*\(?["'`]([^"'`]+)["'`]/g)].map(([, module]) => module);
    expect(asked.filter((module) => module.startsWith('node:') || module === 'ws' || builtinModules.includes(module))).toEqual([]);
  });

  test('the whole door has less than 72 kB, 26 kB on the line; the reader of runs alone half of it', async () => {
    const size = async (names) => {
      const { outputFiles } = await esbuild({ stdin: { contents: `import { ${names} } from 'voicewire/browser'; globalThis.doors = [${names}];`, resolveDir: home }, bundle: true, minify: true, format: 'esm', write: false });
      return { bytes: outputFiles[0].contents.length, packed: gzipSync(outputFiles[0].contents).length };
    };
    const everything = Object.keys(await import(inHome('node_modules/voicewire/dist/src/browser.js'))).join(', ');
    const [all, reader] = [await size(everything), await size('streamRun')];
    expect(all.bytes).toBeLessThan(72_000);
    expect(all.packed).toBeLessThan(26_000);
    expect(reader.bytes).toBeLessThan(36_000);
  });
});

describe('for servers', () => {
  beforeAll(() => writeFileSync(inHome('server.mjs'), "import * as voicewire from 'voicewire';\nconsole.log(Object.keys(voicewire).length);\n"));

  test('esbuild and webpack make a bundle without the optional packages, of which they say so at most', async () => {
    const { errors } = await esbuild({ entryPoints: [inHome('server.mjs')], bundle: true, format: 'cjs', platform: 'node', outfile: inHome('server-esbuild.cjs'), logLevel: 'silent' });
    expect(errors).toEqual([]);
    const { errors: problems, warnings } = await webpacked({ target: 'node20', entry: inHome('server.mjs'), output: { path: inHome('server-webpack'), filename: 'server.cjs' } });
    expect(problems).toEqual([]);
    expect(warnings.map(({ message }) => /resolve '([^']+)'/.exec(message)?.[1]).sort()).toEqual(['bufferutil', 'openai', 'utf-8-validate']);
    // A package by a name that is put together would draw whole folders in.
    expect(readdirSync(inHome('server-webpack'))).toEqual(['server.cjs']);
  });
});

describe('for workers', () => {
  test('the door asks for no module of Node, and has everything of the main door but what needs files or sockets of Node', async () => {
    const { metafile, outputFiles } = await esbuild({ entryPoints: [inHome('node_modules/voicewire/dist/src/worker.js')], bundle: true, format: 'esm', platform: 'neutral', external: ['openai'], metafile: true, write: false });
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))).toEqual(['openai']);
    // Not every engine that is no browser can read this word.
    expect(outputFiles[0].text).not.toContain('import.meta');
    const [main, worker] = [await import(inHome('node_modules/voicewire/dist/src/index.js')), await import(inHome('node_modules/voicewire/dist/src/worker.js'))].map((door) => Object.keys(door));
    expect(worker.filter((name) => !main.includes(name))).toEqual([]);
    expect(main.filter((name) => !worker.includes(name)).sort()).toEqual([
      ...['CallRecorder', 'ClockSpeaker', 'FileMemory', 'PacedMicrophone', 'TerminalView', 'TextPacer', 'VoiceClient', 'bundledClip', 'connectNodeVoiceClient', 'nodeVoiceClient'],
      ...['openFileMemory', 'openWavFile', 'printRun', 'runRoutes', 'streamToResponse', 'streamWriter'],
    ]);
  });
});
