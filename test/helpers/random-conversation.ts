import { getEventListeners } from 'node:events';
import { audioFormat } from '../../audio/index.js';
import { VoicePipeline } from '../../session/index.js';
import type { PipelineEvent, RecogniserEvent, VoicePipelineOptions } from '../../session/index.js';
import { ManualClock } from '../../src/host/manual-clock.js';
import type { Random } from './random.js';
import { LevelVad, ScriptedRecogniser, ScriptedSynthesiser, ScriptedWorkflow, TestMicrophone, voiceOf } from './scripted-stages.js';
import type { Scripted } from './scripted-stages.js';
import { settle } from './settle.js';

const RATE = 8_000;
export const PIECE_MS = 60;
const WORDS = ['One', 'two', 'three.', 'Four', 'five!', 'Six?', 'seven', 'eight.', ' ', '\n', 'nine'];

export interface RandomConversation {
  readonly clock: ManualClock;
  readonly pipeline: VoicePipeline;
  readonly microphone: TestMicrophone;
  readonly recogniser: ScriptedRecogniser;
  readonly workflow: ScriptedWorkflow;
  readonly synthesiser: ScriptedSynthesiser;
  readonly events: PipelineEvent[];
  /** The loop that reads the events, and what it threw. */
  readonly done: Promise<unknown>;
  /** Whether that loop is over. */
  readonly isOver: () => boolean;
  /** Makes the loop leave at its next event. */
  readonly leave: () => void;
  /** Something happens: somebody speaks or is silent, the application does something, time passes. */
  next(): Promise<void>;
  /** Everything that is still open: timers, streams of stages, the source, listeners of signals. */
  open(): Record<string, number>;
}

/** Stages that wait, fail and stand still, a reader that is slow, users and applications that do what they like; all from the seed. */
export function randomConversation(rng: Random, signal?: AbortSignal): RandomConversation {
  const clock = new ManualClock();
  const chance = (share: number): boolean => rng.next() < share;
  const wait = (mostMs: number): { waitMs: number }[] => (chance(0.6) ? [{ waitMs: rng.int(1, mostMs) }] : []);
  /** Now and then, instead of the rest: a failure, or nothing any more. */
  const trouble = <T>(script: Scripted<T>[]): Scripted<T>[] => (chance(0.12) ? [...script.slice(0, rng.int(0, script.length + 1)), chance(0.5) ? { fail: new Error('scripted') } : { stand: true }] : script);
  const words = (): string => Array.from({ length: rng.int(0, 9) }, () => rng.pick(WORDS)).join(rng.pick([' ', ' ', '']));

  const understood = (): Scripted<RecogniserEvent>[] => {
    const text = words();
    return trouble([...wait(300), ...(chance(0.5) ? [{ give: { type: 'partial', text: text.slice(0, 5) } } as const] : []), ...wait(300), { give: { type: 'final', text } }]);
  };
  const thought = (): Scripted<string>[] => {
    const text = `${words()} ${words()} ${words()}`;
    const script: Scripted<string>[] = [];
    for (let at = 0; at < text.length; ) {
      const size = rng.int(1, 12);
      script.push(...wait(100), { give: text.slice(at, at + size) });
      at += size;
    }
    return trouble(script);
  };
  const recogniser = new ScriptedRecogniser(clock, Array.from({ length: 7 }, understood), chance(0.2) ? trouble([{ waitMs: 100 }, { give: { type: 'partial', text: 'hm' } }]) : []);
  const workflow = new ScriptedWorkflow(clock, Array.from({ length: 7 }, thought));
  const synthesiser = new ScriptedSynthesiser(clock, {
    sampleRate: RATE,
    script: (text) => trouble([...wait(200), ...voiceOf(text, RATE).flatMap((give): Scripted<Int16Array>[] => [...(chance(0.2) ? wait(150) : []), { give }])]),
  });
  const options: Omit<VoicePipelineOptions, 'clock' | 'recogniser' | 'synthesiser'> = {
    input: { format: audioFormat('pcm16', RATE), sampleRate: RATE, chunkMs: PIECE_MS, ...(chance(0.3) ? { whenFull: 'drop-oldest', queueMs: 300 } : {}) },
    turnDetection: { silenceMs: rng.pick([180, 500]), vad: (wanted) => new LevelVad(wanted), ...(chance(0.2) ? { by: 'hand' } : {}) },
    interruption: chance(0.15) ? 'off' : { confirmMs: rng.pick([100, 300]) },
    // The sound of a sentence is then known from its text.
    spoken: () => ({ of: (text) => text.trim() }),
    concurrency: rng.int(1, 4),
    aheadMs: rng.pick([100, 500, 5_000]),
    playback: rng.pick(['clock', 'clock', 'reported', 'taken']),
    timeouts: { recogniseMs: 400, workflowFirstMs: 400, workflowIdleMs: 300, synthesiseFirstMs: 400, synthesiseIdleMs: 300, playbackMs: 600 },
    workflow: {
      answer: (turn) => workflow.answer(turn),
      heard: (heardText, unheardText) => workflow.heard(heardText, unheardText),
      ...(chance(0.3) ? { greeting: () => workflow.streams.stream(clock, thought()) } : {}),
    },
  };
  const pipeline = new VoicePipeline({ clock, recogniser, synthesiser, ...options });
  const microphone = new TestMicrophone();
  const events: PipelineEvent[] = [];
  const slow = chance(0.3);
  let leaving = false;
  let over = false;
  const read = async (): Promise<unknown> => {
    try {
      for await (const event of pipeline.process(microphone, signal === undefined ? {} : { signal })) {
        events.push(event);
        if (leaving) break;
        if (slow && chance(0.2)) await new Promise<void>((resolve) => clock.after(rng.int(1, 200), resolve));
      }
      return undefined;
    } catch (error) {
      return error;
    } finally {
      over = true;
    }
  };
  const done = read();

  const talk = async (ms: number, value: number): Promise<void> => {
    for (let left = ms; left > 0; left -= PIECE_MS) {
      await clock.run(PIECE_MS);
      microphone.push(new Uint8Array((RATE / 1000) * 2 * PIECE_MS).fill(value));
      await settle();
    }
  };
  const call = async (work: () => void): Promise<void> => {
    if (!over) work();
    await settle();
  };
  return {
    ...{ clock, pipeline, microphone, recogniser, workflow, synthesiser, events, done },
    isOver: () => over,
    leave: () => (leaving = true),
    next: () =>
      rng.pick([
        () => talk(rng.int(1, 12) * PIECE_MS, 0x11),
        () => talk(rng.int(1, 12) * PIECE_MS, 0x11),
        () => talk(rng.int(1, 20) * PIECE_MS, 0),
        () => talk(rng.int(1, 20) * PIECE_MS, 0),
        () => clock.run(rng.int(1, 800)),
        () => call(() => pipeline.interrupt()),
        () => call(() => pipeline.startTurn()),
        () => call(() => pipeline.endTurn()),
        () => call(() => pipeline.endTurn()),
        () => call(() => pipeline.sendText('And now?')),
        () => call(() => pipeline.reportPlayback({ itemId: `turn_${rng.int(1, 5)}`, contentIndex: rng.int(0, 3), samples: rng.int(0, 12_000) })),
      ])(),
    open: () => ({
      timers: clock.pendingTimers,
      recogniser: recogniser.streams.open,
      workflow: workflow.streams.open,
      synthesiser: synthesiser.streams.open,
      source: microphone.open,
      listeners: [signal, ...recogniser.turns.map((turn) => turn.signal), ...workflow.asked.map((turn) => turn.signal), ...synthesiser.spoken.map((each) => each.signal)].reduce(
        (sum, each) => sum + (each === undefined ? 0 : getEventListeners(each, 'abort').length),
        0,
      ),
    }),
  };
}

export const NOTHING_OPEN = { timers: 0, recogniser: 0, workflow: 0, synthesiser: 0, source: 0, listeners: 0 };
export const SAMPLE_RATE = RATE;
