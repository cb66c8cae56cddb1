import type { ModelCommand, ModelConfig, ModelTool, ResponseRequest, ToolChoice, TurnDetection } from '../../../session/index.js';
import { base64 } from './base64.js';
import { writeFormat } from './wire-format.js';
import { writeItem } from './wire-item.js';

/** Writes a command in the current dialect. Throws `RangeError` for an audio format that the protocol has no word for. */
export function serialize(command: ModelCommand): string {
  // Fifty a second, and base64 needs no escape: joined, not stringified.
  if (command.type === 'append_audio') return `{"type":"input_audio_buffer.append","audio":"${base64.encode(command.bytes)}"}`;
  return JSON.stringify(write(command));
}

function write(command: Exclude<ModelCommand, { type: 'append_audio' }>): object {
  const event_id = command.eventId;
  switch (command.type) {
    case 'configure':
      return { type: 'session.update', event_id, session: writeSession(command.config) };
    case 'commit_audio':
      return { type: 'input_audio_buffer.commit', event_id };
    case 'clear_audio':
      return { type: 'input_audio_buffer.clear', event_id };
    case 'create_item':
      return {
        type: 'conversation.item.create',
        event_id,
        ...(command.previousItemId === undefined ? {} : { previous_item_id: command.previousItemId ?? 'root' }),
        item: writeItem(command.item),
      };
    case 'delete_item':
      return { type: 'conversation.item.delete', event_id, item_id: command.itemId };
    case 'truncate_item':
      return { type: 'conversation.item.truncate', event_id, item_id: command.itemId, content_index: command.contentIndex, audio_end_ms: command.audioEndMs };
    case 'create_response':
      return { type: 'response.create', event_id, ...writeResponse(command.request) };
    case 'cancel_response':
      return { type: 'response.cancel', event_id, ...(command.responseId === undefined ? {} : { response_id: command.responseId }) };
  }
}

/** `JSON.stringify` leaves out what is `undefined`, and so keeps the model's own default; `null` turns a feature off. */
function writeSession(config: ModelConfig): object {
  return {
    type: 'realtime',
    output_modalities: [config.outputModality],
    instructions: config.instructions,
    audio: {
      input: {
        format: writeFormat(config.inputFormat),
        turn_detection: config.turnDetection && writeTurnDetection(config.turnDetection),
        transcription: config.transcription,
        noise_reduction: config.noiseReduction && { type: config.noiseReduction },
      },
      output: { format: writeFormat(config.outputFormat), voice: config.voice, speed: config.speed },
    },
    tools: config.tools.map(writeTool),
    tool_choice: config.toolChoice && writeToolChoice(config.toolChoice),
    max_output_tokens: config.maxOutputTokens,
  };
}

export function writeTool(tool: ModelTool): object {
  if (tool.type !== 'mcp') return { type: 'function', name: tool.name, description: tool.description, parameters: tool.parameters };
  const { requireApproval } = tool;
  return {
    type: 'mcp',
    server_label: tool.serverLabel,
    server_url: tool.serverUrl,
    connector_id: tool.connectorId,
    server_description: tool.serverDescription,
    authorization: tool.authorization,
    headers: tool.headers,
    allowed_tools: tool.allowedTools,
    require_approval:
      typeof requireApproval === 'object'
        ? { always: requireApproval.always && { tool_names: requireApproval.always }, never: requireApproval.never && { tool_names: requireApproval.never } }
        : requireApproval,
  };
}

export function writeTurnDetection(detection: TurnDetection): object {
  const common = { type: detection.type, create_response: detection.createResponse, interrupt_response: detection.interruptResponse };
  if (detection.type === 'semantic_vad') return { ...common, eagerness: detection.eagerness };
  return {
    ...common,
    threshold: detection.threshold,
    prefix_padding_ms: detection.prefixPaddingMs,
    silence_duration_ms: detection.silenceMs,
    idle_timeout_ms: detection.idleTimeoutMs,
  };
}

export function writeToolChoice(choice: ToolChoice): unknown {
  return typeof choice === 'string' ? choice : { type: 'function', name: choice.name };
}

function writeResponse(request: ResponseRequest): { response?: object } {
  const response = {
    instructions: request.instructions,
    output_modalities: request.outputModality && [request.outputModality],
    tool_choice: request.toolChoice && writeToolChoice(request.toolChoice),
    max_output_tokens: request.maxOutputTokens,
    metadata: request.metadata,
    conversation: request.conversation,
    input: request.input?.map(({ role, text }) => ({ type: 'message', role, content: [{ type: role === 'assistant' ? 'output_text' : 'input_text', text }] })),
  };
  return Object.values(response).every((value) => value === undefined) ? {} : { response };
}
