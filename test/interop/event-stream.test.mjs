// Runs over server-sent events below published frameworks, as their users would write it: Express with its body parser, Fastify, Hono.
import { serve } from '@hono/node-server';
import { EventSource } from 'eventsource';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { RunDesk, eventResponse, runHandler, runRoutes, streamToResponse } from '../../src/event-stream/index.ts';

const open = [];
afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

/** A run that says two words, and then only that it was stopped. */
function chatWith(life) {
  return async function* ({ input, runId, signal }) {
    try {
      life.started += 1;
      yield { type: 'run.start', runId, agentName: 'Ava' };
      yield { type: 'response.text.delta', runId, itemId: 'm1', delta: input };
      if (input === 'short') return yield { type: 'run.done', runId, text: input, end: 'completed' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      yield { type: 'run.done', runId, text: input, end: 'cancelled' };
    } finally {
      life.finished += 1;
    }
  };
}

const owner = () => 'ann';

async function onExpress(desk, chat) {
  const app = express();
  app.use(express.json());
  const routes = runRoutes({ desk, chat, owner });
  app.use((request, response, next) => {
    if (!routes(request, response)) next();
  });
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  open.push(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return `http://127.0.0.1:${server.address().port}`;
}

async function onFastify(desk, chat) {
  const app = fastify({ forceCloseConnections: true });
  const routes = runRoutes({ desk, chat, owner });
  const answer = (request, reply) => {
    reply.hijack();
    // Fastify has read the body; its stream of bytes is at its end.
    routes(Object.assign(request.raw, { body: request.body }), reply.raw);
  };
  for (const [method, url] of [['POST', '/chat/stream'], ['GET', '/runs/:id/events'], ['POST', '/runs/:id/stop']]) app.route({ method, url, handler: answer });
  open.push(() => app.close());
  return app.listen({ port: 0, host: '127.0.0.1' });
}

async function onHono(desk, chat) {
  const app = new Hono();
  const handle = runHandler({ desk, chat, owner });
  app.all('*', (context) => handle(context.req.raw) ?? context.notFound());
  const server = await new Promise((resolve) => {
    const starting = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(starting));
  });
  open.push(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return `http://127.0.0.1:${server.address().port}`;
}

/** Reads until the text has it. */
async function until(response, words) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes(words)) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  return text;
}

async function becomes(look) {
  while (!look()) await new Promise((resolve) => setImmediate(resolve));
}

describe.each([
  ['Express', onExpress],
  ['Fastify', onFastify],
  ['Hono', onHono],
])('on %s', (_name, serveOn) => {
  async function served(options = {}) {
    const life = { started: 0, finished: 0 };
    const desk = new RunDesk({ graceMs: 1, ...options });
    open.push(() => desk.close());
    const url = await serveOn(desk, chatWith(life));
    const post = (input, signal) => fetch(`${url}/chat/stream`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ input }), signal });
    return { url, post, life, desk };
  }

  test('a run is streamed to its end', async () => {
    const { post } = await served();
    const response = await post('short');
    expect([response.status, response.headers.get('content-type'), response.headers.get('x-accel-buffering')]).toEqual([200, 'text/event-stream; charset=utf-8', 'no']);
    const id = response.headers.get('x-run-id');
    const text = await response.text();
    expect(text).toMatch(/^: events follow\nretry: 2000\n\n/);
    expect([...text.matchAll(/^id: (.*)$/gm)].map(([, found]) => found)).toEqual([`${id}:1`, `${id}:2`, `${id}:3`]);
  });

  test('a reader that goes, after its POST was read, cancels the run, once', async () => {
    const { post, life, desk } = await served();
    const leaving = new AbortController();
    await until(await post('long', leaving.signal), 'response.text.delta');
    expect([life, desk.running]).toEqual([{ started: 1, finished: 0 }, 1]);
    leaving.abort();
    await becomes(() => desk.running === 0);
    expect(life).toEqual({ started: 1, finished: 1 });
  });

  test('a run is resumed, stopped, and over for who has had it', async () => {
    const { url, post, life } = await served({ graceMs: 60_000 });
    const leaving = new AbortController();
    const first = await post('long', leaving.signal);
    const id = first.headers.get('x-run-id');
    await until(first, `id: ${id}:1`);
    leaving.abort();
    const resumed = await fetch(`${url}/runs/${id}/events`, { headers: { 'last-event-id': `${id}:1` } });
    const rest = until(resumed, 'run.done');
    expect(await (await fetch(`${url}/runs/${id}/stop`, { method: 'POST' })).json()).toEqual({ stopped: true });
    expect([...(await rest).matchAll(/^id: (.*)$/gm)].map(([, found]) => found)).toEqual([`${id}:2`, `${id}:3`]);
    expect(life.finished).toBe(1);
    expect((await fetch(`${url}/runs/${id}/events`, { headers: { 'last-event-id': `${id}:3` } })).status).toBe(204);
    expect((await fetch(`${url}/runs/run_none/events`)).status).toBe(404);
  });

  test('what is no request is refused', async () => {
    const { url, post } = await served();
    expect((await post('')).status).toBe(400);
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
  });
});

describe('any stream', () => {
  async function* ticks(life) {
    try {
      for (let n = 1; ; n += 1) {
        yield { type: 'tick', n };
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } finally {
      life.finished += 1;
    }
  }

  test('goes out by an Express handler, and is let go of when the reader goes', async () => {
    const life = { finished: 0 };
    const app = express();
    app.use(express.json());
    app.post('/ticks', (_request, response) => void streamToResponse(response, ticks(life)));
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    open.push(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
    const leaving = new AbortController();
    await until(await fetch(`http://127.0.0.1:${server.address().port}/ticks`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}', signal: leaving.signal }), '"n":3');
    leaving.abort();
    await becomes(() => life.finished === 1);
  });

  test('goes out by a Hono handler, and is let go of when the reader goes', async () => {
    const life = { finished: 0 };
    const app = new Hono();
    app.post('/ticks', async (context) => {
      await context.req.json();
      return eventResponse(ticks(life));
    });
    const server = await new Promise((resolve) => {
      const starting = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(starting));
    });
    open.push(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
    const leaving = new AbortController();
    await until(await fetch(`http://127.0.0.1:${server.address().port}/ticks`, { method: 'POST', body: '{"a":1}', signal: leaving.signal }), '"n":3');
    leaving.abort();
    await becomes(() => life.finished === 1);
  });
});

describe('a plain EventSource', () => {
  test('comes back by itself where it was cut, has each event once, and stops when the run is over', async () => {
    let goOn;
    const gate = new Promise((resolve) => (goOn = resolve));
    const desk = new RunDesk();
    open.push(() => desk.close());
    const chat = async function* () {
      for (let n = 1; n <= 6; n += 1) {
        if (n === 4) await gate;
        yield { type: 'tick', n };
      }
    };
    const routes = runRoutes({ desk, chat, owner, stream: { retryMs: 1 } });
    const statuses = [];
    let cut;
    const server = createServer((request, response) => {
      routes(request, response);
      cut ??= request.method === 'GET' ? () => response.destroy() : undefined;
      response.on('close', () => statuses.push([request.method, request.headers['last-event-id']?.split(':')[1], response.statusCode]));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
    const url = `http://127.0.0.1:${server.address().port}`;
    const first = await fetch(`${url}/chat/stream`, { method: 'POST', body: '{"input":"x"}' });
    const whole = first.text();
    const source = new EventSource(`${url}/runs/${first.headers.get('x-run-id')}/events?after=1`);
    open.push(() => source.close());
    const got = [];
    for (const type of ['tick', 'end', 'gap']) source.addEventListener(type, ({ lastEventId }) => got.push(lastEventId.split(':')[1]));
    await becomes(() => got.length === 2);
    cut();
    // It must have come back before the run goes on.
    await becomes(() => statuses.length === 1);
    goOn();
    await whole;
    await becomes(() => source.readyState === EventSource.CLOSED);
    expect(got).toEqual(['2', '3', '4', '5', '6', '7']);
    expect(statuses.filter(([method]) => method === 'GET')).toEqual([['GET', undefined, 200], ['GET', '3', 200], ['GET', '7', 204]]);
  });
});
