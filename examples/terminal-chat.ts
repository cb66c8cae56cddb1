/**
 * A chat in the terminal, with tool calls beside the answers. At a keyboard it asks for lines; otherwise it shows what is said below. Offline: the model is a
 * script. With a real one, only `model` is another.
 */
import { createInterface } from 'node:readline/promises';
import { Agent, InProcessMemory, printRun, runStreamed, streamWriter, tool } from 'voicewire';
import { scriptedTextModel } from 'voicewire/testing';
import { z } from 'zod';

const findTable = tool({
  name: 'find_table',
  description: 'Finds a free table.',
  parameters: z.object({ people: z.number().int() }),
  execute: ({ people }) => ({ table: people > 4 ? 3 : 12 }),
});
const agent = new Agent({ name: 'Ava', instructions: 'You take bookings for a restaurant. Be brief.', tools: [findTable] });
const model = scriptedTextModel([{ text: 'One moment.', calls: [{ name: 'find_table', arguments: { people: 2 } }] }, 'Table 12 is free, by the window.', 'See you tonight!']);

async function* typed(): AsyncGenerator<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: '> ' });
  lines.prompt();
  for await (const line of lines) {
    yield line;
    lines.prompt();
  }
}

async function* script(): AsyncGenerator<string> {
  for (const line of ['A table for two, please.', 'Thank you.']) {
    console.log(`> ${line}`);
    yield line;
  }
}

const session = new InProcessMemory();
const write = streamWriter(process.stdout);
for await (const line of process.stdin.isTTY ? typed() : script()) {
  const { text } = await printRun(runStreamed(agent, line, { model, session }).flatEvents(), { write, terminal: process.stdout.isTTY });
  if (text.startsWith('See you')) break;
}

// Prints:
//   > A table for two, please.
//   One moment.
//   → find_table {"people":2}
//   ← find_table {"table":12}
//   Table 12 is free, by the window.
//   > Thank you.
//   See you tonight!
