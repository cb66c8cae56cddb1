import { EmulatedSession } from '../../../src/emulator/emulated-session.js';
import type { EmulatorEffect } from '../../../src/emulator/effect.js';
import type { EmulatedSessionOptions } from '../../../src/emulator/emulated-session.js';
import { createVoice, demoScript } from '../../../src/emulator/index.js';
import type { Fault, PlanStep, Recogniser, Script, Voice } from '../../../src/emulator/index.js';
import { ParrotBrain } from '../../../src/emulator/parrot-brain.js';
import { ScriptBrain } from '../../../src/emulator/script-brain.js';
import { noteEmitted } from './emitted-events.js';
import type { WireEvent } from './emulator-client.js';

export interface DriverOptions extends Partial<EmulatedSessionOptions> {
  readonly script?: Script;
  readonly mode?: 'script' | 'parrot';
  readonly recogniser?: Recogniser;
}

/** Drives the session without a socket, on time that only the test moves. */
export class SessionDriver {
  readonly session: EmulatedSession;
  readonly events: WireEvent[] = [];
  /** When each of `events` came. */
  readonly timesMs: number[] = [];
  readonly notices: string[] = [];
  readonly faults: Fault[] = [];
  /** Responses whose thinking nobody wants any more. */
  readonly forgotten: string[] = [];
  closed: { code: number; reason: string } | undefined;
  nowMs = 0;
  readonly #voice: Voice;
  /** Whether the events are those of the current dialect. */
  readonly #current: boolean;
  readonly #recogniser: Recogniser | undefined;
  #speaking: Promise<void>[] = [];

  constructor({ script = demoScript, mode = 'script', recogniser, ...options }: DriverOptions = {}, voice: Voice = createVoice({ synthesizers: [] })) {
    this.#voice = voice;
    this.#current = options.dialect === undefined;
    this.#recogniser = recogniser;
    this.session = new EmulatedSession({
      brain: mode === 'parrot' ? new ParrotBrain() : new ScriptBrain(script),
      kind: 'realtime',
      recognises: recogniser !== undefined,
      mcpServers: script.mcpServers ?? [],
      model: 'test-model',
      pace: 8,
      sessionLimitMs: 3_600_000,
      thinkMs: 120,
      seed: 1,
      unixSeconds: 1_800_000_000,
      nowMs: 0,
      ...options,
    });
    this.#perform(this.session.open());
  }

  get last(): WireEvent {
    return this.events.at(-1) as WireEvent;
  }

  /** Sends one message and returns what was answered at once. */
  send(event: unknown): WireEvent[] {
    const from = this.events.length;
    this.#perform(this.session.receive(typeof event === 'string' ? event : JSON.stringify(event), this.nowMs));
    return this.events.slice(from);
  }

  append(pcm: Uint8Array): WireEvent[] {
    return this.send({ type: 'input_audio_buffer.append', audio: Buffer.from(pcm).toString('base64') });
  }

  /** Lets the voice finish, then moves time on; every effect happens at its own moment. */
  async advance(ms: number): Promise<WireEvent[]> {
    const from = this.events.length;
    const untilMs = this.nowMs + ms;
    for (;;) {
      await this.#voiceDone();
      const nextMs = this.session.nextWakeMs;
      if (nextMs === undefined || nextMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      this.#perform(this.session.wake(this.nowMs));
    }
    this.nowMs = untilMs;
    return this.events.slice(from);
  }

  /** Moves time on without waiting for voices or brains. */
  wake(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let nextMs = this.session.nextWakeMs; nextMs !== undefined && nextMs <= untilMs; nextMs = this.session.nextWakeMs) {
      this.nowMs = Math.max(this.nowMs, nextMs);
      this.#perform(this.session.wake(this.nowMs));
    }
    this.nowMs = untilMs;
  }

  async #voiceDone(): Promise<void> {
    while (this.#speaking.length > 0) await Promise.all(this.#speaking.splice(0));
  }

  async #think(responseId: string, steps: AsyncIterable<PlanStep>): Promise<void> {
    let failed = false;
    try {
      for await (const step of steps) this.#perform(this.session.thought(responseId, step, this.nowMs));
    } catch {
      failed = true;
    }
    this.#perform(this.session.thoughtAll(responseId, failed, this.nowMs));
  }

  #perform(effects: readonly EmulatorEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'send') {
        this.events.push(effect.event);
        if (this.#current) noteEmitted(effect.event);
        this.timesMs.push(this.nowMs);
      } else if (effect.type === 'notice') this.notices.push(`${effect.message}: ${effect.detail}`);
      else if (effect.type === 'close') this.closed = effect;
      else if (effect.type === 'fault') this.faults.push(effect.fault);
      else if (effect.type === 'forget') this.forgotten.push(effect.responseId);
      else if (effect.type === 'recognise') {
        const { itemId, audio } = effect;
        this.#speaking.push((this.#recogniser?.recognise(audio) ?? Promise.resolve(undefined)).then((text) => this.#perform(this.session.recognised(itemId, text, this.nowMs))));
      } else if (effect.type === 'think') {
        this.#speaking.push(this.#think(effect.responseId, effect.steps));
      } else {
        const { responseId, part } = effect;
        this.#speaking.push(
          this.#voice.speak(effect.text).then(
            (speech) => this.#perform(this.session.spoken(responseId, part, speech, this.nowMs)),
            () => this.#perform(this.session.spoken(responseId, part, undefined, this.nowMs)),
          ),
        );
      }
    }
  }
}
