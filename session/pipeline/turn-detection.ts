import type { Vad } from '../../audio/index.js';

/**
 * How long the user may pause before the turn is over: `snappy` 500 ms for short answers, `balanced` 700 ms, `patient` 1300 ms for people who think
 * while they speak. Pauses within a sentence last up to 400 ms.
 */
export type TurnPreset = 'snappy' | 'balanced' | 'patient';

/** When the user's turn begins and ends. Times in ms of audio, 0..60 000. */
export interface TurnDetectionOptions {
  /** Gives what is left out. Default `balanced`. */
  readonly preset?: TurnPreset;
  /**
   * Who finds the turns: a local voice detector (`voice`), the recogniser itself (`recogniser`, needs its `listen`), or nobody but `startTurn()` and
   * `endTurn()` (`hand`, push-to-talk). Both calls are honoured in any case. Default: the recogniser where it can, else the voice detector.
   */
  readonly by?: 'voice' | 'recogniser' | 'hand';
  /** The turn ends after so much silence. */
  readonly silenceMs?: number;
  /** Less voice than that is a noise. Default 100. */
  readonly minSpeechMs?: number;
  /** So much audio before the first voice belongs to the turn: a detector hears a soft beginning late. Default 300. */
  readonly preRollMs?: number;
  /** The turn is ended when it is as long as that, pauses included. Default 60 000. */
  readonly maxTurnMs?: number;
  /**
   * Makes the voice detector of a run. `hangMs` is the pause that it should bridge within speech: how long a silence ends the turn is not its
   * business. Default: audio's `EnergyVad`.
   */
  readonly vad?: (options: { readonly sampleRate: number; readonly hangMs: number }) => Vad;
}

export interface TurnPolicy {
  readonly by: 'voice' | 'recogniser' | 'hand';
  readonly silenceMs: number;
  readonly minSpeechMs: number;
  readonly preRollMs: number;
  readonly maxTurnMs: number;
}

/**
 * What the voice detector bridges: gaps between syllables. Turns are ended by `silenceMs`, counted by us, and voice is known for voice only when it was
 * heard; with the usual 500 ms the silence after a click would pass for speech.
 */
export const VAD_HANG_MS = 100;

const SILENCE_MS: Readonly<Record<TurnPreset, number>> = { snappy: 500, balanced: 700, patient: 1_300 };
const LONGEST_MS = 60_000;

/** Fills in what was left out. Throws `RangeError` for a time that cannot be, `TypeError` where the recogniser is to find turns and cannot. */
export function turnPolicy(options: TurnPreset | TurnDetectionOptions = {}, recogniserListens = false): TurnPolicy {
  const given = typeof options === 'string' ? { preset: options } : options;
  const { preset = 'balanced', by = recogniserListens ? 'recogniser' : 'voice' } = given;
  const presetMs = SILENCE_MS[preset];
  if (presetMs === undefined) throw new RangeError(`turnDetection.preset must be snappy, balanced or patient, not ${JSON.stringify(preset)}.`);
  if (by === 'recogniser' && !recogniserListens) throw new TypeError('turnDetection.by is recogniser, but the recogniser finds no turns: it has no listen().');
  const policy = {
    by,
    silenceMs: given.silenceMs ?? presetMs,
    minSpeechMs: given.minSpeechMs ?? 100,
    preRollMs: given.preRollMs ?? 300,
    maxTurnMs: given.maxTurnMs ?? LONGEST_MS,
  };
  for (const name of ['silenceMs', 'minSpeechMs', 'preRollMs', 'maxTurnMs'] as const) {
    if (!(policy[name] >= 0 && policy[name] <= LONGEST_MS)) throw new RangeError(`turnDetection.${name} must be from 0 to ${LONGEST_MS}, not ${policy[name]}.`);
  }
  if (policy.maxTurnMs === 0) throw new RangeError('turnDetection.maxTurnMs must be above 0.');
  return policy;
}
