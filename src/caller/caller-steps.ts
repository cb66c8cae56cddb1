import { readFileSync } from 'node:fs';
import { decodeWav, mixToMono, resampleWhole } from '../../audio/index.js';
import { createVoice } from '../emulator/index.js';
import type { Voice } from '../emulator/index.js';
import { cannotRead } from '../host/file-errors.js';
import { SAMPLE_RATE } from '../protocol/voicewire/index.js';

/**
 * What is said: the path of a WAV file (it ends in `.wav`), a text, or samples (mono, 24 kHz). A text is spoken by the package's clip of exactly these
 * words, by an installed synthesiser, or murmured.
 */
export type Said = string | Int16Array;

/** One thing that a caller does. All but samples and expressions may come from JSON. */
export type CallerStep =
  | { readonly does: 'says'; readonly what: Said }
  /** Sends a typed message. */
  | { readonly does: 'types'; readonly text: string }
  /** Is silent; the microphone is open. */
  | { readonly does: 'waits'; readonly ms: number }
  /** Waits until this has been heard, in what no `hears` before it has found. */
  | { readonly does: 'hears'; readonly pattern: string | RegExp; readonly withinMs?: number }
  /** Waits until the agent is heard; goes on at once when it is already. */
  | { readonly does: 'until_agent_speaks'; readonly withinMs?: number }
  /** Waits until nothing was heard for `forMs` (default 600); an agent that has not begun is silent. */
  | { readonly does: 'until_silent'; readonly forMs?: number; readonly withinMs?: number }
  /** Waits until the agent speaks, for `afterMs` more (default 500), and speaks over it. */
  | { readonly does: 'interrupts'; readonly what: Said; readonly afterMs?: number; readonly withinMs?: number }
  | { readonly does: 'hangs_up' };

/** How long a step waits for what it waits for. */
export const WITHIN_MS = 10_000;
export const SILENT_FOR_MS = 600;
export const INTERRUPT_AFTER_MS = 500;
const MAX_STEPS = 10_000;

/** A step whose sound is there. */
export type PreparedStep = Exclude<CallerStep, { readonly what: Said }> | { readonly does: 'says' | 'interrupts'; readonly samples: Int16Array; readonly afterMs?: number; readonly withinMs?: number };

/** Checks steps, from a file say. Throws `TypeError` or `RangeError` that names the step. */
export function checkSteps(steps: readonly CallerStep[]): readonly CallerStep[] {
  if (!Array.isArray(steps) || steps.length > MAX_STEPS) throw new TypeError(`A caller's script is a list of at most ${MAX_STEPS} steps.`);
  steps.forEach((step: CallerStep, index) => {
    const wrong = wrongPart(step);
    if (wrong !== undefined) throw new (wrong.endsWith('ms') ? RangeError : TypeError)(`Step ${index + 1} of the caller's script is not valid: ${wrong}`);
  });
  return steps;
}

function wrongPart(step: CallerStep): string | undefined {
  const times = Object.entries(step).filter(([name]) => /^(ms|\w+Ms)$/.test(name));
  const wrong = times.find(([, ms]) => !(typeof ms === 'number' && ms >= 0 && ms <= 3_600_000));
  if (wrong !== undefined) return `${wrong[0]} must be from 0 to 3600000 ms`;
  switch (step.does) {
    case 'says':
    case 'interrupts':
      return (typeof step.what === 'string' && step.what.trim() !== '') || step.what instanceof Int16Array ? undefined : 'what is said must be a text, a path ending in .wav, or an Int16Array.';
    case 'types':
      return typeof step.text === 'string' && step.text !== '' ? undefined : 'a typed message needs a text.';
    case 'waits':
      return typeof step.ms === 'number' ? undefined : 'ms must be from 0 to 3600000 ms';
    case 'hears':
      return step.pattern instanceof RegExp || (typeof step.pattern === 'string' && step.pattern.trim() !== '') ? undefined : 'a pattern is an expression or words.';
    case 'until_agent_speaks':
    case 'until_silent':
    case 'hangs_up':
      return undefined;
    default:
      return `there is no step ${JSON.stringify((step as { does?: unknown }).does)}.`;
  }
}

/** Turns what is said into sound. Rejects with `HostError` `FILE_NOT_FOUND`, or `AudioError` for a file that is no WAV. */
export async function prepareSteps(steps: readonly CallerStep[], voice: Voice = createVoice()): Promise<readonly PreparedStep[]> {
  const prepared: PreparedStep[] = [];
  for (const step of checkSteps(steps)) {
    if (step.does !== 'says' && step.does !== 'interrupts') prepared.push(step);
    else {
      const { what, ...rest } = step;
      prepared.push({ ...rest, samples: await soundOf(what, voice) });
    }
  }
  return prepared;
}

async function soundOf(what: Said, voice: Voice): Promise<Int16Array> {
  if (typeof what !== 'string') return what;
  if (!what.toLowerCase().endsWith('.wav')) return (await voice.speak(what)).samples;
  let file: Uint8Array;
  try {
    file = readFileSync(what);
  } catch (cause) {
    throw cannotRead(what, 'A caller says a WAV file that is there, or a text that does not end in .wav.', cause);
  }
  const wav = decodeWav(file);
  return resampleWhole(mixToMono(wav.samples, wav.channels), wav.sampleRate, SAMPLE_RATE);
}
