import { readFileSync, readdirSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGE_DIR = fileURLToPath(new URL('../../dist/page/', import.meta.url));
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** The gateway's built pages by path, for a server of a test. */
export function builtPages(): Readonly<Record<string, { readonly type: string; readonly body: Uint8Array }>> {
  const files = readdirSync(PAGE_DIR, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [`/${relative(PAGE_DIR, path)}`, { type: TYPES[extname(path)] ?? 'application/octet-stream', body: readFileSync(path) }];
    }),
  );
}
