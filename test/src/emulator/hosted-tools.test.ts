import { describe, expect, test } from 'vitest';
import type { Script } from '../../../src/emulator/index.js';
import { SessionDriver } from './session-driver.js';

const script: Script = {
  name: 'test',
  greeting: 'Hi.',
  turns: [
    { when: ['find'], reply: [{ mcp: { server: 'shop', name: 'find', arguments: { q: 'x' }, output: 'found' } }] },
    { when: ['break'], reply: [{ mcp: { server: 'shop', name: 'find', arguments: {}, error: 'no such thing' } }] },
  ],
  fallback: 'Pardon?',
  mcpServers: [{ label: 'shop', tools: [{ name: 'find', description: 'Finds.' }] }, { label: 'dead', fails: true, tools: [] }],
};
const server = (label: string, more: object = {}): object => ({ type: 'mcp', server_label: label, server_url: `https://${label}.example`, ...more });
const update = (...tools: object[]): object => ({ type: 'session.update', session: { type: 'realtime', tools } });

async function ask(driver: SessionDriver, text: string): Promise<string[]> {
  const from = driver.events.length;
  driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] } });
  driver.send({ type: 'response.create' });
  await driver.advance(2_000);
  return driver.events.slice(from + 3).map((event) => event.type).filter((type, index, all) => type !== all[index - 1] && type !== 'rate_limits.updated');
}

describe('a hosted server', () => {
  test('lists its tools once, and its secrets are not said back', async () => {
    const driver = new SessionDriver({ script });
    const updated = driver.send(update(server('shop', { authorization: 'secret', headers: { 'X-Key': 'secret' } })));
    expect(JSON.stringify(updated)).not.toContain('secret');
    const rest = await driver.advance(100);
    expect([...updated, ...rest].map((event) => event.type)).toEqual(['session.updated', 'conversation.item.added', 'mcp_list_tools.in_progress', 'mcp_list_tools.completed', 'conversation.item.done']);
    expect(rest.at(-1)?.['item']).toMatchObject({ type: 'mcp_list_tools', server_label: 'shop', tools: [{ name: 'find', description: 'Finds.' }] });
    driver.send(update(server('shop')));
    expect(await driver.advance(100)).toEqual([]);
  });

  test.each(['dead', 'unknown'])('that is %s fails', async (label) => {
    const driver = new SessionDriver({ script });
    driver.send(update(server(label)));
    expect((await driver.advance(100)).map((event) => event.type)).toEqual(['mcp_list_tools.failed']);
  });

  test('is called on the side of the model, which tells how it went', async () => {
    const driver = new SessionDriver({ script });
    driver.send(update(server('shop', { require_approval: 'never' })));
    await driver.advance(100);
    const steps = ['response.output_item.added', 'conversation.item.added', 'response.mcp_call_arguments.delta', 'response.mcp_call_arguments.done', 'response.mcp_call.in_progress'];
    expect(await ask(driver, 'find')).toEqual([...steps, 'response.mcp_call.completed', 'conversation.item.done', 'response.output_item.done', 'response.done']);
    expect(driver.events.findLast((event) => event.type === 'response.output_item.done')?.['item']).toMatchObject({ type: 'mcp_call', server_label: 'shop', name: 'find', arguments: '{"q":"x"}', output: 'found', error: null });
    expect(await ask(driver, 'break')).toContain('response.mcp_call.failed');
    expect(driver.events.findLast((event) => event.type === 'response.output_item.done')?.['item']).toMatchObject({ output: null, error: { type: 'tool_execution_error', message: 'no such thing' } });
  });

  test('that needs a yes asks for it, is called once after it, and asks again', async () => {
    const driver = new SessionDriver({ script });
    driver.send(update(server('shop')));
    await driver.advance(100);
    const asks = ['response.output_item.added', 'conversation.item.added', 'conversation.item.done', 'response.output_item.done', 'response.done'];
    expect(await ask(driver, 'find')).toEqual(asks);
    const request = driver.events.findLast((event) => event.type === 'response.output_item.done')?.['item'] as { id: string; type: string };
    expect(request.type).toBe('mcp_approval_request');
    const answer = (id: string, approve: boolean): void => void driver.send({ type: 'conversation.item.create', item: { type: 'mcp_approval_response', id, approval_request_id: request.id, approve } });
    answer('no', false);
    expect(await ask(driver, 'find')).toEqual(asks);
    const { item } = driver.send({ type: 'conversation.item.retrieve', item_id: 'no' })[0] as unknown as { item: object };
    expect(item).toEqual({ id: 'no', type: 'mcp_approval_response', approval_request_id: request.id, approve: false, reason: null });
    answer('yes', true);
    expect(await ask(driver, 'find')).toContain('response.mcp_call.completed');
    expect(await ask(driver, 'find')).toEqual(asks);
  });
});
