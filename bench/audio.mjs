// What sound costs on its way, in times of real time for one core: `node bench/audio.mjs [--seconds 60] [--rounds 9]`, after `npm run build`.
// All in one process, rounds interleaved, processor time, medians.
import { parseArgs } from 'node:util';
import * as audio from '../dist/audio/index.js';

const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, rounds: { type: 'string', default: '9' } } });
const seconds = Number(options.seconds);
const CHUNK_MS = 20;

/** Words and pauses, as far as work is concerned: tones whose level moves, over a little noise. */
function sound(sampleRate) {
  return Int16Array.from({ length: seconds * sampleRate }, (_, at) => {
    const t = at / sampleRate;
    const level = Math.sin(t * 0.9) > 0 ? 6_000 * Math.abs(Math.sin(t * 11)) : 0;
    return level * Math.sin(t * 2_000) + ((at * 7_919) % 61) - 30;
  });
}

const at8k = sound(8_000);
const at24k = sound(24_000);
const mulaw = audio.encodeMulaw(at8k);
const bytes = audio.samplesToPcm16(at24k);
// One byte beside where it would lie well, as when a tag stands before the sound.
const crooked = new Uint8Array(bytes.length + 1);
crooked.set(bytes, 1);

function pieces(whole, perChunk, each) {
  for (let at = 0; at < whole.length; at += perChunk) each(whole.subarray(at, at + perChunk));
}

const SUBJECTS = {
  'bytes to samples, at odd offsets and odd cuts': () => {
    const assembler = new audio.Pcm16Assembler();
    pieces(crooked.subarray(1), 961, (chunk) => assembler.push(chunk));
  },
  'samples to base64 and back': () => pieces(at24k, 480, (chunk) => audio.pcm16ToSamples(Buffer.from(Buffer.from(audio.samplesToPcm16(chunk)).toString('base64'), 'base64'))),
  'µ-law to samples and back, 8 kHz': () => pieces(mulaw, 160, (chunk) => audio.encodeMulaw(audio.decodeMulaw(chunk))),
  'resampling, 8 to 24 kHz': () => {
    const resampler = new audio.Resampler(8_000, 24_000);
    pieces(at8k, 160, (chunk) => resampler.push(chunk));
  },
  'resampling, 24 to 8 kHz': () => {
    const resampler = new audio.Resampler(24_000, 8_000);
    pieces(at24k, 480, (chunk) => resampler.push(chunk));
  },
  'voice detection, 24 kHz': () => {
    const vad = new audio.EnergyVad({ sampleRate: 24_000 });
    pieces(at24k, 480, (chunk) => vad.push(chunk));
  },
  'a telephone call: µ-law in, resampled, detected, base64; resampled back, µ-law out': () => {
    const [up, down, vad] = [new audio.Resampler(8_000, 24_000), new audio.Resampler(24_000, 8_000), new audio.EnergyVad({ sampleRate: 24_000 })];
    pieces(mulaw, 160, (chunk) => {
      const samples = up.push(audio.decodeMulaw(chunk));
      vad.push(samples);
      const sent = Buffer.from(audio.samplesToPcm16(samples)).toString('base64');
      audio.encodeMulaw(down.push(audio.pcm16ToSamples(Buffer.from(sent, 'base64'))));
    });
  },
};

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const micros = Object.fromEntries(Object.keys(SUBJECTS).map((name) => [name, []]));
for (let round = -1; round < Number(options.rounds); round += 1) {
  for (const [name, work] of Object.entries(SUBJECTS)) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) micros[name].push(user + system);
  }
}
console.log('| subject | µs per 20 ms | × real time |\n| --- | --: | --: |');
for (const [name, values] of Object.entries(micros)) {
  const total = median(values);
  console.log(`| ${name} | ${(total / ((seconds * 1_000) / CHUNK_MS)).toFixed(2)} | ${Math.round((seconds * 1e6) / total).toLocaleString('en')} |`);
}
