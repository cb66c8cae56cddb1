/** Calls with the emulator on the manual clock, each the same whenever it is made: what fixtures/recordings is made of. */
import { readFileSync } from 'node:fs';
import { MULAW_8K, decodeWav, encodeMulaw, mixToMono, msToBytes, resampleWhole } from '../../audio/index.js';
import { RealtimeAgent, RealtimeSession, handoff, tool } from '../../session/index.js';
import type { RealtimeModel, RealtimeSessionOptions, SessionRecorder, Tool } from '../../session/index.js';
import { z } from 'zod';
import { ManualClock } from '../../src/host/manual-clock.js';
import type { Script } from '../../src/emulator/index.js';
import { demoScript } from '../../src/emulator/index.js';
import { EmulatedModel } from './emulated-model.js';
import type { WireListener } from './emulated-model.js';

export interface Call {
  readonly clock: ManualClock;
  readonly model: EmulatedModel;
  readonly session: RealtimeSession;
  /** The caller is silent, and the microphone is on. */
  silence(ms: number): Promise<void>;
  /** The caller says what is in this file of `fixtures/audio`. */
  says(file: string): Promise<void>;
  /** Time passes; nothing comes from the microphone. */
  waits(ms: number): Promise<void>;
}

export interface Scenario {
  readonly name: string;
  readonly proves: string;
  readonly options?: Partial<RealtimeSessionOptions>;
  readonly script?: Script;
  readonly agent?: () => RealtimeAgent;
  readonly run: (call: Call) => Promise<void>;
}

/** A telephone's: the recordings stay small. */
const FORMATS = { inputFormat: MULAW_8K, outputFormat: MULAW_8K, transcription: { model: 'emulated' } } as const;
const CHUNK_MS = 20;
const REPORT_EVERY_MS = 40;
const STARTED_AT_MS = 1_000;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'greeting',
    proves: 'the agent speaks first, the caller answers, and all of it is heard',
    run: async ({ session, silence, says }) => {
      session.respond();
      await silence(3_400);
      await says('caller-hello.wav');
      await silence(1_500);
    },
  },
  {
    name: 'tool-call',
    proves: 'a tool that takes 400 ms: arguments in pieces, its span, one output, the answer after it; the turn\'s latency',
    run: async ({ session, silence }) => {
      session.sendMessage('A table for two tomorrow at seven, please.');
      await silence(4_000);
    },
  },
  {
    name: 'barge-in',
    proves: 'the caller speaks over a long answer: what was heard is cut to the millisecond that the listener reported',
    options: { playback: 'reported' },
    run: async ({ session, silence, says }) => {
      session.sendMessage('Where can I park?');
      await silence(3_000);
      await says('caller-stop.wav');
      await silence(1_500);
    },
  },
  {
    name: 'queued-items',
    proves: 'two answers wait to be heard when the call is interrupted: the one that sounds is cut, the other is cut at 0',
    options: { playback: 'reported' },
    run: async ({ session, silence }) => {
      session.sendMessage('Where can I park?');
      await silence(1_000);
      session.respond({ instructions: 'Say it again.' }, { priority: 'answer' });
      await silence(2_800);
      session.interrupt();
      await silence(1_000);
    },
  },
  {
    name: 'hand-off',
    proves: 'another agent takes over: its instructions are confirmed before it speaks, and it speaks once',
    script: { ...demoScript, turns: [{ when: ['bookings'], call: { name: 'transfer_to_bookings', arguments: { reason: 'wants to book' } }, reply: 'With pleasure.' }, ...demoScript.turns] },
    agent: () => {
      const bookings = new RealtimeAgent({ name: 'Bookings', instructions: 'You take bookings.', tools: [bookTable()] });
      return new RealtimeAgent({ name: 'Reception', instructions: 'You answer the telephone.', handoffs: [handoff({ to: bookings, toolName: 'transfer_to_bookings' })] });
    },
    run: async ({ session, silence }) => {
      session.sendMessage('Put me through to bookings.');
      await silence(2_500);
    },
  },
  {
    name: 'reconnect',
    proves: 'the connection is lost in the midst of an answer: a new one is told the conversation, and the call goes on',
    run: async ({ session, model, silence }) => {
      session.sendMessage('When are you open?');
      await silence(400);
      model.cut();
      await silence(1_500);
      session.sendMessage('Where can I park?');
      await silence(2_000);
    },
  },
  {
    name: 'failure',
    proves: 'a tool that throws is an answer to the model; a model that is gone for good ends the session, and says why',
    options: { reconnect: { maxAttempts: 2, baseDelayMs: 100 } },
    agent: () => new RealtimeAgent({ name: 'Aurora', instructions: 'Be brief.', tools: [bookTable(() => Promise.reject(new Error('The book is not here.')))] }),
    run: async ({ session, model, silence, waits }) => {
      session.sendMessage('A table for two tomorrow at seven, please.');
      await silence(1_500);
      model.refuses = true;
      model.cut(1011, 'internal error');
      await waits(2_000);
    },
  },
  {
    name: 'push-to-talk',
    proves: 'the model detects no turns: the caller holds a key while speaking and lets it go',
    options: { config: { ...FORMATS, turnDetection: null } },
    run: async ({ session, says, waits }) => {
      await waits(500);
      await says('caller-hello.wav');
      session.commit();
      await waits(2_500);
      await says('caller-stop.wav');
      session.commit();
      await waits(2_500);
    },
  },
];

/** Plays a scenario and closes the session. `recorder` and `listener` see it from the start. */
export async function playScenario(scenario: Scenario, recorder?: SessionRecorder, listener: WireListener = {}, clock = new ManualClock(STARTED_AT_MS)): Promise<RealtimeSession> {
  const model = new EmulatedModel(clock, scenario.script === undefined ? {} : { script: scenario.script }, listener);
  const session = scenarioSession(scenario, clock, model, recorder);
  if (scenario.options?.playback === 'reported') listen(session, clock);
  const opening = session.connect();
  await model.advance(500);
  await opening;
  const speak = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length; at += msToBytes(MULAW_8K, CHUNK_MS)) {
      if (session.state === 'open') session.sendAudio(bytes.subarray(at, at + msToBytes(MULAW_8K, CHUNK_MS)));
      await model.advance(CHUNK_MS);
    }
  };
  await scenario.run({
    clock,
    model,
    session,
    silence: (ms) => speak(new Uint8Array(msToBytes(MULAW_8K, ms)).fill(0xff)),
    says: (file) => speak(callerAudio(file)),
    waits: (ms) => model.advance(ms),
  });
  await session.close();
  return session;
}

/** The session of a scenario, with whatever model. */
export function scenarioSession(scenario: Scenario, clock: ManualClock, model: RealtimeModel, recorder?: SessionRecorder): RealtimeSession {
  slowTools.clock = clock;
  const session = new RealtimeSession(scenario.agent?.() ?? new RealtimeAgent({ name: 'Aurora', instructions: 'Be brief.', tools: [bookTable()] }), {
    model,
    clock,
    sessionId: `sess_${scenario.name}`,
    config: FORMATS,
    ...scenario.options,
    ...(recorder === undefined ? {} : { recorder }),
  });
  session.on('error', () => {});
  return session;
}

/** A listener that plays what comes, without a pause, and says how far it is. */
export function listen(session: RealtimeSession, clock: ManualClock): void {
  const queue: { itemId: string; contentIndex: number; played: number; samples: number }[] = [];
  session.on('audio', ({ itemId, contentIndex, chunk }) => {
    const known = queue.find((item) => item.itemId === itemId && item.contentIndex === contentIndex);
    if (known === undefined) queue.push({ itemId, contentIndex, played: 0, samples: chunk.bytes.length });
    else known.samples += chunk.bytes.length;
  });
  session.on('audio_interrupted', () => void queue.splice(0));
  const tick = (): void => {
    let room = (MULAW_8K.sampleRate * REPORT_EVERY_MS) / 1000;
    for (const item of queue) {
      const now = Math.min(room, item.samples - item.played);
      if (now === 0) continue;
      item.played += now;
      room -= now;
      session.reportPlayback({ itemId: item.itemId, contentIndex: item.contentIndex, samples: item.played });
    }
    if (session.state !== 'closed') clock.after(REPORT_EVERY_MS, tick);
  };
  clock.after(REPORT_EVERY_MS, tick);
}

/** Of the call that is being played: tools are made before it is known. */
const slowTools: { clock: ManualClock } = { clock: new ManualClock() };

function bookTable(execute: () => Promise<unknown> = () => new Promise((resolve) => slowTools.clock.after(400, () => resolve({ table: 12, reference: 'V-4711' })))): Tool {
  return tool({ name: 'book_table', description: 'Books a table.', parameters: z.object({ people: z.number(), day: z.string(), time: z.string() }), execute });
}

function callerAudio(file: string): Uint8Array {
  const wav = decodeWav(readFileSync(new URL(`../../fixtures/audio/${file}`, import.meta.url)));
  return encodeMulaw(resampleWhole(mixToMono(wav.samples, wav.channels), wav.sampleRate, MULAW_8K.sampleRate));
}
