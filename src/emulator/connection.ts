import type { Duplex } from 'node:stream';
import type { Clock, Logger, Timer } from '../../session/index.js';
import type { Transport } from '../transport/transport.js';
import type { Recogniser } from './brain.js';
import type { DrivenSession } from './driven-session.js';
import type { EmulatorEffect } from './effect.js';
import type { Fault } from './fault.js';
import { FaultyLine } from './faulty-line.js';
import type { LineAction } from './faulty-line.js';
import { cutAtByte, swallowWrites } from './raw-socket.js';
import type { Speech, Voice } from './speech.js';
import { Thoughts } from './thoughts.js';

export interface Surroundings {
  readonly clock: Clock;
  readonly voice: Voice;
  readonly recogniser: Recogniser | undefined;
  readonly logger: Logger;
  readonly notice: (message: string, detail: string) => void;
  /** Decides what is left to chance in this connection's faults. */
  readonly seed: number;
  /** The socket is gone; called once. */
  readonly onGone: () => void;
}

/** A client that lets more than this pile up does not read any more; it is cut off. */
const MAX_UNREAD_BYTES = 32 * 1024 * 1024;
/** A connection that was made half-open on purpose is not kept for ever. */
const HALF_OPEN_LIMIT_MS = 3_600_000;

/** Joins a session to its socket, the clock, the voice and the faults, until the socket is gone. */
export class EmulatorConnection {
  readonly #transport: Transport;
  readonly #socket: Duplex;
  readonly #session: DrivenSession;
  readonly #around: Surroundings;
  /** Stands between the session and the socket where something is to go wrong. */
  #line: FaultyLine | undefined;
  readonly #thoughts = new Thoughts({
    onStep: (responseId, step) => this.#drive(() => this.#session.thought(responseId, step, this.#around.clock.now())),
    onEnd: (responseId, failed) => this.#drive(() => this.#session.thoughtAll(responseId, failed, this.#around.clock.now())),
  });
  #timer: Timer | undefined;
  #timerMs = Infinity;
  #otherTimer: Timer | undefined;
  #gone = false;
  #bytesPerSecond = Infinity;

  constructor(transport: Transport, socket: Duplex, session: DrivenSession, around: Surroundings) {
    this.#transport = transport;
    this.#socket = socket;
    this.#session = session;
    this.#around = around;
  }

  /** Begins with these faults. */
  start(faults: readonly Fault[]): void {
    const { clock, logger } = this.#around;
    for (const fault of faults) this.fault(fault);
    this.#drive(() => this.#session.open());
    logger.info('emulated session open');
    this.#transport.listen({
      onMessage: (data) => {
        this.#drive(() => (typeof data === 'string' ? this.#session.receive(data, clock.now()) : this.#session.receiveBinary(clock.now())));
        if (this.#bytesPerSecond !== Infinity) this.#readSlowly(data.length);
      },
      onClose: ({ code }) => {
        this.#end();
        logger.info('emulated session closed', { closeCode: code });
      },
    });
  }

  /** Something goes wrong from now on, or at the fault's moment. */
  fault(fault: Fault): void {
    if (this.#gone) return;
    this.#line ??= new FaultyLine(this.#around.seed);
    const line = this.#line;
    this.#guard(() => this.#act(line.add(fault, this.#around.clock.now())));
  }

  /** Nothing more goes wrong on purpose; what was done stays done. */
  clearFaults(): void {
    this.#bytesPerSecond = Infinity;
    const line = this.#line;
    if (line !== undefined && !this.#gone) this.#guard(() => this.#act(line.clear(this.#around.clock.now())));
  }

  #drive(step: () => readonly EmulatorEffect[]): void {
    this.#guard(() => this.#perform(step()));
  }

  /** Whatever goes wrong in here ends this session and nothing else. */
  #guard(act: () => void): void {
    if (this.#gone) return;
    try {
      act();
      this.#arm();
    } catch (error) {
      this.#around.logger.error('emulated session failed', { reason: (error as Error).name });
      this.#end();
      void this.#transport.close(1011, 'internal error');
    }
  }

  #perform(effects: readonly EmulatorEffect[]): void {
    const { clock, voice, notice } = this.#around;
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          if (this.#line === undefined) this.#transport.send(JSON.stringify(effect.event));
          else this.#act(this.#line.send(effect.event, clock.now()));
          break;
        case 'speak':
          void voice.speak(effect.text).then(
            (speech) => this.#spoken(effect.responseId, effect.part, speech),
            () => this.#spoken(effect.responseId, effect.part, undefined),
          );
          break;
        case 'recognise':
          void this.#recognise(effect.itemId, effect.audio);
          break;
        case 'think':
          void this.#thoughts.follow(effect.responseId, effect.steps);
          break;
        case 'forget':
          this.#thoughts.forget(effect.responseId);
          break;
        case 'notice':
          notice(effect.message, effect.detail);
          break;
        case 'fault':
          this.fault(effect.fault);
          break;
        case 'close':
          if (this.#line === undefined) void this.#transport.close(effect.code, effect.reason);
          else this.#act(this.#line.close(effect.code, effect.reason, clock.now()));
          break;
      }
    }
    if (this.#transport.bufferedBytes > MAX_UNREAD_BYTES) {
      this.#around.logger.warn('emulator cuts off a client that does not read', { bufferedBytes: this.#transport.bufferedBytes });
      this.#transport.destroy();
    }
  }

  #act(actions: readonly LineAction[]): void {
    for (const action of actions) {
      switch (action.type) {
        case 'text':
          this.#transport.send(action.text);
          break;
        case 'binary':
          this.#transport.send(action.bytes);
          break;
        case 'cut':
          this.#transport.destroy();
          break;
        case 'cut-at-byte':
          cutAtByte(this.#socket, action.bytes);
          break;
        case 'half-open':
          swallowWrites(this.#socket);
          this.#transport.pause();
          this.#otherTimer?.cancel();
          this.#otherTimer = this.#around.clock.after(HALF_OPEN_LIMIT_MS, () => this.#transport.destroy());
          break;
        case 'close':
          void this.#transport.close(action.code, action.reason);
          break;
        case 'read-slowly':
          this.#bytesPerSecond = action.bytesPerSecond;
          break;
        case 'expire':
          this.#perform(this.#session.expire(this.#around.clock.now()));
          break;
      }
    }
  }

  /** One timer, for whichever comes first; it is left alone as long as that does not change. */
  #arm(): void {
    if (this.#gone) return;
    const nextMs = Math.min(this.#session.nextWakeMs ?? Infinity, this.#line?.nextWakeMs ?? Infinity);
    if (nextMs === this.#timerMs) return;
    this.#timer?.cancel();
    this.#timerMs = nextMs;
    const { clock } = this.#around;
    this.#timer = nextMs === Infinity ? undefined : clock.after(Math.max(0, nextMs - clock.now()), this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#timerMs = Infinity;
    this.#guard(() => {
      const nowMs = this.#around.clock.now();
      if (this.#line !== undefined) this.#act(this.#line.wake(nowMs));
      this.#perform(this.#session.wake(nowMs));
    });
  };

  #spoken(responseId: string, part: number, speech: Speech | undefined): void {
    this.#drive(() => this.#session.spoken(responseId, part, speech, this.#around.clock.now()));
  }

  async #recognise(itemId: string, audio: Parameters<Recogniser['recognise']>[0]): Promise<void> {
    const text = await this.#around.recogniser?.recognise(audio).catch(() => undefined);
    this.#drive(() => this.#session.recognised(itemId, text, this.#around.clock.now()));
  }

  #readSlowly(bytes: number): void {
    this.#transport.pause();
    this.#otherTimer?.cancel();
    this.#otherTimer = this.#around.clock.after((bytes * 1000) / this.#bytesPerSecond, () => this.#transport.resume());
  }

  #end(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#around.onGone();
    this.#timer?.cancel();
    this.#otherTimer?.cancel();
    this.#thoughts.forgetAll();
  }
}
