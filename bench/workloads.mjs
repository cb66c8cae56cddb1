// The workloads. Each runs against one client process and gives one number: processor time of that process per event, unless it says otherwise.
import { performance } from 'node:perf_hooks';
import { argumentDeltas, audioDeltas, callBegins, callEnds, historyItems, responseBegins, turn } from './messages.mjs';
import { frames, pour } from './server.mjs';

/**
 * One session: `before` is sent first; then `warm` batches, not measured, until the compilers have seen enough of them; then `times` batches.
 * A batch that cannot be sent twice comes as two, one for each.
 */
async function downlink({ client, server, url }, { what, before, batch, warm, times, perBatch }) {
  const part = (stage) => ({ buffer: batch[stage] ?? batch, times: stage === 'warm' ? warm : times, events: (perBatch[stage] ?? perBatch) * (stage === 'warm' ? warm : times) });
  const { events } = part('measured');
  await client.ask({ job: 'open', url, count: 1 });
  const [socket] = server.sockets;
  if (before !== undefined) await pour(socket, before, 1);
  const { cpuUs, seen } = await client.ask({ job: 'receive', what, warm: part('warm').events, events }, ({ waiting }) => pour(socket, part(waiting).buffer, part(waiting).times));
  await client.ask({ job: 'close' });
  if (seen[what] !== events) throw new Error(`${client.name} told of ${seen[what]} events instead of ${events}.`);
  return { value: cpuUs / events, seen };
}

function audio(bytes, times) {
  const perBatch = 50;
  const before = frames(responseBegins(1));
  const batch = frames(audioDeltas(1, perBatch, bytes));
  return async (run) => {
    const { value, seen } = await downlink(run, { what: 'audio', before, batch, warm: times * 2, times, perBatch });
    if (seen.bytes !== times * perBatch * bytes) throw new Error(`${run.client.name} decoded ${seen.bytes} bytes.`);
    return value;
  };
}

function toolArguments() {
  // A new call every 200 deltas, so that no text grows beyond what a model writes.
  const calls = (first, count) => frames(Array.from({ length: count }, (_, index) => [...callBegins(first + index), ...argumentDeltas(first + index, 200), ...callEnds(first + index)]).flat());
  const warm = calls(1, 50);
  const measured = calls(51, 100);
  return async (run) => (await downlink(run, { what: 'arguments', batch: { warm, measured }, warm: 1, times: 1, perBatch: { warm: 10_000, measured: 20_000 } })).value;
}

function turns(items) {
  const perBatch = 60;
  const before = frames(historyItems(items));
  const batch = frames(Array.from({ length: perBatch }, (_, number) => turn(number)).flat());
  return async (run) => (await downlink(run, { what: 'turns', before, batch, warm: 10, times: 6, perBatch })).value;
}

async function uplink({ client, server, url }) {
  const events = 6_000;
  await client.ask({ job: 'open', url, count: 1 });
  server.takeCount();
  const warm = 3_000;
  const { cpuUs } = await client.ask({ job: 'send', warm, events }, async (message) => {
    while (server.count < message.sent) await new Promise((resolve) => setImmediate(resolve));
    return { has: true };
  });
  await client.ask({ job: 'close' });
  if (server.takeCount() !== warm + events) throw new Error(`${client.name} lost audio on its way up.`);
  return cpuUs / events;
}

const SESSIONS = 100;
const LIVE_MS = 2_000;
const WARM_STRETCHES = 6;

/**
 * Per second of the call, for all sessions together, in ms: 50 chunks of 20 ms up and 5 deltas of 200 ms down, on each. The calls have been going on
 * for six times as long when the measuring begins.
 */
async function live({ client, server, url }) {
  await client.ask({ job: 'open', url, count: SESSIONS });
  const begin = frames(responseBegins(1));
  const deltas = audioDeltas(1, 25, 9600).map((message) => frames([message]));
  const sockets = [...server.sockets];
  for (const socket of sockets) socket._socket.write(begin);
  const stretch = (warms) =>
    client.ask({ job: 'live', ms: LIVE_MS, warms, deltas: (LIVE_MS / 200) * SESSIONS }, () => {
      const started = performance.now();
      let sent = 0;
      const timer = setInterval(() => {
        // Sessions take turns, so that the deltas are spread over the time as those of real calls are.
        const due = Math.floor((Math.min(LIVE_MS, performance.now() - started) / 200) * SESSIONS);
        for (; sent < due; sent += 1) sockets[sent % SESSIONS]._socket.write(deltas[sent % deltas.length]);
        if (sent === (LIVE_MS / 200) * SESSIONS) clearInterval(timer);
      }, 5);
    });
  // A server is warm when it has been up for a minute; a process that has just begun is not yet.
  for (let index = 0; index < WARM_STRETCHES; index += 1) await stretch(index === 0);
  server.takeCount();
  const { cpuUs, chunks } = await stretch(false);
  await client.ask({ job: 'close' });
  // The last chunks may still be on their way when the client is done.
  const up = server.takeCount();
  if (up < 0.95 * chunks * SESSIONS) throw new Error(`${client.name}: ${up} of ${chunks * SESSIONS} chunks went up.`);
  return cpuUs / LIVE_MS;
}

async function idle({ client, url }) {
  return (await client.ask({ job: 'idle', url, count: 1_000 })).bytes / 1000;
}

export const workloads = [
  { name: 'audio 4,800 B', title: 'audio delta of 4,800 bytes', unit: 'µs', run: audio(4800, 200) },
  { name: 'audio 960 B', title: 'audio delta of 960 bytes', unit: 'µs', run: audio(960, 600) },
  { name: 'uplink', title: '20 ms of microphone audio', unit: 'µs', run: uplink },
  { name: 'arguments', title: 'delta of tool arguments', unit: 'µs', run: toolArguments() },
  { name: 'turn 10', title: 'a turn at 10 history items', unit: 'µs', run: turns(10) },
  { name: 'turn 1000', title: 'a turn at 1,000 history items', unit: 'µs', run: turns(1000) },
  { name: 'live', title: '100 live sessions, per second', unit: 'ms', run: live },
  { name: 'idle', title: 'heap of an idle session', unit: 'kB', run: idle },
];
