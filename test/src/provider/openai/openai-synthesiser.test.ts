import { describe, expect, it } from 'vitest';
import { encodeWav, resampleWhole, samplesToPcm16 } from '../../../../audio/index.js';
import { openaiSynthesiser } from '../../../../src/provider/openai/openai-synthesiser.js';
import type { OpenaiSynthesiserOptions } from '../../../../src/provider/openai/openai-synthesiser.js';
import { ManualClock } from '../../../../src/host/manual-clock.js';
import { OpenaiTestServer, answeringClient, spoken } from '../../../helpers/openai-server/index.js';
import type { Answer } from '../../../helpers/openai-server/index.js';
import { random } from '../../../helpers/random.js';
import { settle } from '../../../helpers/settle.js';

const SOUND = Int16Array.from({ length: 2_400 }, (_, index) => Math.round(9_000 * Math.sin(index / 9)));
const BYTES = samplesToPcm16(SOUND);
const NEVER = new Promise<void>(() => {});

async function collect(sound: AsyncIterable<Int16Array>): Promise<Int16Array> {
  const all: number[] = [];
  for await (const samples of sound) all.push(...samples);
  return Int16Array.from(all);
}

function speak(options: Partial<OpenaiSynthesiserOptions>, text = 'Hello.', signal = new AbortController().signal): Promise<Int16Array> {
  return collect(openaiSynthesiser({ model: 'tts-test', voice: 'alloy', ...options }).speak(text, { signal }));
}

async function soundOf(answer: Answer, options: Partial<OpenaiSynthesiserOptions> = {}): Promise<Int16Array> {
  await using server = await OpenaiTestServer.start();
  server.answer(answer);
  return await speak({ baseUrl: server.baseUrl, ...options });
}

/** Cuts of random sizes, odd ones too. */
function cut(bytes: Uint8Array, pick: () => number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = pick();
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return parts;
}

describe('a synthesiser of OpenAI’s API', () => {
  it('asks for PCM in the words that it was given', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(spoken([BYTES]), spoken([BYTES]));
    const synthesiser = openaiSynthesiser({ model: 'tts-test', voice: 'alloy', baseUrl: server.baseUrl, instructions: 'Whisper.', speed: 1.25, body: { lang_code: 'a' } });
    expect(synthesiser).toMatchObject({ label: 'tts-test', sampleRate: 24_000 });
    await collect(synthesiser.speak('Hello.', { signal: new AbortController().signal }));
    await collect(synthesiser.speak('Again.', { voice: 'marin', signal: new AbortController().signal }));
    expect(server.requests.map(({ path }) => path)).toEqual(['/v1/audio/speech', '/v1/audio/speech']);
    expect(server.requests[0]?.body).toEqual({ model: 'tts-test', voice: 'alloy', input: 'Hello.', response_format: 'pcm', instructions: 'Whisper.', speed: 1.25, lang_code: 'a' });
    expect(server.requests[1]?.body).toMatchObject({ voice: 'marin', input: 'Again.' });
  });

  it.each([1, 2, 3, 7, 1_001])('gives the same samples where the bytes come in pieces of %i', async (dripBytes) => {
    const sound = SOUND.slice(0, dripBytes * 100);
    expect(await soundOf({ ...spoken([samplesToPcm16(sound)]), dripBytes })).toEqual(sound);
  });

  it('gives sound as it comes', async () => {
    await using server = await OpenaiTestServer.start();
    let goOn: () => void = () => {};
    server.answer(spoken([BYTES.subarray(0, 2_401), new Promise<void>((resolve) => (goOn = resolve)), BYTES.subarray(2_401)]));
    const sound = openaiSynthesiser({ model: 'tts-test', voice: 'alloy', baseUrl: server.baseUrl }).speak('Hello.', { signal: new AbortController().signal })[Symbol.asyncIterator]();
    const first = await sound.next();
    expect(first.value).toEqual(SOUND.subarray(0, 1_200));
    goOn();
    expect((await sound.next()).value).toEqual(SOUND.subarray(1_200));
    await expect(sound.next()).resolves.toMatchObject({ done: true });
  });

  it.each([
    ['the same rate', encodeWav(SOUND, { sampleRate: 24_000, channels: 1 }), SOUND],
    ['two channels', encodeWav(Int16Array.from({ length: 4_800 }, (_, index) => SOUND[index >> 1] as number), { sampleRate: 24_000, channels: 2 }), SOUND],
    ['another rate', encodeWav(SOUND, { sampleRate: 16_000, channels: 1 }), resampleWhole(SOUND, 16_000, 24_000)],
  ] as const)('reads a WAV file of %s, cut anywhere, though PCM was asked for', async (_, wav, expected) => {
    const { seed, int } = random();
    const samples = await soundOf({ ...spoken(cut(wav, () => int(1, 400)), 'audio/wav'), dripBytes: 400 });
    expect(samples, `TEST_SEED=${seed}`).toEqual(expected);
  });

  it('asks for WAV where that is wanted, of the rate that is wanted', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(spoken([encodeWav(SOUND, { sampleRate: 24_000, channels: 1 })], 'audio/x-wav'));
    expect(await speak({ baseUrl: server.baseUrl, format: 'wav', sampleRate: 8_000 })).toEqual(resampleWhole(SOUND, 24_000, 8_000));
    expect(server.requests[0]?.body).toMatchObject({ response_format: 'wav' });
  });

  it('takes the rate that the server writes into the type', async () => {
    expect(await soundOf(spoken([BYTES], 'audio/pcm; rate=16000; channels=1'))).toEqual(resampleWhole(SOUND, 16_000, 24_000));
  });

  it('asks nothing for a text without a word', async () => {
    await using server = await OpenaiTestServer.start();
    for (const text of ['', ' \n', '…', '🙂!']) expect(await speak({ baseUrl: server.baseUrl }, text)).toEqual(new Int16Array(0));
    expect(server.requests).toEqual([]);
  });

  it.each<[string, Answer, object]>([
    ['MP3 by its type', spoken([BYTES], 'audio/mpeg'), { code: 'AUDIO_FORMAT_MISMATCH', stage: 'audio' }],
    ['MP3 by its bytes', spoken(['ID', '3\u0004', BYTES], 'application/octet-stream'), { code: 'AUDIO_FORMAT_MISMATCH', message: expect.stringContaining('MP3') as string }],
    ['Ogg', spoken(['OggS', BYTES], ''), { code: 'AUDIO_FORMAT_MISMATCH' }],
    ['JSON', spoken(['{"url":"x"}'], 'application/json'), { code: 'AUDIO_FORMAT_MISMATCH' }],
    ['WAV of 1 Hz', spoken([encodeWav(SOUND, { sampleRate: 1, channels: 1 })], 'audio/wav'), { code: 'AUDIO_FORMAT_MISMATCH', message: expect.stringContaining('1 Hz') as string }],
    ['PCM of 1 Hz', spoken([BYTES], 'audio/pcm;rate=1'), { code: 'AUDIO_FORMAT_MISMATCH' }],
    ['a rate without a usable ratio', spoken([BYTES], 'audio/pcm;rate=23999'), { code: 'AUDIO_FORMAT_MISMATCH', message: expect.stringContaining('ratio') as string }],
    ['a WAV file that is none', spoken(['RIFFxxxxJUNK', BYTES], 'audio/wav'), { code: 'AUDIO_FORMAT_MISMATCH' }],
    ['nothing', spoken([]), { code: 'SYNTHESIS_FAILED', retryable: true }],
    ['half a sample', spoken([BYTES.subarray(0, 1)]), { code: 'SYNTHESIS_FAILED' }],
    ['a refusal', { status: 400, contentType: 'application/json', parts: ['{"error":{"message":"No such voice."}}'] }, { code: 'PROVIDER_ERROR', status: 400 }],
  ])('says what is wrong with %s', async (_, answer, expected) => {
    await expect(soundOf(answer)).rejects.toMatchObject(expected);
  });

  it('gives what came of a sound that was cut off, and says so', async () => {
    const wav = encodeWav(SOUND.subarray(0, 100), { sampleRate: 24_000, channels: 1 });
    const pcm = BYTES.subarray(0, 200);
    for (const [bytes, header, cleanly] of [[pcm, 0, false], [wav, 44, false], [wav, 44, true]] as const) {
      for (let cutAfterBytes = 0; cutAfterBytes < bytes.length; cutAfterBytes += 1) {
        const client = answeringClient(() => ({ bytes, contentType: '', cutAfterBytes, cleanly }));
        const got: number[] = [];
        const sound = openaiSynthesiser({ model: 'tts-test', voice: 'alloy', client }).speak('Hello.', { signal: new AbortController().signal });
        const read = async (): Promise<void> => {
          for await (const samples of sound) got.push(...samples);
        };
        // A file of which not even the header came is no file.
        const code = !cleanly || cutAfterBytes >= header ? 'MODEL_CONNECTION_LOST' : expect.stringMatching(/^(SYNTHESIS_FAILED|AUDIO_FORMAT_MISMATCH)$/);
        await expect(read(), `cut after ${cutAfterBytes}`).rejects.toMatchObject({ code: code as string });
        expect(got).toEqual([...SOUND.subarray(0, cutAfterBytes < Math.max(4, header) ? 0 : (cutAfterBytes - header) >> 1)]);
      }
    }
  });

  it('ends the request at an abort, and when its listener leaves while a next() is pending', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(spoken([BYTES, NEVER]), spoken([BYTES, NEVER]));
    const synthesiser = openaiSynthesiser({ model: 'tts-test', voice: 'alloy', baseUrl: server.baseUrl });
    const life = new AbortController();
    const aborted = synthesiser.speak('Hello.', { signal: life.signal })[Symbol.asyncIterator]();
    await aborted.next();
    const rest = expect(aborted.next()).rejects.toThrow('interrupted');
    life.abort(new Error('interrupted'));
    await rest;
    const left = synthesiser.speak('Hello.', { signal: new AbortController().signal })[Symbol.asyncIterator]();
    await left.next();
    const pending = left.next();
    await left.return?.();
    await expect(pending).resolves.toMatchObject({ done: true });
    for (const { over } of server.requests) await expect(over).resolves.toBe(true);
  });

  it('does not wait forever for sound', async () => {
    await using server = await OpenaiTestServer.start();
    const clock = new ManualClock();
    server.answer(spoken([BYTES, NEVER]));
    let over = false;
    const failed = expect(speak({ baseUrl: server.baseUrl, clock, idleTimeoutMs: 500 }).finally(() => (over = true))).rejects.toMatchObject({ code: 'RESPONSE_TIMEOUT' });
    await server.taken();
    // The time goes on while sound is waited for, and more than enough of it.
    for (let turn = 0; turn < 2_000 && !over; turn += 1) {
      await settle();
      clock.advance(1);
    }
    await failed;
  });

  it.each([{ sampleRate: 0 }, { sampleRate: 22_050.5 }, { speed: 5 }])('refuses what cannot be meant: %j', (options) => {
    expect(() => openaiSynthesiser({ model: 'm', voice: 'v', ...options })).toThrow(expect.objectContaining({ name: 'HostError', code: 'USAGE' }));
  });
});
