/**
 * A front desk that looks something up and hands over to billing, in one conversation of two turns. Offline: the model is a script. With a real one, only
 * `model` is another.
 */
import { Agent, InProcessMemory, handoff, runStreamed, tool } from 'voicewire';
import type { AnyAgent } from 'voicewire';
import { scriptedTextModel } from 'voicewire/testing';
import { z } from 'zod';

const findCustomer = tool({
  name: 'find_customer',
  description: 'Finds a customer by name.',
  parameters: z.object({ name: z.string() }),
  execute: ({ name }) => ({ customer: 7, name }),
});

const billing = new Agent({ name: 'Billing', instructions: 'You know all invoices.' });
const front = new Agent({
  name: 'Front desk',
  instructions: 'Find out who it is, then hand over.',
  tools: [findCustomer],
  handoffs: [handoff({ to: billing, description: 'For questions about invoices.' })],
});

const model = scriptedTextModel([
  { text: 'One moment.', calls: [{ name: 'find_customer', arguments: { name: 'Ada' } }] },
  { calls: [{ name: 'transfer_to_Billing', arguments: { reason: 'Asks for an invoice.' } }] },
  'Hello Ada, your invoice is paid.',
  'You are welcome.',
]);

// The next turn is with whoever has the conversation by then, and knows what was said.
const session = new InProcessMemory();
let agent: AnyAgent = front;
for (const said of ['This is Ada. Is my invoice paid?', 'Thank you.']) {
  console.log(`> ${said}`);
  const run = runStreamed(agent, said, { model, session });
  for await (const event of run.flatEvents()) {
    if (event.type === 'response.function_call.output') console.log(`  ${event.name}: ${event.output}`);
    else if (event.type === 'run.agent') console.log(`  (${event.agentName})`);
    else if (event.type === 'run.step.done' && event.text !== '') console.log(event.text);
  }
  agent = run.agent;
}

// Prints:
//   > This is Ada. Is my invoice paid?
//     (Front desk)
//   One moment.
//     find_customer: {"customer":7,"name":"Ada"}
//     transfer_to_Billing: {"handing_over_to":"Billing"}
//     (Billing)
//   Hello Ada, your invoice is paid.
//   > Thank you.
//     (Billing)
//   You are welcome.
