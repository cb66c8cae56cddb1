import { ALAW_8K, MULAW_8K, PCM16_24K, sameFormat } from '../../../audio/index.js';
import type { AudioFormat } from '../../../audio/index.js';
import type { ModelCommand, ModelConfig, ModelContentPart, NewModelItem, ResponseRequest } from '../../../session/index.js';
import { serialize, writeTool, writeToolChoice, writeTurnDetection } from './serialize.js';
import { writeItem } from './wire-item.js';

/**
 * Writes a command in the earlier dialect of the protocol, the beta, which Azure's preview, Voice Live and a number of compatible servers speak.
 * Throws `RangeError` for what that dialect has no word for: PCM16 at another rate than 24 kHz, tools of MCP servers, images.
 */
export function serializeBeta(command: ModelCommand): string {
  switch (command.type) {
    case 'configure':
      return JSON.stringify({ type: 'session.update', event_id: command.eventId, session: writeSession(command.config) });
    case 'create_item': {
      const { eventId: event_id, previousItemId } = command;
      return JSON.stringify({ type: 'conversation.item.create', event_id, ...(previousItemId === undefined ? {} : { previous_item_id: previousItemId ?? 'root' }), item: writeBetaItem(command.item) });
    }
    case 'create_response': {
      const response = writeResponse(command.request);
      const plain = Object.values(response).every((value) => value === undefined);
      return JSON.stringify({ type: 'response.create', event_id: command.eventId, ...(plain ? {} : { response }) });
    }
    default:
      // The other commands are the same in both dialects.
      return serialize(command);
  }
}

/** Everything stands at the top, and speech is not to be had without its text. */
function writeSession(config: ModelConfig): object {
  return {
    modalities: modalities(config.outputModality),
    instructions: config.instructions,
    voice: config.voice,
    speed: config.speed,
    input_audio_format: formatName(config.inputFormat),
    output_audio_format: formatName(config.outputFormat),
    input_audio_transcription: config.transcription,
    input_audio_noise_reduction: config.noiseReduction && { type: config.noiseReduction },
    // Its speech detection knows no idle time: an `undefined` is left out.
    turn_detection: config.turnDetection && { ...writeTurnDetection(config.turnDetection), idle_timeout_ms: undefined },
    tools: config.tools.map((tool) => {
      if (tool.type === 'mcp') throw new RangeError(`The beta of the realtime protocol has no MCP tools (${tool.serverLabel}).`);
      return writeTool(tool);
    }),
    tool_choice: config.toolChoice && writeToolChoice(config.toolChoice),
    max_response_output_tokens: config.maxOutputTokens,
  };
}

function writeResponse(request: ResponseRequest): object {
  return {
    instructions: request.instructions,
    modalities: request.outputModality && modalities(request.outputModality),
    tool_choice: request.toolChoice && writeToolChoice(request.toolChoice),
    max_output_tokens: request.maxOutputTokens,
    metadata: request.metadata,
    conversation: request.conversation,
    input: request.input?.map(({ role, text }) => ({ type: 'message', role, content: [{ type: role === 'assistant' ? 'text' : 'input_text', text }] })),
  };
}

/** What the assistant said is `text` here, whoever else's words are `input_text`. */
function writeBetaItem(item: NewModelItem): object {
  if (item.type !== 'message') return writeItem(item);
  if (item.content.some(({ type }) => type === 'input_image')) throw new RangeError('The beta of the realtime protocol takes no images.');
  return { id: item.id, type: 'message', role: item.role, content: item.content.flatMap(writePart) };
}

function writePart(part: ModelContentPart): object[] {
  const text = 'text' in part ? part.text : 'transcript' in part ? part.transcript : null;
  if (text === null) return [];
  return [{ type: part.type === 'output_text' || part.type === 'output_audio' ? 'text' : 'input_text', text }];
}

function modalities(modality: ModelConfig['outputModality']): readonly string[] {
  return modality === 'audio' ? ['audio', 'text'] : ['text'];
}

function formatName(format: AudioFormat): string {
  if (sameFormat(format, PCM16_24K)) return 'pcm16';
  if (sameFormat(format, MULAW_8K)) return 'g711_ulaw';
  if (sameFormat(format, ALAW_8K)) return 'g711_alaw';
  throw new RangeError(`The beta of the realtime protocol has no ${format.encoding} at ${format.sampleRate} Hz with ${format.channels} channel(s); use mono PCM16 at 24 000 Hz, or G.711 at 8000 Hz.`);
}
