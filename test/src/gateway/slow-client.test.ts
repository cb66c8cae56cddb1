/** A client that stops reading costs what is stated, and nobody but itself. */
import { afterEach, describe, expect, it } from 'vitest';
import { RealtimeAgent, silentLogger } from '../../../session/index.js';
import type { ModelInput, RealtimeModel } from '../../../session/index.js';
import { startGateway } from '../../../src/gateway/index.js';
import { gatewayLimits } from '../../../src/gateway/limits.js';
import type { GatewayLimits } from '../../../src/gateway/limits.js';
import { VoiceConnection } from '../../../src/gateway/voice-connection.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { decodeAudioFrame, offeredSubprotocols } from '../../../src/protocol/voicewire/index.js';
import type { GatewayMessage } from '../../../src/protocol/voicewire/index.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import type { ScriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import type { Transport, TransportClose, TransportHandlers } from '../../../src/transport/transport.js';
import { connectWebSocket } from '../../../src/transport/ws-client.js';
import { heldBytes } from '../../helpers/heap.js';
import { settle } from '../../helpers/settle.js';
import { openVoiceSocket } from './voice-socket.js';

const MIB = 1024 * 1024;
const SECOND = 24_000;

/** The gateway's end of a socket whose client reads nothing until it is told to: every byte that is sent waits. */
class StuckTransport implements Transport {
  readonly protocol = 'voicewire.v1';
  readonly sent: (string | Uint8Array)[] = [];
  bufferedBytes = 0;
  peakBytes = 0;
  closed: { readonly code: number; readonly reason: string } | undefined;
  #handlers: TransportHandlers | undefined;

  listen(handlers: TransportHandlers): void {
    this.#handlers = handlers;
  }
  send(data: string | Uint8Array): void {
    if (this.closed !== undefined) return;
    this.sent.push(data);
    this.bufferedBytes += data.length;
    this.peakBytes = Math.max(this.peakBytes, this.bufferedBytes);
  }
  deliver(message: object): void {
    this.#handlers?.onMessage(JSON.stringify(message));
  }
  readsOn(): void {
    this.bufferedBytes = 0;
  }
  pause(): void {}
  resume(): void {}
  close(code = 1000, reason = ''): Promise<TransportClose> {
    this.closed ??= { code, reason };
    return Promise.resolve({ ...this.closed, byUs: true });
  }
  destroy(): void {
    this.closed ??= { code: 1006, reason: '' };
  }
}

/** A call whose client has said `start` and reads no more. */
async function stuck(limits: Partial<GatewayLimits> = {}): Promise<{ clock: ManualClock; model: ScriptedModel; transport: StuckTransport; connection: VoiceConnection }> {
  const clock = new ManualClock();
  const model = scriptedModel();
  const transport = new StuckTransport();
  const connection = new VoiceConnection(transport, {
    ...{ model, agent: () => new RealtimeAgent({ name: 'Ava' }), describeModel: { label: 'm' }, connection: { reconnect: false } },
    ...{ greeting: false, anomalies: false, limits: gatewayLimits(limits), clock, logger: silentLogger, totals: { calls: 0, turns: 0 } },
  });
  transport.deliver({ type: 'start', client: 'test', audio: true });
  await clock.advanceAsync(10);
  return { clock, model, transport, connection };
}

function answer(id: string): ModelInput[] {
  const item = { type: 'message' as const, id: `item_${id}`, role: 'assistant' as const, status: 'in_progress' as const, content: [] };
  return [
    { type: 'response_created', responseId: `resp_${id}` },
    { type: 'output_item_added', responseId: `resp_${id}`, outputIndex: 0, item },
    { type: 'item_added', item },
  ];
}

const words = (id: string, delta: string): ModelInput => ({ type: 'output_text_delta', of: 'audio', responseId: `resp_${id}`, itemId: `item_${id}`, contentIndex: 0, delta });
const sound = (id: string, samples: number): ModelInput => ({ type: 'audio_delta', responseId: `resp_${id}`, itemId: `item_${id}`, contentIndex: 0, bytes: new Uint8Array(samples * 2).fill(1) });

const isText = (data: string | Uint8Array): data is string => typeof data === 'string';
const messagesOf = (sent: readonly (string | Uint8Array)[]): GatewayMessage[] => sent.filter(isText).map((text) => JSON.parse(text) as GatewayMessage);
const eventsOf = (sent: readonly (string | Uint8Array)[]) => messagesOf(sent).flatMap((message) => (message.type === 'event' ? [message.event] : []));
const deltasOf = (sent: readonly (string | Uint8Array)[]): string[] => eventsOf(sent).flatMap((event) => (event.type === 'transcript_delta' ? [event.delta] : []));
const samplesIn = (sent: readonly (string | Uint8Array)[]): number => sent.reduce((sum, data) => sum + (isText(data) ? 0 : decodeAudioFrame(data, 'agent').pcm.length / 2), 0);

describe('a client that stops reading', () => {
  it('holds 4 MiB and one message at most while its model says 50 MB a second, and is let go with 1013 at once', async () => {
    const { clock, model, transport, connection } = await stuck();
    const delta = 'x'.repeat(50_000);
    model.push(...answer('1'));
    let said = 0;
    // 60 s of it would be 3 GB; the model is let go long before.
    while (transport.closed === undefined && said < 3_000_000_000) {
      for (let part = 0; part < 100 && transport.closed === undefined; part += 1) {
        model.push(sound('1', 2_400), words('1', delta));
        said += delta.length + 4_800;
      }
      await clock.advanceAsync(100, 100);
    }
    expect(transport.closed).toEqual({ code: 1013, reason: 'CLIENT_TOO_SLOW' });
    expect(transport.peakBytes).toBeGreaterThan(4 * MIB);
    expect(transport.peakBytes).toBeLessThan(4 * MIB * 1.1);
    await connection.done;
    expect(() => model.push(words('1', delta))).toThrow(/no connection/);
    const sentUntilThen = transport.sent.length;
    await clock.advanceAsync(60_000, 1_000);
    expect(transport.sent.length).toBe(sentUntilThen);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is let go with 1013 when it has left more than 1 MiB unread for 10 s', async () => {
    const { clock, model, transport } = await stuck();
    model.push(...answer('1'));
    let overAtMs = Infinity;
    let closedAtMs = Infinity;
    for (let atMs = 0; atMs < 60_000 && closedAtMs === Infinity; atMs += 100) {
      model.push(words('1', 'y'.repeat(8_000)));
      if (transport.bufferedBytes > MIB) overAtMs = Math.min(overAtMs, clock.now());
      await clock.advanceAsync(100, 100);
      if (transport.closed !== undefined) closedAtMs = clock.now();
    }
    expect(transport.closed).toEqual({ code: 1013, reason: 'CLIENT_TOO_SLOW' });
    expect(closedAtMs - overAtMs).toBeGreaterThanOrEqual(10_000);
    // The limit is looked at twice a second.
    expect(closedAtMs - overAtMs).toBeLessThanOrEqual(10_000 + 500 + 100);
  });

  it('for 60 s gets all of control in order when it reads on, holds 9 s of sound at most, and is told each sample that was dropped', async () => {
    const { clock, model, transport } = await stuck({ maxPendingAudioMs: 5_000, maxCallMs: 600_000 });
    model.push(...answer('1'));
    const wanted: string[] = [];
    for (let atMs = 0; atMs < 60_000; atMs += 100) {
      wanted.push(`word ${atMs} `);
      model.push(words('1', `word ${atMs} `), sound('1', SECOND / 10));
      await clock.advanceAsync(100, 100);
    }
    expect(transport.closed).toBeUndefined();
    expect(transport.peakBytes).toBeLessThan(MIB);
    expect(samplesIn(transport.sent)).toBe(4 * SECOND);
    expect(deltasOf(transport.sent)).toEqual(wanted);
    const told = eventsOf(transport.sent).flatMap((event) => (event.type === 'pressure' && event.queue === 'agent_audio' ? [event.dropped] : []));
    expect(told.reduce((sum, dropped) => sum + dropped, 0)).toBe((60 - 4 - 5) * SECOND);
    transport.readsOn();
    transport.deliver({ type: 'playback', epoch: 0, item: 1, samples: 4 * SECOND });
    transport.deliver({ type: 'playback', epoch: 0, item: 1, samples: 8 * SECOND });
    expect(samplesIn(transport.sent)).toBe(9 * SECOND);
  });

  it('gets no sound into a full socket, and what it missed when it reads on', async () => {
    const { clock, model, transport } = await stuck({ maxBufferedBytes: 20_000 });
    model.push(...answer('1'), words('1', 'z'.repeat(20_000)), sound('1', SECOND));
    await clock.advanceAsync(3_000, 500);
    expect(samplesIn(transport.sent)).toBe(0);
    transport.readsOn();
    await clock.advanceAsync(500, 500);
    expect(samplesIn(transport.sent)).toBe(SECOND);
  });
});

// ---- on real sockets ----

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

describe('beside a client that does not read, on real sockets', () => {
  it('another one hears every word at once, and what the first one held is given back', async () => {
    const [stuckModel, otherModel] = [scriptedModel(), scriptedModel()];
    let connects = 0;
    let letGo = false;
    const model: RealtimeModel = {
      label: 'scripted',
      connect: (options) => (connects++ === 0 ? stuckModel.connect({ ...options, onClose: (close) => ((letGo = true), options.onClose(close)) }) : otherModel.connect(options)),
    };
    const gateway = await startGateway({ port: 0, model, agent: new RealtimeAgent({ name: 'Ava' }), greeting: false, anomalies: false, connection: { reconnect: false }, clock: new ManualClock() });
    open.push(gateway);

    const transport = await connectWebSocket(gateway.socketUrl, { protocols: offeredSubprotocols() });
    open.push({ close: () => Promise.resolve(transport.destroy()) });
    const received: (string | Uint8Array)[] = [];
    let confirmReady = (): void => {};
    const ready = new Promise<void>((resolve) => (confirmReady = resolve));
    const closed = new Promise<TransportClose>((resolve) =>
      transport.listen({
        onMessage(data) {
          received.push(data);
          if (isText(data) && data.includes('"ready"')) confirmReady();
        },
        onClose: resolve,
      }),
    );
    transport.send(JSON.stringify({ type: 'start', client: 'stuck', audio: true }));
    await ready;
    transport.pause();

    const other = await openVoiceSocket(gateway);
    other.send({ type: 'start', client: 'other', audio: true });
    await other.next('ready');
    otherModel.push(...answer('o'));
    stuckModel.push(...answer('1'));

    const before = await heldBytes();
    let pushed = 0;
    let rounds = 0;
    while (!letGo && pushed < 256 * MIB) {
      for (let part = 0; part < 16 && !letGo; part += 1) {
        const delta = `${rounds}.${part} `.padEnd(65_536, 'x');
        pushed += delta.length;
        stuckModel.push(words('1', delta));
      }
      // In the middle of it the other one talks on; each word arrives before the next one is said.
      otherModel.push(words('o', `word ${rounds} `));
      expect(await other.nextEvent('transcript_delta')).toMatchObject({ delta: `word ${rounds} ` });
      rounds += 1;
      await settle();
    }
    expect(letGo).toBe(true);

    // The last frame waits behind what was not read.
    transport.resume();
    expect(await closed).toMatchObject({ code: 1013, reason: 'CLIENT_TOO_SLOW', byUs: false });
    const deltas = deltasOf(received).map((delta) => delta.split(' ')[0]);
    expect(deltas.length).toBeGreaterThan(4);
    expect(deltas).toEqual(Array.from({ length: deltas.length }, (_, index) => `${Math.floor(index / 16)}.${index % 16}`));
    otherModel.push(words('o', 'and on'));
    expect(await other.nextEvent('transcript_delta')).toMatchObject({ delta: 'and on' });
    received.length = 0;
    expect((await heldBytes()) - before).toBeLessThan(2 * MIB);
  });
});
