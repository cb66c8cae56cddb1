import { beforeAll, describe, expect, it } from 'vitest';
import { OpusIn, OpusOut, loadOpus, opusIn, opusOut, parseOpusPacket, pcm16ToSamples } from '../../../audio/index.js';
import type { OpusArrival, OpusCodec, OpusEncoderOptions } from '../../../audio/index.js';
import { random } from '../../helpers/random.js';
import { SeededRandom, joinSamples, sameSamples } from '../helpers/random.js';
import { rmsOf, sinadDb, sine } from '../helpers/tones.js';

let codec: OpusCodec;
beforeAll(async () => {
  codec = await loadOpus();
});

const tone = (frequency: number, sampleRate: number, count: number): Int16Array => Int16Array.from(sine(frequency, sampleRate, count, 10_000), Math.round);

function packetsOf(samples: Int16Array, options: OpusEncoderOptions = {}): Uint8Array[] {
  const out = new OpusOut(codec.createEncoder(options));
  return [...out.push(samples), ...out.flush()];
}

/** As they come from the network: numbered, with the moment of each in samples of 48 kHz. */
function arrivalsOf(packets: readonly Uint8Array[], first: { sequence?: number; timestamp?: number } = {}): Required<OpusArrival>[] {
  const { sequence = 0, timestamp = 0 } = first;
  return packets.map((packet, index) => ({ packet, sequence: (sequence + index) & 0xffff, timestamp: (timestamp + index * 960) % 2 ** 32 }));
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of source) values.push(value);
  return values;
}

describe('OpusOut', () => {
  it('gives the same packets however the samples are cut, each of 20 ms', () => {
    for (let round = 0; round < 5; round++) {
      const rnd = new SeededRandom(random().seed);
      const samples = tone(400, 24000, rnd.integer(1, 12_000));
      const whole = packetsOf(samples);
      const out = new OpusOut(codec.createEncoder());
      for (let stream = 0; stream < 2; stream++) {
        let at = 0;
        const packets = rnd.split(samples.length, 0, 700).flatMap((size) => out.push(samples.slice(at, (at += size))));
        packets.push(...out.flush());
        expect(packets, `seed ${rnd.seed}, stream ${stream}`).toEqual(whole);
      }
      expect(whole.map((packet) => parseOpusPacket(packet).durationMs)).toEqual(new Array<number>(Math.ceil((samples.length + 156) / 480)).fill(20));
    }
  });

  it('leaves no sound in the codec: the last sample comes out, late by the lookahead', () => {
    const samples = tone(500, 24000, 24000 - 7);
    const decoder = codec.createDecoder();
    const sound = joinSamples(packetsOf(samples).map((packet) => decoder.decode(packet)));
    expect(sound.length).toBeGreaterThanOrEqual(samples.length + 156);
    expect(rmsOf(sound.subarray(samples.length, samples.length + 140))).toBeGreaterThan(4000);
  });

  it('gives nothing for nothing', () => {
    expect(packetsOf(new Int16Array(0))).toEqual([]);
  });

  it.each([2.5, 5, 10, 40, 60] as const)('makes packets of %d ms, from samples of another rate', (frameMs) => {
    const out = new OpusOut(codec.createEncoder({ bitrate: 64_000 }), { frameMs, inputRate: 16000 });
    const packets = [...out.push(tone(500, 16000, 16000)), ...out.flush()];
    expect(new Set(packets.map((packet) => parseOpusPacket(packet).durationMs))).toEqual(new Set([frameMs]));
    const decoder = codec.createDecoder();
    expect(sinadDb(joinSamples(packets.map((packet) => decoder.decode(packet))).subarray(4800, 19200), 500, 24000).sinad).toBeGreaterThan(20);
  });

  it('refuses frames that Opus does not have, and another rate of stereo', () => {
    expect(() => new OpusOut(codec.createEncoder(), { frameMs: 30 as 20 })).toThrow(RangeError);
    expect(() => new OpusOut(codec.createEncoder({ channels: 2 }), { inputRate: 8000 })).toThrow(RangeError);
  });
});

describe('OpusIn', () => {
  const seconds = tone(440, 24000, 48000);

  it('is the decoder, as long as nothing is lost; counters may run over', () => {
    const packets = packetsOf(seconds);
    const decoder = codec.createDecoder();
    const wanted = joinSamples(packets.map((packet) => decoder.decode(packet)));
    for (const arrivals of [packets.map((packet) => ({ packet })), arrivalsOf(packets), arrivalsOf(packets, { sequence: 65_500, timestamp: 2 ** 32 - 9600 }), packets.map((packet, index) => ({ packet, sequence: index }))]) {
      const stage = new OpusIn(codec.createDecoder());
      expect(sameSamples(joinSamples(arrivals.map((arrival) => stage.push(arrival))), wanted)).toBe(true);
      expect(stage.counts).toEqual({ packets: packets.length, concealedMs: 0, silentMs: 0, late: 0, invalid: 0, skippedMs: 0 });
    }
  });

  it('keeps time whatever is lost, and leaves no hole in a tone', () => {
    for (let round = 0; round < 10; round++) {
      const rnd = random();
      // Tuned for music: what is made up for speech goes on as a voice does, not as a tone.
      const arrivals = arrivalsOf(packetsOf(seconds, { application: 'audio', bitrate: 64_000 }), { sequence: rnd.int(0, 65_536), timestamp: rnd.int(0, 2 ** 32) });
      // Not at the beginning, where the codec has nothing to go on from, and no two in a row, where it fades out.
      let before = true;
      const kept = arrivals.filter((_arrival, index) => (before = !before || index < 12 || index === arrivals.length - 1 || rnd.next() > 0.15));
      for (const numbered of [kept, kept.map(({ packet, sequence }) => ({ packet, sequence })), kept.map(({ packet, timestamp }) => ({ packet, timestamp }))]) {
        const stage = new OpusIn(codec.createDecoder());
        const sound = joinSamples(numbered.map((arrival) => stage.push(arrival)));
        expect(sound.length, `seed ${rnd.seed}`).toBe(arrivals.length * 480);
        expect(stage.counts.concealedMs, `seed ${rnd.seed}`).toBe((arrivals.length - kept.length) * 20);
        // The quietest 5 ms of what was spoken: concealed sound fades a little, and silence would be 0.
        let quietest = Infinity;
        for (let at = 2400; at + 120 < 45_000; at += 120) quietest = Math.min(quietest, rmsOf(sound.subarray(at, at + 120)));
        if (process.env['MEASURE'] === '1') console.log('quietest 5 ms, dB below the tone', (20 * Math.log10(7071 / quietest)).toFixed(1));
        expect(quietest, `seed ${rnd.seed}`).toBeGreaterThan(2000);
      }
    }
  });

  it('conceals for 120 ms, and is silent from there on', () => {
    const arrivals = arrivalsOf(packetsOf(seconds));
    const stage = new OpusIn(codec.createDecoder());
    for (const arrival of arrivals.slice(0, 20)) stage.push(arrival);
    const sound = stage.push(arrivals[40] ?? { packet: new Uint8Array(0) });
    expect(sound).toHaveLength(21 * 480);
    expect(stage.counts).toMatchObject({ concealedMs: 120, silentMs: 280 });
    expect(rmsOf(sound.subarray(0, 480))).toBeGreaterThan(2000);
    expect(rmsOf(sound.subarray(6 * 480, 20 * 480))).toBe(0);
  });

  it('is silent where nothing was sent, and the numbers say that nothing was lost', () => {
    const [first, second] = arrivalsOf(packetsOf(tone(300, 24000, 960)));
    const stage = new OpusIn(codec.createDecoder());
    stage.push(first as OpusArrival);
    const sound = stage.push({ ...(second as Required<OpusArrival>), timestamp: 960 + 480 * 48 });
    expect(sound).toHaveLength((480 + 20) * 24);
    expect(rmsOf(sound.subarray(0, 480 * 24))).toBe(0);
    expect(stage.counts).toMatchObject({ packets: 2, concealedMs: 0, silentMs: 480 });
  });

  it('takes silence that was given meanwhile off the gap that it filled', () => {
    const [first, second, third, fourth] = arrivalsOf(packetsOf(tone(300, 24000, 1900))) as [Required<OpusArrival>, Required<OpusArrival>, Required<OpusArrival>, Required<OpusArrival>];
    const stage = new OpusIn(codec.createDecoder());
    stage.push(first);
    expect(stage.idle(100)).toEqual(new Int16Array(2400));
    expect(stage.idle(100)).toHaveLength(2400);
    expect(stage.push({ ...second, timestamp: 960 + 300 * 48 })).toHaveLength((100 + 20) * 24);
    expect(stage.counts.silentMs).toBe(300);
    expect(stage.push({ ...third, timestamp: 1920 + 300 * 48 })).toHaveLength(480);
    expect(stage.push({ ...fourth, timestamp: 2880 + 400 * 48 })).toHaveLength((100 + 20) * 24);
  });

  it('fills a gap up to its limit, and counts the rest', () => {
    const [first, second] = arrivalsOf(packetsOf(tone(300, 24000, 960))) as [Required<OpusArrival>, Required<OpusArrival>];
    const stage = new OpusIn(codec.createDecoder(), { maxGapMs: 500 });
    stage.push(first);
    expect(stage.push({ ...second, sequence: 20_000, timestamp: 960 + 60_000 * 48 })).toHaveLength(520 * 24);
    expect(stage.counts).toMatchObject({ concealedMs: 120, silentMs: 380, skippedMs: 59_500 });
    expect(() => new OpusIn(codec.createDecoder(), { maxGapMs: -1 })).toThrow(RangeError);
  });

  it('drops what comes twice or too late', () => {
    const [a, b, c] = arrivalsOf(packetsOf(tone(300, 24000, 1440))) as [OpusArrival, OpusArrival, OpusArrival];
    const stage = new OpusIn(codec.createDecoder());
    expect([a, c, b, c].map((arrival) => stage.push(arrival).length)).toEqual([480, 960, 0, 0]);
    expect(stage.counts).toMatchObject({ packets: 2, late: 2, concealedMs: 20 });
  });

  it('begins anew with a sender that does', () => {
    const arrivals = arrivalsOf(packetsOf(seconds), { sequence: 5000, timestamp: 2 ** 31 });
    const again = arrivalsOf(packetsOf(seconds));
    const stage = new OpusIn(codec.createDecoder());
    for (const arrival of arrivals) stage.push(arrival);
    expect(again.map((arrival) => stage.push(arrival).length)).toEqual(again.map(() => 480));
    expect(stage.counts.late).toBe(0);
  });

  it('counts broken packets and conceals them, and nothing is thrown', () => {
    const rnd = new SeededRandom(random().seed);
    const arrivals = arrivalsOf(packetsOf(seconds));
    const stage = new OpusIn(codec.createDecoder());
    let broken = 0;
    const sound = joinSamples(
      arrivals.map((arrival, index) => {
        const breaks = index % 7 === 3;
        if (breaks) broken += 1;
        return stage.push(breaks ? { ...arrival, packet: index % 2 === 0 ? new Uint8Array(0) : Uint8Array.of(3, 0, ...rnd.bytes(9)) } : arrival);
      }),
    );
    expect(sound).toHaveLength(arrivals.length * 480);
    expect(stage.counts).toMatchObject({ invalid: broken, concealedMs: broken * 20, late: 0 });
  });

  it('keeps time with any numbers, in bounded memory: 5000 arrivals of any kind', () => {
    const rnd = random();
    const packets = packetsOf(tone(300, 24000, 4800));
    const stage = new OpusIn(codec.createDecoder(), { maxGapMs: 300 });
    for (let i = 0; i < 5000; i++) {
      const arrival: { packet: Uint8Array; sequence?: number; timestamp?: number } = { packet: rnd.next() < 0.1 ? new SeededRandom(i).bytes(rnd.int(0, 40)) : rnd.pick(packets) };
      if (rnd.next() < 0.7) arrival.sequence = rnd.next() < 0.5 ? i & 0xffff : rnd.int(0, 65_536);
      if (rnd.next() < 0.7) arrival.timestamp = rnd.next() < 0.5 ? i * 960 : rnd.int(0, 2 ** 32);
      expect(stage.push(arrival).length, `seed ${rnd.seed}, arrival ${i}`).toBeLessThanOrEqual((300 + 120) * 24);
    }
  });
});

describe('opusIn and opusOut', () => {
  it('carry a tone over a line that loses packets: at 48 kHz there, at 24 kHz here', async () => {
    const spoken = tone(600, 48000, 96_000);
    async function* microphone(): AsyncGenerator<Int16Array> {
      for (let at = 0; at < 96_000; at += 1000) yield spoken.subarray(at, at + 1000);
    }
    const packets = await collect(opusOut(microphone(), codec.createEncoder({ sampleRate: 48000, bitrate: 64_000, application: 'audio' })));
    async function* line(): AsyncGenerator<OpusArrival> {
      for (const [index, arrival] of arrivalsOf(packets).entries()) if (index % 20 !== 10) yield arrival;
    }
    const pieces = await collect(opusIn(line(), codec.createDecoder()));
    const sound = joinSamples(pieces.map((piece) => pcm16ToSamples(piece)));
    expect(sound).toHaveLength(packets.length * 480);
    expect(sinadDb(sound.subarray(4800, 43_200), 600, 24000).sinad).toBeGreaterThan(20);
    expect(Math.abs(20 * Math.log10(rmsOf(sound.subarray(4800, 43_200)) / rmsOf(spoken)))).toBeLessThan(1);
  });

  it('read nothing before they are read, and let go of a source that never answers', async () => {
    let [asked, left] = [0, 0];
    const silent: AsyncIterable<OpusArrival> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          asked += 1;
          return new Promise(() => {});
        },
        return: () => {
          left += 1;
          return new Promise(() => {});
        },
      }),
    };
    const stream = opusIn(silent, codec.createDecoder());
    expect(asked).toBe(0);
    const pending = stream.next();
    expect(asked).toBe(1);
    expect(await stream.return?.()).toEqual({ value: undefined, done: true });
    expect(await pending).toEqual({ value: undefined, done: true });
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    await stream.return?.();
    expect([asked, left]).toEqual([1, 1]);
  });

  it('pass on an error of the source once, and are over', async () => {
    async function* failing(): AsyncGenerator<Int16Array> {
      yield tone(300, 24000, 480);
      throw new Error('unplugged');
    }
    const stream = opusOut(failing(), codec.createEncoder());
    expect(await stream.next()).toMatchObject({ done: false });
    await expect(stream.next()).rejects.toThrow('unplugged');
    expect(await stream.next()).toEqual({ value: undefined, done: true });
  });
});
