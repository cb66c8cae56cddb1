import { expect, it } from 'vitest';
import { EnergyVad, OpusIn, OpusOut, loadOpus, pcm16ToSamples, samplesToPcm16 } from '../../../audio/index.js';
import { joinSamples } from '../../audio/helpers/random.js';
import { utterances } from '../../audio/helpers/speech-in-noise.js';
import { rmsOf, sinadDb, sine } from '../../audio/helpers/tones.js';
import { runPipeline } from '../../helpers/pipeline-harness.js';
import { settle } from '../../helpers/settle.js';

it('talks with a client that sends Opus at 48 kHz in stereo, loses packets, and sends nothing while it is silent', async () => {
  const opus = await loadOpus();
  const answer = Int16Array.from(sine(500, 24_000, 24_000, 10_000), Math.round);
  const run = runPipeline({ synthesiser: { script: () => [{ give: answer }] }, workflow: ['Hi.'] }, { turnDetection: { vad: (wanted) => new EnergyVad(wanted) } });

  // The client: packets with their RTP numbers, one of eight lost on the way, and none when it has spoken.
  const spoken = joinSamples([new Int16Array(4_800), utterances(48_000)[0]?.samples ?? new Int16Array(0)]);
  const out = new OpusOut(opus.createEncoder({ sampleRate: 48_000, channels: 2, bitrate: 64_000 }));
  const packets = [...out.push(Int16Array.from({ length: spoken.length * 2 }, (_, index) => spoken[index >> 1] ?? 0)), ...out.flush()];
  const heard = new OpusIn(opus.createDecoder());
  for (let index = 0; index < packets.length + 50; index += 1) {
    await run.clock.run(20);
    const packet = packets[index];
    const lost = index % 8 === 5;
    if (packet !== undefined && !lost) run.microphone.push(samplesToPcm16(heard.push({ packet, sequence: (65_530 + index) & 0xffff, timestamp: index * 960 })));
    else if (packet === undefined) run.microphone.push(samplesToPcm16(heard.idle(20)));
    await settle();
  }
  await run.clock.run(2_000);
  run.microphone.end();
  await run.done;

  expect(run.story()).toEqual(['turn_started 1', expect.stringMatching(/^speech started 1[02]0$/), expect.stringMatching(/^speech stopped/), 'user: Hello.', 'agent: Hi.', 'turn_ended 1 answered', 'session_ended 0']);
  expect(heard.counts).toMatchObject({ late: 0, invalid: 0, skippedMs: 0 });
  expect(heard.counts.concealedMs).toBeGreaterThan(100);
  const turn = joinSamples(run.recogniser.turns[0]?.samples ?? []);
  expect(20 * Math.log10(rmsOf(turn) / rmsOf(spoken))).toBeGreaterThan(-6);

  // Its way back: the answer in packets of 20 ms, heard at its own rate.
  const back = new OpusOut(opus.createEncoder({ bitrate: 64_000, application: 'audio' }));
  const reply = [...run.of('voice_stream_event_audio').flatMap(({ data }) => back.push(pcm16ToSamples(data))), ...back.flush()];
  expect(reply).toHaveLength(51);
  const ear = opus.createDecoder({ sampleRate: 48_000 });
  expect(sinadDb(joinSamples(reply.map((packet) => ear.decode(packet))).subarray(4_800, 43_200), 500, 48_000).sinad).toBeGreaterThan(30);
});
