// Many runs at once on one page: node examples/sse-dashboard/server.mjs
//
// The gateway answers POST /chat/stream with the events of a run; the page shows as many runs as you like while they come. Reload it in the middle: each run
// goes on where it was. The model is a script, so nothing needs a key.
import { fileURLToPath } from 'node:url';
import { Agent, RealtimeAgent, runStreamed, systemClock, tool } from 'voicewire';
import { startGateway } from 'voicewire/gateway';
import { EmulatedModel, scriptedTextModel } from 'voicewire/testing';
import { z } from 'zod';
import { servePage } from '../page-server.mjs';

const searchReports = tool({
  name: 'search_reports',
  description: 'Searches the reports of the field stations.',
  parameters: z.object({ topic: z.string() }),
  execute: ({ topic }) => ({ topic, reports: 3 + (topic.length % 5) }),
});
const agent = new Agent({ name: 'Analyst', instructions: 'Look into the reports, then write a short summary.', tools: [searchReports] });

/** A model that is slow enough to be watched. */
function scripted(topic) {
  const summary = `Three things stand out about ${topic}. The stations in the north report less of it than a year ago, and all of them agree on when it began. The south is mixed: two stations had to be left out, because their instruments were changed in spring. Taken together the trend is clear, but small; another season will tell whether it lasts.`;
  return scriptedTextModel(
    [
      { reasoning: `I need the reports on ${topic} first.`, calls: [{ name: 'search_reports', arguments: { topic } }], delayMs: 40 },
      { text: summary, delayMs: 30 },
    ],
    { clock: systemClock },
  );
}

const page = await servePage(fileURLToPath(new URL('page/', import.meta.url)));
const gateway = await startGateway({
  port: 0,
  allowedOrigins: [page.origin],
  chat: {
    answer: ({ input, runId, signal }) => runStreamed(agent, input, { model: scripted(input), runId, signal }).flatEvents(),
    // A page that is closed and opened again finds its runs: they go on for a minute without a reader.
    graceMs: 60_000,
  },
  // The gateway speaks as well; this page does not.
  agent: new RealtimeAgent({ name: 'Analyst' }),
  model: new EmulatedModel({ clock: systemClock }),
});

console.log(`The dashboard: ${page.origin}/?gateway=${gateway.url}`);
process.once('SIGINT', async () => {
  page.close();
  await gateway.close();
  process.exit(0);
});
