// A voice page of your own: node examples/browser-page/server.mjs
//
// page/ is all that a browser gets: one script that imports voicewire/browser. Here it is loaded as it is; with a bundler (vite build examples/browser-page/page)
// the import map in index.html is not needed. The model is the emulator, so nothing needs a key; its side of the call is on the gateway, and so would a key be.
import { fileURLToPath } from 'node:url';
import { RealtimeAgent, systemClock, tool } from 'voicewire';
import { startGateway } from 'voicewire/gateway';
import { EmulatedModel } from 'voicewire/testing';
import { z } from 'zod';
import { servePage } from '../page-server.mjs';

const bookTable = tool({
  name: 'book_table',
  description: 'Books a table.',
  parameters: z.object({ people: z.number(), day: z.string(), time: z.string() }),
  execute: () => ({ table: 12, reference: 'V-4711' }),
});

const page = await servePage(fileURLToPath(new URL('page/', import.meta.url)));
const gateway = await startGateway({
  port: 0,
  allowedOrigins: [page.origin],
  agent: () => new RealtimeAgent({ name: 'Trattoria Aurora', tools: [bookTable] }),
  model: new EmulatedModel({ clock: systemClock }),
});

console.log(`The page: ${page.origin}/?gateway=${gateway.url}`);
process.once('SIGINT', async () => {
  page.close();
  await gateway.close();
  process.exit(0);
});
