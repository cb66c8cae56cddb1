import { createRequire } from 'node:module';

/** The version of this package, which looks itself up by its own name: a file lies at another depth in the source tree than in dist. */
export function packageVersion(): string {
  const manifest = createRequire(import.meta.url)('voicewire/package.json') as { readonly version: string };
  return manifest.version;
}
