import { readFileSync } from 'node:fs';
import WebSocket from 'ws';
import type { ClientOptions } from 'ws';
import { Resampler, decodeWav, samplesToPcm16 } from '../../../audio/index.js';
import { noteEmitted } from './emitted-events.js';

export interface WireEvent {
  readonly type: string;
  readonly event_id: string;
  readonly [field: string]: unknown;
}

/** A bare client of the realtime protocol that keeps everything it hears. */
export class EmulatorClient {
  readonly socket: WebSocket;
  readonly events: WireEvent[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: WebSocket, options: ClientOptions) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      const event = JSON.parse(data.toString('utf8')) as WireEvent;
      this.events.push(event);
      if (!(options.headers !== undefined && 'OpenAI-Beta' in options.headers) && !socket.url.includes('/translations')) noteEmitted(event);
      for (const check of this.#waiting) check();
    });
    this.closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') })));
    socket.on('error', () => {});
  }

  static async open(url: string, options: ClientOptions = {}, protocols: string[] = []): Promise<EmulatorClient> {
    const socket = new WebSocket(url, protocols, options);
    const client = new EmulatorClient(socket, options);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  send(event: { type: string; [field: string]: unknown }): void {
    this.socket.send(JSON.stringify(event));
  }

  /** Sends PCM16 24 kHz in appends of 100 ms, as fast as it goes. */
  speak(pcm: Uint8Array): void {
    for (let at = 0; at < pcm.length; at += 4_800) this.send({ type: 'input_audio_buffer.append', audio: Buffer.from(pcm.subarray(at, at + 4_800)).toString('base64') });
  }

  /** The first event from `from` on that fits; waits for it. */
  async next(type: string, from = 0, fits: (event: WireEvent) => boolean = () => true): Promise<WireEvent> {
    for (;;) {
      const found = this.events.slice(from).find((event) => event.type === type && fits(event));
      if (found !== undefined) return found;
      await new Promise<void>((resolve, reject) => {
        const check = (): void => {
          this.#waiting.delete(check);
          resolve();
        };
        this.#waiting.add(check);
        void this.closed.then(({ code, reason }) => reject(new Error(`closed with ${code} ${reason} while waiting for ${type}`)));
      });
    }
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

/** Types of events with runs of the same type folded into one. */
export function order(events: readonly { readonly type: string }[]): string[] {
  return events.map((event) => event.type).filter((type, index, all) => type !== all[index - 1]);
}

/** A file of fixtures/audio as PCM16 24 kHz bytes. */
export function callerAudio(name: string): Uint8Array {
  const wav = decodeWav(readFileSync(new URL(`../../../fixtures/audio/${name}`, import.meta.url)));
  return samplesToPcm16(new Resampler(wav.sampleRate, 24_000).push(wav.samples));
}

export function audioMs(events: readonly WireEvent[]): number[] {
  return events.filter((event) => event.type === 'response.output_audio.delta').map((event) => Buffer.from(event['delta'] as string, 'base64').length / 48);
}
