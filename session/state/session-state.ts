import { createLedger } from '../../audio/index.js';
import type { AudioFormat, PlaybackLedger } from '../../audio/index.js';
import type { VoicewireError } from '../errors.js';
import type { TurnMarks } from '../events/session-event.js';
import type { ResponseResult } from '../events/response-result.js';
import type { ResponsePriority, WaitingReason } from '../events/response-wish.js';
import type { GuardrailPolicy } from '../ports/guardrail-policy.js';
import type { ModelConfig, ResponseRequest } from '../ports/model.js';
import type { AnomalyPolicy, SoundWatch } from './anomaly-state.js';
import type { BesideState } from './beside-state.js';
import { bargeInPolicy, configuredFor } from './barge-in-policy.js';
import type { BargeInOptions } from './barge-in-policy.js';
import { createBargeIn } from './barge-in-state.js';
import type { BargeInState } from './barge-in-state.js';
import { createFailures } from './failure-state.js';
import type { FailurePolicy, FailureState } from './failure-state.js';
import { createFormatWatch } from './format-watch-state.js';
import type { FormatWatch } from './format-watch-state.js';
import { createGuardrails } from './guardrail-state.js';
import type { GuardrailState } from './guardrail-state.js';
import { createHandoffState } from './handoff-state.js';
import type { AgentProfile, HandoffState } from './handoff-state.js';
import { createContext } from './context-state.js';
import type { ContextState } from './context-state.js';
import { createEdits } from './edit-state.js';
import type { EditState } from './edit-state.js';
import { createGreeting } from './greeting-state.js';
import type { GreetingPolicy, GreetingState } from './greeting-state.js';
import { createHistory } from './history-state.js';
import { createSpending } from './spending-state.js';
import type { Spending } from './spending-state.js';
import type { HistoryState } from './history-state.js';
import { createLink } from './link-state.js';
import type { ConnectionPolicy, LinkState } from './link-state.js';
import { createRing } from './microphone-ring.js';
import type { MicrophoneRing } from './microphone-ring.js';
import { createToolsState } from './tool-state.js';
import type { ToolCall, ToolLimits, ToolsState } from './tool-state.js';
import { createWatch } from './watch-state.js';
import type { WatchState } from './watch-state.js';
import { NO_ENTRIES, NO_VALUES } from './sparse.js';
import type { SparseMap, SparseSet } from './sparse.js';

/** What the session as a whole can do; `connection.ts` draws how it moves. Commands go out only while it is open. */
export type ConnectionPhase =
  | { readonly name: 'idle' }
  | { readonly name: 'connecting' }
  | { readonly name: 'open' }
  | { readonly name: 'reconnecting'; readonly sinceMs: number; readonly reason: string }
  | { readonly name: 'closed' };

/** A response that somebody wants and nobody has asked the model for yet. */
export interface WantedResponse {
  readonly request: ResponseRequest;
  /**
   * `application`: asked for by itself, with its own payload. The others want an answer to what has been said, and are merged. `entry`: the first
   * words of an agent that has taken over; when the model begins by itself, it has entered.
   */
  readonly origin: 'application' | 'message' | 'tools' | 'turn' | 'entry';
  readonly priority: ResponsePriority;
  /** Those who wait for it, by the ids of their handles. */
  readonly handles: string[];
  readonly sinceMs: number;
  /** The newest of our items that it is about, if the model had not confirmed it yet. */
  after?: string;
  /** Since when the model refuses it for the sake of a response that we do not see. */
  collidedMs?: number;
  /** What it was told to wait for. */
  toldReason?: WaitingReason;
  /** First words of an agent that are an answer as well. */
  answers?: true;
  /** First words of an agent that has handed over since: if the model refuses them, they are not said any more. */
  superseded?: true;
}

/**
 * The one writer of `create_response`:
 *
 *      free ──sent──▶ requested ──response_created with our id──▶ free (the response is live)
 *       ▲                 │
 *       └── retry/time ── └──refused: already one active──▶ collided ──response_done or timer──▶ free
 */
export type RequestPhase =
  | { readonly name: 'free' }
  | {
      readonly name: 'requested';
      readonly eventId: string;
      readonly wanted: WantedResponse;
      readonly sinceMs: number;
      /** It was stopped before it began. */
      interrupted: boolean;
      /** A response that began without saying whose it is: ours, unless the model refuses our request before its end. */
      perhaps?: string;
      /** How that one ended, if it did so with nothing. */
      perhapsResult?: ResponseResult;
      /** The model refused something and did not say what. */
      refused: boolean;
      /** Since when nothing tells any more whether the request was heeded. */
      doubtedMs?: number;
      /** The newest of our items that the model had not confirmed when it was asked. It takes up in order what it is told: first this, then the request. */
      readonly behind?: string;
      /** That response began before the model told of it: if it tells of it yet, the response is not ours. */
      notIfConfirmed?: string;
      /** That response has generated something, and is taken as ours. */
      adopted: boolean;
      /** Nothing but our request can have begun it. */
      certain: boolean;
      /** A response of the model's own that answers what this request is about: if the model refuses ours, nothing is missing. */
      coveredBy?: string;
    }
  | { readonly name: 'collided' };

/** A response between its `response_created` and its `response_done`. */
export interface LiveResponse {
  readonly responseId: string;
  readonly turn: Turn;
  /** Of its sound: what was configured when it began. */
  readonly format: AudioFormat;
  /** We stopped it: what still comes of its audio is dropped. */
  interrupted: boolean;
  /** What it says, over all its items. */
  readonly texts: Map<string, string>;
  hasAudio: boolean;
  /** Whether any of its audio was decoded, also what was dropped because it had been stopped. */
  audioSeen: boolean;
  /** Names of messages without a meaning that came while it was live. */
  readonly unknown: string[];
  /** Those who asked for it, by the ids of their handles. */
  readonly handles: string[];
  /** What it was asked for, if it is the answer to a request of ours. */
  wanted?: WantedResponse;
  /** Those of them for whom it is the likeliest response and not surely theirs. */
  readonly guessed: string[];
  /** When the model last said anything of it. */
  lastMs: number;
  /** When it was stopped; its end is owed from then on. */
  stoppedMs?: number;
  /** Why we gave it up. */
  gaveUp?: VoicewireError;
  /** It was to fill a silence: nobody waits for it. */
  pastime?: true;
  /** Of its sound, where it is looked at. */
  readonly sound: SoundWatch | undefined;
}

/** One exchange, from the end of the user's speech to the agent's first sound; it may take several responses when tools are called. */
export interface Turn {
  readonly turnId: string;
  marks: { -readonly [Mark in keyof TurnMarks]: TurnMarks[Mark] };
  reported: boolean;
}

/**
 * Everything that a session knows. It is plain data (it survives `structuredClone`) and belongs to {@link step}: each call takes the state over,
 * may change it in place, and gives it back, so that an event costs the same in a long call as in a short one.
 */
export interface SessionState {
  /** Who has the conversation. */
  agent: AgentProfile;
  config: ModelConfig;
  connection: ConnectionPhase;
  readonly link: LinkState;
  readonly ledger: PlaybackLedger;
  readonly bargeIn: BargeInState;
  readonly formatWatch: FormatWatch;
  /** Who begins. */
  readonly greeting: GreetingState;
  readonly history: HistoryState;
  readonly wanted: WantedResponse[];
  /** Wishes that found the queue full. */
  wantedDropped: number;
  request: RequestPhase;
  /** Whether the model gives a request's metadata back. Not known before it has. */
  echoesRequests: boolean;
  /** Whether the model has begun a response that no turn of the user and no request of ours explains. */
  beginsUnasked: boolean;
  /** A turn of the user has ended and no response has begun since: the model may begin one by itself at any moment. */
  mayBegin: boolean;
  /** Turns of the user that were closed and that no response has begun for since; absent at none. Each may have an answer of its own, or one has all. */
  unansweredTurns?: number;
  /** Whether the model says which of our commands it refuses. Not known before it has. */
  namesRefused: boolean;
  /** Requests that we have given up: event ids, newest last. What still comes of them is not wanted. */
  readonly abandoned: SparseSet;
  /** The last requests that a response was taken as the answer of, on a server that does not say whose a response is: by event id. */
  readonly taken: SparseMap<WantedResponse>;
  /** Items that we have sent and the model has not told back, oldest first. */
  readonly unconfirmed: SparseSet;
  /** The newest item of which an answer was taken as begun, while it was not known whether the model tells items back. */
  guessed?: string;
  /** Whether the model tells our items back at all. */
  confirmsItems: boolean;
  readonly live: SparseMap<LiveResponse>;
  /** Responses that the application wants beside the conversation. */
  readonly beside: BesideState;
  /** The last responses that are over: what still comes of them is late. */
  readonly ended: SparseSet;
  /** Calls that have not ended, by call id, oldest first. */
  readonly calls: SparseMap<ToolCall>;
  readonly tools: ToolsState;
  /** The last clips that were played: items that no model knows. */
  readonly clips: SparseSet;
  readonly failures: FailureState;
  /** What of the agent's sound is looked at; absent: nothing. */
  readonly anomalies: AnomalyPolicy | undefined;
  readonly handoff: HandoffState;
  readonly guardrails: GuardrailState;
  /** Commands whose refusal means only that the model was faster than we: event ids, newest last. */
  readonly forgivable: SparseSet;
  /** Turns whose answer has been sent and not yet heard, by response. */
  readonly unheard: SparseMap<Turn>;
  /** The turn that the next response answers. */
  turn: Turn | undefined;
  /** Between the model's speech_started and the commit of that speech. */
  userSpeaking: boolean;
  /** When the user's turn ended, while the model is about to answer it by itself. */
  turnEndedMs?: number;
  readonly watch: WatchState;
  readonly microphone: {
    /** On the serving connection. */
    sentBytes: number;
    /** When the newest of it came. */
    lastAtMs: number;
    dropped: number;
    /** Whether the socket's queue is above its mark. */
    high: boolean;
    /** The newest audio, for the next connection. */
    readonly ring: MicrophoneRing;
    /** Where in the microphone's audio the serving connection began. */
    baseByte: number;
    /** How much may be kept while there is no connection, and while one that has been given kept audio may still be lost before it has said anything of it. */
    limitBytes: number;
    /** Where the audio ends that the serving connection was given at its begin. */
    replayedToByte: number;
    /** Where the user began to speak, while they do. */
    speech?: { readonly itemId: string; readonly startByte: number };
    /** Turns that have ended and are known neither by their words nor by an answer, and those after them. */
    readonly turns: { readonly itemId: string; readonly startByte: number; readonly endByte: number; answeredBy: string; settled?: true }[];
    /** Commits that the model has not confirmed. */
    readonly commits: { readonly eventId: string; atByte: number }[];
    /** What could not be kept. */
    lost?: { readonly fromByte: number; readonly toByte: number };
  };
  /** Changes of the history that the model has been asked for. */
  readonly edits: EditState;
  /** What of the conversation the model keeps. */
  context: ContextState;
  /** What the call has used, and what it may. */
  spending: Spending;
  silenceMs: number;
  nextId: number;
}

/** What a session may be told about its manners; each has a default. */
export interface SessionPolicies {
  /** Who begins; without one the configuration stands for it. */
  readonly agent?: AgentProfile;
  readonly guardrails?: GuardrailPolicy;
  readonly connection?: ConnectionPolicy;
  readonly bargeIn?: BargeInOptions;
  readonly greeting?: GreetingPolicy;
  readonly toolLimits?: Partial<ToolLimits>;
  readonly failures?: FailurePolicy;
  readonly anomalies?: AnomalyPolicy;
}

/** Throws `RangeError` for a barge-in policy that cannot be. */
export function createSessionState(modelConfig: ModelConfig, playback: 'clock' | 'reported', policies: SessionPolicies = {}): SessionState {
  const { agent = { agentId: 'agent_1', name: 'agent', tools: modelConfig.tools } } = policies;
  const policy = bargeInPolicy(policies.bargeIn ?? {}, modelConfig);
  const config = configuredFor(policy, modelConfig);
  const silenceMs = config.turnDetection?.type === 'server_vad' ? config.turnDetection.silenceMs : undefined;
  return {
    agent,
    config,
    connection: { name: 'idle' },
    link: createLink(policies.connection),
    ledger: createLedger(playback === 'reported' ? 'reports' : 'clock'),
    bargeIn: createBargeIn(policy),
    formatWatch: createFormatWatch(config),
    greeting: createGreeting(policies.greeting),
    history: createHistory(),
    wanted: [],
    wantedDropped: 0,
    echoesRequests: false,
    beginsUnasked: false,
    mayBegin: false,
    namesRefused: false,
    abandoned: NO_VALUES,
    taken: NO_ENTRIES,
    unconfirmed: NO_VALUES,
    confirmsItems: false,
    watch: createWatch(),
    request: { name: 'free' },
    live: NO_ENTRIES,
    beside: NO_ENTRIES,
    ended: NO_VALUES,
    calls: NO_ENTRIES,
    tools: createToolsState(policies.toolLimits),
    clips: NO_VALUES,
    failures: createFailures(policies.failures),
    anomalies: policies.anomalies,
    handoff: createHandoffState(),
    guardrails: createGuardrails(policies.guardrails),
    forgivable: NO_VALUES,
    unheard: NO_ENTRIES,
    turn: undefined,
    userSpeaking: false,
    microphone: {
      sentBytes: 0,
      lastAtMs: 0,
      dropped: 0,
      high: false,
      ring: createRing(),
      baseByte: 0,
      limitBytes: 0,
      replayedToByte: 0,
      turns: [],
      commits: [],
    },
    edits: createEdits(),
    context: createContext(),
    spending: createSpending(),
    silenceMs: silenceMs ?? 500,
    nextId: 1,
  };
}
