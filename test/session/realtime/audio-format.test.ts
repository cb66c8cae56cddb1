import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALAW_8K, MULAW_8K, PCM16_24K, audioFormat, decodeWav, encodeAlaw, encodeMulaw, msToBytes, resampleWhole, samplesToPcm16 } from '../../../audio/index.js';
import type { AudioFormat } from '../../../audio/index.js';
import { RealtimeAgent, createSessionState, step } from '../../../session/index.js';
import type { AgentProfile, ModelConfig, ModelInput, SessionConfig, SessionEffect, SessionInput, SessionState } from '../../../session/index.js';
import { serialize } from '../../../src/protocol/openai-realtime/serialize.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';
import { makeHarness, openHarness, replyBegins } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';

/** "Can I book a table", from its first sound on. */
const SPEECH = (() => {
  const { samples, sampleRate } = decodeWav(readFileSync(new URL('../../../fixtures/audio/caller-book.wav', import.meta.url)));
  const from = samples.findIndex((sample) => Math.abs(sample) > 300);
  const spoken = samples.subarray(from);
  return { at8: resampleWhole(spoken, sampleRate, 8_000), at24: resampleWhole(spoken, sampleRate, 24_000) };
})();
const AS = { pcm16: samplesToPcm16(SPEECH.at24), mulaw: encodeMulaw(SPEECH.at8), alaw: encodeAlaw(SPEECH.at8) } as const;

const mismatches = ({ of }: Harness): string[] => of('error').flatMap(({ error }) => (error.code === 'AUDIO_FORMAT_MISMATCH' ? [error.message] : []));

/** The microphone, in chunks that hold 20 ms of what they really are. */
function microphone({ session }: Harness, really: keyof typeof AS, ms: number): void {
  const perMs = really === 'pcm16' ? 48 : 8;
  for (let at = 0; at < ms; at += 20) session.sendAudio(AS[really].subarray(at * perMs, (at + 20) * perMs));
}

function modelSpeaks({ model }: Harness, responseId: string, really: keyof typeof AS, ms: number): void {
  const perMs = really === 'pcm16' ? 48 : 8;
  model.push(...replyBegins(responseId, `a_${responseId}`, 'Yes.', 0));
  for (let at = 0; at < ms; at += 50) model.push({ type: 'audio_delta', responseId, itemId: `a_${responseId}`, contentIndex: 0, bytes: AS[really].slice(at * perMs, (at + 50) * perMs) });
  model.push({ type: 'response_done', responseId, status: 'completed', output: [] });
}

describe('audio that is not what it is declared to be', () => {
  it.each([
    ['mulaw', PCM16_24K, /microphone audio is declared as PCM16 .* at 24000 Hz .*looks like G.711 µ-law/],
    ['alaw', PCM16_24K, /looks like G.711 A-law/],
    ['pcm16', MULAW_8K, /declared as G.711 µ-law at 8000 Hz .*looks like PCM16/],
    ['pcm16', ALAW_8K, /looks like PCM16/],
  ] as const)('%s from the microphone is told within 200 ms, once', async (really, inputFormat, message) => {
    const harness = await openHarness({ config: { inputFormat } });
    microphone(harness, really, 200);
    expect(mismatches(harness)).toEqual([expect.stringMatching(message)]);
    expect(harness.of('error')[0]?.error).toMatchObject({ code: 'AUDIO_FORMAT_MISMATCH', stage: 'audio', hint: expect.stringContaining('config.inputFormat') as string });
    microphone(harness, really, 2_000);
    expect(mismatches(harness).length).toBe(1);
  });

  it.each([
    ['mulaw', PCM16_24K, /model's audio is declared as PCM16 .*looks like G.711 µ-law/],
    ['alaw', PCM16_24K, /looks like G.711 A-law/],
    ['pcm16', MULAW_8K, /looks like PCM16/],
  ] as const)('%s from the model is told within 200 ms, once', async (really, outputFormat, message) => {
    const harness = await openHarness({ config: { outputFormat } });
    modelSpeaks(harness, 'r1', really, 200);
    expect(mismatches(harness)).toEqual([expect.stringMatching(message)]);
    modelSpeaks(harness, 'r2', really, 1_000);
    expect(mismatches(harness).length).toBe(1);
  });

  it('is found in what was said before the model was ready', async () => {
    const harness = makeHarness();
    const connecting = harness.session.connect();
    microphone(harness, 'mulaw', 200);
    await connecting;
    expect(mismatches(harness).length).toBe(1);
  });

  it('is looked for again on a new connection, and told once a direction', async () => {
    const harness = await openHarness({ reconnect: {} });
    const lose = async (): Promise<void> => {
      harness.model.closeFromPeer();
      await harness.clock.advanceAsync(2_000);
    };
    modelSpeaks(harness, 'r1', 'pcm16', 1_000);
    modelSpeaks(harness, 'r2', 'mulaw', 1_000);
    expect(mismatches(harness)).toEqual([]);
    await lose();
    modelSpeaks(harness, 'r3', 'mulaw', 300);
    expect(mismatches(harness).length).toBe(1);
    await lose();
    modelSpeaks(harness, 'r4', 'mulaw', 300);
    expect(mismatches(harness).length).toBe(1);
  });

  it('is no matter where it is right, and after some hundred ms nothing is looked at any more', () => {
    for (const [really, format] of [['pcm16', PCM16_24K], ['mulaw', MULAW_8K], ['alaw', ALAW_8K]] as const) {
      const state = opened({ inputFormat: format, outputFormat: format });
      const bytes = msToBytes(format, 20);
      const effects: SessionEffect[] = replyBegins('r1', 'a1', 'Yes.', 0).flatMap((input) => step(state, input, 0).effects);
      for (let at = 0; at < 100; at += 1) {
        const chunk = AS[really].slice(at * bytes, (at + 1) * bytes);
        effects.push(...step(state, { type: 'microphone', bytes: chunk, queuedBytes: 0 }, at * 20).effects);
        effects.push(...step(state, { type: 'audio_delta', responseId: 'r1', itemId: 'a1', contentIndex: 0, bytes: chunk }, at * 20).effects);
      }
      expect(effects.filter((effect) => effect.type === 'emit' && effect.event.type === 'error')).toEqual([]);
      expect(state.formatWatch).toEqual({ told: { input: false, output: false } });
    }
  });
});

describe('a server that confirms another format than it was asked for', () => {
  const confirming = async (formats: ConfirmedFormats, config: SessionConfig = {}): Promise<Harness> => {
    const model = scriptedModel({ autoConfigure: false, onCommand: ({ type }, own) => type === 'configure' && own.push({ type: 'model_session_configured', ...formats }) });
    return openHarness({ model, config, reconnect: {} });
  };

  it.each<[ConfirmedFormats, readonly unknown[]]>([
    [{ outputFormat: MULAW_8K }, ['The server was asked for audio of the model as PCM16 (little-endian) at 24000 Hz and confirms G.711 µ-law at 8000 Hz.']],
    [{ inputFormat: audioFormat('pcm16', 16_000) }, ['The server was asked for microphone audio as PCM16 (little-endian) at 24000 Hz and confirms PCM16 (little-endian) at 16000 Hz.']],
    [{ inputFormat: ALAW_8K, outputFormat: PCM16_24K }, [expect.stringContaining('confirms G.711 A-law at 8000 Hz')]],
    [{ inputFormat: ALAW_8K, outputFormat: ALAW_8K }, [expect.stringContaining('microphone'), expect.stringContaining('of the model')]],
  ])('is told before any sound, once for each direction: %o', async (formats, messages) => {
    const harness = await confirming(formats);
    expect(mismatches(harness)).toEqual(messages);
    expect(harness.of('error')[0]?.error).toMatchObject({ stage: 'audio', leg: 'model', hint: expect.stringMatching(/config\.(in|out)putFormat/) as string });
    await harness.session.updateAgent(new RealtimeAgent({ name: 'Ben' }));
    harness.model.closeFromPeer();
    await harness.clock.advanceAsync(2_000);
    expect(harness.of('connection').at(-1)?.connection.state).toBe('resumed');
    // Where the server said nothing wrong the sound itself is still looked at; where it has been told it is not told again.
    microphone(harness, 'mulaw', 1_000);
    modelSpeaks(harness, 'r1', 'mulaw', 1_000);
    expect(mismatches(harness).length).toBe(2);
  });

  it('later in the call is told too', async () => {
    const harness = await openHarness();
    harness.model.push({ type: 'model_session_configured', inputFormat: PCM16_24K, outputFormat: ALAW_8K });
    harness.model.push({ type: 'model_session_configured', inputFormat: PCM16_24K, outputFormat: ALAW_8K });
    expect(mismatches(harness)).toEqual([expect.stringContaining('confirms G.711 A-law')]);
  });

  it.each([{}, { inputFormat: MULAW_8K, outputFormat: MULAW_8K }])('is none that confirms %o for µ-law', async (formats) => {
    expect(mismatches(await confirming(formats, { inputFormat: MULAW_8K, outputFormat: MULAW_8K }))).toEqual([]);
  });
});

type ConfirmedFormats = Pick<Extract<ModelInput, { type: 'model_session_configured' }>, 'inputFormat' | 'outputFormat'>;

// ---- the formats on the wire ----

function opened(config: SessionConfig, bargeIn: Parameters<typeof createSessionState>[2] = {}): SessionState {
  const state = createSessionState({ outputModality: 'audio', inputFormat: PCM16_24K, outputFormat: PCM16_24K, tools: [], ...config }, 'clock', bargeIn);
  step(state, { type: 'connect' }, 0);
  step(state, { type: 'connection_opened', attemptId: 1 }, 0);
  step(state, { type: 'from_model', attemptId: 1, input: { type: 'model_session_configured' } }, 0);
  return state;
}

/** The formats of a `session.update`, as they stand in its JSON. */
function wireFormats(command: Extract<SessionEffect, { type: 'send' }>['command']): unknown[] {
  const { type, session } = JSON.parse(serialize(command)) as { type: string; session: { audio: { input: { format: unknown }; output: { format: unknown } } } };
  expect(type).toBe('session.update');
  return [session.audio.input.format, session.audio.output.format];
}

const WIRE = new Map<AudioFormat, object>([
  [PCM16_24K, { type: 'audio/pcm', rate: 24_000 }],
  [MULAW_8K, { type: 'audio/pcmu' }],
  [ALAW_8K, { type: 'audio/pcma' }],
]);

describe('the formats of a session', () => {
  it('stand in every session.update of a call that goes from one agent to the next and to a third, and over a new connection', async () => {
    const agents = ['One', 'Two', 'Three'].map((name) => new RealtimeAgent({ name, instructions: `You are ${name}.` }));
    const harness = await openHarness({ agent: agents[0] as RealtimeAgent, config: { inputFormat: MULAW_8K, outputFormat: ALAW_8K }, reconnect: {} });
    for (const agent of agents.slice(1)) expect(await harness.session.updateAgent(agent)).toEqual({ ok: true });
    harness.model.closeFromPeer();
    await harness.clock.advanceAsync(2_000);
    const updates = harness.model.commandsOf('configure');
    expect(updates.map(({ config }) => config.instructions)).toEqual(['You are One.', 'You are Two.', 'You are Three.', 'You are Three.']);
    for (const update of updates) expect(wireFormats(update)).toEqual([WIRE.get(MULAW_8K), WIRE.get(ALAW_8K)]);
  });

  it('never change, for 5,000 random updates: agents, tools, instructions, voices, policies, refusals, time-outs and lost connections', () => {
    const rng = random();
    let updates = 0;
    let lost = 0;
    for (let round = 0; updates < 5_000; round += 1) {
      const where = `TEST_SEED=${rng.seed}, round ${round}`;
      const formats = [...WIRE.keys()];
      const [inputFormat, outputFormat] = [rng.pick(formats), rng.pick(formats)];
      const config: SessionConfig = { inputFormat, outputFormat, ...rng.pick<SessionConfig>([{}, { turnDetection: null }, { turnDetection: { type: 'semantic_vad' } }, { toolChoice: { name: 'tool_1' } }]) };
      const state = opened(config, { bargeIn: { mode: rng.pick(['immediate', 'two-stage', 'half-duplex', 'off'] as const) } });
      let attemptId = 1;
      let nowMs = 0;
      let asked: string | undefined;
      const put = (input: SessionInput): void => {
        nowMs += rng.int(0, 200);
        for (const effect of step(state, input, nowMs).effects) {
          if (effect.type === 'open_connection') attemptId = effect.attemptId;
          if (effect.type !== 'send' || effect.command.type !== 'configure') continue;
          updates += 1;
          asked = effect.command.eventId;
          expect(wireFormats(effect.command), where).toEqual([WIRE.get(inputFormat), WIRE.get(outputFormat)]);
        }
      };
      const fromModel = (input: Parameters<typeof put>[0]): void => put({ type: 'from_model', attemptId, input: input as never });
      for (let turn = 0; turn < 100; turn += 1) {
        rng.pick([
          () => put({ type: 'handoff', plan: { handoffId: `h${turn}`, agent: anyAgent(rng, turn), reason: '', entry: rng.pick(['silent', 'respond'] as const), drop: [] } }),
          () => put({ type: 'handoff', plan: { handoffId: `g${turn}`, agent: anyAgent(rng, turn), reason: '', entry: 'silent', drop: [], carried: 'a summary' } }),
          () => fromModel({ type: 'model_session_configured', ...rng.pick([{}, { inputFormat: ALAW_8K, outputFormat: ALAW_8K }]) }),
          () => fromModel({ type: 'model_session_configured' }),
          () => fromModel({ type: 'model_error', error: { code: rng.pick(['cannot_update_voice', 'invalid_value']), message: 'no' }, ...(asked === undefined ? {} : { eventId: asked }) }),
          () => put({ type: 'timer', timer: 'handoff_overdue' }),
          () => {
            lost += 1;
            put({ type: 'connection_closed', attemptId, close: { code: 1006, reason: '', byUs: false } });
            put({ type: 'timer', timer: 'reconnect' });
            put({ type: 'connection_opened', attemptId });
            fromModel({ type: 'model_session_configured' });
          },
          () => put({ type: 'set_context', key: 'k', text: `state ${turn}` }),
          () => put({ type: 'respond', request: { outputModality: 'text' } }),
        ])();
      }
      expect([state.config.inputFormat, state.config.outputFormat], where).toEqual([inputFormat, outputFormat]);
    }
    expect(lost).toBeGreaterThan(200);
  }, 30_000);
});

function anyAgent(rng: Random, turn: number): AgentProfile {
  const some = <T extends object>(part: T): T | object => (rng.next() < 0.5 ? part : {});
  return {
    agentId: `agent_${turn}`,
    name: `Agent ${turn}`,
    tools: Array.from({ length: rng.int(0, 4) }, (_, index) => ({ name: `tool_${index}`, parameters: {} })),
    ...some({ instructions: `be ${turn}` }),
    ...some({ voice: rng.pick(['one', 'two']) }),
    // What no agent has by its type, but a careless caller may give.
    ...some({ inputFormat: MULAW_8K, outputFormat: MULAW_8K, turnDetection: null, audio: { input: { format: 'g711_ulaw' } } } satisfies Partial<ModelConfig> & { audio: object }),
  } as AgentProfile;
}
