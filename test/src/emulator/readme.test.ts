import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { FAULT_KINDS, parseScript } from '../../../src/emulator/index.js';
import { callerAudio } from './emulator-client.js';
import { SessionDriver } from './session-driver.js';

const ROOM = new URL('../../../src/emulator/', import.meta.url);
const README = readFileSync(new URL('README.md', ROOM), 'utf8');
const example = parseScript(JSON.parse(/<!-- test: script -->\n```json\n([\s\S]*?)```/.exec(README)?.[1] ?? 'null'));

test('the example script plays as the README says', async () => {
  const driver = new SessionDriver({ script: example });
  driver.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'], tools: [{ type: 'function', name: 'get_weather' }], audio: { input: { transcription: {} } } } });
  const answer = async (): Promise<unknown> => {
    const from = driver.events.length;
    driver.send({ type: 'response.create' });
    await driver.advance(2_000);
    const done = driver.events.slice(from).find((event) => /output_text\.done|arguments\.done/.test(event.type));
    return done?.['text'] ?? done;
  };
  expect(await answer()).toBe('This is the weather line. Which city?');
  driver.append(callerAudio('caller-hello.wav'));
  await driver.advance(2_000);
  expect(driver.events.find((event) => event.type.endsWith('transcription.completed'))?.['transcript']).toBe('What is the weather in Lisbon?');
  const call = driver.events.find((event) => event.type === 'response.function_call_arguments.done');
  expect(call).toMatchObject({ name: 'get_weather', arguments: '{"city":"Lisbon"}' });
  driver.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: call?.['call_id'], output: '{"degrees":21,"sky":"sunny"}' } });
  expect(await answer()).toBe('One moment. It is 21 degrees in Lisbon, and sunny.');
  driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Thanks a lot' }] } });
  expect(await answer()).toBe('My pleasure.');
  driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'And the football?' }] } });
  expect(await answer()).toBe('I know the weather only.');
});

test('the script of steps plays as its comments say', async () => {
  const steps = parseScript(parse(/<!-- test: steps -->\n```yaml\n([\s\S]*?)```/.exec(README)?.[1] ?? ''));
  const driver = new SessionDriver({ script: steps });
  const tools = ['find_order', 'find_customer'].map((name) => ({ type: 'function', name }));
  driver.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'], tools } });
  const ask = async (text?: string): Promise<{ status: string; output: { type: string; call_id: string; name: string; content: [{ text: string }] }[] }> => {
    const from = driver.events.length;
    if (text !== undefined) driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] } });
    driver.send({ type: 'response.create' });
    await driver.advance(5_000);
    return driver.events.slice(from).find((event) => event.type === 'response.done')?.['response'] as never;
  };
  const calls = (await ask('my order')).output;
  expect(calls.map((item) => item.name ?? item.content[0].text)).toEqual(['Let me look that up.', 'find_order', 'find_customer']);
  for (const [index, output] of [[1, '{"state":"on its way"}'], [2, '{"name":"Ada","level":"gold"}']] as const) {
    driver.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: calls[index]?.call_id, output } });
  }
  expect((await ask()).output.map(({ content }) => content[0].text)).toEqual(['Thank you for your patience, Ada. Your order is on its way.']);
  expect((await ask('a refund')).status).toBe('failed');
  expect((await ask('your terms')).status).toBe('incomplete');
  await ask('crash');
  expect(driver.faults).toEqual([{ kind: 'drop' }]);
});

test('the table of faults is that of the code', () => {
  const table = (README.split('## Faults')[1] ?? '').split('## ')[0] ?? '';
  expect([...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, kind]) => kind).toSorted()).toEqual([...FAULT_KINDS].toSorted());
});

test('the codes in the README are those that the sources answer with', () => {
  const sources = readdirSync(ROOM).filter((name) => name.endsWith('.ts')).map((name) => readFileSync(new URL(name, ROOM), 'utf8')).join('\n');
  const written = [...sources.matchAll(/(?:new Refusal\(|errorEvent\(|\.fail\(|\bcode = |\bcode: |, code: )\s*(?:'([a-z_]+)'|`([^`]+)`)/g)].map(([, plain, made]) => (plain ?? made) as string);
  const codes = written.flatMap((code) => {
    if (code.includes('${kind}')) return ['integer', 'decimal'].map((kind) => code.replace('${kind}', kind));
    if (code.includes('${verb}')) return ['delete', 'retrieve', 'truncate'].map((verb) => code.replace('${verb}', verb));
    return [code];
  });
  const table = README.split('## Codes of the errors')[1] ?? '';
  const listed = [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) => [...(cell as string).matchAll(/`(\w+)`/g)].map(([, code]) => code as string));
  expect(listed.length).toBeGreaterThan(20);
  expect(listed.toSorted()).toEqual([...new Set(codes)].toSorted());
});
