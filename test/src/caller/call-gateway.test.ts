import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RealtimeAgent } from '../../../session/index.js';
import type { Emulator } from '../../../src/emulator/index.js';
import { createVoice, startEmulator } from '../../../src/emulator/index.js';
import { startGateway } from '../../../src/gateway/index.js';
import type { Gateway, GatewayOptions } from '../../../src/gateway/index.js';
import { systemClock } from '../../../src/host/system-clock.js';
import { openaiRealtime } from '../../../src/provider/openai/openai-realtime.js';
import { CallerError, caller, voicewireMatchers } from '../../../src/testing.js';

beforeAll(() => expect.extend(voicewireMatchers));

let emulator: Emulator | undefined;
let gateway: Gateway | undefined;
afterEach(async () => {
  await gateway?.close();
  await emulator?.close();
});

/** Its clock shows another time than the caller's, as that of another machine does. */
async function startCallee(options: Partial<GatewayOptions> = {}): Promise<string> {
  emulator = await startEmulator({ voice: createVoice({ synthesizers: [] }) });
  const clock = { ...systemClock, now: () => systemClock.now() + 5_000_000 };
  gateway = await startGateway({ port: 0, model: openaiRealtime({ url: emulator.url }), agent: () => new RealtimeAgent({ name: 'Aurora' }), clock, ...options });
  return gateway.url;
}

describe('a scripted caller and a gateway', () => {
  it('talk through a socket, and the call is measured on the caller\'s clock', async () => {
    const url = await startCallee();
    const stop = fileURLToPath(new URL('../../../fixtures/audio/caller-stop.wav', import.meta.url));
    const call = await caller().hears('evening').interrupts(stop, { afterMs: 0 }).untilAgentSpeaks().waits(200).hangsUp().dials({ url });
    expect(call).toSayWithin(/good evening/i, 20_000);
    expect(call).toInterruptWithin(20_000);
    expect(call).toNeverSay(/pizza/);
    expect(call).not.toCallTool('book_table');
    expect(call.heard?.samples.some((sample) => Math.abs(sample) > 1_000)).toBe(true);
    const times = call.events.map(({ info }) => info.timestamp);
    // Nothing is told before the call began by the caller's own clock, whatever that of the gateway shows.
    expect(Math.min(...times)).toBeGreaterThan((call.heard?.startMs ?? Infinity) - 1_000);
    expect(Math.max(...times)).toBeLessThan(systemClock.now() + 1_000);
    const marks = call.events.flatMap((event) => (event.type === 'turn_metrics' ? Object.values(event.marks) : []));
    expect(marks.length).toBeGreaterThan(0);
    expect(Math.max(...marks)).toBeLessThan(systemClock.now() + 1_000);
  });

  it('a gateway that is not there, and one that ends the call', async () => {
    await expect(caller().says('Hello.').dials({ url: 'http://127.0.0.1:9' })).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE' });
    const url = await startCallee({ limits: { maxCallMs: 300 } });
    const error = await caller().waits(60_000).says('Hello?').dials({ url }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CallerError);
    expect(error).toMatchObject({ code: 'CALL_ENDED_EARLY', step: 1 });
  });

  it('a signal stops the call with its own reason', async () => {
    const url = await startCallee();
    const stopping = new AbortController();
    const reason = new Error('enough');
    const call = caller().untilAgentSpeaks().waits(60_000).dials({ url, signal: stopping.signal, onFrame: () => stopping.abort(reason) });
    await expect(call).rejects.toBe(reason);
  });
});
