import type { RecordingLine } from '../recording/index.js';
import type { RecordedEvent } from './recorded-events.js';
import type { ConnectionSpan, ResponseSpan, Span, ToolSpan } from './timeline.js';

export function readResponses(events: readonly RecordedEvent[], endMs: number): readonly ResponseSpan[] {
  const spans = new Map<string, ResponseSpan>();
  for (const { atMs, event } of events) {
    if (event.type === 'agent_start') {
      spans.set(event.responseId, { responseId: event.responseId, agentName: event.info.agentName, fromMs: atMs, toMs: endMs, outcome: 'open', text: '', inputTokens: 0, outputTokens: 0 });
    } else if (event.type === 'agent_end') {
      const { responseId, outcome, text, usage } = event;
      const span = spans.get(responseId) ?? { responseId, agentName: event.info.agentName, fromMs: atMs };
      spans.set(responseId, { ...span, toMs: atMs, outcome, text, inputTokens: usage?.inputTokens ?? 0, outputTokens: usage?.outputTokens ?? 0 });
    }
  }
  // The price of a response may be told before or after its end.
  for (const { event } of events) {
    const span = event.type === 'cost' && event.of === 'response' ? spans.get(event.responseId) : undefined;
    if (span !== undefined && event.type === 'cost') spans.set(span.responseId, { ...span, usd: event.usd });
  }
  return [...spans.values()];
}

export function readTools(events: readonly RecordedEvent[], endMs: number): readonly ToolSpan[] {
  const spans = new Map<string, ToolSpan>();
  for (const { atMs, event } of events) {
    if (event.type === 'tool_start') {
      spans.set(event.callId, { callId: event.callId, toolName: event.toolName, fromMs: atMs, toMs: endMs, outcome: 'open', arguments: '', output: '' });
    } else if (event.type === 'tool_end') {
      const { callId, toolName, outcome, durationMs, output } = event;
      spans.set(callId, { callId, toolName, fromMs: spans.get(callId)?.fromMs ?? atMs - durationMs, toMs: atMs, outcome, durationMs, arguments: event.arguments, output });
    }
  }
  return [...spans.values()];
}

/**
 * The caller's speech. `moment` says when the microphone had given so many ms; a model that counts from its own connection on may name a moment that
 * does not fit its message, and then the message's counts.
 */
export function readSpeech(events: readonly RecordedEvent[], endMs: number, moment: (microphoneMs: number) => number | undefined): readonly Span[] {
  const fitting = (microphoneMs: number, toldMs: number): number => {
    const at = moment(microphoneMs);
    return at === undefined || at > toldMs || at < toldMs - MAX_TELLING_MS ? toldMs : at;
  };
  const spans: Span[] = [];
  let open: { readonly fromMs: number; readonly itemId: string } | undefined;
  for (const { atMs, event } of events) {
    if (event.type === 'input_speech_started') open = { fromMs: fitting(event.audioStartMs, atMs), itemId: event.itemId };
    else if (event.type === 'input_speech_stopped' && open !== undefined) {
      spans.push({ fromMs: open.fromMs, toMs: Math.max(open.fromMs, fitting(event.audioEndMs, atMs)) });
      open = undefined;
    }
  }
  return open === undefined ? spans : [...spans, { fromMs: open.fromMs, toMs: endMs }];
}

/** A model tells of speech this long after it at the latest. */
const MAX_TELLING_MS = 5_000;

/** What the connection to the model was, from one change to the next. */
export function readConnection(events: readonly RecordedEvent[], endMs: number): readonly ConnectionSpan[] {
  const changes = events.flatMap(({ atMs, event }) => (event.type === 'connection' ? [{ atMs, connection: event.connection }] : []));
  return changes.map(({ atMs, connection }, index) => {
    const { state, ...rest } = connection;
    const note = Object.entries(rest).filter(([, value]) => typeof value !== 'object').map(([name, value]) => `${name} ${String(value)}`).join(', ');
    return { state, note, fromMs: atMs, toMs: changes[index + 1]?.atMs ?? endMs };
  });
}

/** The same for the messages of a wire: a span for each connection. */
export function readWireConnections(lines: readonly RecordingLine[], endMs: number): readonly ConnectionSpan[] {
  const spans = new Map<number, ConnectionSpan>();
  for (const line of lines) {
    if (line.type === 'open') spans.set(line.connection, { state: 'open', note: line.url, fromMs: line.at, toMs: endMs });
    else if (line.type === 'refused') spans.set(line.connection, { state: 'refused', note: `${line.status} ${line.reason}`, fromMs: line.at, toMs: line.at });
    else if (line.type === 'close') {
      const span = spans.get(line.connection);
      if (span !== undefined) spans.set(line.connection, { ...span, toMs: Math.min(span.toMs, line.at), note: `closed by ${line.dir === 'in' ? 'the model' : 'the client'} with ${line.code} ${line.reason}`.trim() });
    }
  }
  return [...spans.values()];
}
