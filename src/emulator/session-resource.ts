import type { SessionConfig } from './session-config.js';

export interface SessionIdentity {
  readonly id: string;
  readonly kind: 'realtime' | 'transcription';
  readonly model: string;
  readonly expiresAt: number;
}

/** The session as it is echoed: every field, in the order of the wire. */
export function sessionResource({ id, kind, model, expiresAt }: SessionIdentity, config: SessionConfig): unknown {
  const { output_modalities, instructions, tools, tool_choice, max_output_tokens, tracing, truncation, prompt, audio, include, ...set } = config;
  if (kind === 'transcription') return { type: kind, object: 'realtime.transcription_session', id, expires_at: expiresAt, audio: { input: audio.input }, include };
  return {
    type: kind,
    object: 'realtime.session',
    id,
    model,
    output_modalities,
    instructions,
    tools,
    tool_choice,
    max_output_tokens,
    tracing,
    truncation,
    prompt,
    expires_at: expiresAt,
    audio,
    include,
    ...set,
  };
}
