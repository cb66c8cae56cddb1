import type { SessionConfig } from './session-config.js';
import type { WireFormat, WireItem } from './wire.js';

/** The objects of the first version of the protocol, made from those of the current one. */
const FORMATS = { 'audio/pcm': 'pcm16', 'audio/pcmu': 'g711_ulaw', 'audio/pcma': 'g711_alaw' } as const;

type Session = SessionConfig & { readonly id: string; readonly model: string; readonly expires_at: number };

export function betaSession(session: unknown, temperature: number): unknown {
  const { id, model, expires_at, output_modalities, instructions, tools, tool_choice, max_output_tokens, tracing, audio, include } = session as Session;
  return {
    id,
    object: 'realtime.session',
    model,
    expires_at,
    modalities: modalities(output_modalities),
    instructions,
    voice: audio.output.voice,
    ...inputFields(audio.input),
    output_audio_format: formatName(audio.output.format),
    speed: audio.output.speed,
    tools,
    tool_choice,
    temperature,
    max_response_output_tokens: max_output_tokens,
    tracing,
    include,
  };
}

export function betaTranscriptionSession(session: unknown): unknown {
  const { id, expires_at, audio, include } = session as Session;
  return { id, object: 'realtime.transcription_session', expires_at, ...inputFields(audio.input), include };
}

export function betaItem(item: unknown): unknown {
  const wire = item as WireItem;
  const { id, ...rest } = wire;
  if (wire.type !== 'message') return { id, object: 'realtime.item', ...rest };
  const { content } = wire;
  const parts = content.map((part) => (part.type === 'output_text' ? { ...part, type: 'text' } : part.type === 'output_audio' ? { ...part, type: 'audio' } : part));
  return { id, object: 'realtime.item', ...rest, content: parts };
}

interface Response {
  readonly output: readonly WireItem[];
  readonly output_modalities: readonly string[];
  readonly audio: { readonly output: { readonly format: WireFormat; readonly voice: unknown } };
  readonly usage: unknown;
  readonly metadata: unknown;
}

export function betaResponse(response: unknown, temperature: number): unknown {
  const { output, output_modalities, audio, usage, metadata, ...rest } = response as Response;
  return {
    ...rest,
    output: output.map(betaItem),
    modalities: modalities(output_modalities),
    voice: audio.output.voice,
    output_audio_format: formatName(audio.output.format),
    temperature,
    usage,
    metadata,
  };
}

function inputFields(input: SessionConfig['audio']['input']): object {
  return {
    input_audio_format: formatName(input.format),
    input_audio_transcription: input.transcription,
    input_audio_noise_reduction: input.noise_reduction,
    turn_detection: input.turn_detection,
  };
}

function modalities(current: readonly string[]): readonly string[] {
  return current[0] === 'audio' ? ['audio', 'text'] : ['text'];
}

function formatName(format: WireFormat): string {
  return FORMATS[format.type];
}
