// One measured process: loads one client, and does what the orchestrator asks. It measures its own processor time.
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';

const name = process.argv[2];
const { connect } = await import(`./clients/${name}.mjs`);

let seen = { audio: 0, bytes: 0, arguments: 0, turns: 0 };
let goal = () => false;
let reached = () => {};
const count = (what, more = 1) => {
  seen[what] += more;
  if (goal()) reached();
};
const handlers = {
  onAudio(bytes) {
    seen.bytes += bytes.byteLength;
    count('audio');
  },
  onArguments: () => count('arguments'),
  onTurn: () => count('turns'),
};

/** Processor time, in µs, of this whole process (all its threads, user and system) while `work` runs. */
async function measure(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/**
 * What earlier runs left is collected before a run is warmed up and not when it is measured: with the objects of a session that is over, V8 throws
 * away the code that it had compiled for them, and what is measured should be a call and not its first moment.
 */
function collect() {
  globalThis.gc();
  globalThis.gc();
}

let acknowledge = () => {};
const serverHas = () => new Promise((resolve) => (acknowledge = resolve));

const clients = [];
const chunk = Buffer.alloc(960, 0x11);
for (let index = 0; index < chunk.length; index += 1) chunk[index] = (index * 7919) >> 3;

const jobs = {
  async open({ url, count: many }) {
    for (let index = 0; index < many; index += 1) clients.push(await connect(url, handlers));
  },
  close() {
    for (const client of clients.splice(0)) client.close();
  },
  /** Waits for so many events of a kind, after `warm` others; the orchestrator sends them as soon as it hears that we are waiting. */
  async receive({ what, warm, events }) {
    collect();
    const receiveAll = async (wanted, stage) => {
      seen = { audio: 0, bytes: 0, arguments: 0, turns: 0 };
      goal = () => seen[what] >= wanted;
      const all = new Promise((resolve) => (reached = resolve));
      process.send({ waiting: stage });
      await all;
    };
    await receiveAll(warm, 'warm');
    const cpuUs = await measure(() => receiveAll(events, 'measured'));
    goal = () => false;
    return { cpuUs, seen };
  },
  /** Sends so many chunks, after `warm` others; every 300 it waits until the server has them, so that no queue grows past what a session keeps. */
  async send({ warm, events }) {
    const [client] = clients;
    let sent = 0;
    const sendUntil = async (until) => {
      while (sent < until) {
        client.sendAudio(chunk);
        sent += 1;
        if (sent % 20 === 0) await turnOfTheLoop();
        if (sent % 300 !== 0 && sent !== until) continue;
        process.send({ sent });
        await serverHas();
      }
    };
    collect();
    await sendUntil(warm);
    return { cpuUs: await measure(() => sendUntil(warm + events)) };
  },
  /** 50 chunks a second on every session for `ms` while the orchestrator sends audio down, until all of both has been done, however late. */
  async live({ ms, warms, deltas }) {
    seen = { audio: 0, bytes: 0, arguments: 0, turns: 0 };
    let chunks = 0;
    if (warms) collect();
    const cpuUs = await measure(
      () =>
        new Promise((resolve) => {
          process.send({ waiting: true });
          const started = performance.now();
          const timer = setInterval(() => {
            // By the clock, so that a late timer sends no less than a punctual one.
            const due = Math.min(ms, performance.now() - started) / 20;
            while (chunks < due) {
              for (const client of clients) client.sendAudio(chunk);
              chunks += 1;
            }
            if (performance.now() - started < ms || seen.audio < deltas) return;
            clearInterval(timer);
            resolve();
          }, 20);
        }),
    );
    return { cpuUs, chunks };
  },
  /** Bytes of heap that `count` connected sessions hold while nothing happens. */
  async idle({ url, count: many }) {
    const settled = async () => {
      for (let round = 0; round < 4; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        globalThis.gc();
      }
      return process.memoryUsage().heapUsed;
    };
    const before = await settled();
    await jobs.open({ url, count: many });
    const after = await settled();
    jobs.close();
    return { bytes: (after - before) / many };
  },
};

process.on('message', async (message) => {
  if (message.has === true) return acknowledge();
  const result = await jobs[message.job](message);
  process.send({ result: result ?? {} });
});
process.on('disconnect', () => process.exit());
process.send({ ready: true });
