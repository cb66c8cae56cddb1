import { z } from 'zod';
import { Agent, RealtimeAgent, tool } from '../../session/index.js';

/** Really runs, in the gateway; the restaurant has room for everyone, and always the same table. */
const bookTable = tool({
  name: 'book_table',
  description: 'Books a table. Call it once the number of people, the day and the time are known; then tell the caller table and reference.',
  parameters: z.object({
    people: z.number().int().min(1).max(20).describe('how many people come'),
    day: z.string().min(1).describe('the day as the caller said it, e.g. "tomorrow"'),
    time: z.string().min(1).describe('the time of day, 24 hours, e.g. "19:00"'),
  }),
  execute: ({ people, day, time }) => ({ table: 12, reference: 'V-4711', people, day, time }),
});

const NAME = 'Trattoria Aurora';
const TASK = [
  'Book tables with the tool book_table; ask for what is missing, and afterwards say the table and the reference.',
  'Guests can park in the market garage, two minutes away on foot. The restaurant is open every day from noon until eleven at night.',
];

/** The agent of the demonstration: answers for a restaurant, with a real model as with the emulator, whose script it fits. */
export function demoAgent(): RealtimeAgent {
  return new RealtimeAgent({
    name: NAME,
    instructions: [
      `You answer the telephone of the restaurant ${NAME}. Be warm and brief: one or two sentences, no lists.`,
      'Greet the caller first.',
      ...TASK,
      'When the caller speaks while you do, stop and listen.',
    ].join('\n'),
    tools: [bookTable],
  });
}

/** The same restaurant in text. */
export function demoTextAgent(): Agent {
  return new Agent({ name: NAME, instructions: [`You answer for the restaurant ${NAME}. Be warm and brief.`, ...TASK].join('\n'), tools: [bookTable] });
}
