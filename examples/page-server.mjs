// Serves the page of an example, and the built modules of voicewire beside it, so that a browser can load them without a bundler. A page of your own is more
// likely to have one: then none of this is needed.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };
/** dist/ of the installed package. */
const MODULES = fileURLToPath(new URL('..', import.meta.resolve('voicewire/browser')));

/** Resolves with the page's origin once it is served on a free port of this machine. */
export async function servePage(folder) {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, 'http://page').pathname);
    const file = path.startsWith('/voicewire/') ? join(MODULES, path.slice('/voicewire'.length)) : join(folder, path === '/' ? 'index.html' : path);
    const body = await readFile(file).catch(() => undefined);
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' }).end(body);
  });
  await new Promise((resolve) => server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
