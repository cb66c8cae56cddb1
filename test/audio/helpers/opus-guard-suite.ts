import { describe, expect, it } from 'vitest';
import { AudioError, parseOpusPacket } from '../../../audio/index.js';
import type { OpusCodec, OpusEncoderOptions, OpusSampleRate } from '../../../audio/index.js';
import { SeededRandom, joinSamples, sameSamples } from './random.js';
import { utterances } from './speech-in-noise.js';
import { random } from '../../helpers/random.js';
import { rmsOf, sinadDb, sine } from './tones.js';

const MEASURE = process.env['MEASURE'] === '1';
const FRAMES = [2.5, 5, 10, 20, 40, 60];

const tone = (frequency: number, sampleRate: number, count: number, amplitude = 12000): Int16Array => Int16Array.from(sine(frequency, sampleRate, count, amplitude), Math.round);
const speech = (sampleRate: number): Int16Array => utterances(sampleRate)[0]?.samples ?? new Int16Array(0);

function packetsOf(codec: OpusCodec, samples: Int16Array, frameMs: number, options: OpusEncoderOptions = {}): Uint8Array[] {
  const encoder = codec.createEncoder(options);
  const size = (frameMs * encoder.sampleRate * encoder.channels) / 1000;
  return Array.from({ length: Math.floor(samples.length / size) }, (_, i) => encoder.encode(samples.subarray(i * size, (i + 1) * size)));
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'nothing was thrown';
  } catch (error) {
    return error instanceof AudioError ? error.code : error instanceof Error ? error.name : String(error);
  }
}

/** What every codec behind the guard must hold, whichever package does the work. A guard that fails may end the process: that is a failure too. */
export function opusGuardSuite(name: string, load: () => Promise<OpusCodec>): void {
  describe(`Opus by ${name}`, () => {
    it('makes packets of every frame length at every rate, mono and stereo', async () => {
      const codec = await load();
      expect(codec.name).toBe(name);
      for (const sampleRate of [8000, 12000, 16000, 24000, 48000] as OpusSampleRate[]) {
        for (const channels of [1, 2] as const) {
          const decoder = codec.createDecoder({ sampleRate, channels });
          for (const frameMs of FRAMES) {
            const size = (frameMs * sampleRate * channels) / 1000;
            const [packet = new Uint8Array(0)] = packetsOf(codec, tone(440, sampleRate, size), frameMs, { sampleRate, channels });
            expect(parseOpusPacket(packet).durationMs, `${sampleRate} ${channels} ${frameMs}`).toBe(frameMs);
            expect(decoder.decode(packet)).toHaveLength(size);
          }
        }
      }
    });

    it('refuses a frame of any other length before the codec sees it, and goes on', async () => {
      const codec = await load();
      const encoder = codec.createEncoder();
      const fresh = codec.createEncoder();
      for (const length of [0, 1, 59, 61, 479, 481, 500, 720, 1441, 5760, 100_000]) expect(() => encoder.encode(new Int16Array(length)), String(length)).toThrow(RangeError);
      expect(() => codec.createEncoder({ channels: 2 }).encode(new Int16Array(481))).toThrow(/960/);
      const frame = tone(300, 24000, 480);
      expect(encoder.encode(frame)).toEqual(fresh.encode(frame));
    });

    it('refuses what is no packet, and decodes the next one as if nothing had come', async () => {
      const codec = await load();
      const packets = packetsOf(codec, speech(24000), 20);
      const [decoder, untroubled] = [codec.createDecoder(), codec.createDecoder()];
      const bad = [[], [0x0a], [0x0b], [0x0b, 0], [0x0b, 63], [0xff, 0xff, 0xff], [0x09, 1], new Array<number>(2000).fill(8), new Array<number>(70_000).fill(3)].map((bytes) => Uint8Array.from(bytes));
      packets.forEach((packet, index) => {
        expect(codeOf(() => decoder.decode(bad[index % bad.length] ?? packet))).toBe('OPUS_INVALID');
        expect(sameSamples(decoder.decode(packet), untroubled.decode(packet)), `packet ${index}`).toBe(true);
      });
    });

    it('takes just the packets that RFC 6716 allows: any bytes, 3000 times', async () => {
      const codec = await load();
      const rnd = new SeededRandom(random().seed);
      const decoder = codec.createDecoder();
      let valid = 0;
      for (let i = 0; i < 3000; i++) {
        const packet = rnd.bytes(rnd.integer(0, [3, 20, 400, 4000][rnd.integer(0, 3)] ?? 0));
        const what = `seed ${rnd.seed}, packet ${i}`;
        if (codeOf(() => parseOpusPacket(packet)) === 'OPUS_INVALID') {
          expect(codeOf(() => decoder.decode(packet)), what).toBe('OPUS_INVALID');
        } else {
          valid += 1;
          expect(decoder.decode(packet).length, what).toBe(parseOpusPacket(packet).durationMs * 24);
        }
        if (i % 7 === 0) expect(decoder.conceal().length, what).toBeLessThanOrEqual(60 * 24);
      }
      expect(valid).toBeGreaterThan(300);
    });

    it('conceals exactly one frame, which is nearer to the speech than silence is, and goes on from there', async () => {
      const codec = await load();
      const samples = speech(24000);
      for (const frameMs of FRAMES) {
        const decoder = codec.createDecoder();
        expect(decoder.conceal()).toEqual(new Int16Array(480));
        const last = packetsOf(codec, samples, frameMs).slice(0, 5).at(-1) ?? new Uint8Array(0);
        decoder.decode(last);
        // A packet of 40 ms may be two frames of 20.
        expect(decoder.conceal(), `${frameMs} ms`).toHaveLength(parseOpusPacket(last).toc.frameMs * 24);
      }
      const packets = packetsOf(codec, samples, 20);
      const [whole, concealing, silent] = [codec.createDecoder(), codec.createDecoder(), codec.createDecoder()];
      const sums = { concealed: 0, silence: 0 };
      packets.forEach((packet, index) => {
        const wanted = whole.decode(packet);
        const lost = index % 10 === 9;
        const mended = lost ? concealing.conceal() : concealing.decode(packet);
        const gap = lost ? new Int16Array(480) : silent.decode(packet);
        sums.concealed += rmsOf(wanted.map((sample, i) => sample - (mended[i] ?? 0))) ** 2;
        sums.silence += rmsOf(wanted.map((sample, i) => sample - (gap[i] ?? 0))) ** 2;
      });
      const betterDb = 10 * Math.log10(sums.silence / sums.concealed);
      if (MEASURE) console.log(name, 'concealed, dB nearer than silence', betterDb.toFixed(2));
      expect(betterDb).toBeGreaterThan(0.3);
    });

    it('keeps a tone, late by its lookahead and by nothing else', async () => {
      const codec = await load();
      const rows: string[] = [];
      for (const [sampleRate, bitrate, least] of [[24000, 24000, 20], [24000, 64000, 35], [48000, 64000, 30], [8000, 16000, 10]] as const) {
        const encoder = codec.createEncoder({ sampleRate, bitrate });
        const decoder = codec.createDecoder({ sampleRate });
        const sound = joinSamples(packetsOf(codec, tone(1000, sampleRate, sampleRate * 2), 20, { sampleRate, bitrate }).map((packet) => decoder.decode(packet)));
        const { sinad, amplitude } = sinadDb(sound.subarray(sampleRate / 2), 1000, sampleRate);
        const [input, decoded] = [speech(sampleRate), codec.createDecoder({ sampleRate })];
        const output = joinSamples(packetsOf(codec, input, 20, { sampleRate, bitrate }).map((packet) => decoded.decode(packet)));
        const late = lagOf(input, output, sampleRate / 50);
        rows.push(`${sampleRate} Hz, ${bitrate} bit/s: SINAD ${sinad.toFixed(1)} dB, level ${(20 * Math.log10(amplitude / 12000)).toFixed(2)} dB, late ${((late * 1000) / sampleRate).toFixed(2)} ms`);
        expect(sinad, rows.at(-1)).toBeGreaterThan(least);
        expect(Math.abs(20 * Math.log10(amplitude / 12000)), rows.at(-1)).toBeLessThan(1);
        // The filters for speech turn the phase a little: a quarter of a millisecond.
        expect(Math.abs(late - encoder.lookaheadSamples) / sampleRate, rows.at(-1)).toBeLessThan(0.0005);
      }
      if (MEASURE) console.log(name, rows.join('\n'));
    });

    it('decodes packets of 48 kHz and of stereo at 24 kHz mono, in step', async () => {
      const codec = await load();
      const stereo = new Int16Array(48000 * 2).map((_, i) => Math.round(12000 * Math.sin((2 * Math.PI * 700 * (i >> 1)) / 48000)));
      const packets = packetsOf(codec, stereo, 20, { sampleRate: 48000, channels: 2, bitrate: 96000, application: 'audio' });
      const decoder = codec.createDecoder();
      const sound = joinSamples(packets.map((packet) => decoder.decode(packet)));
      expect(sound).toHaveLength(24000);
      const { sinad, amplitude } = sinadDb(sound.subarray(6000), 700, 24000);
      expect(sinad).toBeGreaterThan(30);
      expect(Math.abs(amplitude / 12000 - 1)).toBeLessThan(0.05);
    });

    it('sends silence as packets of a byte with dtx, and speech again when it comes', async () => {
      const codec = await load();
      const samples = joinSamples([speech(24000), new Int16Array(48000), speech(24000)]);
      const [all, short] = [packetsOf(codec, samples, 20), packetsOf(codec, samples, 20, { dtx: true })];
      const tiny = short.filter((packet) => packet.length <= 2);
      expect(all.some((packet) => packet.length <= 2)).toBe(false);
      expect(tiny.length).toBeGreaterThan(60);
      expect(short.at(-20)?.length).toBeGreaterThan(10);
      const decoder = codec.createDecoder();
      expect(short.reduce((sum, packet) => sum + decoder.decode(packet).length, 0)).toBe(Math.floor(samples.length / 480) * 480);
    });

    it('carries the packet before once more with fec', async () => {
      const codec = await load();
      // In a SILK frame the flags stand first: one bit of voice activity, then the bit of the redundant frame (RFC 6716, section 4.2.3).
      const redundant = (options: OpusEncoderOptions): number =>
        packetsOf(codec, speech(16000), 20, { sampleRate: 16000, bitrate: 24000, ...options }).filter((packet) => parseOpusPacket(packet).toc.mode === 'silk' && ((packet[1] ?? 0) & 0x40) !== 0).length;
      expect(redundant({})).toBe(0);
      expect(redundant({ fec: true, expectedLossPercent: 20 })).toBeGreaterThan(10);
    });

    it('begins another stream after reset', async () => {
      const codec = await load();
      const encoder = codec.createEncoder();
      const decoder = codec.createDecoder();
      const frames = Array.from({ length: 20 }, (_, i) => speech(24000).subarray(i * 480, i * 480 + 480));
      const run = (): { packets: Uint8Array[]; samples: Int16Array } => {
        const packets = frames.map((frame) => encoder.encode(frame));
        return { packets, samples: joinSamples(packets.map((packet) => decoder.decode(packet))) };
      };
      const first = run();
      encoder.reset();
      decoder.reset();
      expect(decoder.conceal()).toEqual(new Int16Array(480));
      const second = run();
      expect(second.packets).toEqual(first.packets);
      expect(sameSamples(second.samples, first.samples)).toBe(true);
    });

    it('gives memory of its own, and does not keep what it was given', async () => {
      const codec = await load();
      const [encoder, other] = [codec.createEncoder(), codec.createEncoder()];
      const [decoder, otherDecoder] = [codec.createDecoder(), codec.createDecoder()];
      const memory = new Int16Array(481);
      for (let i = 0; i < 10; i++) {
        // At an odd place of its buffer, as a piece of a larger array is.
        const frame = memory.subarray(1);
        frame.set(speech(24000).subarray(i * 480, i * 480 + 480));
        const wanted = other.encode(frame.slice());
        const packet = encoder.encode(frame);
        frame.fill(0);
        expect(packet).toEqual(wanted);
        const samples = decoder.decode(packet);
        const kept = samples.slice();
        packet.fill(0);
        expect(samples).toEqual(otherDecoder.decode(wanted));
        decoder.conceal();
        otherDecoder.conceal();
        expect(samples).toEqual(kept);
      }
    });

    it.each<[string, object]>([
      ['a rate', { sampleRate: 44100 }],
      ['a rate of none', { sampleRate: 0 }],
      ['channels', { channels: 3 }],
    ])('does not take %s that Opus does not have', async (_name, options) => {
      const codec = await load();
      expect(() => codec.createEncoder(options)).toThrow(RangeError);
      expect(() => codec.createDecoder(options)).toThrow(RangeError);
    });

    it.each([{ bitrate: 5999 }, { bitrate: 510_001 }, { bitrate: NaN }, { complexity: 11 }, { complexity: -1 }, { expectedLossPercent: 101 }, { application: 'toString' }])('does not take %j', async (options) => {
      const codec = await load();
      expect(() => codec.createEncoder(options as OpusEncoderOptions)).toThrow(RangeError);
    });
  });
}

/** By how many samples `output` is later than `input`, up to `most`: where they are most alike. */
function lagOf(input: Int16Array, output: Int16Array, most: number): number {
  let best = { lag: 0, sum: -Infinity };
  for (let lag = 0; lag <= most; lag++) {
    let sum = 0;
    for (let i = 0; i + lag < output.length; i += 1) sum += (input[i] ?? 0) * (output[i + lag] ?? 0);
    if (sum > best.sum) best = { lag, sum };
  }
  return best.lag;
}
