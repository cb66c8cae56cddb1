import { PCM16_24K, msToBytes } from '../../audio/index.js';
import { RealtimeAgent, RealtimeSession, SESSION_EVENT_TYPES } from '../../session/index.js';
import type { ModelInput, RealtimeSessionOptions, SessionEvent, SessionEventMap, Tool } from '../../session/index.js';
import { ManualClock } from '../../src/host/manual-clock.js';
import { scriptedModel } from '../../src/provider/scripted/scripted-model.js';
import type { ScriptedModel } from '../../src/provider/scripted/scripted-model.js';

export interface Harness {
  readonly clock: ManualClock;
  readonly model: ScriptedModel;
  readonly session: RealtimeSession;
  readonly events: SessionEvent[];
  of<T extends keyof SessionEventMap>(type: T): SessionEventMap[T][];
}

/** A session on a manual clock with a scripted model; every event is collected. It reconnects only where a test asks for it: the model's far end is the test. */
export function makeHarness(
  options: { agent?: RealtimeAgent; tools?: readonly Tool[]; model?: ScriptedModel } & Partial<Omit<RealtimeSessionOptions, 'model' | 'clock'>> = {},
): Harness {
  const { tools = [], model = scriptedModel(), agent = new RealtimeAgent({ name: 'Ava', instructions: 'Be brief.', tools }), ...rest } = options;
  const clock = new ManualClock(1_000);
  const session = new RealtimeSession(agent, { model, clock, sessionId: 'test', reconnect: false, ...rest });
  const events: SessionEvent[] = [];
  for (const type of SESSION_EVENT_TYPES) session.on(type, (event) => events.push(event));
  return {
    clock,
    model,
    session,
    events,
    of: (type) => events.filter((event): event is SessionEventMap[typeof type] => event.type === type),
  };
}

/** The same, connected. */
export async function openHarness(options: Parameters<typeof makeHarness>[0] = {}): Promise<Harness> {
  const harness = makeHarness(options);
  await harness.session.connect();
  return harness;
}

/** `ms` of PCM16 at 24 kHz, not silent. */
export function tone(ms: number): Uint8Array {
  return new Uint8Array(msToBytes(PCM16_24K, ms)).fill(0x11);
}

/** The model begins a spoken reply and sends its text and `audioMs` of audio, as fast as it can. */
export function replyBegins(responseId: string, itemId: string, text: string, audioMs: number, metadata?: Record<string, string>): ModelInput[] {
  return [
    { type: 'response_created', responseId, ...(metadata === undefined ? {} : { metadata }) },
    { type: 'output_item_added', responseId, outputIndex: 0, item: { type: 'message', id: itemId, role: 'assistant', status: 'in_progress', content: [] } },
    { type: 'output_text_delta', of: 'audio', responseId, itemId, contentIndex: 0, delta: text },
    ...(audioMs > 0 ? [{ type: 'audio_delta', responseId, itemId, contentIndex: 0, bytes: tone(audioMs) } as const] : []),
  ];
}

/** The end of that reply. */
export function replyEnds(responseId: string, itemId: string, text: string, status: 'completed' | 'cancelled' = 'completed'): ModelInput[] {
  const item = {
    type: 'message',
    id: itemId,
    role: 'assistant',
    status: status === 'completed' ? 'completed' : 'incomplete',
    content: [{ type: 'output_audio', transcript: text }],
  } as const;
  return [
    { type: 'audio_done', responseId, itemId, contentIndex: 0 },
    { type: 'output_text_done', of: 'audio', responseId, itemId, contentIndex: 0, text },
    { type: 'item_done', item },
    { type: 'output_item_done', responseId, outputIndex: 0, item },
    { type: 'response_done', responseId, status, output: [item] },
  ];
}

export function speechStarts(itemId: string, audioStartMs = 0): ModelInput {
  return { type: 'speech_started', itemId, audioStartMs };
}
