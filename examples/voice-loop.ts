/**
 * A voice loop from one WAV file to another: what is said in the first is answered in the second.
 *
 *     node voice-loop.js caller.wav answer.wav
 *
 * Offline: without arguments the caller is a voice of the package, the recogniser knows how long somebody spoke and nothing else, and the synthesiser
 * hums a tone for each word. With real ones, only the three parts of the pipeline are others.
 */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VoicePipeline, openWavFile, recogniserOf, synthesiserOf } from 'voicewire';
import { audioFormat, decodeWav, pcm16ToSamples, samplesToPcm16 } from 'voicewire/audio';

const [source = new URL('fixtures/voice/how-can-i-help-you.wav', import.meta.resolve('voicewire/package.json')), target = join(tmpdir(), 'voicewire-answer.wav')] = process.argv.slice(2);
const caller = decodeWav(readFileSync(source));
const format = audioFormat('pcm16', caller.sampleRate, caller.channels);

const pipeline = new VoicePipeline({
  recogniser: recogniserOf(async (samples, { sampleRate }) => (samples.length > sampleRate ? 'Something long.' : 'Something short.')),
  workflow: {
    async *answer({ text }) {
      yield 'I heard you. ';
      yield `It was: ${text}`;
    },
  },
  synthesiser: synthesiserOf(async (text) => hum(text.split(' ').length, 24_000), { sampleRate: 24_000 }),
  input: { format },
  // A file takes what it is given and is heard by nobody: the answer need not wait.
  playback: 'taken',
});

/** The file in pieces, as a microphone would bring it, but as fast as they are taken. */
async function* microphone(): AsyncGenerator<Uint8Array> {
  const bytes = samplesToPcm16(caller.samples);
  for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000);
}

/** 200 ms for each word, each a little higher. */
function hum(words: number, sampleRate: number): Int16Array {
  const perWord = sampleRate / 5;
  return Int16Array.from({ length: words * perWord }, (_, at) => 6_000 * Math.sin((2 * Math.PI * (200 + 40 * Math.floor(at / perWord)) * at) / sampleRate) * Math.sin((Math.PI * (at % perWord)) / perWord));
}

const answer = await openWavFile(target, { sampleRate: 24_000, channels: 1 });
for await (const event of pipeline.process(microphone())) {
  if (event.type === 'voice_stream_event_audio') await answer.write(pcm16ToSamples(event.data));
  else if (event.type === 'voice_stream_event_transcript') console.log(`${event.of}: ${event.text.trim()}`);
  else if (event.type === 'voice_stream_event_lifecycle') console.log(event.event);
  else if (event.type === 'voice_stream_event_error') console.error(event.details);
}
await answer.close();
console.log(`${answer.samplesPerChannel / 24} ms in ${target}`);

// Prints:
//   turn_started
//   user: Something ⋯.
//   agent: I heard you.
//   agent: It was: Something ⋯.
//   turn_ended
//   session_ended
//   ⋯ ms in ⋯
