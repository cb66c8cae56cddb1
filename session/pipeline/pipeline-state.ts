import { createLedger } from '../../audio/index.js';
import type { AudioFormat, PlaybackLedger } from '../../audio/index.js';
import type { TurnPolicy } from './turn-detection.js';

/** What a pipeline decides by. Plain data. */
export interface PipelinePolicy {
  readonly turns: TurnPolicy;
  /** So much voice over an answer stops it; absent where speech never does. */
  readonly confirmMs?: number;
  /** Back-channel words: a recogniser that finds turns by itself and hears nothing but them has heard no interruption. */
  readonly backChannels: readonly string[];
  /** Of the microphone's clean samples, in Hz. */
  readonly microphoneRate: number;
  readonly outputFormat: AudioFormat;
  /** Sentences that are synthesised at the same time. */
  readonly concurrency: number;
  /** The sound that may be made before it is heard. */
  readonly aheadMs: number;
  /** How it is known what was heard. */
  readonly playback: 'clock' | 'reported' | 'taken';
  /** A listener that reports and has stopped doing so is given up after that. */
  readonly playbackTimeoutMs: number;
}

/**
 * What the voice detector makes of the microphone. Voice is judged by {@link PipelineState.turn}: it may be a noise, belong to a turn, or interrupt one.
 *
 *      quiet ──voice──▶ voice ──judged to be noise, or its turn has ended──▶ quiet
 */
export type Hearing =
  | { readonly name: 'quiet' }
  | {
      readonly name: 'voice';
      readonly startSample: number;
      /** Where the last voice ended; the present moment while it lasts. */
      voicedUntil: number;
      /** Voice in stretches that are over. */
      voicedSamples: number;
      /** Where the present stretch began; absent in a pause. */
      openSince?: number;
    };

/** The words of a stretch of speech. */
export interface Utterance {
  readonly utterance: number;
  text: string;
  final: boolean;
}

/** A sentence of an answer. Samples are those of the pipeline's output, per channel. */
export interface Sentence {
  readonly text: string;
  /** What of the text is spoken; may be nothing. */
  readonly spoken: string;
  /** Made so far. */
  samples: number;
  /** Of those, what the reader of the events has taken. */
  takenSamples: number;
  /** Whether all its sound has been made. */
  complete: boolean;
}

/** What the workflow says, and how far it is spoken. */
export interface Answer {
  /** All words so far; the sentences, joined, are its beginning. */
  text: string;
  readonly sentences: Sentence[];
  /** Whether there will be no more words. */
  textOver: boolean;
  /** Sentences that were given to the voice. */
  begun: number;
  /** Sentences that are with the voice now. */
  speaking: number;
  /** Made, and not yet taken by the reader of the events. */
  queuedSamples: number;
  /** Whether more sound would be too far ahead of what is heard. */
  held: boolean;
  /** A stage has failed: nothing more is made, and what was made is heard out. */
  failed: boolean;
}

/**
 *      idle ──voice, startTurn()──▶ listening ──silence, endTurn()──▶ recognising ──words──▶ answering ──heard──▶ idle
 *                                       ▲                                │                     │
 *                                       └──── the user goes on ──────────┘                     │
 *                                       ▲                                                      │
 *                                       └───────────── speech interrupts: another turn ────────┘
 *
 * Without words, or when a stage fails, the turn goes back to idle from wherever it is.
 */
export type Turn =
  | { readonly name: 'idle' }
  | { readonly name: 'listening'; readonly turn: number; /** By hand, silence does not end it. */ by: 'voice' | 'hand'; readonly fromSample: number; readonly utterances: Utterance[] }
  | { readonly name: 'recognising'; readonly turn: number; /** Ended by hand: what is said now is not part of it. */ readonly byHand: boolean; readonly utterances: Utterance[] }
  | { readonly name: 'answering'; readonly turn: number; readonly answer: Answer };

export interface PipelineState {
  readonly policy: PipelinePolicy;
  /** Clean samples of the microphone so far. */
  microphoneSamples: number;
  lastAudioAtMs: number;
  hearing: Hearing;
  turn: Turn;
  /** Turns and stretches of speech so far. */
  turns: number;
  utterances: number;
  readonly ledger: PlaybackLedger;
  /** When the listener last got on, or was last given something. */
  playbackAtMs: number;
  inputOver: boolean;
  over: boolean;
}

export function createPipelineState(policy: PipelinePolicy): PipelineState {
  return {
    policy,
    microphoneSamples: 0,
    lastAudioAtMs: 0,
    hearing: { name: 'quiet' },
    turn: { name: 'idle' },
    turns: 0,
    utterances: 0,
    ledger: createLedger(policy.playback === 'clock' ? 'clock' : 'reports'),
    playbackAtMs: 0,
    inputOver: false,
    over: false,
  };
}

export function createAnswer(): Answer {
  return { text: '', sentences: [], textOver: false, begun: 0, speaking: 0, queuedSamples: 0, held: false, failed: false };
}

/** The number of the turn that is going on, or 0. */
export function turnNumber(turn: Turn): number {
  return turn.name === 'idle' ? 0 : turn.turn;
}

/** The name of an answer in the playback ledger and in `reportPlayback`. */
export function itemIdOf(turn: number): string {
  return `turn_${turn}`;
}
