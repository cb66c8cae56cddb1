import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Four projects, run by scripts/test.mjs: `unit` (with contract tests) needs nothing; `e2e` needs a build; `interop` needs the packages of
// test/interop; `browser` needs a build and a Chromium.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/{audio,session,src,contract}/**/*.test.ts', 'test/*.test.ts'], testTimeout: 20_000 } },
      { extends: true, test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false } },
      { extends: true, test: { name: 'interop', include: ['test/interop/**/*.test.mjs'], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false } },
      { extends: true, test: { name: 'browser', include: ['test/browser/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false } },
    ],
  },
});
