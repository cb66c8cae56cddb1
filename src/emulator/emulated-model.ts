import { TransportError } from '../../session/index.js';
import type { Clock, ModelCommand, ModelConnectOptions, ModelConnection, RealtimeModel, Timer } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import { parseMessage } from '../protocol/openai-realtime/parse.js';
import { serialize } from '../protocol/openai-realtime/serialize.js';
import type { BrainFactory, Recogniser } from './brain.js';
import { demoScript } from './demo-script.js';
import { EmulatedSession } from './emulated-session.js';
import type { EmulatedSessionOptions } from './emulated-session.js';
import type { EmulatorEffect } from './effect.js';
import { ParrotBrain } from './parrot-brain.js';
import { ScriptBrain } from './script-brain.js';
import type { Script } from './script.js';
import type { Voice } from './speech.js';
import { Thoughts } from './thoughts.js';
import { createVoice } from './voice.js';

/** Sees each message of a connection as text, at the moment when it passes. */
export interface WireListener {
  onOpen?(connection: number): void;
  onMessage?(connection: number, dir: 'in' | 'out', text: string): void;
  onClose?(connection: number, dir: 'in' | 'out', code: number, reason: string): void;
}

/** How the emulator speaks and thinks; see `EmulatorOptions`. */
export interface EmulatedModelOptions extends Partial<Pick<EmulatedSessionOptions, 'pace' | 'sessionLimitMs' | 'thinkMs' | 'seed'>> {
  /** Default: the demo's. */
  readonly script?: Script;
  /** `parrot` says back what it hears. Default `script`. */
  readonly mode?: 'script' | 'parrot';
  /** Makes the brain of each connection, in place of those that `mode` names. */
  readonly brain?: BrainFactory;
  /** Makes what understands what is said on each connection; without it a spoken turn means what the script says. */
  readonly recogniser?: () => Recogniser;
  /** Speaks what a brain has no sound for. Default: the clips of the package and a murmur. */
  readonly voice?: Voice;
  /** For people. Default `emulator`. */
  readonly label?: string;
  /** Default: the machine's; with a manual one a call takes as long as its computing. */
  readonly clock?: Clock;
  /** One way, in ms. Default 15.25: not whole, as no network's is, so that the two sides never speak at the same moment, of which nobody could say who was first. */
  readonly lagMs?: number;
  readonly listener?: WireListener;
}

/** From a moment that never changes, so that two calls are the same. */
const UNIX_SECONDS = 1_800_000_000;

/**
 * The emulator as a model within this process: its real messages, written and read as on a socket, without one. Its voice is the clips of the package
 * and a murmur, so that the same call sounds the same on every machine.
 */
export class EmulatedModel implements RealtimeModel {
  readonly label: string;
  readonly #clock: Clock;
  readonly #options: EmulatedModelOptions;
  readonly #listener: WireListener;
  readonly #lagMs: number;
  readonly #voice: Voice;
  #cut: ((code: number, reason: string) => void) | undefined;
  #connections = 0;
  /** While it is set, nobody gets in. */
  refuses = false;

  constructor(options: EmulatedModelOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#listener = options.listener ?? {};
    this.#lagMs = options.lagMs ?? 15.25;
    this.#options = options;
    this.label = options.label ?? 'emulator';
    this.#voice = options.voice ?? createVoice({ synthesizers: [] });
  }

  /** Ends the newest connection; that is known when the news has come. */
  cut(code = 1006, reason = ''): void {
    const cut = this.#cut;
    this.#clock.after(this.#lagMs, () => cut?.(code, reason));
  }

  connect(options: ModelConnectOptions): Promise<ModelConnection> {
    return new Promise((resolve, reject) => {
      this.#clock.after(this.#lagMs, () => {
        if (options.signal.aborted) reject(options.signal.reason as Error);
        else if (this.refuses) reject(new TransportError('MODEL_UNREACHABLE', 'Nothing listens.', { retryable: true, stage: 'connect' }));
        else resolve(this.#open(options));
      });
    });
  }

  #open({ onInput, onClose }: ModelConnectOptions): ModelConnection {
    const clock = this.#clock;
    const lagMs = this.#lagMs;
    this.#connections += 1;
    const number = this.#connections;
    const { script = demoScript, mode = 'script', pace = 8, sessionLimitMs = 3_600_000, thinkMs = 120, seed = 0 } = this.#options;
    const recogniser = this.#options.recogniser?.();
    const brain = this.#options.brain?.() ?? (mode === 'parrot' ? new ParrotBrain() : new ScriptBrain(script));
    const kind = { kind: 'realtime', model: this.label, recognises: recogniser !== undefined, mcpServers: script.mcpServers ?? [] } as const;
    const session = new EmulatedSession({ ...kind, brain, pace, sessionLimitMs, thinkMs, seed: seed + number, unixSeconds: UNIX_SECONDS, nowMs: clock.now() });
    let timer: Timer | undefined;
    let open = true;
    const end = (dir: 'in' | 'out', code: number, reason: string): void => {
      if (!open) return;
      open = false;
      timer?.cancel();
      thoughts.forgetAll();
      this.#listener.onClose?.(number, dir, code, reason);
      onClose({ code, reason, byUs: dir === 'out' });
    };
    const perform = (effects: readonly EmulatorEffect[]): void => {
      if (!open) return;
      for (const effect of effects) {
        if (effect.type === 'send') arrive(JSON.stringify(effect.event));
        else if (effect.type === 'close') clock.after(lagMs, () => end('in', effect.code, effect.reason));
        // A voice of clips and murmurs waits for promises alone: it has spoken before a manual clock moves on.
        else if (effect.type === 'speak') void this.#voice.speak(effect.text).then((speech) => perform(session.spoken(effect.responseId, effect.part, speech, clock.now())));
        else if (effect.type === 'recognise') void recogniser?.recognise(effect.audio).catch(() => undefined).then((text) => perform(session.recognised(effect.itemId, text, clock.now())));
        else if (effect.type === 'think') void thoughts.follow(effect.responseId, effect.steps);
        else if (effect.type === 'forget') thoughts.forget(effect.responseId);
      }
      timer?.cancel();
      const nextMs = session.nextWakeMs;
      timer = nextMs === undefined ? undefined : clock.after(Math.max(0, nextMs - clock.now()), () => perform(session.wake(clock.now())));
    };
    const thoughts = new Thoughts({
      onStep: (responseId, step) => perform(open ? session.thought(responseId, step, clock.now()) : []),
      onEnd: (responseId, failed) => perform(open ? session.thoughtAll(responseId, failed, clock.now()) : []),
    });
    const arrive = (text: string): void => {
      clock.after(lagMs, () => {
        if (!open) return;
        this.#listener.onMessage?.(number, 'in', text);
        for (const input of parseMessage(text)) onInput(input);
      });
    };
    this.#cut = (code, reason) => end('in', code, reason);
    this.#listener.onOpen?.(number);
    perform(session.open());
    return {
      bufferedBytes: 0,
      send: (command: ModelCommand) => {
        if (!open) return;
        const text = serialize(command);
        this.#listener.onMessage?.(number, 'out', text);
        clock.after(lagMs, () => perform(open ? session.receive(text, clock.now()) : []));
      },
      close: async (reason = '') => end('out', 1000, reason),
    };
  }
}
