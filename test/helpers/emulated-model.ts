/** The emulator as a model on the manual clock: its real messages, written and read as on a socket, without one. */
import { TransportError } from '../../session/index.js';
import type { ModelCommand, ModelConnectOptions, ModelConnection, RealtimeModel, Timer } from '../../session/index.js';
import { EmulatedSession } from '../../src/emulator/emulated-session.js';
import type { EmulatorEffect } from '../../src/emulator/effect.js';
import type { EmulatedSessionOptions } from '../../src/emulator/emulated-session.js';
import { createVoice, demoScript } from '../../src/emulator/index.js';
import type { Script } from '../../src/emulator/index.js';
import { ScriptBrain } from '../../src/emulator/script-brain.js';
import type { ManualClock } from '../../src/host/manual-clock.js';
import { parseMessage } from '../../src/protocol/openai-realtime/parse.js';
import { serialize } from '../../src/protocol/openai-realtime/serialize.js';

/** One way, in ms. Not whole, as no network's is: the two sides never speak at the same moment, of which nobody could say who was first. */
const LAG_MS = 15.25;

/** Sees each message of a connection as text, at the moment when it passes. */
export interface WireListener {
  onOpen?(connection: number): void;
  onMessage?(connection: number, dir: 'in' | 'out', text: string): void;
  onClose?(connection: number, dir: 'in' | 'out', code: number, reason: string): void;
}

export interface EmulatedModelOptions extends Partial<EmulatedSessionOptions> {
  readonly script?: Script;
}

export class EmulatedModel implements RealtimeModel {
  readonly label = 'emulator';
  readonly #clock: ManualClock;
  readonly #options: EmulatedModelOptions;
  readonly #listener: WireListener;
  readonly #voice = createVoice({ synthesizers: [] });
  readonly #speaking = new Set<Promise<void>>();
  #cut: ((code: number, reason: string) => void) | undefined;
  #connections = 0;
  /** While it is set, nobody gets in. */
  refuses = false;

  constructor(clock: ManualClock, options: EmulatedModelOptions = {}, listener: WireListener = {}) {
    this.#clock = clock;
    this.#options = options;
    this.#listener = listener;
  }

  /** Ends the newest connection; that is known when the news has come. */
  cut(code = 1006, reason = ''): void {
    const cut = this.#cut;
    this.#clock.after(LAG_MS, () => cut?.(code, reason));
  }

  /** Moves time on. The voice, which works outside of it, is always done in time. */
  advance(ms: number): Promise<void> {
    return this.#clock.run(ms, async () => {
      do await new Promise((resolve) => setImmediate(resolve));
      while (this.#speaking.size > 0);
    });
  }

  connect(options: ModelConnectOptions): Promise<ModelConnection> {
    return new Promise((resolve, reject) => {
      this.#clock.after(LAG_MS, () => {
        if (options.signal.aborted) reject(options.signal.reason as Error);
        else if (this.refuses) reject(new TransportError('MODEL_UNREACHABLE', 'Nothing listens.', { retryable: true, stage: 'connect' }));
        else resolve(this.#open(options));
      });
    });
  }

  #open({ onInput, onClose }: ModelConnectOptions): ModelConnection {
    const clock = this.#clock;
    this.#connections += 1;
    const number = this.#connections;
    const { script = demoScript, seed = 0, ...options } = this.#options;
    const plain = { kind: 'realtime', model: 'emulator', pace: 8, sessionLimitMs: 3_600_000, thinkMs: 120, recognises: false, mcpServers: [] } as const;
    const session = new EmulatedSession({ ...plain, brain: new ScriptBrain(script), unixSeconds: 1_800_000_000, nowMs: clock.now(), ...options, seed: seed + number });
    let timer: Timer | undefined;
    let open = true;
    const end = (dir: 'in' | 'out', code: number, reason: string): void => {
      if (!open) return;
      open = false;
      timer?.cancel();
      this.#listener.onClose?.(number, dir, code, reason);
      onClose({ code, reason, byUs: dir === 'out' });
    };
    const perform = (effects: readonly EmulatorEffect[]): void => {
      if (!open) return;
      for (const effect of effects) {
        if (effect.type === 'send') arrive(JSON.stringify(effect.event));
        else if (effect.type === 'close') clock.after(LAG_MS, () => end('in', effect.code, effect.reason));
        else if (effect.type === 'speak') {
          const speaking: Promise<void> = this.#voice.speak(effect.text).then((speech) => {
            this.#speaking.delete(speaking);
            perform(session.spoken(effect.responseId, effect.part, speech, clock.now()));
          });
          this.#speaking.add(speaking);
        }
      }
      timer?.cancel();
      const nextMs = session.nextWakeMs;
      timer = nextMs === undefined ? undefined : clock.after(Math.max(0, nextMs - clock.now()), () => perform(session.wake(clock.now())));
    };
    const arrive = (text: string): void => {
      clock.after(LAG_MS, () => {
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
        clock.after(LAG_MS, () => perform(open ? session.receive(text, clock.now()) : []));
      },
      close: async (reason = '') => end('out', 1000, reason),
    };
  }
}
