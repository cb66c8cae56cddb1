import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { RecordingMemory, parseRecording, replayModel, replayClient, startReplayServer } from '../../../src/recording/index.js';
import type { Recording } from '../../../src/recording/index.js';
import { startRecordProxy } from '../../../src/recording/record-proxy.js';
import { RecordedPeer } from '../../../src/recording/recorded-peer.js';
import type { PeerEffect } from '../../../src/recording/recorded-peer.js';
import { connectionScripts } from '../../../src/recording/replay-script.js';
import { WireRecorder, wireText } from '../../../src/recording/wire-recorder.js';
import { connectWebSocket } from '../../../src/transport/ws-client.js';
import { SCENARIOS, playScenario, scenarioSession } from '../../helpers/recorded-scenarios.js';
import type { Scenario } from '../../helpers/recorded-scenarios.js';

function read(memory: RecordingMemory): Recording {
  return parseRecording(memory.lines.map((line) => `${line}\n`).join(''), 'memory.vw.jsonl', (track) => Buffer.concat(memory.tracks.get(track) ?? []));
}

function scenario(name: string): Scenario {
  return SCENARIOS.find((each) => each.name === name) as Scenario;
}

/** What passes between a scenario's session and the emulator, recorded beside the session. */
async function wireOf(name: string): Promise<{ memory: RecordingMemory; recording: Recording }> {
  const clock = new ManualClock(1_000);
  const memory = new RecordingMemory();
  const recorder = new WireRecorder(memory, clock, { model: 'emulator' });
  const numbers = new Map<number, number>();
  await playScenario(scenario(name), undefined, {
    onOpen: (connection) => void numbers.set(connection, recorder.open({ url: 'ws://emulator/v1/realtime', protocol: 'realtime', headerNames: [] })),
    onMessage: (connection, dir, text) => recorder.message(numbers.get(connection) ?? 0, dir, text),
    onClose: (connection, dir, code, reason) => recorder.close(numbers.get(connection) ?? 0, dir, code, reason),
  }, clock);
  await recorder.end();
  return { memory, recording: read(memory) };
}

/** Both sides of a recording, each out of the recording, with a recorder between them: on the manual clock, in no time. */
async function playedAgain(recording: Recording): Promise<RecordingMemory> {
  const clock = new ManualClock(recording.header.clockMs);
  const memory = new RecordingMemory();
  const recorder = new WireRecorder(memory, clock, { model: 'emulator' });
  const models = connectionScripts(recording);
  const clients = connectionScripts(recording, 'client');
  models.forEach((script, index) => {
    clock.after(script.openedAt - clock.now(), () => {
      const number = recorder.open({ url: 'ws://emulator/v1/realtime', protocol: 'realtime', headerNames: [] });
      const model = new RecordedPeer(script.entries, { mode: 'strict', openedAt: script.openedAt });
      const client = new RecordedPeer(clients[index]?.entries ?? [], { mode: 'strict', openedAt: script.openedAt });
      const perform = (peer: RecordedPeer, other: RecordedPeer, dir: 'in' | 'out', effects: readonly PeerEffect[]): void => {
        for (const effect of effects) {
          if (effect.type === 'differs') throw new Error(JSON.stringify(effect.problem));
          if (effect.type === 'close') recorder.close(number, dir, effect.code, effect.reason);
          else {
            const text = wireText(effect.message);
            recorder.message(number, dir, text);
            perform(other, peer, dir === 'in' ? 'out' : 'in', other.receive(JSON.parse(text) as object, clock.now()));
          }
        }
        const dueMs = peer.nextWakeMs;
        if (dueMs !== undefined) clock.after(dueMs - clock.now(), () => peer.nextWakeMs === dueMs && perform(peer, other, dir, peer.wake(clock.now())));
      };
      perform(client, model, 'out', client.open(clock.now()));
      perform(model, client, 'in', model.open(clock.now()));
    });
  });
  clock.advance((recording.lines.at(-1)?.at ?? 0) - clock.now());
  await recorder.end();
  return memory;
}

describe('a recording of a wire', () => {
  it.each(SCENARIOS.map(({ name }) => name))('of %s, replayed and recorded again, is the same file', async (name) => {
    const { memory, recording } = await wireOf(name);
    const again = await playedAgain(recording);
    expect(again.lines).toEqual(memory.lines);
    expect([...again.tracks].map(([track, pieces]) => [track, Buffer.concat(pieces)])).toEqual([...memory.tracks].map(([track, pieces]) => [track, Buffer.concat(pieces)]));
    expect(recording.lines.filter(({ type }) => type === 'message').length).toBeGreaterThan(50);
  });

  it('answers a session as the model did, and says when the session goes another way', async () => {
    const { recording } = await wireOf('tool-call');
    const clock = new ManualClock(recording.header.clockMs);
    const model = replayModel(recording, { clock });
    const session = scenarioSession(scenario('tool-call'), clock, model);
    const opening = session.connect();
    await clock.run(500);
    await opening;
    session.sendMessage('Something else entirely.');
    await clock.run(5_000);
    expect(session.state).not.toBe('open');
    expect(() => model.assertComplete()).toThrow(/item\.content\.0\.text[\s\S]*recorded {2}"A table for two tomorrow[\s\S]*replayed {2}"Something else/);
  });

  it('serves a client over a socket, a second one with ids of its own, and the recorded client plays against any server', async () => {
    const { recording } = await wireOf('greeting');
    await using server = await startReplayServer(recording, { mode: 'lenient', speed: 200 });
    const memory = new RecordingMemory();
    const proxy = await startRecordProxy({ to: server.url, store: memory });
    const plays: string[][] = [];
    for (let play = 0; play < 2; play += 1) {
      const ids: string[] = [];
      const transport = await connectWebSocket(proxy.url, { protocols: ['realtime'] });
      const result = await replayClient(recording, transport, { speed: 200, onMessage: (message) => ids.push(String((message as { item_id?: string }).item_id)) });
      expect(result.problems.map(({ path }) => path)).toEqual([]);
      plays.push(ids);
    }
    await proxy.close();
    const named = plays.map((ids) => new Set(ids.filter((id) => id !== 'undefined')));
    expect(named[0]?.size).toBeGreaterThan(1);
    expect([...(named[0] ?? [])].filter((id) => named[1]?.has(id))).toEqual([]);
    // What passed is what was recorded, but for times and for who was faster.
    const said = (from: Recording, connection: number): string[] => from.lines.flatMap((line) => (line.type === 'message' && line.connection === connection && line.dir === 'in' ? [(line.message as { type: string }).type] : []));
    expect(said(read(memory), 1)).toEqual(said(recording, 1));
    expect(said(read(memory), 2)).toEqual(said(recording, 1));
  });

  it('ends a client that goes another way in strict mode, with the first difference', async () => {
    const { recording } = await wireOf('greeting');
    await using server = await startReplayServer(recording, { speed: 1_000 });
    const transport = await connectWebSocket(server.url, { protocols: ['realtime'] });
    const told: string[] = [];
    const close = await new Promise((resolve) => {
      transport.listen({ onMessage: (data) => void told.push(String(data)), onClose: resolve });
      transport.send(JSON.stringify({ type: 'response.cancel' }));
    });
    expect(close).toMatchObject({ code: 1008, reason: 'RECORDING_MISMATCH' });
    expect(told.at(-1)).toMatch(/recording_mismatch.*session\.update.*response\.cancel/s);
  });
});
