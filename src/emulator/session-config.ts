import { arrayAt, booleanAt, jsonAt, numberAt, objectAt, oneOf, onlyFields, required, stringAt } from './checks.js';
import { Refusal } from './wire.js';
import type { JsonObject, WireFormat } from './wire.js';

export type WireTurnDetection =
  | {
      readonly type: 'server_vad';
      readonly threshold: number;
      readonly prefix_padding_ms: number;
      readonly silence_duration_ms: number;
      readonly idle_timeout_ms: number | null;
      readonly create_response: boolean;
      readonly interrupt_response: boolean;
    }
  | { readonly type: 'semantic_vad'; readonly eagerness: 'low' | 'medium' | 'high' | 'auto'; readonly create_response: boolean; readonly interrupt_response: boolean };

export interface WireTool {
  readonly type: 'function';
  readonly name: string;
  readonly description?: string;
  readonly parameters?: unknown;
}

/** The effective configuration, in the order in which the protocol echoes it. */
export interface SessionConfig {
  readonly output_modalities: readonly ['audio' | 'text'];
  readonly instructions: string;
  readonly tools: readonly WireTool[];
  readonly tool_choice: unknown;
  readonly max_output_tokens: number | 'inf';
  readonly tracing: unknown;
  readonly truncation: unknown;
  readonly prompt: unknown;
  /** Models that reason have these two; they are echoed only where the client has set them. */
  readonly parallel_tool_calls?: boolean;
  readonly reasoning?: unknown;
  readonly audio: {
    readonly input: {
      readonly format: WireFormat;
      readonly transcription: JsonObject | null;
      readonly noise_reduction: JsonObject | null;
      readonly turn_detection: WireTurnDetection | null;
    };
    readonly output: { readonly format: WireFormat; readonly voice: unknown; readonly speed: number };
  };
  readonly include: unknown;
}

const PCM: WireFormat = { type: 'audio/pcm', rate: 24000 };

const SERVER_VAD: WireTurnDetection = {
  type: 'server_vad',
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 500,
  idle_timeout_ms: null,
  create_response: true,
  interrupt_response: true,
};

export const DEFAULT_CONFIG: SessionConfig = {
  output_modalities: ['audio'],
  instructions: 'You are an emulated model. You follow a script and not these instructions.',
  tools: [],
  tool_choice: 'auto',
  max_output_tokens: 'inf',
  tracing: null,
  truncation: 'auto',
  prompt: null,
  audio: {
    input: { format: PCM, transcription: null, noise_reduction: null, turn_detection: SERVER_VAD },
    output: { format: PCM, voice: 'marin', speed: 1 },
  },
  include: null,
};

const FIELDS = ['type', 'model', 'output_modalities', 'instructions', 'tools', 'tool_choice', 'max_output_tokens', 'tracing', 'truncation', 'prompt', 'audio', 'include', 'parallel_tool_calls', 'reasoning'];

/**
 * The configuration after a `session.update`: all of it is taken or nothing. Fields that are left out stay as they are. `spoken` says whether
 * the assistant has spoken already: its voice is fixed from then on. Throws {@link Refusal}.
 */
export function updatedConfig(config: SessionConfig, patch: unknown, spoken: boolean): SessionConfig {
  const session = objectAt(patch, 'session');
  oneOf(required(session, 'type', 'session'), 'session.type', ['realtime']);
  onlyFields(session, 'session', FIELDS);
  const given = <Value>(key: string, read: (value: unknown, path: string) => Value, current: Value): Value =>
    Object.hasOwn(session, key) ? read(session[key], `session.${key}`) : current;

  const updated: SessionConfig = {
    ...config,
    output_modalities: given('output_modalities', modalitiesAt, config.output_modalities),
    instructions: given('instructions', stringAt, config.instructions),
    tools: given('tools', toolsAt, config.tools),
    tool_choice: given('tool_choice', toolChoiceAt, config.tool_choice),
    max_output_tokens: given('max_output_tokens', maxTokensAt, config.max_output_tokens),
    tracing: given('tracing', jsonAt, config.tracing),
    truncation: given('truncation', jsonAt, config.truncation),
    prompt: given('prompt', jsonAt, config.prompt),
    ...(session['parallel_tool_calls'] === undefined ? {} : { parallel_tool_calls: booleanAt(session['parallel_tool_calls'], 'session.parallel_tool_calls') }),
    ...(session['reasoning'] === undefined ? {} : { reasoning: reasoningAt(session['reasoning'], 'session.reasoning') }),
    audio: given('audio', (value, path) => audioAt(value, path, config.audio), config.audio),
    include: given('include', jsonAt, config.include),
  };
  if (spoken && JSON.stringify(updated.audio.output.voice) !== JSON.stringify(config.audio.output.voice)) {
    throw new Refusal('cannot_update_voice', 'The voice is fixed once the assistant has spoken; the whole update was dropped.', 'session.audio.output.voice');
  }
  return updated;
}

export function modalitiesAt(value: unknown, path: string): readonly ['audio' | 'text'] {
  const list = arrayAt(value, path, 2);
  if (list.length !== 1) throw new Refusal('invalid_value', `'${path}' must be ['audio'] or ['text'].`, path);
  return [oneOf(list[0], `${path}[0]`, ['audio', 'text'])];
}

export function toolsAt(value: unknown, path: string): readonly WireTool[] {
  return arrayAt(value, path, 128).map((entry, index) => {
    const at = `${path}[${index}]`;
    const tool = objectAt(entry, at);
    oneOf(required(tool, 'type', at), `${at}.type`, ['function']);
    onlyFields(tool, at, ['type', 'name', 'description', 'parameters']);
    const name = stringAt(required(tool, 'name', at), `${at}.name`, 64);
    if (!/^[\w.-]+$/.test(name)) throw new Refusal('invalid_value', `'${at}.name' may hold letters, digits, '_', '-' and '.'.`, `${at}.name`);
    return {
      type: 'function',
      name,
      ...(tool['description'] === undefined ? {} : { description: stringAt(tool['description'], `${at}.description`) }),
      ...(tool['parameters'] === undefined ? {} : { parameters: jsonAt(objectAt(tool['parameters'], `${at}.parameters`), `${at}.parameters`) }),
    };
  });
}

export function toolChoiceAt(value: unknown, path: string): unknown {
  if (typeof value === 'string') return oneOf(value, path, ['auto', 'none', 'required']);
  const choice = objectAt(value, path);
  oneOf(required(choice, 'type', path), `${path}.type`, ['function']);
  return { type: 'function', name: stringAt(required(choice, 'name', path), `${path}.name`, 64) };
}

export function maxTokensAt(value: unknown, path: string): number | 'inf' {
  return value === 'inf' ? 'inf' : numberAt(value, path, 1, 4096, 'integer');
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

export function voiceAt(value: unknown, path: string): unknown {
  if (typeof value === 'string') return stringAt(value, path, 256);
  const voice = objectAt(value, path);
  return { id: stringAt(required(voice, 'id', path), `${path}.id`, 256) };
}

function audioAt(value: unknown, path: string, current: SessionConfig['audio']): SessionConfig['audio'] {
  const audio = objectAt(value, path);
  onlyFields(audio, path, ['input', 'output']);
  const input = audio['input'] === undefined ? {} : objectAt(audio['input'], `${path}.input`);
  const output = audio['output'] === undefined ? {} : objectAt(audio['output'], `${path}.output`);
  onlyFields(input, `${path}.input`, ['format', 'transcription', 'noise_reduction', 'turn_detection']);
  onlyFields(output, `${path}.output`, ['format', 'voice', 'speed']);
  return {
    input: {
      format: input['format'] === undefined ? current.input.format : formatAt(input['format'], `${path}.input.format`),
      transcription: input['transcription'] === undefined ? current.input.transcription : transcriptionAt(input['transcription'], `${path}.input.transcription`),
      noise_reduction: input['noise_reduction'] === undefined ? current.input.noise_reduction : noiseReductionAt(input['noise_reduction'], `${path}.input.noise_reduction`),
      turn_detection: input['turn_detection'] === undefined ? current.input.turn_detection : turnDetectionAt(input['turn_detection'], `${path}.input.turn_detection`),
    },
    output: {
      format: output['format'] === undefined ? current.output.format : formatAt(output['format'], `${path}.output.format`),
      voice: output['voice'] === undefined ? current.output.voice : voiceAt(output['voice'], `${path}.output.voice`),
      speed: output['speed'] === undefined ? current.output.speed : numberAt(output['speed'], `${path}.output.speed`, 0.25, 1.5, 'decimal'),
    },
  };
}

function reasoningAt(value: unknown, path: string): JsonObject {
  const reasoning = objectAt(value, path);
  onlyFields(reasoning, path, ['effort']);
  return reasoning['effort'] === undefined ? {} : { effort: oneOf(reasoning['effort'], `${path}.effort`, ['minimal', 'low', 'medium', 'high', 'xhigh']) };
}

function transcriptionAt(value: unknown, path: string): JsonObject | null {
  if (value === null) return null;
  const transcription = objectAt(value, path);
  onlyFields(transcription, path, ['model', 'language', 'languages', 'prompt', 'keywords', 'delay']);
  for (const key of ['model', 'language', 'prompt']) {
    if (transcription[key] !== undefined && transcription[key] !== null) stringAt(transcription[key], `${path}.${key}`);
  }
  return { model: transcription['model'] ?? 'gpt-4o-transcribe', language: transcription['language'] ?? null, prompt: transcription['prompt'] ?? null };
}

function noiseReductionAt(value: unknown, path: string): JsonObject | null {
  if (value === null) return null;
  const reduction = objectAt(value, path);
  return { type: oneOf(required(reduction, 'type', path), `${path}.type`, ['near_field', 'far_field']) };
}

/** A detection is replaced as a whole: what the client leaves out takes its default and not the value it had. */
function turnDetectionAt(value: unknown, path: string): WireTurnDetection | null {
  if (value === null) return null;
  const given = objectAt(value, path);
  const type = oneOf(required(given, 'type', path), `${path}.type`, ['server_vad', 'semantic_vad']);
  const flag = (key: string): boolean => (given[key] === undefined ? true : booleanAt(given[key], `${path}.${key}`));
  if (type === 'semantic_vad') {
    onlyFields(given, path, ['type', 'eagerness', 'create_response', 'interrupt_response']);
    const eagerness = given['eagerness'] === undefined ? 'auto' : oneOf(given['eagerness'], `${path}.eagerness`, ['low', 'medium', 'high', 'auto']);
    return { type, eagerness, create_response: flag('create_response'), interrupt_response: flag('interrupt_response') };
  }
  onlyFields(given, path, ['type', 'threshold', 'prefix_padding_ms', 'silence_duration_ms', 'idle_timeout_ms', 'create_response', 'interrupt_response']);
  const number = (key: string, fallback: number, min: number, max: number, kind: 'integer' | 'decimal'): number =>
    given[key] === undefined || given[key] === null ? fallback : numberAt(given[key], `${path}.${key}`, min, max, kind);
  return {
    type,
    threshold: number('threshold', 0.5, 0, 1, 'decimal'),
    prefix_padding_ms: number('prefix_padding_ms', 300, 0, 5_000, 'integer'),
    silence_duration_ms: number('silence_duration_ms', 500, 0, 10_000, 'integer'),
    idle_timeout_ms: given['idle_timeout_ms'] === undefined || given['idle_timeout_ms'] === null ? null : numberAt(given['idle_timeout_ms'], `${path}.idle_timeout_ms`, 5_000, 30_000, 'integer'),
    create_response: flag('create_response'),
    interrupt_response: flag('interrupt_response'),
  };
}
