import type { OpusDecoder } from '../codec/opus-codec.js';
import { parseOpusPacket } from '../codec/opus-packet.js';
import { samplesToPcm16 } from '../codec/pcm16.js';
import { AudioError } from '../errors.js';
import { joinSamples } from '../format/join-samples.js';
import { through } from './through.js';

/** A packet as it came. With neither number, the packets are taken to follow each other. */
export interface OpusArrival {
  readonly packet: Uint8Array;
  /** Counts the packets, in 16 bits (RTP): a gap is a loss. */
  readonly sequence?: number;
  /** When the packet's sound begins, in samples of 48 kHz whatever its rate is, in 32 bits (RFC 7587): a gap without a loss is silence that was not sent. */
  readonly timestamp?: number;
}

export interface OpusInOptions {
  /** The longest gap that is filled; what is beyond is left out and counted. Default 2000. */
  readonly maxGapMs?: number;
}

/** What became of the packets, so far. */
export interface OpusInCounts {
  /** Decoded. */
  readonly packets: number;
  /** Sound that was made up for packets that were lost or broken, and silence in the place of what was not sent. */
  readonly concealedMs: number;
  readonly silentMs: number;
  /** Packets that came after their place was filled, or twice. */
  readonly late: number;
  /** Packets that were none. */
  readonly invalid: number;
  /** Of gaps that were longer than `maxGapMs`. */
  readonly skippedMs: number;
}

const TICKS_PER_MS = 48;
/** A packet that is further back than this begins the stream anew: its sender has started again. The limit of RFC 3550 is the same. */
const MAX_MISORDER = 100;
/** What goes on after a loss sounds like speech for so long; then silence is better. */
const MAX_CONCEAL_MS = 120;

interface Place {
  readonly sequence: number | undefined;
  readonly timestamp: number | undefined;
}

/**
 * Opus packets as a stream of PCM16 without holes: what is lost is concealed, what was not sent (DTX, a muted microphone) is silence, and what comes too
 * late is dropped. Time in what comes out runs as it ran for the sender. Broken packets are counted and concealed, never thrown. Packets are taken in
 * the order in which they come: whoever receives datagrams in any order sorts them first.
 */
export class OpusIn {
  readonly #decoder: OpusDecoder;
  readonly #maxGapMs: number;
  #expected: Place | undefined;
  #packetMs = 20;
  /** Silence that was given while nothing came: it fills the gap in front of the next packet in advance. */
  #aheadMs = 0;
  #counts: OpusInCounts = { packets: 0, concealedMs: 0, silentMs: 0, late: 0, invalid: 0, skippedMs: 0 };

  /** The decoder belongs to the stream until it has ended. */
  constructor(decoder: OpusDecoder, options: OpusInOptions = {}) {
    const { maxGapMs = 2000 } = options;
    if (!(maxGapMs >= 0)) throw new RangeError(`maxGapMs must not be negative, but is ${maxGapMs}.`);
    this.#decoder = decoder;
    this.#maxGapMs = maxGapMs;
  }

  get counts(): OpusInCounts {
    return this.#counts;
  }

  /** The samples up to the end of this packet: what fills the gap before it, and its own. Channels are those of the decoder. */
  push(arrival: OpusArrival): Int16Array {
    const { sequence, timestamp } = arrival;
    const steps = distance(sequence, this.#expected?.sequence, 16);
    const ticks = distance(timestamp, this.#expected?.timestamp, 32);
    const anew = steps === undefined ? (ticks ?? 0) < -MAX_MISORDER * this.#packetMs * TICKS_PER_MS : steps < -MAX_MISORDER;
    if (!anew && (steps ?? ticks ?? 0) < 0) {
      this.#count({ late: 1 });
      return new Int16Array(0);
    }
    if (anew) this.flush();
    const gapMs = anew ? 0 : Math.max(0, ticks === undefined ? (steps ?? 0) * this.#packetMs : ticks / TICKS_PER_MS);
    // Without a sequence nobody knows whether a gap was lost or not sent; lost is the safer guess, since it fades out.
    const lost = steps === undefined ? gapMs > 0 : steps > 0;
    const gap = this.#fill(gapMs, lost);
    // Without timestamps no later gap will show how long the silence was.
    if (timestamp === undefined) this.#aheadMs = 0;
    const own = this.#decode(arrival.packet);
    this.#expected = {
      sequence: sequence === undefined ? undefined : (sequence + 1) & 0xffff,
      timestamp: timestamp === undefined ? undefined : (timestamp + this.#packetMs * TICKS_PER_MS) % 2 ** 32,
    };
    return joinSamples(gap, own);
  }

  /**
   * Nothing has come for so long (in ms, whole samples of it): gives as much silence. A sender that has stopped sending would else leave a turn without its
   * end. When it goes on, its gap is shorter by that.
   */
  idle(ms: number): Int16Array {
    const silence = new Int16Array(this.#sampleCount(ms));
    this.#aheadMs += ms;
    this.#count({ silentMs: ms });
    return silence;
  }

  /** Ends the stream: nothing is held back. The next packet begins another. */
  flush(): Int16Array {
    this.#decoder.reset();
    this.#expected = undefined;
    this.#aheadMs = 0;
    return new Int16Array(0);
  }

  #decode(packet: Uint8Array): Int16Array {
    try {
      const { durationMs } = parseOpusPacket(packet);
      const samples = this.#decoder.decode(packet);
      this.#packetMs = durationMs;
      this.#count({ packets: 1 });
      return samples;
    } catch (error) {
      if (!(error instanceof AudioError)) throw error;
      this.#count({ invalid: 1, concealedMs: this.#packetMs });
      return this.#conceal(this.#sampleCount(this.#packetMs));
    }
  }

  #fill(wantedMs: number, lost: boolean): Int16Array {
    const aheadMs = Math.min(this.#aheadMs, wantedMs);
    this.#aheadMs -= aheadMs;
    const gapMs = Math.min(wantedMs - aheadMs, this.#maxGapMs);
    const concealedMs = lost ? Math.min(gapMs, MAX_CONCEAL_MS) : 0;
    this.#count({ concealedMs, silentMs: gapMs - concealedMs, skippedMs: wantedMs - aheadMs - gapMs });
    const concealed = this.#conceal(this.#sampleCount(concealedMs));
    return joinSamples(concealed, new Int16Array(this.#sampleCount(gapMs) - concealed.length));
  }

  #conceal(count: number): Int16Array {
    const frames: Int16Array[] = [];
    for (let made = 0; made < count; ) {
      const frame = this.#decoder.conceal().subarray(0, count - made);
      frames.push(frame);
      made += frame.length;
    }
    return joinSamples(...frames);
  }

  #sampleCount(ms: number): number {
    return Math.round((ms * this.#decoder.sampleRate) / 1000) * this.#decoder.channels;
  }

  #count(more: Partial<OpusInCounts>): void {
    const { packets = 0, concealedMs = 0, silentMs = 0, late = 0, invalid = 0, skippedMs = 0 } = more;
    const counts = this.#counts;
    this.#counts = {
      packets: counts.packets + packets,
      concealedMs: counts.concealedMs + concealedMs,
      silentMs: counts.silentMs + silentMs,
      late: counts.late + late,
      invalid: counts.invalid + invalid,
      skippedMs: counts.skippedMs + skippedMs,
    };
  }
}

/** How far a counter of so many bits is from where it was expected; the shorter way round. */
function distance(value: number | undefined, expected: number | undefined, bits: 16 | 32): number | undefined {
  if (value === undefined || expected === undefined) return undefined;
  const size = 2 ** bits;
  const ahead = (((value - expected) % size) + size) % size;
  return ahead < size / 2 ? ahead : ahead - size;
}

/** {@link OpusIn} for a stream that is read in a loop: packets in, PCM16 bytes out, as `VoicePipeline.process` takes them. Packets that came too late give nothing. */
export function opusIn(arrivals: AsyncIterable<OpusArrival>, decoder: OpusDecoder, options: OpusInOptions = {}): AsyncIterableIterator<Uint8Array, undefined> {
  const stage = new OpusIn(decoder, options);
  const bytes = (samples: Int16Array): readonly Uint8Array[] => (samples.length === 0 ? [] : [samplesToPcm16(samples)]);
  return through(arrivals, { push: (arrival: OpusArrival) => bytes(stage.push(arrival)), flush: () => bytes(stage.flush()) });
}
