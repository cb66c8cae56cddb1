/** Text runs at the gateway's door: the same rules as at the voice socket, and its own limits. */
import { describe, expect, it } from 'vitest';
import { RealtimeAgent } from '../../../session/index.js';
import { startGateway } from '../../../src/gateway/index.js';
import type { Gateway, GatewayOptions } from '../../../src/gateway/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { SseConnection } from '../../helpers/sse-client.js';
import type { SseRequest } from '../../helpers/sse-client.js';
import { faucet, words } from '../event-stream/served-runs.js';

const start = (options: Partial<GatewayOptions>): Promise<Gateway> => startGateway({ port: 0, model: scriptedModel(), agent: new RealtimeAgent({ name: 'Ava' }), ...options });
const post = (gateway: Gateway, more: SseRequest = {}): SseConnection => new SseConnection(`${gateway.url}/chat/stream`, { method: 'POST', body: { input: 'hello' }, ...more });
const statusOf = async (connection: SseConnection): Promise<number> => (await connection.response).statusCode ?? 0;

describe('the door of text runs', () => {
  it('is not there without a chat', async () => {
    await using gateway = await start({});
    expect(await statusOf(post(gateway))).toBe(405);
    expect(await statusOf(new SseConnection(`${gateway.url}/runs/run_1/events`))).toBe(404);
  });

  it('lets nobody in without the token, and nobody start a run', async () => {
    const source = faucet();
    await using gateway = await start({ chat: source.chat, token: 'secret' });
    expect(await statusOf(post(gateway))).toBe(401);
    expect(await statusOf(post(gateway, { headers: { authorization: 'Bearer wrong' } }))).toBe(401);
    expect(await statusOf(new SseConnection(`${gateway.url}/runs/run_1/events`))).toBe(401);
    expect(await statusOf(new SseConnection(`${gateway.url}/runs/run_1/stop`, { method: 'POST' }))).toBe(401);
    expect(gateway.runs).toBe(0);
    expect(await statusOf(post(gateway, { headers: { authorization: 'Bearer secret' } }))).toBe(200);
    expect(gateway.runs).toBe(1);
  });

  it.each([
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'https://app.example.com.evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ host: 'rebound.example' }, 403],
    [{ origin: 'https://app.example.com' }, 200],
  ])('answers a page with the headers %j with %i', async (headers, status) => {
    const source = faucet();
    await using gateway = await start({ chat: source.chat, allowedOrigins: ['https://app.example.com'] });
    expect(await statusOf(post(gateway, { headers }))).toBe(status);
    expect(gateway.runs).toBe(status === 200 ? 1 : 0);
  });

  it('lets a page of an allowed origin read the answer, also the question before it, and no other page', async () => {
    await using gateway = await start({ chat: faucet().chat, token: 'secret', allowedOrigins: ['https://app.example.com'] });
    const asks = (origin: string) => new SseConnection(`${gateway.url}/chat/stream`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } }).response;
    const answer = await asks('https://app.example.com');
    expect(answer.statusCode).toBe(204);
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': 'https://app.example.com', vary: 'Origin', 'access-control-allow-headers': expect.stringContaining('Last-Event-ID') as string });
    const refused = await asks('https://evil.example');
    expect([refused.statusCode, refused.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    const stream = await post(gateway, { headers: { origin: 'https://app.example.com', authorization: 'Bearer secret' } }).response;
    expect(stream.headers).toMatchObject({ 'access-control-allow-origin': 'https://app.example.com', 'access-control-expose-headers': expect.stringContaining('X-Run-Id') as string });
  });

  it('has the limits of the gateway', async () => {
    await using gateway = await start({ chat: faucet().chat, limits: { maxRuns: 12, maxBodyBytes: 100 } });
    expect(await statusOf(post(gateway, { body: '{' }))).toBe(400);
    expect(await statusOf(post(gateway, { body: { input: 'x'.repeat(100) } }))).toBe(413);
    // All who come in are one owner, who may have them all.
    for (let count = 0; count < 12; count += 1) expect(await statusOf(post(gateway))).toBe(200);
    expect(await statusOf(post(gateway))).toBe(503);
    const health = new SseConnection(`${gateway.url}/healthz`);
    await health.over;
    expect(JSON.parse(health.text)).toMatchObject({ runs: 12, maxRuns: 12 });
  });

  it('stops a run that takes too long, and lets a reader go that stays too long', async () => {
    const clock = new ManualClock();
    await using gateway = await start({ chat: faucet().chat, clock, limits: { maxRunMs: 20_000, maxStreamMs: 15_000 } });
    const reader = post(gateway);
    const runId = String((await reader.response).headers['x-run-id']);
    await clock.run(15_000);
    expect(await reader.over).toBe(true);
    expect(reader.events.filter(({ event }) => event !== 'ping')).toEqual([]);
    const again = new SseConnection(`${gateway.url}/runs/${runId}/events`);
    await again.response;
    await clock.run(5_000);
    expect(await again.over).toBe(true);
    expect(again.events.map(({ event, data }) => [event, JSON.parse(data)])).toEqual([['end', { type: 'end', runId, reason: 'timeout' }]]);
  });

  it('keeps the runs of one owner from another', async () => {
    const source = faucet();
    await using gateway = await start({ chat: { answer: source.chat, owner: (request) => String(request.headers['x-user']), maxRunsPerOwner: 1 } });
    const reader = post(gateway, { headers: { 'x-user': 'ann' } });
    const path = `${gateway.url}/runs/${String((await reader.response).headers['x-run-id'])}`;
    expect(await statusOf(new SseConnection(`${path}/events`, { headers: { 'x-user': 'bob' } }))).toBe(404);
    expect(await statusOf(new SseConnection(`${path}/stop`, { method: 'POST', headers: { 'x-user': 'bob' } }))).toBe(404);
    expect(source.counts.aborted).toBe(0);
    expect(await statusOf(post(gateway, { headers: { 'x-user': 'ann' } }))).toBe(429);
    expect(await statusOf(new SseConnection(`${path}/stop`, { method: 'POST', headers: { 'x-user': 'ann' } }))).toBe(200);
    expect(source.counts.aborted).toBe(1);
  });

  it('tells its readers that it closes', async () => {
    const source = faucet();
    const gateway = await start({ chat: source.chat });
    const reader = post(gateway);
    const runId = String((await reader.response).headers['x-run-id']);
    source.push(...words(runId, 'a'));
    await reader.count(1);
    await gateway.close();
    expect(await reader.over).toBe(true);
    expect(reader.events.map(({ event, data }) => [event, (JSON.parse(data) as { reason?: string }).reason])).toEqual([['response.text.delta', undefined], ['end', 'closing']]);
    expect(source.counts).toMatchObject({ aborted: 1, finished: 1 });
  });
});
