import { EnergyVad, PCM16_24K, audioFormat, chain, mixStage, msToBytes, resampleStage, samplesToBytes } from '../../audio/index.js';
import type { AudioFormat, AudioStage, Vad } from '../../audio/index.js';
import type { Clock } from '../ports/clock.js';
import type { Recogniser, Synthesiser } from '../ports/speech.js';
import type { Workflow } from '../ports/workflow.js';
import { bargeInPolicy } from '../state/barge-in-policy.js';
import { nullSynthesiser, nullWorkflow } from './null-stages.js';
import type { PipelinePolicy } from './pipeline-state.js';
import { SentenceSplitter } from './sentence-splitter.js';
import { SpokenText } from './spoken-text.js';
import type { Spoken, Splitter } from './splitter.js';
import { VAD_HANG_MS, turnPolicy } from './turn-detection.js';
import type { TurnDetectionOptions, TurnPreset } from './turn-detection.js';

/** The microphone's side. */
export interface PipelineInputOptions {
  /** Of the bytes that come. Default: PCM16, 24 kHz, mono. */
  readonly format?: AudioFormat;
  /** Audio is worked on in pieces of that size, whatever the size of the chunks; the last one may be shorter. 5..1000 ms, default 20. */
  readonly chunkMs?: number;
  /** The same in bytes, rounded up to whole samples; goes before `chunkMs`. */
  readonly chunkBytes?: number;
  /** So much audio may wait for the pipeline, 1..60 000 ms. Default 2000. */
  readonly queueMs?: number;
  /** What happens then: the source waits (default), or, where it cannot, the oldest audio is dropped and reported. */
  readonly whenFull?: 'wait' | 'drop-oldest';
  /** The rate to which the microphone is brought for the detector, the recogniser and the events, in Hz, from 8000 on. Default 24 000. */
  readonly sampleRate?: number;
}

/** How long the stages may take, in ms. */
export interface PipelineTimeouts {
  /** From the end of the speech to its words. Default 10 000. */
  readonly recogniseMs?: number;
  /** To the first text of an answer, and to what the workflow does with the news of what was heard. Default 30 000. */
  readonly workflowFirstMs?: number;
  /** From one piece of text to the next. Default 30 000. */
  readonly workflowIdleMs?: number;
  /** To the first sound of a sentence. Default 10 000. */
  readonly synthesiseFirstMs?: number;
  /** From one piece of sound to the next. Default 10 000. */
  readonly synthesiseIdleMs?: number;
  /** From one report of a listener to the next, while it has something to play. Default 5000. */
  readonly playbackMs?: number;
}

/** A pipeline without a stage goes on without it: see the table in docs/voice-pipeline.md. */
export interface VoicePipelineOptions {
  readonly clock: Clock;
  /** Default: none. The pipeline is a microphone front end then: its events are clean audio and turns. */
  readonly recogniser?: Recogniser;
  /** Default: one that says nothing; a turn is its transcript. */
  readonly workflow?: Workflow;
  /** Default: one that makes no sound; an answer is its words. */
  readonly synthesiser?: Synthesiser;
  /** The synthesiser's name of a voice. */
  readonly voice?: string;
  readonly turnDetection?: TurnPreset | TurnDetectionOptions;
  /**
   * What speech over an answer does. It stops the answer when there were `confirmMs` of voice (default 300), or words of a recogniser that finds turns
   * itself, other than `backChannels`. `off`: it never does.
   */
  readonly interruption?: 'off' | { readonly confirmMs?: number; readonly backChannels?: readonly string[] };
  readonly input?: PipelineInputOptions;
  /** What the answer's sound is brought to. Default: PCM16, mono, at the synthesiser's rate. */
  readonly output?: { readonly format?: AudioFormat };
  /** Makes the stages for the microphone of a run, after the mix to mono and the change of rate. Mono samples of that rate in and out. */
  readonly preprocess?: (sampleRate: number) => readonly AudioStage[];
  /** Makes the stages for the sound of an answer, before the change of rate. Mono samples of that rate in and out. */
  readonly postprocess?: (sampleRate: number) => readonly AudioStage[];
  /** Makes what cuts an answer into sentences. */
  readonly splitter?: () => Splitter;
  /** Makes what says what of the sentences of an answer is spoken. */
  readonly spoken?: () => Spoken;
  /** Sentences that are synthesised at the same time, 1..8. Default 2. */
  readonly concurrency?: number;
  /** The sound that may be made before it is heard, 100..600 000 ms. Default 5000. */
  readonly aheadMs?: number;
  /**
   * How it is known what was heard: by a clock that plays from the moment on when the sound is taken (default, until somebody reports), by
   * `reportPlayback()` alone, or `taken`: whoever takes the sound keeps it, and waits for nobody (a file).
   */
  readonly playback?: 'clock' | 'reported' | 'taken';
  /** A front end without a recogniser gives all audio, or that of the turns alone, then from `preRollMs` before the first voice on. Default `all`. */
  readonly microphone?: 'all' | 'speech';
  readonly timeouts?: PipelineTimeouts;
}

/** A pipeline with every question answered. */
export interface PipelineSetup {
  readonly clock: Clock;
  /** Absent in a front end. */
  readonly recogniser: Recogniser | undefined;
  readonly workflow: Workflow;
  readonly synthesiser: Synthesiser;
  readonly voice: string | undefined;
  readonly policy: PipelinePolicy;
  readonly timeouts: Required<PipelineTimeouts>;
  readonly inputFormat: AudioFormat;
  /** Per channel. */
  readonly chunkSamples: number;
  readonly queuedChunks: number;
  readonly whenFull: 'wait' | 'drop-oldest';
  readonly microphone: 'all' | 'speech';
  /** Interleaved samples of the input's format to clean mono ones. */
  readonly microphoneStages: () => AudioStage;
  /** The synthesiser's samples to mono ones at the output's rate. */
  readonly voiceStages: () => AudioStage;
  readonly splitter: () => Splitter;
  readonly spoken: () => Spoken;
  /** Absent where nobody looks for voice. */
  readonly vad: () => Vad | undefined;
}

/** Fills in what was left out. Throws `RangeError` for numbers that cannot be, `TypeError` for parts that do not fit. */
export function pipelineSetup(options: VoicePipelineOptions): PipelineSetup {
  const { recogniser, interruption = {}, timeouts = {}, concurrency = 2, aheadMs = 5_000 } = options;
  const input = { format: PCM16_24K as AudioFormat, chunkMs: 20, queueMs: 2_000, sampleRate: 24_000, ...options.input };
  const synthesiser = options.synthesiser ?? nullSynthesiser(24_000);
  const outputFormat = options.output?.format ?? audioFormat('pcm16', synthesiser.sampleRate);
  const turns = turnPolicy(options.turnDetection, recogniser?.listen !== undefined);
  const vadOf = (typeof options.turnDetection === 'object' ? options.turnDetection.vad : undefined) ?? ((wanted) => new EnergyVad(wanted));
  const { confirmMs = 300, backChannels = bargeInPolicy().backChannels } = interruption === 'off' ? {} : interruption;
  within('interruption.confirmMs', confirmMs, 0, 60_000);
  within('concurrency', concurrency, 1, 8);
  within('aheadMs', aheadMs, 100, 600_000);
  within('input.queueMs', input.queueMs, 1, 60_000);
  within('input.sampleRate', input.sampleRate, 8_000, 384_000);
  const limits = { recogniseMs: 10_000, workflowFirstMs: 30_000, workflowIdleMs: 30_000, synthesiseFirstMs: 10_000, synthesiseIdleMs: 10_000, playbackMs: 5_000, ...timeouts };
  for (const [name, ms] of Object.entries(limits)) within(`timeouts.${name}`, ms, 1, 3_600_000);
  const chunkSamples = samplesOfChunk(input);
  return {
    clock: options.clock,
    recogniser,
    workflow: options.workflow ?? nullWorkflow,
    synthesiser,
    voice: options.voice,
    policy: {
      turns,
      ...(interruption === 'off' ? {} : { confirmMs }),
      backChannels,
      microphoneRate: input.sampleRate,
      outputFormat,
      concurrency,
      aheadMs,
      playback: options.playback ?? 'clock',
      playbackTimeoutMs: limits.playbackMs,
    },
    timeouts: limits,
    inputFormat: input.format,
    chunkSamples,
    queuedChunks: Math.max(1, Math.ceil((input.queueMs * input.format.sampleRate) / 1000 / chunkSamples)),
    whenFull: options.input?.whenFull ?? 'wait',
    microphone: options.microphone ?? 'all',
    microphoneStages: () => chain(mixStage(input.format.channels), resampleStage(input.format.sampleRate, input.sampleRate), ...(options.preprocess?.(input.sampleRate) ?? [])),
    voiceStages: () => chain(...(options.postprocess?.(synthesiser.sampleRate) ?? []), resampleStage(synthesiser.sampleRate, outputFormat.sampleRate)),
    splitter: options.splitter ?? (() => new SentenceSplitter()),
    spoken: options.spoken ?? (() => new SpokenText()),
    vad: () => (turns.by === 'voice' ? vadOf({ sampleRate: input.sampleRate, hangMs: VAD_HANG_MS }) : undefined),
  };
}

function samplesOfChunk(input: PipelineInputOptions & { readonly format: AudioFormat; readonly chunkMs: number }): number {
  const { format, chunkMs, chunkBytes } = input;
  if (chunkBytes === undefined) within('input.chunkMs', chunkMs, 5, 1_000);
  else within('input.chunkBytes', chunkBytes, 1, msToBytes(format, 1_000));
  return Math.max(1, Math.ceil((chunkBytes ?? msToBytes(format, chunkMs)) / samplesToBytes(format, 1)));
}

function within(name: string, value: number, from: number, to: number): void {
  if (!(value >= from && value <= to)) throw new RangeError(`${name} must be from ${from} to ${to}, not ${value}.`);
}
