// Builds dist/: the library by the TypeScript compiler, the browser's audio worklet as one self-contained file, and the gateway's page.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
rmSync('dist', { recursive: true, force: true });

const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
chmodSync('dist/src/cli/main.js', 0o755);

// An AudioWorklet is loaded by URL into a scope of its own, and bundlers copy such a file without following its imports.
// So the compiled module is replaced by a bundle of itself, and `new URL('./worklet.js', import.meta.url)` works everywhere.
await build({
  configFile: false,
  logLevel: 'warn',
  build: {
    outDir: 'dist/src/client/browser',
    emptyOutDir: false,
    copyPublicDir: false,
    minify: true,
    rollupOptions: {
      input: 'dist/src/client/browser/worklet.js',
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
    // The page is the package's first user: it takes the client from the built entry point, worklet included.
    resolve: { alias: { 'voicewire/browser': `${root}dist/src/browser.js` } },
    // Nothing inline, neither scripts nor data: the gateway's content security policy allows neither.
    build: { outDir: '../../dist/page', emptyOutDir: true, assetsInlineLimit: 0, modulePreload: false },
  });
}
