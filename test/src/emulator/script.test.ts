import { describe, expect, test } from 'vitest';
import { demoScript, parseScript } from '../../../src/emulator/index.js';
import type { Script } from '../../../src/emulator/index.js';
import { fillQuotes as fill, sentencesOf } from '../../../src/emulator/script-quotes.js';
import { nextSpokenTurn, turnForText } from '../../../src/emulator/script-turns.js';
import { SessionDriver } from './session-driver.js';

const SCRIPT: Script = { name: 's', greeting: 'Hi.', turns: [{ when: ['a'], reply: 'A.' }], fallback: 'Pardon?' };

const fillQuotes = (reply: string, last: string | undefined): ReturnType<typeof fill> => fill(reply, { last, byName: new Map() });

function refusal(value: unknown): { code: string; message: string; hint: string } {
  try {
    parseScript(value);
  } catch (error) {
    return error as never;
  }
  throw new Error('the script was accepted');
}

describe('a script from outside', () => {
  test('is taken as it is when it is right, and through JSON', () => {
    expect(parseScript(SCRIPT)).toEqual(SCRIPT);
    expect(parseScript(JSON.parse(JSON.stringify(demoScript)))).toEqual(demoScript);
  });

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'the script itself'],
    ['a text', 'demo', 'the script itself'],
    ['no greeting', { ...SCRIPT, greeting: undefined }, 'greeting'],
    ['an empty fallback', { ...SCRIPT, fallback: '' }, 'fallback'],
    ['turns that are no list', { ...SCRIPT, turns: {} }, 'turns'],
    ['more turns than a script has', { ...SCRIPT, turns: Array.from({ length: 1001 }, () => SCRIPT.turns[0]) }, 'turns'],
    ['a reply that is missing', { ...SCRIPT, turns: [SCRIPT.turns[0], { hears: 'x' }] }, 'turns[1].reply'],
    ['a turn that nothing leads to', { ...SCRIPT, turns: [{ reply: 'x' }] }, 'turns[0]'],
    ['a misspelt field', { ...SCRIPT, turns: [{ hear: 'x', reply: 'y' }] }, 'turns[0]'],
    ['an empty keyword', { ...SCRIPT, turns: [{ when: ['a', ''], reply: 'x' }] }, 'turns[0].when'],
    ['an expression that is none', { ...SCRIPT, turns: [{ when: 'a(', reply: 'x' }] }, 'turns[0].when'],
    ['a call without arguments', { ...SCRIPT, turns: [{ when: 'a', reply: 'x', call: { name: 'f' } }] }, 'turns[0].call.arguments'],
    ['a function name that no API takes', { ...SCRIPT, turns: [{ when: 'a', reply: 'x', call: { name: 'f g', arguments: {} } }] }, 'turns[0].call.name'],
  ])('with %s is refused, and the place is named', (_name, value, path) => {
    const error = refusal(value);
    expect(error.code).toBe('SCRIPT_INVALID');
    expect(error.message).toContain(`"${path}`);
    expect(error.hint).toContain('README');
  });
});

describe('typed text', () => {
  const script: Script = { ...SCRIPT, turns: [{ when: ['park', 'My Car'], reply: '1' }, { hears: 'spoken only', reply: '2' }, { when: '^(hi|hello)\\b', reply: '3' }, { when: ['parking'], reply: '4' }] };
  test.each<[string, number, number | undefined]>([
    ['Where can I PARK?', 0, 0],
    ['my car is red', 0, 0],
    ['car', 0, undefined],
    ['Hello there', 0, 2],
    ['Well, hello', 0, undefined],
    ['spoken only', 0, undefined],
    // The turns that are still to come are asked first, then the ones before.
    ['parking', 1, 3],
    ['park it', 1, 0],
    [`${'x'.repeat(2_000)} park`, 0, undefined],
  ])('"%.20s" from turn %i', (text, from, turn) => {
    expect(turnForText(script, text, from)).toBe(turn);
  });

  test('a spoken turn is the next with something to hear', () => {
    expect([nextSpokenTurn(script, 0), nextSpokenTurn(script, 2)]).toEqual([1, undefined]);
  });
});

describe('quotes of a tool result', () => {
  test.each<[string, string, string | undefined, string, boolean]>([
    ['a field', 'Table {{tool.table}}.', '{"table":12}', 'Table 12.', true],
    ['a field of a field, and of a list', '{{tool.a.b}} {{ tool.list.1 }}.', '{"a":{"b":true},"list":["x","y"]}', 'true y.', true],
    ['the whole output that is a text', 'It says {{tool}}.', 'sunny', 'It says sunny.', true],
    ['the whole output that is JSON text', 'It says {{tool}}.', '"sunny"', 'It says sunny.', true],
    ['a field that is not there: its sentence goes', 'Fine. Table {{tool.table}}. Bye.', '{}', 'Fine. Bye.', false],
    ['a field that is an object', 'Fine. {{tool.a}}.', '{"a":{}}', 'Fine.', false],
    ['a field that every object has', 'Fine. {{tool.constructor.name}}.', '{}', 'Fine.', false],
    ['no output', '{{tool.x}}.', undefined, '', false],
    ['a value with a dollar sign', 'Price {{tool.p}}.', '{"p":"$& $1"}', 'Price $& $1.', true],
  ])('%s', (_name, reply, output, text, whole) => {
    expect(fillQuotes(reply, output)).toEqual({ text, whole });
  });

  test('sentences end where a space follows their end, not in numbers', () => {
    expect(sentencesOf('At 7.30 p.m! Really?  Yes.')).toEqual(['At 7.30 p.m!', 'Really?', 'Yes.']);
    expect(sentencesOf('   ')).toEqual([]);
  });
});

describe('a turn with a tool', () => {
  const tools = [{ type: 'function', name: 'book_table' }];
  async function text(session: object, toolOutput?: string, response: object = {}): Promise<unknown> {
    const driver = new SessionDriver();
    driver.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'], ...session } });
    driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'book, please' }] } });
    driver.send({ type: 'response.create', response });
    await driver.advance(1_000);
    const call = driver.events.find((event) => event.type === 'response.function_call_arguments.done');
    if (toolOutput !== undefined) {
      expect(call).toBeDefined();
      driver.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: call?.['call_id'], output: toolOutput } });
      driver.send({ type: 'response.create' });
      await driver.advance(2_000);
    }
    return driver.events.find((event) => event.type === 'response.output_text.done')?.['text'];
  }

  test('that succeeds, fails, or says something else', async () => {
    expect(await text({ tools }, '{"table":3,"reference":"R-9"}')).toBe('With pleasure. You have table 3, and your reference is R-9.');
    const sorry = 'I would love to, but I cannot reach our booking book right now.';
    expect(await text({ tools }, '{"error":"no table"}')).toBe(sorry);
    expect(await text({ tools }, 'the database is gone')).toBe(sorry);
  });

  test('that the session does not have, that may not be called, or that only this response has', async () => {
    const sorry = 'I would love to, but I cannot reach our booking book right now.';
    expect(await text({})).toBe(sorry);
    expect(await text({ tools, tool_choice: 'none' })).toBe(sorry);
    expect(await text({ tools }, undefined, { tools: [] })).toBe(sorry);
    expect(await text({}, '{"table":1,"reference":"R"}', { tools })).toContain('table 1');
  });

  test('an output of a call that nobody made gets the fallback', async () => {
    const driver = new SessionDriver();
    driver.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: 'call_unknown', output: '{}' } });
    driver.send({ type: 'response.create', response: { output_modalities: ['text'] } });
    await driver.advance(2_000);
    expect(driver.events.find((event) => event.type === 'response.output_text.done')?.['text']).toBe(demoScript.fallback);
  });
});
