import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { OpusIn, OpusOut, opusIn, pcm16ToSamples } from '../../audio/index.js';
import type { OpusArrival, OpusCodec } from '../../audio/index.js';
import { Channel } from '../../session/index.js';
import type { PipelineEvent, VoicePipeline } from '../../session/index.js';

/** In front of each packet of Opus: its number in 16 bits, and when its sound begins, in samples of 48 kHz, in 32. */
const HEADER_BYTES = 6;
/** 20 ms in samples of 48 kHz. */
const TICKS = 960;

function message(sequence: number, timestamp: number, packet: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + packet.length);
  bytes.writeUInt16BE(sequence & 0xffff, 0);
  bytes.writeUInt32BE(timestamp >>> 0, 2);
  bytes.set(packet, HEADER_BYTES);
  return bytes;
}

export interface OpusServer extends AsyncDisposable {
  readonly url: string;
  readonly events: PipelineEvent[];
  /** Messages of any kind that have come. */
  readonly arrived: number;
  readonly sent: number;
  /** Settles when the conversation is over; rejects with what ended it. */
  readonly over: Promise<void>;
}

/** A server of one conversation; what the page of voice pipelines prints is the same. */
export async function serveOpus(opus: OpusCodec, pipeline: VoicePipeline): Promise<OpusServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const events: PipelineEvent[] = [];
  let [arrived, sent] = [0, 0];
  const connected = once(server, 'connection') as Promise<[WebSocket]>;

  async function converse(socket: WebSocket): Promise<void> {
    const packets = new Channel<OpusArrival>({ capacity: 100, whenFull: 'drop-oldest' });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      arrived += 1;
      if (isBinary && data.length > HEADER_BYTES) packets.push({ sequence: data.readUInt16BE(0), timestamp: data.readUInt32BE(2), packet: data.subarray(HEADER_BYTES) });
    });
    socket.on('error', () => {});
    socket.on('close', () => packets.close());
    const voice = new OpusOut(opus.createEncoder({ bitrate: 64_000 }));
    let sequence = 0;
    const tell = (data: string | Uint8Array): void => {
      socket.send(data);
      sent += 1;
    };
    const send = (made: readonly Uint8Array[]): void => {
      for (const packet of made) tell(message(sequence, TICKS * sequence++, packet));
    };
    for await (const event of pipeline.process(opusIn(packets, opus.createDecoder()))) {
      events.push(event);
      if (event.type === 'voice_stream_event_audio') send(voice.push(pcm16ToSamples(event.data)));
      else if (event.type === 'voice_stream_event_lifecycle' && event.event === 'turn_ended') send(voice.flush());
      else if (event.type === 'voice_stream_event_interrupted') {
        voice.flush();
        tell('{"type":"clear"}');
      }
    }
  }

  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    events,
    get arrived() {
      return arrived;
    },
    get sent() {
      return sent;
    },
    over: connected.then(([socket]) => converse(socket)),
    async [Symbol.asyncDispose]() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface OpusClientOptions {
  readonly sampleRate: 24_000 | 48_000;
  readonly channels: 1 | 2;
  /** Every so manieth packet is lost, on both ways. */
  readonly loseEvery: number;
}

/** A client as those of voice chats are: 20 ms of Opus a message, packets that are lost, and silence that is not sent. */
export class OpusClient {
  readonly socket: WebSocket;
  /** What was heard: mono, 24 kHz. `clear` stands where everything that was not played yet was dropped. */
  readonly heard: (Int16Array | 'clear')[] = [];
  readonly #options: OpusClientOptions;
  readonly #encoder;
  readonly #ear: OpusIn;
  #frames = 0;
  #packets = 0;
  #held: Buffer | undefined;
  sent = 0;
  arrived = 0;

  constructor(url: string, opus: OpusCodec, options: OpusClientOptions) {
    this.#options = options;
    this.#encoder = opus.createEncoder({ sampleRate: options.sampleRate, channels: options.channels, dtx: true });
    this.#ear = new OpusIn(opus.createDecoder());
    this.socket = new WebSocket(url);
    this.socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.arrived += 1;
      if (!isBinary) this.heard.push('clear');
      else if (this.arrived % options.loseEvery !== 0) this.heard.push(this.#ear.push({ sequence: data.readUInt16BE(0), packet: data.subarray(HEADER_BYTES) }));
    });
  }

  /** 20 ms of a microphone: mono, at the rate of the client. `swapped`: this packet comes behind the next one. */
  speak(mono: Int16Array, { swapped = false } = {}): void {
    const { channels, loseEvery } = this.#options;
    const frame = new Int16Array(mono.length * channels);
    for (let channel = 0; channel < channels; channel += 1) mono.forEach((sample, at) => (frame[at * channels + channel] = sample));
    const packet = this.#encoder.encode(frame);
    const timestamp = TICKS * this.#frames++;
    // Silence: such a packet says nothing.
    if (packet.length <= 2) return;
    const bytes = message(this.#packets, timestamp, packet);
    if ((this.#packets += 1) % loseEvery === 0) return;
    if (swapped) {
      this.#held = bytes;
      return;
    }
    this.send(bytes);
    if (this.#held !== undefined) this.send(this.#held);
    this.#held = undefined;
  }

  /** A message of any kind. */
  send(data: string | Uint8Array): void {
    this.socket.send(data);
    this.sent += 1;
  }

  /** A message with the header of the next packet and this in it. */
  sendAsPacket(payload: Uint8Array): void {
    this.send(message(this.#packets++, TICKS * this.#frames++, payload));
  }
}
