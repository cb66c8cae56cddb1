import { arrayAt, objectAt, oneOf, onlyFields, required, stringAt } from './checks.js';
import { turnDetectionAt } from './turn-detection.js';
import type { WireTurnDetection } from './turn-detection.js';
import { Refusal } from './wire.js';
import type { JsonObject, WireFormat } from './wire.js';

/** How the user is heard: a part of both kinds of session. */
export interface InputConfig {
  readonly format: WireFormat;
  readonly transcription: Transcription | null;
  readonly noise_reduction: JsonObject | null;
  readonly turn_detection: WireTurnDetection | null;
}

export interface Transcription {
  readonly model: string;
  readonly language: string | null;
  readonly prompt: string | null;
  readonly [field: string]: unknown;
}

export const PCM: WireFormat = { type: 'audio/pcm', rate: 24000 };
const STREAMING = 'gpt-realtime-whisper';
const WITH_KEYWORDS = ['gpt-transcribe', 'gpt-live-transcribe'];

export function inputAt(value: unknown, path: string, current: InputConfig): InputConfig {
  const input = objectAt(value, path);
  onlyFields(input, path, ['format', 'transcription', 'noise_reduction', 'turn_detection']);
  const given = <Key extends keyof InputConfig>(key: Key, read: (field: unknown, at: string) => InputConfig[Key]): InputConfig[Key] =>
    input[key] === undefined ? current[key] : read(input[key], `${path}.${key}`);
  return {
    format: given('format', formatAt),
    transcription: given('transcription', transcriptionAt),
    noise_reduction: given('noise_reduction', noiseReductionAt),
    turn_detection: given('turn_detection', turnDetectionAt),
  };
}

export function formatAt(value: unknown, path: string): WireFormat {
  const format = objectAt(value, path);
  const type = oneOf(required(format, 'type', path), `${path}.type`, ['audio/pcm', 'audio/pcmu', 'audio/pcma']);
  onlyFields(format, path, ['type', 'rate']);
  if (type !== 'audio/pcm') return { type };
  if (format['rate'] !== undefined && format['rate'] !== 24_000) {
    throw new Refusal('invalid_value', `'${path}.rate' must be 24000: 'audio/pcm' has 24000 samples per second.`, `${path}.rate`);
  }
  return PCM;
}

function transcriptionAt(value: unknown, path: string): Transcription | null {
  if (value === null) return null;
  const given = objectAt(value, path);
  onlyFields(given, path, ['model', 'language', 'languages', 'prompt', 'keywords', 'delay']);
  const text = (key: string): string | undefined => (given[key] === undefined || given[key] === null ? undefined : stringAt(given[key], `${path}.${key}`));
  const list = (key: string): readonly string[] | undefined =>
    given[key] === undefined || given[key] === null ? undefined : arrayAt(given[key], `${path}.${key}`, 100).map((entry, index) => stringAt(entry, `${path}.${key}[${index}]`, 256));
  const model = text('model') ?? 'gpt-4o-transcribe';
  const only = (key: string, fits: boolean): void => {
    if (given[key] !== undefined && given[key] !== null && !fits) throw new Refusal('invalid_value', `'${path}.${key}' is not for the model '${model.slice(0, 64)}'.`, `${path}.${key}`);
  };
  only('delay', model === STREAMING);
  only('keywords', WITH_KEYWORDS.includes(model));
  only('languages', WITH_KEYWORDS.includes(model));
  only('prompt', model !== STREAMING);
  const [languages, keywords] = [list('languages'), list('keywords')];
  return {
    model,
    language: text('language') ?? null,
    prompt: text('prompt') ?? null,
    ...(languages === undefined ? {} : { languages }),
    ...(keywords === undefined ? {} : { keywords }),
    ...(given['delay'] === undefined ? {} : { delay: oneOf(given['delay'], `${path}.delay`, ['minimal', 'low', 'medium', 'high', 'xhigh']) }),
  };
}

function noiseReductionAt(value: unknown, path: string): JsonObject | null {
  if (value === null) return null;
  const reduction = objectAt(value, path);
  onlyFields(reduction, path, ['type']);
  return { type: oneOf(required(reduction, 'type', path), `${path}.type`, ['near_field', 'far_field']) };
}

/** In a session of transcription alone the streaming model hears without turns. */
export function checkStreaming(input: InputConfig, path: string): void {
  if (input.transcription?.model === STREAMING && input.turn_detection !== null) {
    throw new Refusal('invalid_value', `'${path}.turn_detection' must be null for the model '${STREAMING}'.`, `${path}.turn_detection`);
  }
}
