import type { Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { RealtimeAgent, RealtimeSession, SESSION_EVENT_TYPES } from '../../session/index.js';
import type { HistoryItem, RealtimeSessionOptions, SessionEvent, SessionEventMap } from '../../session/index.js';
import { createVoice, startEmulator } from '../../src/emulator/index.js';
import type { EmulatorOptions } from '../../src/emulator/server.js';
import { systemClock } from '../../src/host/system-clock.js';
import { openaiRealtime } from '../../src/provider/openai/openai-realtime.js';

export interface WireEvent {
  readonly type: string;
  readonly event_id?: string;
  readonly [field: string]: unknown;
}

/** An emulator with a tap on its wire: everything that passes is kept, and the wire may be cut. */
export interface TappedEmulator extends AsyncDisposable {
  readonly url: string;
  /** What the session sent and heard, over all its connections, without the audio. */
  readonly sent: WireEvent[];
  readonly heard: WireEvent[];
  /** How many connections there have been. */
  readonly connections: number;
  /** May say something to the emulator before the session's event does. */
  onSent: (event: WireEvent, say: (event: WireEvent) => void) => void;
  /** What of the emulator's events reaches the session under another name, as from a server that has changed its words. */
  readonly renamed: Map<string, string>;
  /** The session's socket ends without a handshake: closed by the system, reset, or after half a message. */
  kill(how: 'destroyed' | 'reset' | 'half a message'): void;
  /** The ids of the emulator's conversation on the newest connection, in order, as it told them. */
  items(): string[];
  /** The emulator's own copy of an item; `undefined` when it has none. */
  retrieve(itemId: string): Promise<Record<string, unknown> | undefined>;
  /** Waits until something holds of what has passed. */
  until(holds: () => boolean): Promise<void>;
  close(): Promise<void>;
}

interface Link {
  readonly near: WebSocket;
  readonly far: WebSocket;
  readonly items: string[];
  readonly asked: Map<string, (item: Record<string, unknown> | undefined) => void>;
}

export async function tappedEmulator(options: Partial<EmulatorOptions> = {}): Promise<TappedEmulator> {
  const emulator = await startEmulator({ voice: createVoice({ synthesizers: [] }), pace: 50, thinkMs: 20, ...options });
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: (offered) => (offered.has('realtime') ? 'realtime' : false) });
  await new Promise((resolve) => server.once('listening', resolve));
  const links: Link[] = [];
  const waiting = new Set<() => void>();
  const isAudio = ({ type }: WireEvent): boolean => type === 'input_audio_buffer.append' || type === 'response.output_audio.delta';

  server.on('connection', (near, request) => {
    const far = new WebSocket(`${emulator.url}${new URL(request.url ?? '', 'ws://tap').search}`);
    const link: Link = { near, far, items: [], asked: new Map() };
    links.push(link);
    const say = (event: WireEvent): void => far.send(JSON.stringify(event));
    const early: Buffer[] = [];
    const forward = (data: Buffer): void => {
      const event = JSON.parse(data.toString()) as WireEvent;
      if (!isAudio(event)) tap.sent.push(event);
      tap.onSent(event, say);
      say(event);
    };
    far.on('open', () => early.splice(0).forEach(forward));
    near.on('message', (data: Buffer) => (far.readyState === WebSocket.OPEN ? forward(data) : void early.push(data)));
    far.on('message', (data: Buffer) => {
      const event = JSON.parse(data.toString()) as WireEvent;
      if (isAnswered(link, event)) return;
      follow(link.items, event);
      if (!isAudio(event)) tap.heard.push(event);
      const type = tap.renamed.get(event.type);
      if (near.readyState === WebSocket.OPEN) near.send(type === undefined ? data.toString() : JSON.stringify({ ...event, type }));
      for (const look of waiting) look();
    });
    far.on('close', (code, reason) => near.close(code === 1006 ? 1011 : code, reason.toString()));
    near.on('close', () => far.close());
    for (const socket of [near, far]) socket.on('error', () => {});
  });

  const tap: TappedEmulator = {
    url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/v1/realtime`,
    sent: [],
    heard: [],
    get connections() {
      return links.length;
    },
    onSent: () => {},
    renamed: new Map(),
    kill(how) {
      const socket = (links.at(-1)?.near as unknown as { _socket: Socket })._socket;
      if (how === 'reset') return void socket.resetAndDestroy();
      // A text frame of 4 096 bytes of which 20 come.
      if (how === 'half a message') return void socket.write(Buffer.concat([Buffer.from([0x81, 0x7e, 0x10, 0x00]), Buffer.from('{"type":"response.do')]), () => socket.destroy());
      socket.destroy();
    },
    items: () => [...(links.at(-1)?.items ?? [])],
    retrieve: (itemId) =>
      new Promise((resolve) => {
        const link = links.at(-1) as Link;
        link.asked.set(`tap_${itemId}`, resolve);
        link.far.send(JSON.stringify({ type: 'conversation.item.retrieve', event_id: `tap_${itemId}`, item_id: itemId }));
      }),
    until: (holds) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!holds()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    async close() {
      for (const { near, far } of links) for (const socket of [near, far]) socket.terminate();
      await emulator.close();
      await new Promise((resolve) => server.close(resolve));
    },
    [Symbol.asyncDispose]: () => tap.close(),
  };
  return tap;
}

/** The answer to a question of the tap's own is not the session's. */
function isAnswered({ asked }: Link, event: WireEvent): boolean {
  const error = event.type === 'error' ? (event['error'] as { event_id?: string }) : undefined;
  const item = event.type === 'conversation.item.retrieved' ? (event['item'] as { id: string }) : undefined;
  const key = item === undefined ? error?.event_id : `tap_${item.id}`;
  const answer = key === undefined ? undefined : asked.get(key);
  if (answer === undefined || key === undefined) return false;
  asked.delete(key);
  answer(item);
  return true;
}

/** Follows the emulator's conversation by what it tells of it. */
function follow(items: string[], event: WireEvent): void {
  if (event.type === 'conversation.item.added') {
    const { id } = event['item'] as { id: string };
    const before = event['previous_item_id'];
    items.splice(before === null ? 0 : items.indexOf(before as string) + 1, 0, id);
  }
  if (event.type === 'conversation.item.deleted') items.splice(items.indexOf(event['item_id'] as string), 1);
}

export interface TappedSession extends AsyncDisposable {
  readonly session: RealtimeSession;
  readonly events: SessionEvent[];
  of<Type extends keyof SessionEventMap>(type: Type): SessionEventMap[Type][];
  /** The next event of a type that fits, or one that was there. */
  next<Type extends keyof SessionEventMap>(type: Type, fits?: (event: SessionEventMap[Type]) => boolean): Promise<SessionEventMap[Type]>;
}

/** A session on the real clock and real sockets; every event is kept. */
export async function sessionOn(url: string | readonly string[], agent = new RealtimeAgent({ name: 'Ada' }), options: Partial<RealtimeSessionOptions> = {}): Promise<TappedSession> {
  const model = [url].flat().map((each) => openaiRealtime({ url: each }));
  const session = new RealtimeSession(agent, { model, clock: systemClock, reconnect: { baseDelayMs: 10 }, ...options });
  const events: SessionEvent[] = [];
  const waiting = new Set<() => void>();
  for (const type of SESSION_EVENT_TYPES) {
    session.on(type, (event) => {
      events.push(event);
      for (const look of waiting) look();
    });
  }
  await session.connect();
  const of = <Type extends keyof SessionEventMap>(type: Type): SessionEventMap[Type][] => events.filter((event): event is SessionEventMap[Type] => event.type === type);
  return {
    session,
    events,
    of,
    next: (type, fits = () => true) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = of(type).find(fits);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    [Symbol.asyncDispose]: () => session.close(),
  };
}

/** What an item says, as the emulator has it and as the session has it. */
export function wireText(item: Record<string, unknown> | undefined): string {
  if (item?.['type'] === 'function_call') return `${item['name'] as string}(${item['arguments'] as string})`;
  if (item?.['type'] === 'function_call_output') return item['output'] as string;
  return ((item?.['content'] ?? []) as { text?: string; transcript?: string | null }[]).flatMap(({ text, transcript }) => text ?? transcript ?? []).join('\n');
}

export function historyText(item: HistoryItem): string {
  if (item.type === 'function_call') return `${item.name}(${item.arguments})`;
  if (item.type === 'function_call_output') return item.output;
  return item.type === 'message' ? item.text : '';
}
