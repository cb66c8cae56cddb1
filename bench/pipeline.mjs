// What a voice pipeline itself costs, beside the least that one must do: a voice detector and a copy of each piece. `node bench/pipeline.mjs [--rounds 7]
// [--seconds 60]`, after `npm run build`. The stages answer at once, so what is measured is the way between them. All subjects run in one process, one after
// another in each round, each round beginning with another one. Told is the processor time: its median, and the median of the ratios within each round.
import { parseArgs } from 'node:util';
import { EnergyVad, pcm16ToSamples, samplesToPcm16 } from '../dist/audio/index.js';
import { VoicePipeline, recogniserOf, synthesiserOf } from '../dist/src/index.js';

const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '7' }, seconds: { type: 'string', default: '60' } } });
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);
const RATE = 24_000;
const FRAME = RATE / 50;
const pieces = seconds * 50;

/** 20 ms of a voice, or of a quiet room. Speech changes its level as it goes; a detector takes what does not for noise. */
function frame(at, isVoice) {
  return Int16Array.from({ length: FRAME }, (_, i) => {
    const t = (at * FRAME + i) / RATE;
    const noise = 20 * Math.sin(i * 12.9898 + at * 78.233);
    return isVoice ? 6_000 * Math.abs(Math.sin(2 * Math.PI * 2 * t)) * (Math.sin(2 * Math.PI * 180 * t) + 0.5 * Math.sin(2 * Math.PI * 720 * t)) + noise : noise;
  });
}

const room = Array.from({ length: pieces }, (_, at) => samplesToPcm16(frame(at, false)));
/** 2 s of speech in each 6 s. */
const talk = Array.from({ length: pieces }, (_, at) => samplesToPcm16(frame(at, at % 300 >= 50 && at % 300 < 150)));
const speech = Array.from({ length: 50 }, (_, at) => frame(at, true));

async function* microphone(chunks) {
  for (const chunk of chunks) yield chunk;
}

async function* voice(count) {
  for (let made = 0; made < count; made += 1) yield speech[made % speech.length].slice();
}

/** A detector and a copy of each piece. */
async function floorIn(chunks) {
  const vad = new EnergyVad({ sampleRate: RATE });
  let seen = 0;
  for await (const chunk of microphone(chunks)) {
    const samples = pcm16ToSamples(chunk);
    vad.push(samples);
    seen += samplesToPcm16(samples).length > 0 ? 1 : 0;
  }
  return seen;
}

async function frontEnd(chunks) {
  let seen = 0;
  for await (const event of new VoicePipeline().process(microphone(chunks))) if (event.type === 'voice_stream_event_microphone') seen += 1;
  return seen;
}

async function floorOut() {
  let seen = 0;
  for await (const samples of voice(pieces)) seen += samplesToPcm16(samples).length > 0 ? 1 : 0;
  return seen;
}

function whole({ answerPieces, say }) {
  return new VoicePipeline({
    recogniser: recogniserOf(() => 'A table for two, please.'),
    workflow: { async *answer() { yield say; } },
    synthesiser: synthesiserOf(() => voice(answerPieces), { sampleRate: RATE }),
    playback: 'taken',
  });
}

async function speakAll() {
  let seen = 0;
  // A greeting would be as good: what is said before is one short turn.
  for await (const event of whole({ answerPieces: pieces, say: 'With pleasure.' }).process(microphone(talk.slice(0, 250)))) if (event.type === 'voice_stream_event_audio') seen += 1;
  return seen;
}

/** Microphone, turns, recogniser, workflow, synthesiser and sound of a whole call: 2 s of question and 2 s of answer in each 6 s. */
async function call() {
  let turns = 0;
  for await (const event of whole({ answerPieces: 100, say: 'With pleasure.' }).process(microphone(talk))) if (event.event === 'turn_ended' && event.outcome === 'answered') turns += 1;
  if (turns !== Math.ceil(seconds / 6)) throw new Error(`${turns} of ${Math.ceil(seconds / 6)} turns were answered.`);
  return pieces;
}

const subjects = {
  'floor in: detector and copy, a quiet room': () => floorIn(room),
  'front end, a quiet room': () => frontEnd(room),
  'floor in: detector and copy, a conversation': () => floorIn(talk),
  'front end, a conversation': () => frontEnd(talk),
  'floor out: copy': floorOut,
  'an answer of that length': speakAll,
  'a whole call': call,
};
const FLOOR_OF = { 'front end, a quiet room': 'floor in: detector and copy, a quiet room', 'front end, a conversation': 'floor in: detector and copy, a conversation', 'an answer of that length': 'floor out: copy', 'a whole call': 'floor in: detector and copy, a conversation' };

const names = Object.keys(subjects);
const samples = Object.fromEntries(names.map((name) => [name, []]));
const walls = Object.fromEntries(names.map((name) => [name, []]));
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

for (let round = -2; round < rounds; round += 1) {
  for (let turn = 0; turn < names.length; turn += 1) {
    const name = names[(turn + Math.max(0, round)) % names.length];
    const startedMs = performance.now();
    const before = process.cpuUsage();
    const seen = await subjects[name]();
    const { user, system } = process.cpuUsage(before);
    if (seen < pieces) throw new Error(`${name} has lost pieces: ${seen} of ${pieces} came.`);
    // The first two rounds warm up.
    if (round < 0) continue;
    samples[name].push((user + system) / pieces);
    walls[name].push(performance.now() - startedMs);
  }
}

console.log(`${seconds} s of audio, median of ${rounds} rounds, Node ${process.versions.node}\n`);
console.log('| subject | µs per 20 ms | ÷ its floor | times real time |\n| --- | --: | --: | --: |');
for (const name of names) {
  const floor = FLOOR_OF[name];
  const ratio = floor === undefined ? '' : `${median(samples[name].map((us, round) => us / samples[floor][round])).toFixed(2)}×`;
  console.log(`| ${name} | ${median(samples[name]).toFixed(2)} | ${ratio} | ${Math.round((seconds * 1000) / median(walls[name]))} |`);
}
