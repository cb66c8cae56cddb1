// What a value costs on its way through a channel, each operator and both processors, beside a bare loop over an async generator that gives the same
// values. `node bench/stream.mjs [--rounds 15] [--values 20000]`, after `npm run build`. All subjects run in one process, one after another in each
// round, each round beginning with another one. Told is the processor time: its median, and the median of the ratios within each round.
import { parseArgs } from 'node:util';
import { Channel, EventProcessor, ResilientProcessor, batch, coalesce, filter, gate, map, merge, ofType, scan, systemClock, takeUntil, tee, throttle, timeout, withState } from '../dist/src/index.js';

const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '15' }, values: { type: 'string', default: '20000' } } });
const rounds = Number(flags.rounds);
const count = Number(flags.values);

/** Time that is always up: what is measured is the operator and not the wait. */
const hurriedClock = {
  now: () => 0,
  after(_delayMs, fire) {
    queueMicrotask(fire);
    return { cancel() {} };
  },
};
const events = Array.from({ length: count }, (_, value) => ({ type: value % 3 === 0 ? 'text.delta' : 'text.done', value }));

async function* source() {
  for (const event of events) yield event;
}

async function* sources(many, index) {
  for (let at = index; at < events.length; at += many) yield events[at];
}

async function* mappedByHand(from) {
  for await (const event of from) yield event.value;
}

function processor(handlers) {
  const made = new EventProcessor({ clock: systemClock });
  if (handlers > 0) made.on('text.*', ({ value }) => (sum += value));
  if (handlers > 1) made.on('text.delta', ({ value }) => (sum += value));
  return made;
}

let sum = 0;
async function read(stream) {
  let seen = 0;
  for await (const value of stream) seen += value === undefined ? 0 : 1;
  return seen;
}

/** A producer that pushes a few values ahead of its reader, as a socket does that brings several messages with one read. */
async function throughChannel(options) {
  const channel = new Channel({ capacity: 64, ...options });
  let seen = 0;
  for (let at = 0; at < count; ) {
    for (const end = Math.min(count, at + 8); at < end; at += 1) channel.push(events[at]);
    while (channel.size > 0) seen += (await channel.next()).done ? 0 : 1;
  }
  return seen;
}

const never = new AbortController().signal;
const subjects = {
  'a bare generator': () => read(source()),
  'map as a generator': () => read(mappedByHand(source())),
  'Channel, 8 values at a time': () => throughChannel({ whenFull: 'fail' }),
  'Channel, a reader that waits': async () => {
    const channel = new Channel({ capacity: 8, whenFull: 'wait' });
    const seen = read(channel);
    for (const event of events) await channel.send(event);
    channel.close();
    return seen;
  },
  'Channel, coalesce without a key': () => throughChannel({ whenFull: 'coalesce', key: () => undefined }),
  filter: () => read(filter(source(), () => true)),
  'ofType, two of two types': () => read(ofType(source(), 'text.delta', 'text.done')),
  map: () => read(map(source(), ({ value }) => value)),
  scan: () => read(scan(source(), (state, { value }) => state + value, 0)),
  withState: () => read(withState(source(), (state, { value }) => state + value, 0)),
  gate: () => read(gate(source(), { from: () => true })),
  'batch of 16': async () => (await read(batch(source(), { count: 16 }))) * 16,
  'batch of 16 within 50 ms': async () => (await read(batch(source(), { count: 16, withinMs: 50, clock: systemClock }))) * 16,
  takeUntil: () => read(takeUntil(source(), never)),
  'timeout between values': () => read(timeout(source(), { betweenMs: 60_000, clock: systemClock })),
  'throttle, time always up': () => read(throttle(source(), { everyMs: 1, clock: hurriedClock })),
  'coalesce, a reader that keeps up': () => read(coalesce(source(), { key: () => undefined })),
  'merge of one': () => read(merge({ one: source() })),
  'merge of eight': () => read(merge(Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`s${index}`, sources(8, index)])))),
  'tee, for each of two readers': async () => {
    const [one, other] = await Promise.all(tee(source(), 2).map(read));
    return (one + other) / 2;
  },
  'five operators in a row': () => read(map(filter(scan(takeUntil(timeout(source(), { betweenMs: 60_000, clock: systemClock }), never), (_, event) => event, events[0]), () => true), ({ value }) => value)),
  'EventProcessor without handlers': () => read(processor(0).process(source())),
  'EventProcessor, two handlers': () => read(processor(2).process(source())),
  'ResilientProcessor': () => read(new ResilientProcessor({ work: ({ value }) => value, onFailure: 'skip_error', clock: systemClock }).process(source())),
  'ResilientProcessor, work with a promise': () => read(new ResilientProcessor({ work: async ({ value }) => value, onFailure: 'skip_error', clock: systemClock }).process(source())),
};

const names = Object.keys(subjects);
const samples = Object.fromEntries(names.map((name) => [name, []]));
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

for (let round = -2; round < rounds; round += 1) {
  for (let turn = 0; turn < names.length; turn += 1) {
    const name = names[(turn + Math.max(0, round)) % names.length];
    const before = process.cpuUsage();
    const seen = await subjects[name]();
    const { user, system } = process.cpuUsage(before);
    if (Math.abs(seen - count) >= 16) throw new Error(`${name} has lost values: ${seen} of ${count} came.`);
    // The first two rounds warm up.
    if (round >= 0) samples[name].push(((user + system) * 1000) / count);
  }
}

const [bare] = names;
console.log(`${count} values, median of ${rounds} rounds, Node ${process.versions.node}\n`);
console.log('| subject | ns per value | ÷ a bare generator |\n| --- | --: | --: |');
for (const name of names) console.log(`| ${name} | ${median(samples[name]).toFixed(0)} | ${median(samples[name].map((ns, round) => ns / samples[bare][round])).toFixed(2)}× |`);
