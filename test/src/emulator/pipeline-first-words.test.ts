/** What a caller says while a pipeline in the place of a model is still being opened is what its recogniser hears: each sample once, in order. */
import { describe, expect, it } from 'vitest';
import { samplesToPcm16 } from '../../../audio/index.js';
import { RealtimeAgent, RealtimeSession } from '../../../session/index.js';
import type { Clock, RealtimeModel, Recogniser } from '../../../session/index.js';
import { createVoice, pipelineModel, scriptTextModel, voiceSynthesiser } from '../../../src/emulator/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { joinSamples, sameSamples } from '../../audio/helpers/random.js';
import { random } from '../../helpers/random.js';

const CALL_MS = 7_000;
const synthesiser = voiceSynthesiser(createVoice({ synthesizers: [] }));

/** The same model, which takes `openMs` until it is there. */
function opensAfter(openMs: number, clock: Clock, model: RealtimeModel): RealtimeModel {
  return {
    label: model.label,
    async connect(options) {
      await new Promise<void>((resolve) => void clock.after(openMs, resolve));
      return model.connect(options);
    },
  };
}

async function call(openMs: number, seed: number): Promise<{ readonly captured: Int16Array; readonly heard: Int16Array }> {
  const { int } = random(seed);
  const clock = new ManualClock();
  const heard: Int16Array[] = [];
  const recogniser: Recogniser = {
    label: 'listens',
    start: () => ({
      push: (samples) => void heard.push(samples.slice()),
      end: () => {},
      events: (async function* () {
        yield { type: 'final', text: 'Hello.' } as const;
      })(),
    }),
  };
  const pipeline = pipelineModel({ model: scriptTextModel(), recogniser, synthesiser, clock });
  // The user says by hand when the turn is over: what is heard is then all that was said.
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model: opensAfter(openMs, clock, pipeline), clock, config: { turnDetection: null, transcription: {} } });
  const connecting = session.connect({ timeoutMs: 30_000 });
  const chunks: Int16Array[] = [];
  for (let at = 0; at < CALL_MS; ) {
    const chunkMs = int(5, 120);
    const chunk = Int16Array.from({ length: chunkMs * 24 }, () => int(-2_000, 2_000));
    chunks.push(chunk);
    session.sendAudio(samplesToPcm16(chunk));
    await clock.run(chunkMs);
    at += chunkMs;
  }
  await connecting;
  session.commit();
  await clock.run(1_000);
  await session.close();
  return { captured: joinSamples(chunks), heard: joinSamples(heard) };
}

describe('what a caller says while a pipeline is opened', () => {
  it('is what its recogniser hears, for openings of 0 to 5 s', async () => {
    const first = random().seed;
    for (let openMs = 0; openMs <= 5_000; openMs += 500) {
      const { captured, heard } = await call(openMs, first + openMs);
      expect(heard.length, `seed ${first + openMs}, ${openMs} ms`).toBe(captured.length);
      expect(sameSamples(heard, captured), `seed ${first + openMs}, ${openMs} ms`).toBe(true);
    }
  });
});
