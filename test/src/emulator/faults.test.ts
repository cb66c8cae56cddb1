import { connect } from 'node:net';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { RealtimeAgent, RealtimeSession, SESSION_EVENT_TYPES } from '../../../session/index.js';
import type { RealtimeSessionOptions, SessionEvent, SessionEventMap } from '../../../session/index.js';
import { createVoice, startEmulator } from '../../../src/emulator/index.js';
import type { Emulator, EmulatorOptions, Fault } from '../../../src/emulator/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { openaiRealtime } from '../../../src/provider/openai/openai-realtime.js';
import { EmulatorClient } from './emulator-client.js';

// Each fault on a real socket, with a session of ours at the other end. Both sides live on one manual clock, so that waiting costs nothing: time moves
// on by 10 ms whenever the sockets have had their turn.

const VOICE = createVoice({ synthesizers: [] });
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

interface World {
  readonly clock: ManualClock;
  readonly emulator: Emulator;
  readonly session: RealtimeSession;
  readonly events: SessionEvent[];
  of<T extends keyof SessionEventMap>(type: T): SessionEventMap[T][];
  /** Lets the world go on until something is so; fails after so long of its time. */
  until(what: string, holds: () => boolean, withinMs?: number): Promise<void>;
  /** A whole exchange in writing, with the sentence that must come back. */
  talks(): Promise<void>;
}

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function world(options: EmulatorOptions = {}, session: Partial<RealtimeSessionOptions> = {}): Promise<World> {
  const clock = new ManualClock(1_000);
  const emulator = await startEmulator({ voice: VOICE, clock, pace: 10, thinkMs: 50, seed: 1, ...options });
  open.push(emulator);
  const model = openaiRealtime({ url: emulator.url, clock });
  const realtime = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model, clock, sessionId: 'test', config: { outputModality: 'text' }, ...session });
  open.push({ [Symbol.asyncDispose]: async () => void realtime.close().catch(() => {}) });
  const events: SessionEvent[] = [];
  for (const type of SESSION_EVENT_TYPES) realtime.on(type, (event) => events.push(event));
  const of = <T extends keyof SessionEventMap>(type: T): SessionEventMap[T][] => events.filter((event): event is SessionEventMap[T] => event.type === type);
  const until = async (what: string, holds: () => boolean, withinMs = 120_000): Promise<void> => {
    const untilMs = clock.now() + withinMs;
    while (!holds()) {
      if (clock.now() > untilMs) throw new Error(`${what} did not happen within ${withinMs} ms; the last events are ${events.slice(-5).map((event) => JSON.stringify(event).slice(0, 300)).join('\n')}`);
      for (let turn = 0; turn < 4; turn += 1) await turnOfTheLoop();
      clock.advance(10);
    }
  };
  let asked = 0;
  const talks = async (): Promise<void> => {
    const from = events.length;
    asked += 1;
    realtime.sendMessage(`menu? ${asked}`);
    await until('the answer', () => events.slice(from).some((event) => event.type === 'agent_end' && event.outcome === 'completed' && event.text === 'Half of our menu is vegetarian.'));
  };
  return { clock, emulator, session: realtime, events, of, until, talks };
}

async function opened(options: EmulatorOptions = {}, session: Partial<RealtimeSessionOptions> = {}): Promise<World> {
  const made = await world(options, session);
  let done = false;
  const connecting = made.session.connect().then(() => (done = true));
  await made.until('the connection', () => done);
  await connecting;
  return made;
}

const states = ({ of }: World): string[] => of('connection').map(({ connection }) => connection.state);
const codes = ({ of }: World): string[] => of('error').map(({ error }) => error.code);

/** The fault happens, the session notices, and when it is over talks on a new connection, with what was said before. */
async function survives(here: World, provoke: () => void): Promise<void> {
  await here.talks();
  provoke();
  await here.until('the loss', () => states(here).includes('reconnecting'));
  here.emulator.clearFaults();
  await here.until('the new connection', () => states(here).includes('resumed'));
  await here.talks();
  expect(here.session.history.filter((item) => item.type === 'message' && item.role === 'user' && item.text === 'menu? 1')).toHaveLength(1);
}

describe('latency', () => {
  test('delays the answer by as much as was asked, and the session waits', async () => {
    const fast = await opened();
    await fast.talks();
    const slow = await opened({ faults: [{ kind: 'latency', events: 'response.*', ms: 2_000, jitterMs: 500 }] });
    await slow.talks();
    const firstMs = (of: World): number => {
      const [start] = of.of('agent_start');
      const asked = of.of('history_added')[0];
      return (start?.info.timestamp ?? 0) - (asked?.info.timestamp ?? 0);
    };
    expect(firstMs(slow) - firstMs(fast)).toBeGreaterThanOrEqual(1_900);
    expect(firstMs(slow) - firstMs(fast)).toBeLessThanOrEqual(2_700);
    expect(codes(slow)).toEqual([]);
  });
});

describe('a socket that is dropped', () => {
  test('with the third delta of an answer', async () => {
    const here = await opened();
    await survives(here, () => {
      here.emulator.addFault({ kind: 'drop', onEvent: 'response.output_text.delta', nth: 3 });
      here.session.sendMessage('Where can I park?');
    });
  });

  test('at a time, with a close code of the server', async () => {
    const here = await opened();
    await survives(here, () => here.emulator.addFault({ kind: 'drop', afterMs: 500, code: 1011, reason: 'internal error' }));
    expect(here.of('connection').find(({ connection }) => connection.state === 'reconnecting')?.connection).toMatchObject({ reason: 'internal error' });
  });

  test('by the script, in the middle of an answer', async () => {
    const script = { name: 's', greeting: 'Hi.', turns: [{ when: ['menu'], reply: 'Half of our menu is vegetarian.' }, { when: ['crash'], reply: [{ say: 'Well.' }, { fault: { kind: 'drop' } as const }, { say: 'Never said.' }] }], fallback: 'Pardon?' };
    const here = await opened({ script });
    await survives(here, () => here.session.sendMessage('crash'));
    expect(JSON.stringify(here.events)).not.toContain('Never said.');
  });

  test('at a byte: just so many arrive, cut within a frame', async () => {
    const emulator = await startEmulator({ voice: VOICE, faults: [{ kind: 'drop', afterBytes: 700 }] });
    open.push(emulator);
    const socket = connect(emulator.port, '127.0.0.1');
    socket.write(`GET /v1/realtime HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`);
    const received = Buffer.concat((await socket.toArray()) as Buffer[]);
    expect(received.length).toBe(700);
    const head = received.indexOf('\r\n\r\n') + 4;
    expect(received.subarray(head).toString('utf8')).toContain('session.created');
    // The frame said that it is longer than what came of it.
    expect(received.readUInt16BE(head + 2)).toBeGreaterThan(received.length - head);
  });

  test('at a byte: the session goes on elsewhere', async () => {
    const here = await opened();
    await survives(here, () => {
      here.emulator.addFault({ kind: 'drop', afterBytes: 6_000 });
      here.session.sendMessage('Where can I park?');
    });
  });

  test('for good: the session ends with an error that says so', async () => {
    const here = await opened({}, { reconnect: { maxAttempts: 2 } });
    await here.talks();
    here.emulator.addFault({ kind: 'refuse', status: 503, times: 1_000 });
    here.emulator.addFault({ kind: 'drop' });
    await here.until('the end', () => here.session.state === 'closed');
    expect(codes(here)).toEqual(['MODEL_REFUSED']);
  });
});

describe('a connection that says nothing', () => {
  test.each<[string, Fault]>([
    ['half-open: nothing passes it, pings included', { kind: 'half-open' }],
    ['mute: what the model says is lost', { kind: 'mute' }],
  ])('%s', async (_name, fault) => {
    const here = await opened();
    await survives(here, () => {
      here.emulator.addFault(fault);
      here.session.sendMessage('Where can I park?');
    });
    expect(codes(here)).toContain('RESPONSE_TIMEOUT');
  });

  test('half-open and nothing owed: the unanswered ping tells', async () => {
    const here = await opened();
    await survives(here, () => here.emulator.addFault({ kind: 'half-open' }));
  });

  test('is shown half-open by pings that nobody answers, and mute by pings that are', async () => {
    for (const [kind, answered] of [['mute', true], ['half-open', false]] as const) {
      const emulator = await startEmulator({ voice: VOICE, faults: [{ kind, onEvent: 'input_audio_buffer.cleared' }] });
      open.push(emulator);
      const [client, other] = [await EmulatorClient.open(emulator.url), await EmulatorClient.open(emulator.url)];
      await client.next('session.created');
      client.send({ type: 'input_audio_buffer.clear' });
      let pongs = 0;
      client.socket.on('pong', () => (pongs += 1));
      client.socket.ping();
      // By the time the other's later request has gone there and back a few times, an answer would be here.
      for (let round = 0; round < 5; round += 1) {
        const from = other.events.length;
        other.send({ type: 'response.cancel' });
        await other.next('error', from);
      }
      expect([kind, pongs > 0, client.events.map((event) => event.type)]).toEqual([kind, answered, ['session.created']]);
      client.socket.terminate();
      await other.close();
    }
  });

  test('half-open for an hour is long enough', async () => {
    const clock = new ManualClock(1_000);
    const emulator = await startEmulator({ voice: VOICE, clock, sessionLimitMs: 10 * 3_600_000, faults: [{ kind: 'half-open' }] });
    open.push(emulator);
    const client = await EmulatorClient.open(emulator.url);
    clock.advance(3_599_999);
    expect(emulator.sessions).toBe(1);
    clock.advance(1);
    expect((await client.closed).code).toBe(1006);
  });

  test('mute for a while: the answer that was lost is missed, and the next one comes', async () => {
    const here = await opened();
    here.emulator.addFault({ kind: 'mute', forMs: 1_000 }, 1);
    here.session.sendMessage('Where can I park?');
    await here.until('the complaint', () => codes(here).includes('RESPONSE_TIMEOUT'));
    await here.until('the connection', () => states(here).at(-1) === 'resumed');
    await here.talks();
  });
});

describe('events that come twice, or late', () => {
  test('duplicated: each thing is in the history once', async () => {
    const here = await opened({ faults: [{ kind: 'duplicate' }] });
    await here.talks();
    await here.talks();
    expect(here.session.history.map((item) => (item.type === 'message' ? `${item.role}: ${item.text}` : item.type))).toEqual(['user: menu? 1', 'assistant: Half of our menu is vegetarian.', 'user: menu? 2', 'assistant: Half of our menu is vegetarian.']);
    expect(here.of('agent_end')).toHaveLength(2);
  });

  test('reordered: the same words in the same order', async () => {
    const here = await opened({ faults: [{ kind: 'reorder', chance: 0.5 }] }, { config: { outputModality: 'audio', transcription: { model: 'whisper-1' } } });
    await here.talks();
    expect(here.session.history.map((item) => (item.type === 'message' ? item.text : item.type))).toEqual(['menu? 1', 'Half of our menu is vegetarian.']);
    expect(codes(here)).toEqual([]);
  });
});

describe('messages that are none', () => {
  test.each(['not-json', 'not-an-object', 'cut', 'binary'] as const)('%s: an error of the protocol, and the session goes on', async (form) => {
    const here = await opened();
    here.emulator.addFault({ kind: 'malformed', form });
    await here.until('the complaint', () => here.of('error').some(({ error }) => error.code === 'PROTOCOL_BAD_EVENT'));
    await here.talks();
    expect(states(here)).toEqual(['connecting', 'open']);
  });

  test('an event that nobody knows is handed to the application as it is', async () => {
    const here = await opened();
    here.emulator.addFault({ kind: 'unknown-event' });
    await here.until('the event', () => here.of('raw_model_event').some(({ raw }) => (raw as { type?: string }).type === 'emulator.surprise'));
    await here.talks();
    expect(codes(here)).toEqual([]);
  });
});

describe('a handshake that is refused', () => {
  test('with 429: the connect rejects, says that it may be tried again, and the next one comes in', async () => {
    const here = await world({ faults: [{ kind: 'refuse', times: 1, retryAfterSeconds: 7 }] });
    const answer = await fetch(`http://127.0.0.1:${here.emulator.port}/v1/realtime`);
    expect(answer.status).toBe(426);
    let failure: unknown;
    here.session.connect().catch((error: unknown) => (failure = error));
    await here.until('the refusal', () => failure !== undefined);
    expect(failure).toMatchObject({ code: 'MODEL_REFUSED', retryable: true, status: 429, hint: expect.stringContaining('later') as string, message: expect.stringContaining('429') });
    const second = await EmulatorClient.open(here.emulator.url);
    await second.close();
  });

  test('while it reconnects: it tries again until it is let in', async () => {
    const here = await opened();
    await here.talks();
    here.emulator.addFault({ kind: 'refuse', status: 429, times: 3 });
    expect(here.emulator.addFault({ kind: 'drop' }, 1)).toBe(true);
    expect(here.emulator.addFault({ kind: 'drop' }, 99)).toBe(false);
    await here.until('the new connection', () => states(here).at(-1) === 'resumed');
    expect(states(here).filter((state) => state === 'reconnecting').length).toBeGreaterThanOrEqual(4);
    await here.talks();
  });
});

describe('a server that reads slowly', () => {
  test('takes what was sent as slowly as was asked, and the session stays and is answered', async () => {
    const here = await opened();
    here.emulator.addFault({ kind: 'slow-reader', bytesPerSecond: 150_000 });
    const startMs = here.clock.now();
    for (let chunk = 0; chunk < 100; chunk += 1) here.session.sendAudio(new Uint8Array(4_800));
    here.session.sendMessage('menu? slow');
    await here.until('the answer', () => here.of('agent_end').length > 0);
    // 10 s of sound are 640 kB of base64.
    expect(here.clock.now() - startMs).toBeGreaterThan(4_000);
    here.emulator.clearFaults();
    await here.talks();
  });
});

describe('a session whose time is up', () => {
  test('after so many ms: the error, the close, and a new connection', async () => {
    const here = await opened();
    await survives(here, () => here.emulator.addFault({ kind: 'expire', afterMs: 3_000 }));
  });
});

describe('a clock that is wrong', () => {
  test.each([-2 * 3_600_000, 2 * 3_600_000])('by %i ms: the session opens, talks, and does not go round in circles', async (ms) => {
    const here = await opened({ faults: [{ kind: 'clock-skew', ms }] });
    await here.talks();
    await here.until('a minute', () => here.clock.now() > 90_000);
    await here.talks();
    expect(states(here).filter((state) => state === 'rotating' || state === 'reconnecting').length).toBeLessThanOrEqual(1);
  });

  test('shows in what the session says of its end', async () => {
    const at = async (ms: number): Promise<number> => {
      const here = await world({ faults: [{ kind: 'clock-skew', ms }] });
      const client = await EmulatorClient.open(here.emulator.url);
      const { session } = (await client.next('session.created')) as unknown as { session: { expires_at: number } };
      await client.close();
      return session.expires_at;
    };
    expect((await at(-3_600_000)) - (await at(0))).toBe(-3_600);
  });
});

describe('the same seed', () => {
  test('gives the same run again, chance included', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const clock = new ManualClock(1_000);
      const emulator = await startEmulator({ voice: VOICE, clock, seed, faults: [{ kind: 'duplicate', chance: 0.5 }, { kind: 'latency', ms: 10, jitterMs: 40 }] });
      const client = await EmulatorClient.open(emulator.url);
      while (client.events.length === 0) {
        clock.advance(10);
        await turnOfTheLoop();
      }
      client.send({ type: 'response.create', response: { output_modalities: ['text'] } });
      while (!client.events.some((event) => event.type === 'rate_limits.updated')) {
        clock.advance(10);
        await turnOfTheLoop();
      }
      client.socket.terminate();
      await emulator.close();
      return client.events.slice(0, 30).map((event) => event.type);
    };
    const first = await run(42);
    expect(await run(42)).toEqual(first);
    expect(await run(43)).not.toEqual(first);
  });
});
