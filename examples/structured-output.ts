/**
 * A booking that fills itself in while the model writes it: an agent whose answer has a schema. Offline: the model is a script. With a real one, only
 * `model` is another.
 */
import { Agent, runStreamed } from 'voicewire';
import { scriptedTextModel } from 'voicewire/testing';
import { z } from 'zod';

const Booking = z.object({
  name: z.string(),
  guests: z.number().int(),
  wishes: z.array(z.string()),
});

const agent = new Agent({
  name: 'Booking desk',
  instructions: 'Write down what the guest wants.',
  output: Booking,
});

const model = scriptedTextModel(['{"name":"Ada Lovelace","guests":4,"wishes":["a window seat","no nuts"]}']);
const run = runStreamed(agent, 'A table for four, Ada Lovelace. By the window, and no nuts please.', { model });

let shown = '';
for await (const booking of run.partialOutput()) {
  // The value grows in place, and is a valid beginning at any time: a form can show it as it is.
  const line = `${booking.name ?? '…'} | ${booking.guests ?? '…'} guests | ${booking.wishes?.length ?? 0} wishes`;
  if (line !== shown) console.log(line);
  shown = line;
}

const booking = await run.finalOutput;
console.log(`Booked for ${booking.guests}: ${booking.wishes.join(', ')}.`);

// Prints:
//   … | … guests | 0 wishes
//   Ada | … guests | 0 wishes
//   Ada Lovel | … guests | 0 wishes
//   Ada Lovelace | … guests | 0 wishes
//   Ada Lovelace | 4 guests | 0 wishes
//   Ada Lovelace | 4 guests | 1 wishes
//   Ada Lovelace | 4 guests | 2 wishes
//   Booked for 4: a window seat, no nuts.
