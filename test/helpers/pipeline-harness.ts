import { PCM16_24K, msToBytes } from '../../audio/index.js';
import { SentenceSplitter, VoicePipeline } from '../../session/index.js';
import type { PipelineEvent, VoicePipelineOptions } from '../../session/index.js';
import { ManualClock } from '../../src/host/manual-clock.js';
import { LevelVad, ScriptedRecogniser, ScriptedSynthesiser, ScriptedWorkflow, TestMicrophone } from './scripted-stages.js';
import { settle } from './settle.js';

export type EventOf<Type extends PipelineEvent['type']> = Extract<PipelineEvent, { readonly type: Type }>;

export interface PipelineHarness {
  readonly clock: ManualClock;
  readonly microphone: TestMicrophone;
  readonly recogniser: ScriptedRecogniser;
  readonly workflow: ScriptedWorkflow;
  readonly synthesiser: ScriptedSynthesiser;
  readonly pipeline: VoicePipeline;
  readonly events: PipelineEvent[];
  /** Settled when the loop that reads the events is over; with what it threw. */
  readonly done: Promise<unknown>;
  of<Type extends PipelineEvent['type']>(type: Type): EventOf<Type>[];
  /** Audio of the user in real time, in pieces of 20 ms, each there when it is over. */
  speak(ms: number): Promise<void>;
  pause(ms: number): Promise<void>;
  /** The events in short: what a test compares. */
  story(): string[];
}

/** Short sentences stay by themselves. */
const eachSentence = (): SentenceSplitter => new SentenceSplitter({ minCharacters: 0, firstMinCharacters: 0 });

export interface HarnessOptions {
  readonly recogniser?: ConstructorParameters<typeof ScriptedRecogniser>[1];
  readonly early?: ConstructorParameters<typeof ScriptedRecogniser>[2];
  readonly workflow?: ConstructorParameters<typeof ScriptedWorkflow>[1];
  readonly synthesiser?: ConstructorParameters<typeof ScriptedSynthesiser>[1];
  readonly signal?: AbortSignal;
  /** Without a recogniser. */
  readonly frontEnd?: boolean;
  /** Called with each event, in the loop that reads them. */
  readonly onEvent?: (event: PipelineEvent, clock: ManualClock) => void | Promise<void>;
}

export const SPEECH = 0x11;

export function sound(ms: number, value = SPEECH): Uint8Array {
  return new Uint8Array(msToBytes(PCM16_24K, ms)).fill(value);
}

/** A pipeline on a manual clock with scripted stages, whose events are read as they come. */
export function runPipeline(options: HarnessOptions = {}, given: Partial<Omit<VoicePipelineOptions, 'clock'>> | ((parts: { clock: ManualClock; recogniser: ScriptedRecogniser; workflow: ScriptedWorkflow; synthesiser: ScriptedSynthesiser }) => Partial<VoicePipelineOptions>) = {}): PipelineHarness {
  const clock = new ManualClock(1_000);
  const recogniser = new ScriptedRecogniser(clock, options.recogniser ?? ['Hello.'], options.early);
  const workflow = new ScriptedWorkflow(clock, options.workflow ?? ['Hi there. How are you?']);
  const synthesiser = new ScriptedSynthesiser(clock, options.synthesiser);
  const parts = { clock, recogniser, workflow, synthesiser };
  const extra = typeof given === 'function' ? given(parts) : given;
  const turnDetection = typeof extra.turnDetection === 'string' ? { preset: extra.turnDetection } : extra.turnDetection;
  const pipeline = new VoicePipeline({ clock, ...(options.frontEnd === true ? {} : { recogniser }), workflow, synthesiser, splitter: eachSentence, ...extra, turnDetection: { vad: (wanted) => new LevelVad(wanted), ...turnDetection } });
  const microphone = new TestMicrophone();
  const events: PipelineEvent[] = [];
  const read = async (): Promise<unknown> => {
    try {
      for await (const event of pipeline.process(microphone, options.signal === undefined ? {} : { signal: options.signal })) {
        events.push(event);
        await options.onEvent?.(event, clock);
      }
      return undefined;
    } catch (error) {
      return error;
    }
  };
  const done = read();
  const talk = async (ms: number, value: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 20) {
      await clock.run(20);
      microphone.push(sound(20, value));
      await settle();
    }
  };
  return {
    ...parts,
    microphone,
    pipeline,
    events,
    done,
    of: (type) => events.filter((event): event is EventOf<typeof type> => event.type === type),
    speak: (ms) => talk(ms, SPEECH),
    pause: (ms) => talk(ms, 0),
    story: () => events.flatMap(inShort),
  };
}

function inShort(event: PipelineEvent): string[] {
  switch (event.type) {
    case 'voice_stream_event_lifecycle':
      return [event.event === 'turn_ended' ? `turn_ended ${event.info.turn} ${event.outcome}` : `${event.event} ${event.info.turn}`];
    case 'voice_stream_event_transcript':
      return [`${event.of}${event.final ? '' : '…'}: ${event.text.trim()}`];
    case 'voice_stream_event_speech':
      return [`speech ${event.event} ${Math.round(event.atMs)}`];
    case 'voice_stream_event_interrupted':
      return [`interrupted ${event.heardMs} [${event.heardText}|${event.unheardText}]`];
    case 'voice_stream_event_error':
      return [`error ${event.stage} ${event.error.code}`];
    case 'voice_stream_event_audio':
    case 'voice_stream_event_microphone':
      return [];
  }
}
