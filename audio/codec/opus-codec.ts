/** The rates that Opus knows, in Hz. Any packet can be decoded at any of them, whatever rate it was made from. */
export type OpusSampleRate = 8000 | 12000 | 16000 | 24000 | 48000;

export interface OpusDecoderOptions {
  /** Default 24000: no resampler is needed between Opus and a model. */
  readonly sampleRate?: OpusSampleRate;
  /** 1 or 2, interleaved; default 1. Packets of the other kind are mixed, or doubled. */
  readonly channels?: 1 | 2;
}

export interface OpusEncoderOptions extends OpusDecoderOptions {
  /** What the sound is tuned for: `voip` speech (default), `audio` music, `restricted_lowdelay` 4 ms less of delay. */
  readonly application?: 'voip' | 'audio' | 'restricted_lowdelay';
  /** Bits per second, 6000..510 000; default 24 000 a channel. */
  readonly bitrate?: number;
  /** 0..10: quality against time. Default 5. */
  readonly complexity?: number;
  /** Silence is sent as packets of one byte, with now and then one to tell how the silence sounds. Default false. */
  readonly dtx?: boolean;
  /**
   * Each packet may carry the one before it once more, in fewer bits, for receivers that can make use of it. Needs `expectedLossPercent`. Default false.
   */
  readonly fec?: boolean;
  /** How many packets are likely to be lost, 0..100: the more, the more bits go into mending. Default 0. */
  readonly expectedLossPercent?: number;
}

/** Makes packets (plain RFC 6716, what WebCodecs, WebRTC and Discord speak) out of PCM16. */
export interface OpusEncoder {
  readonly sampleRate: OpusSampleRate;
  readonly channels: 1 | 2;
  /** How much later a sound comes out of a decoder than it went in here, in samples per channel. */
  readonly lookaheadSamples: number;
  /**
   * One packet for one frame: exactly 2.5, 5, 10, 20, 40 or 60 ms, channels interleaved. Throws `RangeError` for any other length, before the codec sees
   * it. `samples` is borrowed until the call returns; the packet is new memory.
   */
  encode(samples: Int16Array): Uint8Array;
  /** The next frame begins another stream. */
  reset(): void;
}

/** Makes PCM16 out of packets. */
export interface OpusDecoder {
  readonly sampleRate: OpusSampleRate;
  readonly channels: 1 | 2;
  /**
   * The samples of one packet, 2.5..120 ms, channels interleaved; new memory. Throws `AudioError` `OPUS_INVALID` for what is no packet; the decoder
   * goes on after that as if nothing had come.
   */
  decode(packet: Uint8Array): Int16Array;
  /** In the place of a frame that is lost: one frame, as long as those of the last packet, that goes on from it. Silence of 20 ms before the first packet. */
  conceal(): Int16Array;
  /** The next packet begins another stream. */
  reset(): void;
}

/** An implementation of Opus. Others than the loaded ones fit behind it. */
export interface OpusCodec {
  /** For people: the name of the package. */
  readonly name: string;
  /** Throw `RangeError` for options outside their ranges. */
  createEncoder(options?: OpusEncoderOptions): OpusEncoder;
  createDecoder(options?: OpusDecoderOptions): OpusDecoder;
}
