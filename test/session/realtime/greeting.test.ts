import { describe, expect, it } from 'vitest';
import { PCM16_24K, msToSamples, samplesToPcm16 } from '../../../audio/index.js';
import { RealtimeAgent, RealtimeSession, SESSION_EVENT_TYPES } from '../../../session/index.js';
import type { GreetingOptions, RealtimeSessionOptions, SessionEvent, SessionEventMap } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { freezableModel } from '../../helpers/freezable-model.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';
import { tone } from '../../helpers/session-harness.js';

const CHUNK_MS = 20;
const WORDS = 'Good morning.';

class Call {
  readonly clock = new ManualClock(1_000);
  readonly model = freezableModel(this.clock);
  readonly events: SessionEvent[] = [];
  readonly session: RealtimeSession;
  readonly startMs = this.clock.now();
  readonly #rng: Random;

  constructor(greeting: GreetingOptions, options: Partial<RealtimeSessionOptions> = {}, rng = random(3)) {
    this.#rng = rng;
    this.session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model: this.model, clock: this.clock, sessionId: 'greeting', greeting, ...options });
    for (const type of SESSION_EVENT_TYPES) this.session.on(type, (event) => this.events.push(event));
  }

  of<Type extends SessionEvent['type']>(type: Type): SessionEventMap[Type][] {
    return this.events.filter((event): event is SessionEventMap[Type] => event.type === type);
  }

  /** What the model was asked to say first. */
  asked(): (string | undefined)[] {
    return this.model.connections.flatMap(({ commands }) => commands.flatMap((command) => (command.type === 'create_response' ? [command.request.instructions] : [])));
  }

  /** What the model was told of what had been said. */
  told(): string[] {
    return this.model.connections.flatMap(({ commands }) => commands.flatMap((command) => (command.type === 'create_item' && command.item.type === 'message' ? [command.item.content.map((part) => ('text' in part ? part.text : '')).join('')] : [])));
  }

  /** When the agent was first heard, in ms of the call. */
  firstSoundMs(): number {
    return (this.of('audio')[0]?.info.timestamp ?? Infinity) - this.startMs;
  }

  async run(ms: number, sound: 'voice' | 'room' | 'click' = 'room'): Promise<void> {
    for (let passed = 0; passed < ms; passed += CHUNK_MS) {
      const level = sound === 'room' ? 0.003 : sound === 'click' && passed > 0 ? 0.003 : passed % 300 < 200 || sound === 'click' ? 0.2 : 0.003;
      await this.clock.advanceAsync(CHUNK_MS);
      this.session.sendAudio(samplesToPcm16(Int16Array.from({ length: msToSamples(PCM16_24K, CHUNK_MS) }, () => Math.round((this.#rng.next() - 0.5) * 2 * level * 32_767))));
    }
  }
}

describe('a greeting of the agent', () => {
  it('is asked for once, when the model is ready: its words, or how it is to greet', async () => {
    for (const [greeting, asked] of [
      [{ who: 'agent', text: WORDS }, expect.stringContaining(WORDS) as string],
      [{ who: 'agent', instructions: 'Greet in Spanish.' }, 'Greet in Spanish.'],
      [{ who: 'agent' }, undefined],
    ] as const) {
      const call = new Call(greeting);
      void call.session.connect();
      await call.run(10_000);
      expect(call.asked()).toEqual([asked]);
      expect(call.of('agent_end')).toMatchObject([{ outcome: 'completed' }]);
    }
  });

  it('does not come where the caller is to begin', async () => {
    const call = new Call({ who: 'caller' });
    void call.session.connect();
    await call.run(10_000);
    expect(call.asked()).toEqual([]);
    await call.run(1_000, 'voice');
    await call.run(2_000);
    expect(call.of('agent_end').length).toBe(1);
    expect(call.asked()).toEqual([]);
  });

  it('waits until the caller is silent; one who has said something is answered instead', async () => {
    const call = new Call({ who: 'agent', text: WORDS });
    void call.session.connect();
    await call.run(1_500, 'voice');
    expect(call.of('audio')).toEqual([]);
    await call.run(5_000);
    expect(call.of('agent_end').filter(({ outcome }) => outcome === 'completed').length).toBe(1);
    expect(call.of('input_committed').length).toBe(1);
    expect(call.of('audio').every(({ info }) => info.timestamp > (call.of('input_committed')[0]?.info.timestamp ?? Infinity))).toBe(true);
  });

  it('is only put off by a click', async () => {
    const call = new Call({ who: 'agent', text: WORDS });
    call.model.vadMs = 100_000;
    void call.session.connect();
    await call.run(60);
    await call.run(100, 'click');
    await call.run(2_000);
    expect(call.asked().filter((words) => words?.includes(WORDS)).length).toBeGreaterThanOrEqual(1);
    expect(call.of('agent_end').filter(({ outcome }) => outcome === 'completed').length).toBe(1);
    expect(call.firstSoundMs()).toBeGreaterThan(560);
  });

  it('gives way to words that are typed', async () => {
    const call = new Call({ who: 'whoever-first', text: WORDS });
    await Promise.all([call.session.connect(), call.run(500)]);
    call.session.sendMessage('Hello?');
    await call.run(6_000);
    expect(call.asked()).toEqual([undefined]);
  });

  it('waits for its listener, where it is told to', async () => {
    const call = new Call({ who: 'agent', text: WORDS, audio: tone(1_000), waitForListener: true });
    void call.session.connect();
    await call.run(3_000);
    expect(call.of('audio')).toEqual([]);
    call.session.listenerStarted();
    expect(call.of('audio').map(({ source }) => source)).toEqual(['greeting']);
    call.session.listenerStarted();
    await call.run(5_000);
    expect(call.of('audio').length).toBe(1);
  });

  it('refuses what cannot be', () => {
    for (const wrong of [{ text: 'a', instructions: 'b' }, { text: ' ' }, { audio: tone(20) }]) expect(() => new Call({ who: 'agent', ...wrong })).toThrow(TypeError);
    for (const waitForSpeechMs of [-1, Number.NaN, 60_001]) expect(() => new Call({ who: 'whoever-first', waitForSpeechMs })).toThrow(RangeError);
  });
});

describe('a greeting by whoever is first', () => {
  it('is the caller\'s when they speak in time, and else the agent\'s, after the time that they had', async () => {
    const silent = new Call({ who: 'whoever-first', text: WORDS, waitForSpeechMs: 3_000 });
    void silent.session.connect();
    await silent.run(2_980);
    expect(silent.asked()).toEqual([]);
    await silent.run(1_000);
    expect(silent.asked().length).toBe(1);

    const spoke = new Call({ who: 'whoever-first', text: WORDS, waitForSpeechMs: 3_000 });
    void spoke.session.connect();
    await spoke.run(2_500);
    await spoke.run(700, 'voice');
    await spoke.run(10_000);
    expect(spoke.asked()).toEqual([]);
    expect(spoke.of('agent_end').length).toBe(1);
  });

  it('never begins within 300 ms of the caller, whenever they begin (150 calls)', async () => {
    const first = random().seed;
    for (let index = 0; index < 150; index += 1) {
      const rng = random(first + index);
      const where = `seed ${first + index}`;
      const who = rng.pick(['agent', 'whoever-first'] as const);
      const call = new Call({ who, text: WORDS, waitForSpeechMs: rng.int(0, 2_000), ...(rng.next() < 0.4 ? { audio: tone(800) } : {}) }, {}, rng);
      call.model.openMs = rng.int(0, 1_500);
      call.model.vadMs = rng.int(0, 400);
      void call.session.connect();
      await call.run(rng.int(1, 150) * CHUNK_MS);
      const onsetMs = call.clock.now() - call.startMs;
      await call.run(700, 'voice');
      await call.run(2_500);
      const sound = call.firstSoundMs();
      // A voice is known when its first chunk is whole; sound of that very moment was under way.
      expect(sound <= onsetMs + CHUNK_MS || sound > onsetMs + 300, `${where}: ${sound} and the caller at ${onsetMs}`).toBe(true);
      expect(sound, where).toBeLessThan(Infinity);
      await call.session.close();
    }
  });
});

describe('a clip that greets', () => {
  const clip = tone(1_200);
  const greeting: GreetingOptions = { who: 'agent', text: 'Good morning, this is Ava.', audio: clip };

  it('is heard at once, while the model connects, and the model knows it as its own words', async () => {
    const call = new Call(greeting);
    call.model.openMs = 2_000;
    void call.session.connect();
    expect(call.of('audio')).toMatchObject([{ source: 'greeting', chunk: { firstSample: 0, bytes: clip } }]);
    expect(call.firstSoundMs()).toBe(0);
    expect(call.of('audio')[0]?.chunk.bytes).not.toBe(clip);
    await call.run(3_000);
    expect(call.told()).toEqual(['Good morning, this is Ava.']);
    expect(call.asked()).toEqual([]);
    expect(call.session.history).toMatchObject([{ type: 'message', role: 'assistant', status: 'completed', text: 'Good morning, this is Ava.', spoken: true }]);
    // The caller's turn follows it, for the model as for the session.
    await call.run(800, 'voice');
    await call.run(2_000);
    expect(call.session.history.map((item) => (item.type === 'message' ? item.role : item.type))).toEqual(['assistant', 'user', 'assistant']);
  });

  it('is told as far as it was heard, when it was cut before the model was there, and after', async () => {
    const early = new Call(greeting);
    early.model.openMs = 2_000;
    void early.session.connect();
    await early.run(600);
    early.session.interrupt();
    await early.run(3_000);
    expect(early.of('audio_interrupted')).toMatchObject([{ heardMs: 600 }]);
    expect(early.told().length).toBe(1);
    expect('Good morning, this is Ava.'.startsWith(early.told()[0] ?? 'none') && (early.told()[0] ?? '').length < 20).toBe(true);

    const late = new Call(greeting);
    void late.session.connect();
    await late.run(300);
    await late.run(600, 'voice');
    await late.run(2_000);
    const [interrupted] = late.of('audio_interrupted');
    expect(interrupted?.heardMs).toBeGreaterThan(200);
    expect(interrupted?.heardMs).toBeLessThan(500);
    // It was told whole, and is put back as what was heard.
    expect(late.told().length).toBe(2);
    expect(late.told()[1]).toBe(interrupted?.heardText);
    expect(late.model.connections[0]?.commands.filter(({ type }) => type === 'truncate_item')).toEqual([]);
    expect(late.of('agent_end').length).toBe(1);
  });

  it('is known to a further connection too', async () => {
    const call = new Call(greeting);
    void call.session.connect();
    await call.run(2_000);
    call.model.connections[0]?.cut();
    await call.run(2_000);
    expect(call.told()).toEqual(['Good morning, this is Ava.', 'Good morning, this is Ava.']);
    expect(call.of('audio').length).toBe(1);
  });
});
