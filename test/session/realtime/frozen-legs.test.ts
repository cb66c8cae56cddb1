/** Each leg of a call freezes in each of its states: it is noticed within 5 s of something being owed, and within 8 s the call goes on. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PCM16_24K, msToSamples, samplesToPcm16 } from '../../../audio/index.js';
import { RealtimeAgent, RealtimeSession, SESSION_EVENT_TYPES, tool } from '../../../session/index.js';
import type { ModelCommand, ModelInput, RealtimeSessionOptions, SessionEvent } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { freezableModel } from '../../helpers/freezable-model.js';
import type { Freeze, FreezableConnection, FreezableModel } from '../../helpers/freezable-model.js';
import { random } from '../../helpers/random.js';

const DETECTED_MS = 5_000;
const RECOVERED_MS = 8_000;
const CHUNK_MS = 20;

type Sound = 'voice' | 'room' | 'off';

class Call {
  readonly clock = new ManualClock(1_000);
  readonly model: FreezableModel = freezableModel(this.clock);
  readonly events: SessionEvent[] = [];
  readonly agent: RealtimeAgent;
  readonly session: RealtimeSession;
  /** Ends the tool that runs. */
  endTool: () => void = () => {};
  readonly #rng = random(11);
  #at = 0;

  constructor(options: Partial<RealtimeSessionOptions> = {}, toolTimeoutMs = 60_000) {
    const work = tool({ name: 'work', description: 'Works.', parameters: z.object({}), timeoutMs: toolTimeoutMs, execute: () => new Promise((resolve) => (this.endTool = () => resolve('done'))) });
    this.agent = new RealtimeAgent({ name: 'Ava', tools: [work] });
    this.session = new RealtimeSession(this.agent, { model: this.model, clock: this.clock, sessionId: 'frozen', ...options });
    for (const type of SESSION_EVENT_TYPES) this.session.on(type, (event) => this.events.push(event));
  }

  async connect(): Promise<void> {
    const opening = this.session.connect();
    await this.run(500, 'off');
    await opening;
    await this.run(1_000, 'room');
  }

  async run(ms: number, sound: Sound): Promise<void> {
    for (let passed = 0; passed < ms; passed += CHUNK_MS) {
      if (sound !== 'off' && this.session.state !== 'closed') {
        this.#at += CHUNK_MS;
        const level = sound === 'voice' && this.#at % 300 < 200 ? 0.2 : 0.003;
        this.session.sendAudio(samplesToPcm16(Int16Array.from({ length: msToSamples(PCM16_24K, CHUNK_MS) }, () => Math.round((this.#rng.next() - 0.5) * 2 * level * 32_767))));
      }
      await this.clock.advanceAsync(CHUNK_MS);
    }
  }

  async until(done: () => boolean, sound: Sound = 'room', limitMs = 20_000): Promise<void> {
    for (let passed = 0; passed < limitMs && !done(); passed += CHUNK_MS) await this.run(CHUNK_MS, sound);
    expect(done(), 'what the test waits for').toBe(true);
  }

  frozen(): boolean {
    return this.model.connections.some(({ freeze }) => freeze !== 'no');
  }

  count(type: SessionEvent['type']): number {
    return this.events.filter((event) => event.type === type).length;
  }

  /** When something told of the trouble, and when the call had a connection that works again. */
  told(fromMs: number): number {
    return this.#first(fromMs, (event) => event.type === 'error' || (event.type === 'connection' && (event.connection.state === 'reconnecting' || (event.connection.state === 'connecting' && event.connection.attempt !== undefined))));
  }

  recovered(fromMs: number): number {
    return this.#first(fromMs, (event) => event.type === 'connection' && (event.connection.state === 'resumed' || event.connection.state === 'open'));
  }

  #first(fromMs: number, which: (event: SessionEvent) => boolean): number {
    return (this.events.find((event) => event.info.timestamp >= fromMs && which(event))?.info.timestamp ?? Infinity) - fromMs;
  }

  /** The caller says something and is answered, aloud. */
  async nextTurnIsAnswered(): Promise<void> {
    await this.run(3_000, 'room');
    const before = this.events.length;
    await this.run(1_000, 'voice');
    await this.until(() => this.events.slice(before).some((event) => event.type === 'agent_end' && event.outcome === 'completed'));
    expect(this.events.slice(before).some(({ type }) => type === 'audio')).toBe(true);
    expect(this.events.slice(before).filter(({ type }) => type === 'error')).toEqual([]);
  }
}

interface State {
  readonly name: string;
  /** Brings the call to the state, where the freeze falls, and on to the moment from which something is owed. */
  readonly enter: (call: Call, how: Freeze) => Promise<void>;
  readonly options?: Partial<RealtimeSessionOptions>;
  /** What is heard from then on. */
  readonly sound?: Sound;
}

const is = (type: (ModelInput | ModelCommand)['type']) => (what: ModelInput | ModelCommand) => what.type === type;

async function speakUntilFrozen(call: Call, how: Freeze, at: (what: ModelInput | ModelCommand) => boolean): Promise<void> {
  call.model.freezeAt(how, at);
  await call.run(1_000, 'voice');
  await call.until(() => call.frozen());
}

const STATES: readonly State[] = [
  { name: 'idle', sound: 'voice', enter: async (call, how) => void ((call.model.connections.at(-1) as FreezableConnection).freeze = how) },
  {
    name: 'user speaking',
    enter: async (call, how) => {
      call.model.freezeAt(how, is('speech_started'));
      await call.run(2_000, 'voice');
    },
  },
  {
    name: 'user speaking, and the microphone is turned off',
    sound: 'off',
    enter: async (call, how) => {
      call.model.freezeAt(how, is('speech_started'));
      await call.run(2_000, 'voice');
    },
  },
  { name: 'turn ended and not closed', enter: (call, how) => speakUntilFrozen(call, how, is('speech_stopped')) },
  { name: 'turn ended and not closed, where the session answers', options: { bargeIn: { mode: 'two-stage' } }, enter: (call, how) => speakUntilFrozen(call, how, is('speech_stopped')) },
  { name: 'turn ended and unanswered', enter: (call, how) => speakUntilFrozen(call, how, is('input_committed')) },
  {
    name: 'response asked for',
    enter: async (call, how) => {
      call.model.freezeAt(how, is('create_response'));
      call.session.sendMessage('Hello?');
    },
  },
  { name: 'response created and no delta', enter: (call, how) => speakUntilFrozen(call, how, is('response_created')) },
  { name: 'mid-audio', enter: (call, how) => speakUntilFrozen(call, how, is('audio_delta')) },
  {
    name: 'tool running',
    enter: async (call, how) => {
      call.model.tool = 'work';
      await speakUntilFrozen(call, how, (what) => what.type === 'response_done');
      await call.run(2_000, 'room');
      call.endTool();
      await call.run(CHUNK_MS, 'room');
    },
  },
  {
    name: 'hand-off waiting for its confirmation',
    enter: async (call, how) => {
      call.model.freezeAt(how, is('configure'));
      void call.session.updateAgent(new RealtimeAgent({ name: 'Bob' }));
      await call.until(() => call.frozen());
    },
  },
  {
    name: 'rotating, and the new connection hangs as well',
    options: { rotation: { sessionLimitMs: 60_000 } },
    enter: async (call, how) => {
      call.model.openings.push('hang');
      await call.until(() => call.events.some((event) => event.type === 'connection' && event.connection.state === 'rotating'), 'room', 60_000);
      call.model.freezeAt(how, is('create_response'));
      call.session.sendMessage('Hello?');
    },
  },
  {
    name: 'cut not confirmed',
    enter: async (call, how) => {
      for (const last of [false, true]) {
        const before = call.count('agent_end');
        call.session.sendMessage('Hello?');
        await call.until(() => call.count('agent_end') > before);
        if (last) call.model.freezeAt(how, is('truncate_item'));
        call.session.interrupt();
        if (!last) await call.run(1_000, 'room');
      }
    },
  },
  {
    name: 'edit not confirmed',
    enter: async (call, how) => {
      call.session.sendMessage('My name is Ada.', { respond: false });
      await call.run(1_000, 'room');
      call.model.freezeAt(how, is('create_item'));
      call.session.setContext('order', 'pizza');
    },
  },
];

describe('a model that goes mute', () => {
  describe.each(['mute', 'half-open'] as const)('(%s)', (how) => {
    it.each(STATES)('is noticed and replaced: $name', async ({ enter, options, sound = 'room' }) => {
      const call = new Call(options);
      await call.connect();
      await enter(call, how);
      expect(call.frozen()).toBe(true);
      const owedMs = call.clock.now();
      await call.run(RECOVERED_MS, sound);
      expect(call.told(owedMs)).toBeLessThanOrEqual(DETECTED_MS);
      expect(call.recovered(owedMs)).toBeLessThanOrEqual(RECOVERED_MS);
      await call.nextTurnIsAnswered();
      await call.session.close();
      await call.clock.advanceAsync(3_000);
      expect(call.clock.pendingTimers).toBe(0);
    });
  });
});

describe('an opening that hangs', () => {
  const openings = [
    ['connecting', 'hang'],
    ['configuring', 'mute'],
  ] as const;

  it.each(openings)('%s: another is begun beside it, and connect() resolves', async (_state, opening) => {
    const call = new Call();
    call.model.openings.push(opening);
    const owedMs = call.clock.now();
    const connecting = call.session.connect();
    await call.run(RECOVERED_MS, 'room');
    expect(call.told(owedMs)).toBeLessThanOrEqual(DETECTED_MS);
    expect(call.recovered(owedMs)).toBeLessThanOrEqual(RECOVERED_MS);
    await connecting;
    await call.nextTurnIsAnswered();
  });

  it.each(openings)('reconnecting, %s: the same', async (_state, opening) => {
    const call = new Call();
    await call.connect();
    call.model.openings.push(opening);
    call.model.connections[0]?.cut();
    // The loss itself is told at once; what hangs is the attempt.
    await call.run(260, 'room');
    const owedMs = call.clock.now();
    await call.run(RECOVERED_MS, 'room');
    expect(call.told(owedMs)).toBeLessThanOrEqual(DETECTED_MS);
    expect(call.recovered(owedMs)).toBeLessThanOrEqual(RECOVERED_MS);
    await call.nextTurnIsAnswered();
  });

  it('is not given up while it may only be slow: the first that is ready serves, the other is closed', async () => {
    const call = new Call();
    call.model.openMs = 4_500;
    const connecting = call.session.connect();
    await call.run(5_000, 'off');
    await connecting;
    expect(call.session.state).toBe('open');
    await call.run(6_000, 'room');
    expect(call.model.connections.filter(({ alive }) => alive).length).toBe(1);
    expect(call.model.connections[0]?.alive).toBe(true);
    call.model.openMs = 50;
    await call.nextTurnIsAnswered();
  });

  it('fails as before when nothing is ready in the time that connect() has', async () => {
    const call = new Call();
    call.model.openings.push('hang', 'hang', 'hang', 'hang');
    const outcome = call.session.connect().catch((error: unknown) => error);
    await call.run(10_000, 'off');
    expect(await outcome).toMatchObject({ code: 'CONNECT_TIMEOUT' });
    expect(call.clock.pendingTimers).toBe(0);
  });
});

describe('a model that goes deaf', () => {
  it.each([
    ['idle', async () => {}],
    [
      'tool running',
      async (call: Call) => {
        call.model.tool = 'work';
        await call.run(1_000, 'voice');
        await call.until(() => call.count('tool_start') === 1);
        await call.run(1_000, 'room');
      },
    ],
    [
      'agent heard to its end',
      async (call: Call) => {
        call.session.sendMessage('Hello?');
        await call.until(() => call.count('agent_end') === 1);
        await call.run(2_000, 'room');
      },
    ],
  ])('is noticed and replaced while somebody speaks: %s', async (_name, enter) => {
    const call = new Call();
    await call.connect();
    await enter(call);
    (call.model.connections[0] as FreezableConnection).freeze = 'deaf';
    const owedMs = call.clock.now();
    await call.run(5_000, 'voice');
    await call.run(3_000, 'room');
    expect(call.told(owedMs)).toBeLessThanOrEqual(DETECTED_MS);
    expect(call.recovered(owedMs)).toBeLessThanOrEqual(RECOVERED_MS);
    call.endTool();
    await call.nextTurnIsAnswered();
  });
});

/** A listener that plays what it is given by the clock and reports it, until it stops. */
function listen(call: Call, everyMs: number): { stop: () => void; back: () => void } {
  const parts = new Map<string, { samples: number; played: number }>();
  let [stopped, sinceMs] = [false, 0];
  call.session.on('audio', ({ itemId, chunk }) => {
    const part = parts.get(itemId) ?? { samples: 0, played: 0 };
    parts.set(itemId, { ...part, samples: part.samples + chunk.bytes.length / 2 });
  });
  call.session.on('audio_interrupted', () => parts.clear());
  const tick = (): void => {
    call.clock.after(CHUNK_MS, tick);
    if (stopped) return;
    sinceMs += CHUNK_MS;
    for (const [itemId, part] of parts) {
      if (part.played === part.samples) continue;
      part.played = Math.min(part.samples, part.played + msToSamples(PCM16_24K, CHUNK_MS));
      if (sinceMs < everyMs && part.played < part.samples) break;
      sinceMs = 0;
      call.session.reportPlayback({ itemId, contentIndex: 0, samples: part.played });
      break;
    }
  };
  tick();
  return { stop: () => (stopped = true), back: () => (stopped = false) };
}

describe('a listener that stops reporting', () => {
  const long = { type: 'audio_delta', contentIndex: 0 } as const;
  const story = (call: Call, ms: number): void => {
    const bytes = samplesToPcm16(new Int16Array(msToSamples(PCM16_24K, ms)).fill(99));
    call.model.connections.at(-1)?.say(
      { type: 'response_created', responseId: 'story' },
      { ...long, responseId: 'story', itemId: 'item_story', bytes },
    );
  };
  const finish = (call: Call): void =>
    call.model.connections.at(-1)?.say(
      { type: 'audio_done', responseId: 'story', itemId: 'item_story', contentIndex: 0 },
      { type: 'response_done', responseId: 'story', status: 'completed', output: [] },
    );

  it.each([
    ['in the middle of a long answer', 100, 20_000, 2_000, 2_000],
    ['in the middle, while the model still speaks', 100, 20_000, 2_000, undefined],
    ['and its last mark never comes, of one that tells only the ends', 60_000, 2_000, 1_000, 2_000],
    ['after an answer, before the next', 100, 2_000, -1, 0],
  ] as const)('%s: it is noticed, what it did not report counts as unheard, and nothing waits for it', async (_name, everyMs, storyMs, freezeAtMs, ended) => {
    const call = new Call({ playback: 'reported' });
    await call.connect();
    const listener = listen(call, everyMs);
    if (freezeAtMs < 0) {
      call.session.sendMessage('Hello?');
      await call.until(() => call.count('agent_end') === 1);
      await call.run(2_000, 'room');
      listener.stop();
    }
    story(call, storyMs);
    if (ended !== undefined) finish(call);
    else call.session.on('audio_interrupted', () => call.clock.after(10, () => call.model.connections[0]?.say({ type: 'response_done', responseId: 'story', status: 'cancelled', output: [] })));
    await call.run(Math.max(0, freezeAtMs), 'room');
    listener.stop();
    // One that tells only the ends owes its word when the sound must have ended.
    if (everyMs > 1_000) await call.run(storyMs - freezeAtMs, 'room');
    const owedMs = call.clock.now();
    for (let passed = 0; passed < RECOVERED_MS; passed += 1_000) {
      if (ended === undefined && call.count('audio_interrupted') === 0) call.model.connections[0]?.say({ ...long, responseId: 'story', itemId: 'item_story', bytes: new Uint8Array(4_800) });
      await call.run(1_000, 'room');
    }
    expect(call.told(owedMs)).toBeLessThanOrEqual(DETECTED_MS);
    const cut = call.events.findLast((event) => event.type === 'audio_interrupted');
    expect((cut?.info.timestamp ?? Infinity) - owedMs).toBeLessThanOrEqual(DETECTED_MS);
    const heardMs = freezeAtMs < 0 || everyMs > 1_000 ? 0 : freezeAtMs;
    expect((cut as { heardMs: number }).heardMs).toBeGreaterThanOrEqual(heardMs === 0 ? 0 : heardMs - 200);
    expect((cut as { heardMs: number }).heardMs).toBeLessThanOrEqual(heardMs === 0 ? 0 : heardMs + 250);
    expect(call.model.connections[0]?.commands.filter(({ type }) => type === 'truncate_item')).toMatchObject([{ itemId: 'item_story', audioEndMs: (cut as { heardMs: number }).heardMs }]);
    // What waits for silence does not wait any more, though nobody reports the next answer either.
    await call.nextTurnIsAnswered();
    expect(call.count('error')).toBe(1);
    listener.back();
    await call.nextTurnIsAnswered();
    await call.run(2_000, 'room');
    listener.stop();
    await call.run(1_000, 'voice');
    await call.run(8_000, 'room');
    expect(call.count('error')).toBe(2);
  });

  it('holds up no rotation', async () => {
    const call = new Call({ playback: 'reported', rotation: { sessionLimitMs: 60_000 } });
    await call.connect();
    story(call, 1_000);
    finish(call);
    await call.run(50_000, 'room');
    expect(call.events.filter((event) => event.type === 'connection' && event.connection.state === 'resumed').length).toBe(1);
  });
});

describe('a tool that hangs', () => {
  it.each(['room', 'voice'] as const)('is given up after its time, the model is told, and it holds up no turn (%s)', async (sound) => {
    const call = new Call({}, 4_000);
    await call.connect();
    call.model.tool = 'work';
    await call.run(1_000, 'voice');
    await call.until(() => call.count('tool_start') === 1);
    const owedMs = call.clock.now();
    await call.run(1_000, sound);
    if (sound === 'voice') await call.until(() => call.events.some((event) => event.type === 'audio' && event.info.timestamp > owedMs));
    expect(call.count('tool_end')).toBe(0);
    await call.until(() => call.count('tool_end') === 1);
    expect(call.clock.now() - owedMs).toBeLessThanOrEqual(DETECTED_MS);
    const ends = call.count('agent_end');
    await call.until(() => call.count('agent_end') > ends);
    expect(call.clock.now() - owedMs).toBeLessThanOrEqual(RECOVERED_MS);
    await call.nextTurnIsAnswered();
  });
});

describe('a user of whom the model hears no end', () => {
  async function stuck(options: Partial<RealtimeSessionOptions> = {}): Promise<Call> {
    const call = new Call(options);
    await call.connect();
    // It hears the begin, then nothing more; but it does what it is told.
    call.model.freezeAt('deaf', is('speech_started'));
    await call.run(2_000, 'voice');
    return call;
  }

  it('is ended by hand once the microphone has been quiet for clearly longer than the end of a turn takes, and is answered', async () => {
    for (const [sound, options, dueMs] of [
      ['room', {}, 3_500],
      ['off', {}, 3_500],
      ['room', { config: { turnDetection: { type: 'semantic_vad', eagerness: 'low' } } }, 9_000],
    ] as const) {
      const call = await stuck(options);
      await call.run(dueMs - 200, sound);
      expect(call.count('error')).toBe(0);
      await call.run(400, sound);
      expect(call.events.filter((event) => event.type === 'error').map(({ error }) => error.code)).toEqual(['SPEECH_NOT_ENDED']);
      expect(call.model.connections[0]?.commands.filter(({ type }) => type === 'commit_audio').length).toBe(1);
      await call.run(2_000, sound);
      expect(call.events.filter((event) => event.type === 'agent_end').map(({ outcome }) => outcome)).toEqual(['completed']);
      expect(call.model.connections.length).toBe(1);
    }
  });

  it('is never cut short while they talk, for nine minutes with pauses of 3 s; who never stops is ended after ten', async () => {
    const call = await stuck();
    for (let minute = 0; minute < 9; minute += 1) {
      await call.run(57_000, 'voice');
      await call.run(3_000, 'room');
    }
    expect(call.count('error')).toBe(0);
    await call.run(56_000, 'voice');
    expect(call.count('error')).toBe(0);
    await call.run(5_000, 'voice');
    expect(call.count('error')).toBe(1);
  });

  it('is heard again by another connection, without the end by hand, when the socket breaks before that was answered', async () => {
    const call = new Call();
    await call.connect();
    call.model.freezeAt('half-open', is('speech_started'));
    await call.run(2_000, 'voice');
    await call.until(() => call.count('error') === 1);
    call.model.connections[0]?.cut();
    await call.run(2_000, 'room');
    expect(call.model.connections[1]?.commands.filter(({ type }) => type === 'commit_audio')).toEqual([]);
    expect(call.events.filter((event) => event.type === 'agent_end').map(({ outcome }) => outcome)).toEqual(['completed']);
    expect(call.count('error')).toBe(1);
  });

  it('is not judged where the microphone does not come over us', async () => {
    const call = new Call();
    const opening = call.session.connect();
    await call.run(500, 'off');
    await opening;
    call.model.connections[0]?.say({ type: 'speech_started', itemId: 'u1', audioStartMs: 0 });
    await call.run(60_000, 'off');
    expect(call.count('error')).toBe(0);
  });

  it('is let go when the model has nothing to commit, so that the agent may speak again', async () => {
    const call = await stuck();
    (call.model.connections[0] as FreezableConnection).speech = undefined;
    await call.run(6_000, 'room');
    expect(call.count('error')).toBe(1);
    expect(call.model.connections.length).toBe(1);
    call.session.sendMessage('Hello?');
    await call.run(2_000, 'room');
    expect(call.count('agent_end')).toBe(1);
  });
});
