import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { HostError } from '../host/errors.js';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
};

interface PageFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** Answers a request for one of the page's files; false when there is no such file. */
export type PageFiles = (path: string, request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * The built page, read into memory once: it is a few files of some kilobytes, and what is asked for never becomes a path on the disk, needs no
 * file handle, and cannot be missing later, when the folder is built anew. Throws `HostError` `PAGE_NOT_BUILT`.
 */
export function readPageFiles(pageDir: string): PageFiles {
  const files = new Map<string, PageFile>();
  try {
    for (const entry of readdirSync(pageDir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name.startsWith('.')) continue;
      const path = join(entry.parentPath, entry.name);
      const body = readFileSync(path);
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      files.set(`/${relative(pageDir, path).split(sep).join('/')}`, { body, type: CONTENT_TYPES[extname(entry.name)] ?? 'application/octet-stream', etag });
    }
  } catch (cause) {
    throw notBuilt(pageDir, cause);
  }
  const index = files.get('/index.html');
  if (index === undefined) throw notBuilt(pageDir);
  files.set('/', index);

  return (path, request, response) => {
    const file = files.get(path);
    if (file === undefined) return false;
    response.setHeader('ETag', file.etag);
    // The names of assets hold a hash of their content; the page itself is asked for each time.
    response.setHeader('Cache-Control', path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
    if (request.headers['if-none-match'] === file.etag) {
      response.writeHead(304).end();
      return true;
    }
    response.writeHead(200, { 'Content-Type': file.type, 'Content-Length': file.body.length });
    response.end(request.method === 'HEAD' ? undefined : file.body);
    return true;
  };
}

function notBuilt(pageDir: string, cause?: unknown): HostError {
  return new HostError('PAGE_NOT_BUILT', `The page is not there: ${pageDir} has no index.html.`, { hint: 'Build it with "npm run build".', ...(cause === undefined ? {} : { cause }) });
}
