import { objectAt, oneOf, onlyFields, required, stringAt } from './checks.js';
import type { JsonObject } from './wire.js';

/** The configuration of a translation, as it is echoed. */
export interface TranslationConfig {
  readonly input: { readonly transcription: { readonly model: string } | null; readonly noise_reduction: JsonObject | null };
  readonly output: { readonly language: string };
}

export const DEFAULT_TRANSLATION: TranslationConfig = { input: { transcription: null, noise_reduction: null }, output: { language: 'en' } };

/** The configuration after an update: all of it is taken or nothing. `more` are further fields that stand beside `audio`. Throws `Refusal`. */
export function updatedTranslation(config: TranslationConfig, patch: unknown, more: readonly string[] = []): TranslationConfig {
  const session = objectAt(patch, 'session');
  onlyFields(session, 'session', ['audio', ...more]);
  if (session['audio'] === undefined) return config;
  const audio = objectAt(session['audio'], 'session.audio');
  onlyFields(audio, 'session.audio', ['input', 'output']);
  const input = audio['input'] === undefined ? {} : objectAt(audio['input'], 'session.audio.input');
  const output = audio['output'] === undefined ? {} : objectAt(audio['output'], 'session.audio.output');
  onlyFields(input, 'session.audio.input', ['transcription', 'noise_reduction']);
  onlyFields(output, 'session.audio.output', ['language']);
  return {
    input: {
      transcription: input['transcription'] === undefined ? config.input.transcription : transcriptionAt(input['transcription'], 'session.audio.input.transcription'),
      noise_reduction: input['noise_reduction'] === undefined ? config.input.noise_reduction : reductionAt(input['noise_reduction'], 'session.audio.input.noise_reduction'),
    },
    output: { language: output['language'] === undefined ? config.output.language : stringAt(output['language'], 'session.audio.output.language', 64) },
  };
}

function transcriptionAt(value: unknown, path: string): { readonly model: string } | null {
  if (value === null) return null;
  const transcription = objectAt(value, path);
  onlyFields(transcription, path, ['model']);
  return { model: stringAt(required(transcription, 'model', path), `${path}.model`, 128) };
}

function reductionAt(value: unknown, path: string): JsonObject | null {
  if (value === null) return null;
  const reduction = objectAt(value, path);
  onlyFields(reduction, path, ['type']);
  return { type: oneOf(required(reduction, 'type', path), `${path}.type`, ['near_field', 'far_field']) };
}
