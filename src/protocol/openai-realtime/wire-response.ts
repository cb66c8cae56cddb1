import type { ModelInput, ModelResponseStatus, TokenUsage, TranscriptionUsage } from '../../../session/index.js';
import { readErrorInfo } from './wire-error.js';
import { BadField, amount, isObject, object, objectOr, text, textOr } from './wire-fields.js';
import type { WireObject } from './wire-fields.js';
import { readFormat } from './wire-format.js';
import { readItems } from './wire-item.js';

export function readResponseCreated(event: WireObject): ModelInput {
  const response = object(event, 'response');
  const metadata = objectOr(response, 'metadata');
  const responseId = text(response, 'id');
  const beside = response['conversation_id'] === null ? { beside: true as const } : {};
  if (metadata === undefined) return { type: 'response_created', responseId, ...beside };
  const pairs = Object.entries(metadata).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  return { type: 'response_created', responseId, metadata: Object.fromEntries(pairs), ...beside };
}

export function readResponseDone(event: WireObject): ModelInput {
  const response = object(event, 'response');
  const status = readStatus(response['status']);
  const details = response['status_details'];
  const reason = status === 'completed' ? undefined : isObject(details) ? textOr(details, 'reason', undefined) : textOr(response, 'status_details', undefined);
  const error = objectOr(isObject(details) ? details : undefined, 'error');
  // Some servers write an empty object here and the numbers beside the response.
  const usage = readUsage(response['usage']) ?? readUsage(event['usage']);
  return {
    type: 'response_done',
    responseId: text(response, 'id'),
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(error === undefined ? {} : { error: readErrorInfo(error) }),
    ...(usage === undefined ? {} : { usage }),
    output: readItems(response['output']),
  };
}

function readStatus(value: unknown): ModelResponseStatus {
  if (value === 'completed' || value === 'cancelled' || value === 'incomplete' || value === 'failed') return value;
  throw new BadField('response.status');
}

function readUsage(value: unknown): TokenUsage | undefined {
  if (!isObject(value) || typeof value['total_tokens'] !== 'number') return undefined;
  const input = objectOr(value, 'input_token_details');
  const output = objectOr(value, 'output_token_details');
  const cachedBy = objectOr(input, 'cached_tokens_details');
  return {
    totalTokens: amount(value, 'total_tokens'),
    inputTokens: amount(value, 'input_tokens'),
    outputTokens: amount(value, 'output_tokens'),
    input: {
      text: amount(input, 'text_tokens'),
      audio: amount(input, 'audio_tokens'),
      image: amount(input, 'image_tokens'),
      cached: amount(input, 'cached_tokens'),
      ...(cachedBy === undefined ? {} : { cachedBy: { text: amount(cachedBy, 'text_tokens'), audio: amount(cachedBy, 'audio_tokens'), image: amount(cachedBy, 'image_tokens') } }),
    },
    output: { text: amount(output, 'text_tokens'), audio: amount(output, 'audio_tokens') },
  };
}

/** Transcription models are billed by tokens or by seconds. A usage that is neither is none: what the user said matters more. */
export function readTranscriptionUsage(value: unknown): TranscriptionUsage | undefined {
  if (!isObject(value)) return undefined;
  if (typeof value['seconds'] === 'number') return { type: 'duration', seconds: amount(value, 'seconds') };
  if (typeof value['total_tokens'] !== 'number') return undefined;
  const input = objectOr(value, 'input_token_details');
  return {
    type: 'tokens',
    totalTokens: amount(value, 'total_tokens'),
    inputTokens: amount(value, 'input_tokens'),
    outputTokens: amount(value, 'output_tokens'),
    input: { text: amount(input, 'text_tokens'), audio: amount(input, 'audio_tokens') },
  };
}

export function readSessionCreated(event: WireObject): ModelInput {
  const session = object(event, 'session');
  return { type: 'model_session_created', modelSessionId: text(session, 'id'), ...readExpiry(session), ...readModel(session) };
}

/** The current dialect nests what the beta has at the top; some servers write both, with the nested one to be trusted. */
export function readSessionConfigured(event: WireObject): ModelInput {
  const session = object(event, 'session');
  const audio = objectOr(session, 'audio');
  const input = objectOr(audio, 'input');
  const inputFormat = readFormat(input?.['format']) ?? readFormat(session['input_audio_format']);
  const outputFormat = readFormat(objectOr(audio, 'output')?.['format']) ?? readFormat(session['output_audio_format']);
  const silenceMs = (objectOr(input, 'turn_detection') ?? objectOr(session, 'turn_detection'))?.['silence_duration_ms'];
  return {
    type: 'model_session_configured',
    ...(inputFormat === undefined ? {} : { inputFormat }),
    ...(outputFormat === undefined ? {} : { outputFormat }),
    ...(typeof silenceMs === 'number' && silenceMs >= 0 ? { silenceMs } : {}),
    ...readExpiry(session),
    ...readModel(session),
  };
}

function readModel(session: WireObject): { model?: string } {
  const model = textOr(session, 'model', '');
  return model === '' ? {} : { model };
}

/** 0 stands for "not yet". */
function readExpiry(session: WireObject): { expiresAt?: number } {
  const expiresAt = amount(session, 'expires_at');
  return expiresAt > 0 ? { expiresAt } : {};
}
