import type { Script, ScriptTurn } from './script.js';

/** A script whose replies are all words. */
interface PlainScript extends Script {
  readonly greeting: string;
  readonly turns: readonly (ScriptTurn & { readonly reply: string })[];
  readonly fallback: string;
}

/**
 * A call to a restaurant: a table is booked through the tool `book_table`, and the caller speaks over a long answer. The spoken turns are
 * those of `fixtures/audio/caller.wav`; every sentence has a spoken clip in `fixtures/voice` (a test holds both), the one with the table and
 * the reference for the result `{ "table": 12, "reference": "V-4711" }`.
 */
export const demoScript: PlainScript = {
  name: 'Trattoria Aurora',
  greeting: 'Good evening, this is Trattoria Aurora. How can I help you?',
  turns: [
    {
      hears: 'Hello. I would like to book a table for two, tomorrow at seven, please.',
      when: ['book', 'table', 'reserv'],
      call: { name: 'book_table', arguments: { people: 2, day: 'tomorrow', time: '19:00' } },
      reply: 'With pleasure. You have table {{tool.table}}, and your reference is {{tool.reference}}.',
      withoutCall: 'I would love to, but I cannot reach our booking book right now.',
    },
    {
      hears: 'Wonderful. Where can I park my car?',
      when: ['park', 'car', 'garage'],
      reply:
        'There are a few good places close to us. The market garage is two minutes away on foot, and it stays open until midnight. ' +
        'Please do not use the yard behind the house, because our baker needs it early in the morning.',
    },
    {
      hears: 'Thanks, that is all I need. Goodbye.',
      when: ['bye', 'thank', 'that is all'],
      reply: 'You are welcome. See you tomorrow.',
    },
    { when: ['open', 'hours', 'close'], reply: 'We are open every day from noon until eleven at night.' },
    { when: ['menu', 'eat', 'vegetarian', 'food', 'pizza', 'pasta'], reply: 'Half of our menu is vegetarian.' },
  ],
  fallback: 'I am sorry, I did not get that. I can book a table for you, or tell you where to park.',
};
