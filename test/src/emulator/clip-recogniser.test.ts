import { describe, expect, test } from 'vitest';
import { Resampler, decodeMulaw, encodeMulaw, pcm16ToSamples, resampleWhole } from '../../../audio/index.js';
import { clipRecogniser } from '../../../src/emulator/index.js';
import { Clips, clipsFolder } from '../../../src/emulator/clips.js';
import { likeness, soundPrint } from '../../../src/emulator/sound-print.js';
import { random } from '../../helpers/random.js';
import { callerAudio } from './emulator-client.js';
import { SessionDriver } from './session-driver.js';

const clips = new Clips(clipsFolder() as URL);
const texts = clips.texts;
const soundOf = (text: string): Int16Array => clips.find(text) as Int16Array;
const recogniser = clipRecogniser();

/** As it comes over a line: quieter, with noise, with silence around it. */
function heardLive(samples: Int16Array, sampleRate: number): Int16Array {
  const rng = random(7);
  const around = Math.round(sampleRate * 0.4);
  const out = new Int16Array(samples.length + 2 * around);
  out.set(samples.map((sample) => Math.round(sample / 4)), around);
  return out.map((sample) => sample + rng.int(-15, 15));
}

describe('a clip is known again', () => {
  test.each(texts)('"%s", as it is, quieter in noise, and through a telephone', async (text) => {
    const samples = soundOf(text);
    expect(await recogniser.recognise({ samples, sampleRate: 24_000 })).toBe(text);
    expect(await recogniser.recognise({ samples: heardLive(samples, 24_000), sampleRate: 24_000 })).toBe(text);
    const phone = decodeMulaw(encodeMulaw(heardLive(resampleWhole(samples, 24_000, 8_000), 8_000)));
    expect(await recogniser.recognise({ samples: phone, sampleRate: 8_000 })).toBe(text);
  });

  test('and other speech, noise and silence are not', async () => {
    for (const name of ['caller-hello.wav', 'caller-stop.wav', 'caller-book.wav']) expect(await recogniser.recognise({ samples: pcm16ToSamples(callerAudio(name)), sampleRate: 24_000 })).toBeUndefined();
    const rng = random(3);
    expect(await recogniser.recognise({ samples: Int16Array.from({ length: 48_000 }, () => rng.int(-500, 500)), sampleRate: 24_000 })).toBeUndefined();
    expect(await recogniser.recognise({ samples: new Int16Array(48_000), sampleRate: 24_000 })).toBeUndefined();
    expect(await recogniser.recognise({ samples: new Int16Array(0), sampleRate: 24_000 })).toBeUndefined();
  });

  test('no two clips are taken for each other', () => {
    const prints = texts.map((text) => soundPrint(soundOf(text), 24_000));
    const closest = Math.max(...prints.flatMap((one, index) => prints.slice(index + 1).map((other) => likeness(one, other))));
    expect(closest).toBeLessThan(0.8);
  });

  test('in a call: its text is the transcript, and leads to the turn that expects it', async () => {
    const script = { name: 's', greeting: 'Hi.', turns: [{ hears: 'Something else.', reply: 'One.' }, { hears: 'You are welcome.', reply: 'Two.' }], fallback: 'Pardon?' };
    const driver = new SessionDriver({ script, recogniser });
    driver.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'], audio: { input: { transcription: { model: 'whisper-1' } } } } });
    const speech = new Resampler(24_000, 24_000).push(soundOf('You are welcome.'));
    driver.append(new Uint8Array(24_000));
    driver.append(new Uint8Array(speech.buffer, speech.byteOffset, speech.byteLength));
    driver.append(new Uint8Array(48_000));
    await driver.advance(5_000);
    expect(driver.events.find((event) => event.type === 'response.output_text.done')?.['text']).toBe('Two.');
    expect(driver.events.find((event) => event.type.endsWith('transcription.completed'))?.['transcript']).toBe('You are welcome.');
  });
});
