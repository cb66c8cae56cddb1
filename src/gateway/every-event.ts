import type { RealtimeSession, SessionEvent } from '../../session/index.js';

/** A `Record`, so that an event added to the union must be decided on here: whether the gateway has something to do with it. */
const wanted: Readonly<Record<SessionEvent['type'], boolean>> = {
  agent_start: true,
  agent_end: true,
  tool_start: true,
  tool_arguments_delta: false,
  tool_end: true,
  audio: true,
  audio_end: true,
  audio_interrupted: true,
  history_added: true,
  history_updated: true,
  transcript_delta: true,
  input_speech_started: true,
  input_speech_stopped: true,
  input_committed: true,
  turn_metrics: true,
  connection: true,
  pressure: true,
  error: true,
  raw_model_event: false,
};

/** Calls `handler` with each event that a client connection deals with, in order and at once. */
export function onEveryEvent(session: RealtimeSession, handler: (event: SessionEvent) => void): void {
  for (const [type, isWanted] of Object.entries(wanted)) {
    if (isWanted) session.on(type as SessionEvent['type'], handler);
  }
}
