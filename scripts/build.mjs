// Builds dist/, or the folder that is named: the library by the TypeScript compiler, rooms that nobody enters but by their doors as one file each, the browser's audio
// worklet as one self-contained file, and the gateway's page.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const target = process.argv[2] ?? 'dist';

// Built aside and put in place at the end: whoever runs the last build meanwhile keeps a whole one.
const next = `dist.${process.pid}`;
process.on('exit', () => rmSync(next, { recursive: true, force: true }));

const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', next], { stdio: 'inherit' });
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
chmodSync(`${next}/src/cli/main.js`, 0o755);

// Nobody enters these rooms but by their doors, and a hundred small files take longer to find and open than to read: each room becomes the file of its
// door. What lies outside of it stays outside. `session` has folders and one neighbour; the others are flat.
const outside = {
  audio: () => false,
  session: (id) => /^\.\.\/.*audio\/index\.js$/.test(id),
  'src/event-stream': (id) => !id.startsWith('./') && !id.startsWith('/'),
  'src/printer': (id) => !id.startsWith('./') && !id.startsWith('/'),
  'src/recording': (id) => !id.startsWith('./') && !id.startsWith('/'),
};
for (const [room, external] of Object.entries(outside)) {
  await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      outDir: `${next}/${room}`,
      emptyOutDir: false,
      copyPublicDir: false,
      minify: false,
      target: 'es2022',
      lib: { entry: `${next}/${room}/index.js`, formats: ['es'], fileName: () => 'door.js' },
      // The names of the files that it was made of would hold the name of a folder that is gone.
      rollupOptions: { experimental: { attachDebugInfo: 'none' }, external, output: { paths: (id) => (isAbsolute(id) ? relative(`${root}${next}/${room}`, id) : id) } },
    },
  });
  for (const file of readdirSync(`${next}/${room}`, { recursive: true })) if (file.endsWith('.js') && file !== 'door.js') rmSync(`${next}/${room}/${file}`);
  renameSync(`${next}/${room}/door.js`, `${next}/${room}/index.js`);
}

// An AudioWorklet is loaded by URL into a scope of its own, and bundlers copy such a file without following its imports.
// So the compiled module is replaced by a bundle of itself, and `new URL('./worklet.js', import.meta.url)` works everywhere.
await build({
  configFile: false,
  logLevel: 'warn',
  build: {
    outDir: `${next}/src/client/browser`,
    emptyOutDir: false,
    copyPublicDir: false,
    minify: true,
    rollupOptions: {
      input: `${next}/src/client/browser/worklet.js`,
      output: { format: 'es', entryFileNames: 'worklet.js' },
    },
  },
});

if (existsSync('src/page/index.html')) {
  await build({
    root: 'src/page',
    configFile: false,
    logLevel: 'warn',
    base: './',
    // The pages, voice and text, are the package's first users: they take the client from the built entry point, worklet included.
    resolve: { alias: { 'voicewire/browser': `${root}${next}/src/browser.js` } },
    // Nothing inline, neither scripts nor data: the gateway's content security policy allows neither.
    build: { outDir: `../../${next}/page`, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: false, rollupOptions: { input: ['src/page/index.html', 'src/page/chat.html'] } },
  });
}

if (existsSync('src/inspect/page/index.html')) {
  await build({
    root: 'src/inspect/page',
    configFile: false,
    logLevel: 'warn',
    base: './',
    // Three files of known names, which "voicewire inspect" puts into one.
    build: { outDir: `../../../${next}/inspect`, emptyOutDir: true, modulePreload: false, rollupOptions: { output: { entryFileNames: 'page.js', assetFileNames: 'page[extname]' } } },
  });
}

const last = `${next}.old`;
if (existsSync(target)) renameSync(target, last);
renameSync(next, target);
rmSync(last, { recursive: true, force: true });
