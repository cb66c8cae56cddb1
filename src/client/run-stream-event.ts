import { ProtocolError } from '../../session/index.js';
import type { FlatRunEvent, RunEvent } from '../../session/index.js';
import type { ServerSentEvent } from '../protocol/sse/parse.js';

/** The last event of a run, in every dialect. `end` is the server's word where the run itself gave none: `disconnected` because nobody was left to read it. */
export type RunEndEvent =
  | Extract<FlatRunEvent, { readonly type: 'run.done' | 'run.error' }>
  | { readonly type: 'end'; readonly runId: string; readonly reason: 'done' | 'failed' | 'stopped' | 'disconnected' | 'timeout' | 'closing' };

/** What a stream of each dialect carries: the flat line of events, or the run's own. */
export interface RunDialects {
  readonly flat: FlatRunEvent | RunEndEvent;
  readonly run: RunEvent | RunEndEvent;
}
export type RunDialect = keyof RunDialects;

/** One event of the wire, read. */
export type RunStreamItem =
  | { readonly type: 'ping' }
  /** The server no longer has these events; both ends included. */
  | { readonly type: 'gap'; readonly from: number; readonly to: number }
  /** `event` is absent for one of a type that this version does not know: it counts, and is not given. */
  | { readonly type: 'event'; readonly runId: string; readonly n: number; readonly last: boolean; readonly event?: RunDialects[RunDialect] };

type Members = Readonly<Record<string, unknown>>;

/** What must be there for a consumer to rely on: members that are text, or `{ ... }`. */
const SHAPES: Readonly<Record<RunDialects[RunDialect]['type'], { readonly text?: readonly string[]; readonly object?: readonly string[] }>> = {
  'run.start': { text: ['runId', 'agentName'] },
  'response.text.delta': { text: ['itemId', 'delta'] },
  'response.reasoning.delta': { text: ['itemId', 'delta'] },
  'response.function_call_arguments.delta': { text: ['callId', 'name', 'delta'] },
  'response.function_call.done': { text: ['callId', 'name', 'arguments'] },
  'response.function_call.progress': { text: ['callId', 'name'] },
  'response.function_call.output': { text: ['callId', 'name', 'output', 'outcome'] },
  'run.agent': { text: ['agentName'] },
  'run.step.done': { text: ['text'] },
  'run.done': { text: ['text', 'end'] },
  'run.error': { object: ['error'] },
  end: { text: ['reason'] },
  raw_response_event: { object: ['data', 'info'] },
  run_item_stream_event: { text: ['name'], object: ['item', 'info'] },
  agent_updated_stream_event: { text: ['newAgent'], object: ['info'] },
  tool_progress_stream_event: { text: ['callId', 'name'], object: ['info'] },
};

const LAST: ReadonlySet<string> = new Set<RunEndEvent['type']>(['run.done', 'run.error', 'end']);

/** Reads an event of a run's stream. Throws `ProtocolError` `PROTOCOL_BAD_EVENT` for one that is not what the protocol allows. */
export function readRunEvent(sent: ServerSentEvent): RunStreamItem {
  if (sent.type === 'ping') return { type: 'ping' };
  const data = parseObject(sent);
  if (sent.type === 'gap') return { type: 'gap', ...readGap(data) };
  // The id names the run and counts its events: without one an event has no place, and nothing could be resumed after it.
  const colon = sent.lastEventId.lastIndexOf(':');
  const number = sent.lastEventId.slice(colon + 1);
  if (colon < 1 || !/^[1-9][0-9]{0,14}$/.test(number)) throw badEvent(`The event ${quoted(sent.type)} has no id of the form <run>:<number>.`);
  const place = { type: 'event', runId: sent.lastEventId.slice(0, colon), n: Number(number), last: LAST.has(sent.type) } as const;
  if (!isKnown(sent.type)) return place;
  if (data['type'] !== sent.type) throw badEvent(`An event named ${quoted(sent.type)} holds one of another type.`);
  const { text = [], object = [] } = SHAPES[sent.type];
  for (const member of text) if (typeof data[member] !== 'string') throw badEvent(`The event ${quoted(sent.type)} has no text ${quoted(member)}.`);
  for (const member of object) if (!isObject(data[member])) throw badEvent(`The event ${quoted(sent.type)} has no object ${quoted(member)}.`);
  // The members that a consumer relies on have been looked at.
  return { ...place, event: data as unknown as RunDialects[RunDialect] };
}

function readGap(data: Members): { readonly from: number; readonly to: number } {
  const { from, to } = data;
  if (typeof from !== 'number' || typeof to !== 'number' || !Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || to < from) throw badEvent('A gap names its first and its last event.');
  return { from, to };
}

function isKnown(type: string): type is RunDialects[RunDialect]['type'] {
  return Object.hasOwn(SHAPES, type);
}

function parseObject({ type, data }: ServerSentEvent): Members {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    throw badEvent(`The event ${quoted(type)} is not JSON.`, cause);
  }
  if (!isObject(value)) throw badEvent(`The event ${quoted(type)} is not a JSON object.`);
  return value;
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

function badEvent(message: string, cause?: unknown): ProtocolError {
  return new ProtocolError('PROTOCOL_BAD_EVENT', message, { hint: 'Use the same version of voicewire on both sides, and check that the address is that of its runs.', ...(cause === undefined ? {} : { cause }) });
}
