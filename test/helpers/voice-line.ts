import { RealtimeAgent, silentLogger } from '../../session/index.js';
import type { BargeInOptions, RealtimeModel } from '../../session/index.js';
import { ClockSpeaker, VoiceClient } from '../../src/client/index.js';
import type { Microphone, VoiceClientEvent } from '../../src/client/index.js';
import { gatewayLimits } from '../../src/gateway/limits.js';
import { VoiceConnection } from '../../src/gateway/voice-connection.js';
import { ManualClock } from '../../src/host/manual-clock.js';
import { scriptedTransport } from '../../src/transport/scripted.js';
import type { FarEnd } from '../../src/transport/scripted.js';

export interface VoiceLine {
  readonly clock: ManualClock;
  readonly client: VoiceClient;
  readonly events: VoiceClientEvent[];
  /** Everything of type text that the gateway sent, in order. */
  readonly told: readonly { readonly type: string; readonly atMs: number }[];
  /** Lets `ms` pass, in steps: every 20 ms the loudspeaker plays and the microphone hears. */
  run(ms: number, stepMs?: number): void;
}

export interface VoiceLineOptions {
  readonly model: RealtimeModel;
  readonly bargeIn?: BargeInOptions;
  /** How long a message travels, one way. */
  readonly delayMs: number;
  /** Gets each 20 ms that the loudspeaker played (`samples`), from `atMs` on, and gives what the microphone heard meanwhile. */
  readonly room: (samples: Int16Array, atMs: number) => Int16Array;
}

/** A whole call in virtual time: room, voice client, a line that takes its time, gateway, session, and the model of a test. */
export async function openVoiceLine({ model, bargeIn, delayMs, room }: VoiceLineOptions): Promise<VoiceLine> {
  const clock = new ManualClock(1_000);
  const near = scriptedTransport({ protocol: 'voicewire.v1', clock });
  const gateway = scriptedTransport({ protocol: 'voicewire.v1', clock });
  const told: { type: string; atMs: number }[] = [];
  const carry = (from: FarEnd, to: FarEnd, seen: (data: string | Uint8Array) => void = () => {}): (() => void) => {
    let at = 0;
    return () => {
      for (; at < from.sent.length; at += 1) {
        const data = from.sent[at] as string | Uint8Array;
        seen(data);
        clock.after(delayMs, () => to.deliver(data));
      }
    };
  };
  const up = carry(near.far, gateway.far);
  const down = carry(gateway.far, near.far, (data) => {
    if (typeof data === 'string') told.push({ type: (JSON.parse(data) as { type: string }).type, atMs: clock.now() });
  });
  const agent = new RealtimeAgent({ name: 'Ava' });
  new VoiceConnection(gateway.transport, {
    ...{ model, agent: () => agent, describeModel: { label: 'test' }, greeting: false, clock, logger: silentLogger },
    ...{ limits: gatewayLimits({}), totals: { calls: 0, turns: 0 } },
    ...(bargeIn === undefined ? {} : { bargeIn }),
  });
  let hear: (samples: Int16Array) => void = () => {};
  const microphone: Microphone = { start: (onSamples) => (hear = onSamples), stop: () => (hear = () => {}) };
  const speaker = new ClockSpeaker({ clock, sink: (samples, firstSample) => hear(room(samples, 1_000 + firstSample / 24)) });
  const client = new VoiceClient({ url: 'http://127.0.0.1:1', client: 'test', clock, speaker, microphone, openSocket: () => Promise.resolve(near.transport) });
  const events: VoiceClientEvent[] = [];
  for (const type of ['event', 'cleared', 'paused', 'resumed', 'error', 'closed'] as const) client.on(type, (event) => events.push(event));
  const connecting = client.connect();
  for (let turn = 0; turn < 200 && client.state !== 'open'; turn += 1) {
    await clock.advanceAsync(1);
    up();
    down();
  }
  await connecting;
  return {
    ...{ clock, client, events, told },
    run(ms, stepMs = 1) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        clock.advance(stepMs);
        up();
        down();
      }
    },
  };
}
