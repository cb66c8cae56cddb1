import { existsSync, readFileSync, statSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServedFiles } from './run-server.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** The files of a folder of this checkout by their paths below `prefix`, for a server of a test. */
export function filesOf(folder: string, prefix = '/'): ServedFiles {
  return (path) => {
    const file = join(ROOT, folder, normalize(path.slice(prefix.length)));
    if (!path.startsWith(prefix) || !file.startsWith(join(ROOT, folder)) || !existsSync(file) || !statSync(file).isFile()) return undefined;
    return { type: TYPES[extname(file)] ?? 'application/octet-stream', body: readFileSync(file) };
  };
}
