import { arrayAt, booleanAt, jsonAt, numberAt, objectAt, oneOf, onlyFields, required, stringAt } from './checks.js';
import { PCM, checkStreaming, formatAt, inputAt } from './input-config.js';
import type { InputConfig } from './input-config.js';
import { toolChoiceAt, toolsAt } from './session-tools.js';
import type { ToolChoice, WireTool } from './session-tools.js';
import { SERVER_VAD } from './turn-detection.js';
import { Refusal } from './wire.js';
import type { JsonObject, WireFormat } from './wire.js';

/** The effective configuration, in the order in which the protocol echoes it. */
export interface SessionConfig {
  readonly output_modalities: readonly ['audio' | 'text'];
  readonly instructions: string;
  readonly tools: readonly WireTool[];
  readonly tool_choice: ToolChoice;
  readonly max_output_tokens: number | 'inf';
  readonly tracing: unknown;
  readonly truncation: unknown;
  readonly prompt: unknown;
  /** Models that reason have these two; they are echoed only where the client has set them. */
  readonly parallel_tool_calls?: boolean;
  readonly reasoning?: unknown;
  readonly audio: {
    readonly input: InputConfig;
    readonly output: { readonly format: WireFormat; readonly voice: unknown; readonly speed: number };
  };
  readonly include: unknown;
}

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

/** What of a session cannot be changed any more. */
export interface SessionFacts {
  readonly kind: 'realtime' | 'transcription';
  readonly model: string;
  /** Whether the assistant has spoken: its voice is fixed from then on. */
  readonly spoken: boolean;
  /** Whether a response runs: the speed changes between turns only. */
  readonly responding: boolean;
}

const FIELDS = ['type', 'model', 'output_modalities', 'instructions', 'tools', 'tool_choice', 'max_output_tokens', 'tracing', 'truncation', 'prompt', 'audio', 'include', 'parallel_tool_calls', 'reasoning'];

/**
 * The configuration after a `session.update`: all of it is taken or nothing. Fields that are left out stay as they are. Throws {@link Refusal}.
 */
export function updatedConfig(config: SessionConfig, patch: unknown, facts: SessionFacts): SessionConfig {
  const session = objectAt(patch, 'session');
  const type = oneOf(required(session, 'type', 'session'), 'session.type', ['realtime', 'transcription']);
  if (type !== facts.kind) throw new Refusal('invalid_value', `This is a session of the type '${facts.kind}', which stays what it is.`, 'session.type');
  if (facts.kind === 'transcription') return updatedTranscription(config, session);
  onlyFields(session, 'session', FIELDS);
  if (session['model'] !== undefined && stringAt(session['model'], 'session.model', 128) !== facts.model) {
    throw new Refusal('invalid_value', 'The model of a session is fixed when it opens.', 'session.model');
  }
  const given = <Value>(key: string, read: (value: unknown, path: string) => Value, current: Value): Value =>
    Object.hasOwn(session, key) ? read(session[key], `session.${key}`) : current;

  const updated: SessionConfig = {
    ...config,
    output_modalities: given('output_modalities', modalitiesAt, config.output_modalities),
    instructions: given('instructions', stringAt, config.instructions),
    tools: given('tools', toolsAt, config.tools),
    tool_choice: given('tool_choice', toolChoiceAt, config.tool_choice),
    max_output_tokens: given('max_output_tokens', maxTokensAt, config.max_output_tokens),
    tracing: given('tracing', tracingAt, config.tracing),
    truncation: given('truncation', truncationAt, config.truncation),
    prompt: given('prompt', promptAt, config.prompt),
    ...(session['parallel_tool_calls'] === undefined ? {} : { parallel_tool_calls: booleanAt(session['parallel_tool_calls'], 'session.parallel_tool_calls') }),
    ...(session['reasoning'] === undefined ? {} : { reasoning: reasoningAt(session['reasoning'], 'session.reasoning') }),
    audio: given('audio', (value, path) => audioAt(value, path, config.audio), config.audio),
    include: given('include', includeAt, config.include),
  };
  const { output } = config.audio;
  if (facts.spoken && !same(updated.audio.output.voice, output.voice)) {
    throw new Refusal('cannot_update_voice', 'The voice is fixed once the assistant has spoken; the whole update was dropped.', 'session.audio.output.voice');
  }
  if (facts.responding && updated.audio.output.speed !== output.speed) {
    throw new Refusal('invalid_value', 'The speed can be changed between turns only, and a response is running.', 'session.audio.output.speed');
  }
  if (config.tracing !== null && !same(updated.tracing, config.tracing)) {
    throw new Refusal('invalid_value', 'Tracing cannot be changed once it is enabled.', 'session.tracing');
  }
  return updated;
}

function updatedTranscription(config: SessionConfig, session: JsonObject): SessionConfig {
  onlyFields(session, 'session', ['type', 'audio', 'include']);
  const include = Object.hasOwn(session, 'include') ? includeAt(session['include'], 'session.include') : config.include;
  if (session['audio'] === undefined) return { ...config, include };
  const audio = objectAt(session['audio'], 'session.audio');
  onlyFields(audio, 'session.audio', ['input']);
  const input = audio['input'] === undefined ? config.audio.input : inputAt(audio['input'], 'session.audio.input', config.audio.input);
  checkStreaming(input, 'session.audio.input');
  return { ...config, include, audio: { ...config.audio, input } };
}

export function modalitiesAt(value: unknown, path: string): readonly ['audio' | 'text'] {
  const list = arrayAt(value, path, 2);
  if (list.length !== 1) throw new Refusal('invalid_value', `'${path}' must be ['audio'] or ['text'].`, path);
  return [oneOf(list[0], `${path}[0]`, ['audio', 'text'])];
}

export function maxTokensAt(value: unknown, path: string): number | 'inf' {
  return value === 'inf' ? 'inf' : numberAt(value, path, 1, 4096, 'integer');
}

export function voiceAt(value: unknown, path: string): unknown {
  if (typeof value === 'string') return stringAt(value, path, 256);
  const voice = objectAt(value, path);
  return { id: stringAt(required(voice, 'id', path), `${path}.id`, 256) };
}

export function promptAt(value: unknown, path: string): unknown {
  if (value === null) return null;
  const prompt = objectAt(value, path);
  onlyFields(prompt, path, ['id', 'version', 'variables']);
  stringAt(required(prompt, 'id', path), `${path}.id`, 512);
  return jsonAt(prompt, path);
}

export function reasoningAt(value: unknown, path: string): JsonObject {
  const reasoning = objectAt(value, path);
  onlyFields(reasoning, path, ['effort']);
  return reasoning['effort'] === undefined ? {} : { effort: oneOf(reasoning['effort'], `${path}.effort`, ['minimal', 'low', 'medium', 'high', 'xhigh']) };
}

function audioAt(value: unknown, path: string, current: SessionConfig['audio']): SessionConfig['audio'] {
  const audio = objectAt(value, path);
  onlyFields(audio, path, ['input', 'output']);
  const output = audio['output'] === undefined ? {} : objectAt(audio['output'], `${path}.output`);
  onlyFields(output, `${path}.output`, ['format', 'voice', 'speed']);
  return {
    input: audio['input'] === undefined ? current.input : inputAt(audio['input'], `${path}.input`, current.input),
    output: {
      format: output['format'] === undefined ? current.output.format : formatAt(output['format'], `${path}.output.format`),
      voice: output['voice'] === undefined ? current.output.voice : voiceAt(output['voice'], `${path}.output.voice`),
      speed: output['speed'] === undefined ? current.output.speed : numberAt(output['speed'], `${path}.output.speed`, 0.25, 1.5, 'decimal'),
    },
  };
}

function tracingAt(value: unknown, path: string): unknown {
  if (value === null || value === 'auto') return value;
  if (typeof value === 'string') return oneOf(value, path, ['auto']);
  const tracing = objectAt(value, path);
  onlyFields(tracing, path, ['workflow_name', 'group_id', 'metadata']);
  return jsonAt(tracing, path);
}

function truncationAt(value: unknown, path: string): unknown {
  if (typeof value === 'string') return oneOf(value, path, ['auto', 'disabled']);
  const truncation = objectAt(value, path);
  onlyFields(truncation, path, ['type', 'retention_ratio', 'token_limits']);
  oneOf(required(truncation, 'type', path), `${path}.type`, ['retention_ratio']);
  numberAt(required(truncation, 'retention_ratio', path), `${path}.retention_ratio`, 0, 1, 'decimal');
  return jsonAt(truncation, path);
}

function includeAt(value: unknown, path: string): readonly string[] | null {
  if (value === null) return null;
  return arrayAt(value, path, 16).map((entry, index) => oneOf(entry, `${path}[${index}]`, ['item.input_audio_transcription.logprobs']));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
