import type { TurnMarks } from '../../session/index.js';

/**
 * A call as it is drawn: plain data that a page, a terminal and a program read alike. Every time is in ms of the recorded clock, so that it can be
 * compared with the recording; who draws takes `startMs` off.
 */
export interface Timeline {
  /** Of the file, without its folder and its ending. */
  readonly name: string;
  readonly level: 'session' | 'wire';
  readonly sessionId?: string;
  /** ISO 8601. */
  readonly startedAt?: string;
  readonly peers: Readonly<Record<string, string>>;
  readonly startMs: number;
  readonly endMs: number;
  /** False when the writer died: the call up to then. */
  readonly complete: boolean;
  readonly turns: readonly Turn[];
  readonly responses: readonly ResponseSpan[];
  readonly tools: readonly ToolSpan[];
  readonly interruptions: readonly Interruption[];
  /** The caller's speech, as the model found it. */
  readonly speech: readonly Span[];
  /** What the listener heard, item by item. */
  readonly heard: readonly HeardItem[];
  readonly connection: readonly ConnectionSpan[];
  /** Whether reports say what was heard; if not, the clock's estimate stands in. */
  readonly heardFrom: 'reports' | 'clock';
  readonly depth: DepthSeries;
  readonly totals: Totals;
  readonly rows: readonly EventRow[];
  readonly peaks: Peaks;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One wait for an answer. */
export interface Turn {
  readonly turnId: string;
  readonly responseId: string;
  /** From 1. */
  readonly number: number;
  readonly marks: TurnMarks;
  /** The first and the last mark that happened. */
  readonly fromMs: number;
  readonly toMs: number;
  /** What the time went to, in order; their sum is `toMs - fromMs`. */
  readonly parts: readonly TurnPart[];
  /** From the end of the user's speech to the first sound that was heard; absent where one of them did not happen. */
  readonly latencyMs?: number;
  /** That part of it in which a tool ran. */
  readonly toolMs: number;
  readonly saidByCaller: string;
  readonly saidByAgent: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** What has a price; `unpriced` when nothing has. */
  readonly usd: number | 'unpriced';
  readonly interrupted: boolean;
}

/** In the order of the marks of a turn; `measures.ts` lists them. */
export type TurnPartName = 'endpoint' | 'commit' | 'request' | 'model' | 'send' | 'playout';

export interface TurnPart {
  readonly name: TurnPartName;
  readonly ms: number;
}

export interface ResponseSpan extends Span {
  readonly responseId: string;
  readonly agentName: string;
  /** `open` when the recording ends within it. */
  readonly outcome: string;
  readonly text: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly usd?: number | 'unpriced';
}

export interface ToolSpan extends Span {
  readonly callId: string;
  readonly toolName: string;
  /** `open` when the recording ends within it. */
  readonly outcome: string;
  /** How long the tool itself ran: the end of the span. Before that its arguments came. */
  readonly durationMs?: number;
  readonly arguments: string;
  readonly output: string;
}

export interface Interruption {
  readonly atMs: number;
  readonly itemId?: string;
  readonly heardMs: number;
  readonly heardText: string;
  readonly unheardText: string;
  /** Sound that was sent and that nobody heard, of all items, in ms. */
  readonly unheardMs: number;
}

export interface HeardItem extends Span {
  readonly itemId: string;
  readonly heardMs: number;
  readonly text: string;
}

export interface ConnectionSpan extends Span {
  readonly state: string;
  readonly note: string;
}

/** Sent and not yet heard. Between two points the depth runs straight. */
export interface DepthSeries {
  readonly atMs: readonly number[];
  readonly depthMs: readonly number[];
}

export interface Totals {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly usd: number;
  readonly unpriced: number;
  readonly errors: number;
}

/** A line of the recording, or a run of lines of one kind that belong together. */
export interface EventRow {
  readonly atMs: number;
  /** With `count` above 1: of the last of them. */
  readonly untilMs: number;
  readonly count: number;
  /** Line of the file, from 1. */
  readonly line: number;
  readonly kind: 'event' | 'input' | 'command' | 'wire' | 'file';
  readonly type: string;
  readonly text: string;
  /** JSON, cut where it is long. */
  readonly detail: string;
}

/** Loudest and lowest sample of each bucket: signed bytes in pairs, base64. An empty string where there is no sound. */
export interface Peaks {
  readonly bucketMs: number;
  readonly caller: string;
  readonly received: string;
  readonly heard: string;
}
