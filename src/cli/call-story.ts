import { ProtocolError } from '../../session/index.js';
import type { ModelInput, SessionEvent } from '../../session/index.js';
import { parse } from '../protocol/openai-realtime/parse.js';
import type { Recording } from '../recording/index.js';

/** One thing that happened, for people. */
export interface StoryLine {
  readonly type: 'story';
  /** Ms of the recorded clock. */
  readonly at: number;
  readonly who: 'caller' | 'agent' | 'tool' | 'connection' | 'error';
  readonly text: string;
}

type Told = Omit<StoryLine, 'type' | 'at'>;

/** What was said and done in a recorded call, in order, without sound and deltas. */
export function callStory(recording: Recording): readonly StoryLine[] {
  return recording.lines.flatMap((line): readonly StoryLine[] => {
    const told = line.type === 'event' ? ofEvent(recording.value(line.event) as SessionEvent) : line.type === 'message' && line.dir === 'in' ? ofMessage(line.message) : [];
    if (line.type === 'open') return [{ type: 'story', at: line.at, who: 'connection', text: `open: ${line.url}` }];
    if (line.type === 'close') return [{ type: 'story', at: line.at, who: 'connection', text: `closed by ${line.dir === 'in' ? 'the model' : 'the client'}: ${line.code} ${line.reason}` }];
    return told.map((each) => ({ type: 'story', at: line.at, ...each }));
  });
}

function ofEvent(event: SessionEvent): readonly Told[] {
  switch (event.type) {
    case 'history_updated':
      return event.changes.flatMap((change) => {
        if (change.op === 'delete' || change.item.type !== 'message' || change.item.role !== 'user' || change.item.status !== 'completed' || change.item.text === '') return [];
        return [{ who: 'caller' as const, text: change.item.text }];
      });
    case 'agent_end':
      return event.text === '' ? [] : [{ who: 'agent', text: `${event.text}${event.outcome === 'completed' ? '' : ` (${event.outcome})`}` }];
    case 'audio_interrupted':
      return [{ who: 'agent', text: `stopped after ${event.heardMs} ms; not heard: ${event.unheardText}` }];
    case 'tool_end':
      return [{ who: 'tool', text: `${event.toolName}(${event.arguments}) ${event.outcome} after ${Math.round(event.durationMs)} ms: ${event.output}` }];
    case 'handoff':
      return [{ who: 'agent', text: `${event.fromAgent} hands over to ${event.toAgent}` }];
    case 'connection':
      return [{ who: 'connection', text: event.connection.state }];
    case 'error':
      return [{ who: 'error', text: `${event.error.code}: ${event.error.message}` }];
    default:
      return [];
  }
}

function ofMessage(message: unknown): readonly Told[] {
  // Sound is left out: it is no text, and stands in the tracks.
  if (message === undefined || /audio\.delta$/.test(String((message as { type?: unknown }).type))) return [];
  try {
    return parse(message).flatMap(ofModel);
  } catch (error) {
    if (error instanceof ProtocolError) return [{ who: 'error', text: error.message }];
    throw error;
  }
}

function ofModel(input: ModelInput): readonly Told[] {
  switch (input.type) {
    case 'user_transcript':
      return input.final ? [{ who: 'caller', text: input.text }] : [];
    case 'output_text_done':
      return [{ who: 'agent', text: input.text }];
    case 'arguments_done':
      return [{ who: 'tool', text: `${input.name ?? 'a function'}(${input.arguments})` }];
    case 'model_error':
      return [{ who: 'error', text: `${input.error.code ?? 'error'}: ${input.error.message}` }];
    default:
      return [];
  }
}
