import type { AudioFormat } from '../../audio/index.js';
import type { VoicewireError } from '../errors.js';
import type { HistoryChange, HistoryItem, McpToolInfo } from './history-item.js';
import type { ResponsePriority, WaitingReason } from './response-wish.js';
import type { CallCost, Usage, Usd } from './usage.js';

/** On every event: which session, which agent, when (ms of the session's clock). */
export interface EventInfo {
  readonly sessionId: string;
  readonly agentName: string;
  readonly timestamp: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

export type ResponseOutcome = 'completed' | 'interrupted' | 'failed' | 'incomplete';
/**
 * How a call ended. `ok`: with a result. `error`: the tool failed, or could not be run with what it was given. `cancelled`: it did not run, or was stopped
 * and did stop. `unsettled`: it was told to stop and did not, so that nobody knows what it did or still does.
 */
export type ToolOutcome = 'ok' | 'error' | 'cancelled' | 'unsettled';

/**
 * What may leave a caller in silence. `response`: an answer failed and is not asked for again. `quota`: the account is limited or used up, and there is
 * no other model. `disconnected`: no connection for a while, and the user waits. `gave_up`: no connection any more. `tool`: a tool failed that asks
 * for no answer. `guardrail`: the agent may not say anything more.
 */
export type FailureKind = 'response' | 'quota' | 'disconnected' | 'gave_up' | 'tool' | 'guardrail';
/** What follows what the caller hears. `retry`: the model is asked again. `continue`: nothing; the user may speak. */
export type FailureThen = 'retry' | 'continue' | 'hangup' | 'transfer';

/** What a budget counts. `spent` and `allowed` of a `budget` event are in US dollars, tokens or ms. */
export type BudgetLimit = 'usd' | 'tokens' | 'time';

/** A run of agent audio. The bytes belong to whoever receives the event. */
export interface AudioChunk {
  readonly bytes: Uint8Array;
  readonly format: AudioFormat;
  /** Position of the first sample within the item's content part. */
  readonly firstSample: number;
}

/**
 * Latency marks of one turn, in ms of the session's clock; a mark that did not happen is absent. `speechEndMs` is the end of the user's
 * speech in the audio itself, carried over to the clock; for typed text it is the moment of sending.
 */
export interface TurnMarks {
  readonly speechEndMs?: number;
  readonly endpointDecidedMs?: number;
  readonly committedMs?: number;
  readonly responseCreatedMs?: number;
  readonly firstDeltaMs?: number;
  readonly firstFrameSentMs?: number;
  readonly firstFrameHeardMs?: number;
}

export type ConnectionState =
  /** `attempt` is there from the second on: the one before is slow, and another was begun beside it. */
  | { readonly state: 'connecting'; readonly attempt?: number }
  /** `lost`: of what was said while it was made, the part that could not be kept; see below. */
  | { readonly state: 'open'; readonly modelSessionId?: string; readonly lost?: { readonly fromMs: number; readonly toMs: number } }
  /** The connection is gone; attempt number `attempt` begins in `delayMs`. The session stays usable: what is asked of it meanwhile is kept. */
  | { readonly state: 'reconnecting'; readonly attempt: number; readonly delayMs: number; readonly reason: string }
  /** A new connection is being made beside the one that serves, to take its place in the next silence. */
  | { readonly state: 'rotating' }
  /**
   * A new connection carries the conversation. `gapMs` is the time without one. `lost` is the microphone's audio that could not be kept, in ms
   * of its audio since the session began; absent when none is lost.
   */
  | { readonly state: 'resumed'; readonly gapMs: number; readonly lost?: { readonly fromMs: number; readonly toMs: number } }
  | { readonly state: 'closed'; readonly code: number; readonly reason: string };

/** Each event without its `info`; the runtime adds that. */
export type SessionEventBody =
  | { readonly type: 'agent_start'; readonly responseId: string }
  | {
      readonly type: 'agent_end';
      readonly responseId: string;
      readonly outcome: ResponseOutcome;
      readonly reason?: string;
      readonly text: string;
      readonly usage?: Usage;
    }
  | {
      /** Another agent has the conversation; from here on `info.agentName` is its name, except on what is still to come of the old one's response. */
      readonly type: 'handoff';
      readonly fromAgent: string;
      readonly toAgent: string;
      /** In the model's words or the application's; may be empty. */
      readonly reason: string;
      /** The voice that stays, where the new agent has another and the model does not change it any more; empty for the model's own default. */
      readonly keptVoice?: string;
    }
  | {
      readonly type: 'guardrail_tripped';
      /** Whose words: the agent's or the user's. */
      readonly of: 'output' | 'input';
      /** Of the guardrail. */
      readonly name: string;
      readonly reason: string;
      readonly itemId: string;
      readonly responseId?: string;
      /** The verdict came when the conversation had gone on: nothing that is newer was stopped, and no safe answer was asked for. */
      readonly late: boolean;
    }
  | { readonly type: 'tool_start'; readonly responseId: string; readonly itemId: string; readonly callId: string; readonly toolName: string; readonly serverLabel?: string }
  | { readonly type: 'tool_arguments_delta'; readonly itemId: string; readonly callId: string; readonly delta: string; readonly textSoFar: string }
  /** A call waits for a person: `session.approve(callId)` or `session.reject(callId)`. */
  | { readonly type: 'tool_approval_required'; readonly itemId: string; readonly callId: string; readonly toolName: string; readonly arguments: string; readonly serverLabel?: string }
  /** The tools that an MCP server offers have been listed. */
  | { readonly type: 'mcp_tools'; readonly itemId: string; readonly serverLabel: string; readonly tools: readonly McpToolInfo[] }
  /** A tool tells how far it is, in its own words. */
  | { readonly type: 'tool_progress'; readonly itemId: string; readonly callId: string; readonly toolName: string; readonly progress: string | object }
  | {
      readonly type: 'tool_end';
      readonly itemId: string;
      readonly callId: string;
      readonly toolName: string;
      readonly arguments: string;
      readonly output: string;
      readonly outcome: ToolOutcome;
      readonly durationMs: number;
      /** Present for a hosted tool: the MCP server whose tool it is. */
      readonly serverLabel?: string;
    }
  | {
      readonly type: 'audio';
      /** Absent: the model. A clip (a tool's filler, a greeting, what is heard when something fails) belongs to no response; its `responseId` is its `itemId`. */
      readonly source?: 'filler' | 'greeting' | 'fallback';
      readonly responseId: string;
      readonly itemId: string;
      readonly contentIndex: number;
      /** Raised by each interruption: a player drops what has an older epoch than its last `audio_interrupted`. */
      readonly epoch: number;
      readonly chunk: AudioChunk;
    }
  | { readonly type: 'audio_end'; readonly responseId: string; readonly itemId: string; readonly contentIndex: number; readonly durationMs: number }
  | {
      readonly type: 'audio_interrupted';
      /** The new epoch. */
      readonly epoch: number;
      /** The item that was being heard; absent when nothing was. */
      readonly itemId?: string;
      readonly responseId?: string;
      readonly contentIndex?: number;
      /** Whole ms, rounded down. */
      readonly heardMs: number;
      readonly heardText: string;
      readonly unheardText: string;
    }
  | {
      /** The user may be interrupting: hold the sound (`pause`) or play it 12 dB softer (`duck`), until `audio_resumed` or `audio_interrupted`. */
      readonly type: 'audio_paused';
      readonly how: 'pause' | 'duck';
      readonly epoch: number;
      /** What sounds, and its sample at which the sound is held, as well as it is known; absent when nothing sounds yet. */
      readonly itemId?: string;
      readonly responseId?: string;
      readonly contentIndex?: number;
      readonly sample?: number;
    }
  | {
      /** It was no interruption: play on, at full level, from the sample at which the sound was held. */
      readonly type: 'audio_resumed';
      readonly epoch: number;
      readonly itemId?: string;
      readonly responseId?: string;
      readonly contentIndex?: number;
      readonly sample?: number;
    }
  | {
      /** With `bargeIn.mode` `auto`: how the session goes on, and how loud the microphone hears what the agent says, in dB of that; at most so loud where no echo was found. */
      readonly type: 'echo_test';
      readonly mode: 'two-stage' | 'half-duplex';
      readonly echoDb: number;
    }
  | { readonly type: 'history_added'; readonly item: HistoryItem }
  | { readonly type: 'history_updated'; readonly changes: readonly HistoryChange[] }
  | { readonly type: 'transcript_delta'; readonly role: 'user' | 'agent'; readonly itemId: string; readonly delta: string }
  | { readonly type: 'input_speech_started'; readonly itemId: string; readonly audioStartMs: number }
  | { readonly type: 'input_speech_stopped'; readonly itemId: string; readonly audioEndMs: number }
  | { readonly type: 'input_committed'; readonly itemId: string }
  | { readonly type: 'turn_metrics'; readonly turnId: string; readonly responseId: string; readonly marks: TurnMarks }
  /** Items that the model no longer has, to keep the context's budget; tokens are estimates. */
  | {
      readonly type: 'context_evicted';
      readonly items: readonly { readonly itemId: string; readonly tokens: number }[];
      readonly tokensBefore: number;
      readonly tokensAfter: number;
      readonly budgetTokens: number;
    }
  /** The application's summary of what was evicted stands at the head of the conversation now. */
  | { readonly type: 'context_summarised'; readonly text: string }
  /** After each response and each transcription that told its usage: what it cost, and the call so far. */
  | { readonly type: 'cost'; readonly of: 'response'; readonly responseId: string; readonly model?: string; readonly usd: Usd; readonly call: CallCost }
  | { readonly type: 'cost'; readonly of: 'transcription'; readonly itemId: string; readonly model?: string; readonly usd: Usd; readonly call: CallCost }
  | { readonly type: 'budget'; readonly state: 'warning'; readonly limit: BudgetLimit; readonly spent: number; readonly allowed: number }
  /** Dollars are limited and what the model costs is not known: this limit will not hold the call. */
  | { readonly type: 'budget'; readonly state: 'unpriced'; readonly limit: 'usd'; readonly spent: number; readonly allowed: number }
  /** A limit is reached: the agent is told to say goodbye, and within `graceMs` the session closes. */
  | { readonly type: 'budget'; readonly state: 'wrap_up'; readonly limit: BudgetLimit; readonly spent: number; readonly allowed: number; readonly graceMs: number }
  /** The session closes now. */
  | { readonly type: 'budget'; readonly state: 'stopped' }
  | { readonly type: 'connection'; readonly connection: ConnectionState }
  | {
      /** A response that is wanted has waited for longer than a second, or now waits for something else. */
      readonly type: 'response_waiting';
      /** The ids of its handles; none for an answer that the session itself wants (to tools, say). */
      readonly requestIds: readonly string[];
      readonly priority: ResponsePriority;
      readonly reason: WaitingReason;
      readonly waitedMs: number;
    }
  /** Something failed so that the caller would have heard silence (`onFailure`). `heard`: what is heard in its place. `then`: what follows. */
  | { readonly type: 'failure'; readonly kind: FailureKind; readonly error: VoicewireError; readonly then: FailureThen; readonly heard: 'clip' | 'words' | 'nothing' }
  /** After a failure somebody else is to take the caller over; the application, or what carries the call, does it. The session goes on until it is closed. */
  | { readonly type: 'transfer_requested'; readonly kind: FailureKind; readonly error: VoicewireError }
  | { readonly type: 'pressure'; readonly queue: string; readonly state: 'high' | 'normal' | 'dropped'; readonly dropped: number }
  | { readonly type: 'error'; readonly error: VoicewireError }
  | { readonly type: 'raw_model_event'; readonly name: string; readonly raw: unknown };

type WithInfo<Body> = Body extends unknown ? Body & { readonly info: EventInfo } : never;

/** Everything that a session tells its application; consumers `switch` on `type` and end in `assertNever`. */
export type SessionEvent = WithInfo<SessionEventBody>;

/** Derived from the union, so that no second list can drift. */
export type SessionEventMap = { [E in SessionEvent as E['type']]: E };

/** A record, so that the compiler asks for each new member of the union. */
const types: { readonly [Type in SessionEvent['type']]: true } = {
  agent_start: true,
  agent_end: true,
  handoff: true,
  guardrail_tripped: true,
  tool_start: true,
  tool_arguments_delta: true,
  tool_approval_required: true,
  mcp_tools: true,
  tool_progress: true,
  tool_end: true,
  audio: true,
  audio_end: true,
  audio_interrupted: true,
  audio_paused: true,
  audio_resumed: true,
  echo_test: true,
  history_added: true,
  history_updated: true,
  transcript_delta: true,
  input_speech_started: true,
  input_speech_stopped: true,
  input_committed: true,
  turn_metrics: true,
  context_evicted: true,
  context_summarised: true,
  cost: true,
  budget: true,
  connection: true,
  response_waiting: true,
  failure: true,
  transfer_requested: true,
  pressure: true,
  error: true,
  raw_model_event: true,
};

/** Every `type` that an event can have. */
export const SESSION_EVENT_TYPES = Object.keys(types) as readonly SessionEvent['type'][];
