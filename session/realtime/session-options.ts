import { PCM16_24K } from '../../audio/index.js';
import type { GuardrailOptions } from '../agent/guardrail.js';
import type { HandoffEntry, HandoffFilter, HandoffSummary } from '../agent/handoff.js';
import type { PriceTable } from '../cost/price-table.js';
import type { VoicewireError } from '../errors.js';
import type { HistoryItem } from '../events/history-item.js';
import type { ResponsePriority } from '../events/response-wish.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { ModelConfig, RealtimeModel } from '../ports/model.js';
import type { AnomalyOptions } from '../state/anomaly-state.js';
import type { BargeInOptions } from '../state/barge-in-policy.js';
import type { ContextOptions } from '../state/context-state.js';
import type { AgentProfile } from '../state/handoff-state.js';
import type { BudgetOptions } from '../state/spending-state.js';
import type { ToolLimits } from '../state/tool-state.js';
import type { ConnectionOptions } from './connection-options.js';
import type { FailureOptions } from './failure-options.js';
import type { GreetingOptions } from './greeting-options.js';
import type { SessionRecorder } from './session-recorder.js';

/** What of the model's configuration is the session's; instructions, tools and voice are the agent's. */
export type SessionConfig = Partial<Omit<ModelConfig, 'instructions' | 'tools' | 'voice'>>;

/** What a session is made with. Models, clock, logger and recorder are borrowed. */
export interface RealtimeSessionOptions extends ConnectionOptions {
  /** One, or several in the order of preference: when one fails, the next goes on with the conversation. */
  readonly model: RealtimeModel | readonly RealtimeModel[];
  readonly clock: Clock;
  readonly config?: SessionConfig;
  readonly logger?: Logger;
  /** Default: a random UUID. */
  readonly sessionId?: string;
  /** Put on every event. */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Who knows what was heard: `reported` when a listener calls `reportPlayback`, `clock` (the default) when the audio is
   * taken to be played from the moment of its event. The first report switches to `reported`.
   */
  readonly playback?: 'clock' | 'reported';
  /** Checks of what is said; default none. */
  readonly guardrails?: GuardrailOptions;
  /** Who says the first word; default: nobody, until the application asks for a response or the caller speaks. */
  readonly greeting?: GreetingOptions;
  /** What the user's voice does to the agent's; see {@link BargeInOptions}. Default: it stops it at once. */
  readonly bargeIn?: BargeInOptions;
  /** How many tools may run and wait at once, and how long a person may take to approve one. Default: 16 run, 64 wait, no limit of time. */
  readonly toolLimits?: Partial<ToolLimits>;
  /** How much the model shall remember; default: all that it can. */
  readonly context?: ContextOptions & {
    /**
     * Writes a summary of what was deleted, in the background; `previous` is the one before, which it replaces. Given 30 s. What it returns stands at
     * the head of the conversation, pinned; empty text leaves the one before. A throw becomes an `error` event `HANDLER_FAILED`.
     */
    readonly summarise?: (items: readonly HistoryItem[], options: { readonly previous?: string; readonly signal: AbortSignal }) => string | Promise<string>;
  };
  /**
   * What the caller hears, and what follows, when something fails so that there would be silence; see {@link FailureOptions}. Default: failures are told
   * as `error` events and nothing is heard.
   */
  readonly onFailure?: FailureOptions;
  /** Whether the agent's sound is looked at for what cannot be right; `true` for all of {@link AnomalyOptions}. Default: not. */
  readonly anomalies?: AnomalyOptions | boolean;
  /** What the call may cost, and how it ends when that is used up. */
  readonly budget?: BudgetOptions;
  /** Put over the package's own dated table: an entry replaces the whole entry of its name. */
  readonly prices?: PriceTable;
  /** The name under which the model stands in the price table, for a model that does not tell its name. */
  readonly modelName?: string;
  /** Sees everything that the session is told and tells: `recordSession()` of `voicewire/recording` makes one that writes a file. */
  readonly recorder?: SessionRecorder;
}

/** How `connect()` opens the connection. */
export interface ConnectOptions {
  /** For the whole life of the session: when it aborts, the session closes. */
  readonly signal?: AbortSignal;
  /** For the opening alone, from the call to the confirmed configuration; default 10 000 ms. */
  readonly timeoutMs?: number;
}

/** What goes with the words of `sendMessage()`. */
export interface MessageOptions {
  readonly images?: readonly { readonly url: string; readonly detail?: 'auto' | 'low' | 'high' }[];
  /** Whether the model is asked to answer; default true. */
  readonly respond?: boolean;
}

/** How urgent a response is. */
export interface RespondOptions {
  /** Default `answer`. */
  readonly priority?: ResponsePriority;
}

/** How `updateAgent()` hands the conversation over. */
export interface UpdateAgentOptions {
  /** For the `handoff` event and the functions below. */
  readonly reason?: string;
  /** Which items stay; default: all, or none with a summary. */
  readonly inputFilter?: HandoffFilter;
  /** `all` (the default), or a function that writes a summary in the place of what was said. */
  readonly carry?: 'all' | HandoffSummary;
  /** How the new agent begins; default `respond`. */
  readonly entry?: HandoffEntry;
}

/** How a hand-off ended; when it failed, the old agent has the conversation. */
export type HandoffOutcome = { readonly ok: true } | { readonly ok: false; readonly error: VoicewireError };

/** Where in its life a session is; see `RealtimeSession.state`. */
export type SessionLifeState = 'idle' | 'connecting' | 'open' | 'closed';

/** Throws `RangeError` for a limit below 1. */
export function toolLimits(limits: Partial<ToolLimits> = {}): Partial<ToolLimits> {
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined && !(value >= 1)) throw new RangeError(`toolLimits.${name} must be at least 1, not ${value}.`);
  }
  return limits;
}

/** What the model is told: the session's part and the agent's. */
export function modelConfig(agent: AgentProfile, config: SessionConfig = {}): ModelConfig {
  return {
    outputModality: 'audio',
    inputFormat: PCM16_24K,
    outputFormat: PCM16_24K,
    ...config,
    ...(agent.instructions === undefined ? {} : { instructions: agent.instructions }),
    ...(agent.voice === undefined ? {} : { voice: agent.voice }),
    tools: agent.tools,
  };
}
