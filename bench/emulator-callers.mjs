// Callers: each speaks a turn, listens to the answer, is silent for a while, and speaks again; the microphone runs all the time.
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { Resampler, decodeWav, samplesToPcm16 } from './.built/audio/index.js';

const [url, count, chunkText] = process.argv.slice(2);
const chunkMs = Number(chunkText);
const wav = decodeWav(readFileSync(new URL('../fixtures/audio/caller-hello.wav', import.meta.url)));
const spoken = Buffer.from(samplesToPcm16(new Resampler(wav.sampleRate, 24_000).push(wav.samples)).buffer);
const bytes = chunkMs * 48;
const message = (pcm) => JSON.stringify({ type: 'input_audio_buffer.append', audio: pcm.toString('base64') });
const turn = Array.from({ length: Math.floor(spoken.length / bytes) }, (_, index) => message(spoken.subarray(index * bytes, (index + 1) * bytes)));
const silence = message(Buffer.alloc(bytes));
/** From the beginning of one turn to the next. */
const PERIOD = Math.round(12_000 / chunkMs);

const seen = { turns: 0, answers: 0, events: 0, audioMs: 0, errors: 0 };
const latencies = [];

function caller(index) {
  const socket = new WebSocket(`${url}?model=gpt-realtime`, { perMessageDeflate: false });
  let position = Math.floor((index * PERIOD) / Number(count));
  let committedMs;
  socket.on('message', (data) => {
    seen.events += 1;
    // Only the few that matter are looked at closely: the callers must be faster than what they measure.
    const head = data.subarray(0, 60).toString('latin1');
    if (head.includes('"response.output_audio.delta"')) {
      seen.audioMs += (data.length * 0.75) / 48;
      if (committedMs !== undefined) {
        latencies.push(performance.now() - committedMs);
        committedMs = undefined;
      }
    } else if (head.includes('"input_audio_buffer.committed"')) committedMs = performance.now();
    else if (head.includes('"response.done"')) seen.answers += 1;
    else if (head.includes('"error"')) seen.errors += 1;
  });
  return {
    opened: new Promise((resolve) => socket.once('open', resolve)),
    tick() {
      const at = position % PERIOD;
      position += 1;
      if (at === 0) seen.turns += 1;
      socket.send(turn[at] ?? silence);
    },
  };
}

const callers = Array.from({ length: Number(count) }, (_, index) => caller(index));
await Promise.all(callers.map(({ opened }) => opened));
const startMs = performance.now();
let ticks = 0;
setInterval(() => {
  // By the clock, so that a late timer sends no less than a punctual one; each caller has its own place within the 20 ms.
  for (let due = ((performance.now() - startMs) * callers.length) / chunkMs; ticks < due; ticks += 1) callers[ticks % callers.length].tick();
}, 1);
const percentile = (values, share) => Number((values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN).toFixed(1));
process.on('message', (what) => {
  if (what === 'begin') {
    Object.assign(seen, { turns: 0, answers: 0, events: 0, audioMs: 0, errors: 0 });
    latencies.length = 0;
    return;
  }
  process.send({ ...seen, audioMs: Math.round(seen.audioMs), firstAudioP50Ms: percentile(latencies, 0.5), firstAudioP99Ms: percentile(latencies, 0.99) });
});
process.on('disconnect', () => process.exit());
process.send({ ready: true });
