import type { $ZodType, output } from 'zod/v4/core';
import type { BackgroundPolicy } from '../ports/background.js';
import type { ModelFunctionTool } from '../ports/model.js';
import { misfits } from './json-schema.js';
import type { JsonSchema } from './json-schema.js';
import { checkWith, isZod, jsonSchemaOf } from './zod-schema.js';

/** What a tool gets beside its arguments. */
export interface ToolContext {
  /** Aborted when the session closes or the tool's time is over: stop the work. A tool that does not stop is told to the model as unsettled. */
  readonly signal: AbortSignal;
  readonly callId: string;
  /** The same for every attempt at this call, another for every other call: hand it to services that must not act twice. */
  readonly idempotencyKey: string;
  /** What a text run was given as `context`; absent in a realtime session. */
  readonly context?: unknown;
  /** When the tool's time is over, in ms of the session's clock. */
  readonly deadline: number;
  /** Tells the application how far the tool is, as a `tool_progress` event. After the end of the call it does nothing. */
  readonly progress: (update: string | object) => void;
}

/** What a tool may return: text is passed on as it is, anything else as JSON. */
export type ToolResult = string | number | boolean | null | undefined | object;

/** A result with a wish beside it; made by {@link toolResult}. */
export class ToolOutput {
  readonly output: ToolResult;
  readonly respond: boolean | undefined;

  constructor(output: ToolResult, respond: boolean | undefined) {
    this.output = output;
    this.respond = respond;
  }
}

/** A result that says whether the model is asked to speak about it: `respond: false` tells the model and asks for nothing. */
export function toolResult(result: ToolResult, options: { readonly respond?: boolean } = {}): ToolOutput {
  return new ToolOutput(result, options.respond);
}

/** A tool that may take longer than somebody on the phone waits. Times in ms. */
export interface BackgroundOptions {
  /** What the model is told in place of the result when the tool has not ended after `afterMs`, e.g. `The booking is being made; the result follows.` */
  readonly acknowledge: string;
  /** Default 700. */
  readonly afterMs?: number;
  /** Whether the model is asked to speak when it is told; default true, and false where a filler is heard instead. */
  readonly respond?: boolean;
  /**
   * Clips in the session's output format (PCM16 mono 24 kHz unless configured otherwise), borrowed for the life of the tool. They are played in turn while
   * both sides are quiet, can be interrupted, and reach neither the model nor the history: the first at once when `respond` is false, the others
   * `everyMs` (default 8000) after the end of the one before; `max` (default 3) for one call.
   */
  readonly fillers?: readonly Uint8Array[];
  readonly everyMs?: number;
  readonly max?: number;
  /** What becomes of a result that comes after the call was given up (`timeoutMs`): the model is told (default), or it is dropped. */
  readonly late?: 'announce' | 'drop';
}

/** What the model may give to a tool: a zod schema, or JSON Schema. */
export type ToolParameters = $ZodType | JsonSchema;
/** What `execute` gets: what the zod schema gives, or `unknown` for a plain JSON schema. */
export type ToolArguments<Parameters extends ToolParameters> = Parameters extends $ZodType ? output<Parameters> : unknown;

export interface ToolOptions<Parameters extends ToolParameters> {
  /** What the model calls it: 1..64 letters, digits, `_` or `-`. */
  readonly name: string;
  readonly description: string;
  /**
   * A zod object, which the model gets as JSON schema, or a plain JSON schema. Arguments that do not fit are answered to the model, not thrown; of
   * a plain schema, the usual keywords are looked at (types, required, enum, limits).
   */
  readonly parameters: Parameters;
  /** Time for one call, in ms; default 30 000. The signal aborts then; a tool that goes on for 500 ms more counts as unsettled. */
  readonly timeoutMs?: number;
  /** How many calls of this tool may run at once; more wait in order. Default: as many as the session allows. */
  readonly concurrency?: number;
  /** Whether a person must agree first (`tool_approval_required`). A function that throws keeps the call from running. */
  readonly needsApproval?: boolean | ((args: ToolArguments<Parameters>) => boolean);
  /** Whether the model is asked to speak after this tool, whatever its outcome; default true. A {@link toolResult} may say otherwise. */
  readonly respond?: boolean;
  /** For a tool that takes long: it acknowledges first and delivers later, when both sides are quiet. Mind `timeoutMs`. */
  readonly background?: BackgroundOptions;
  readonly execute: (args: ToolArguments<Parameters>, context: ToolContext) => ToolResult | ToolOutput | Promise<ToolResult | ToolOutput>;
}

export type ParsedArguments =
  | { readonly ok: true; readonly needsApproval?: boolean; readonly run: (context: ToolContext) => Promise<ToolResult | ToolOutput> }
  | { readonly ok: false; readonly problem: string };

/** A function that the model may call, made by {@link tool}. */
export interface Tool {
  readonly name: string;
  readonly timeoutMs: number;
  readonly concurrency?: number;
  readonly respond?: boolean;
  readonly background?: BackgroundPolicy;
  readonly definition: ModelFunctionTool;
  /** Reads the arguments as the model wrote them (a JSON text). */
  parse(argumentsJson: string): ParsedArguments;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const REPAIR = 'Call the tool again with one JSON object that fits its schema; ask the user for what you do not know.';

/**
 * Makes a tool of a function. Throws `TypeError` or `RangeError` for a name or number that cannot be.
 *
 *     const weather = tool({
 *       name: 'get_weather',
 *       description: 'The weather in a city, now.',
 *       parameters: z.object({ city: z.string() }),
 *       execute: async ({ city }, { signal }) => fetchWeather(city, signal),
 *     });
 */
export function tool<const Parameters extends ToolParameters>(options: ToolOptions<Parameters>): Tool {
  const { name, description, parameters, execute, timeoutMs = DEFAULT_TIMEOUT_MS, concurrency, needsApproval = false, respond, background } = options;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) throw new TypeError(`A tool's name is 1 to 64 letters, digits, "_" or "-", not ${JSON.stringify(name)}.`);
  if (!(timeoutMs > 0)) throw new RangeError(`The time-out of tool ${name} must be above 0 ms, not ${timeoutMs}.`);
  if (concurrency !== undefined && !(concurrency >= 1)) throw new RangeError(`The concurrency of tool ${name} must be at least 1, not ${concurrency}.`);
  const read = reader<ToolArguments<Parameters>>(parameters);
  return {
    name,
    timeoutMs,
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(respond === undefined ? {} : { respond }),
    ...(background === undefined ? {} : { background: backgroundPolicy(name, background) }),
    definition: { name, description, parameters: isZod(parameters) ? jsonSchemaOf(parameters) : parameters },
    parse(argumentsJson) {
      const args = read(argumentsJson);
      if (!args.ok) return { ok: false, problem: `${args.problem} ${REPAIR}` };
      return {
        ok: true,
        needsApproval: typeof needsApproval === 'function' ? Boolean(needsApproval(args.value)) : needsApproval,
        run: async (context) => execute(args.value, context),
      };
    },
  };
}

function backgroundPolicy(name: string, options: BackgroundOptions): BackgroundPolicy {
  const { acknowledge, afterMs = 700, fillers = [], respond = fillers.length === 0, everyMs = 8_000, max = 3, late = 'announce' } = options;
  if (acknowledge.trim() === '') throw new TypeError(`Tool ${name} works in the background: the model needs a text to know that.`);
  if (!(afterMs >= 0 && everyMs > 0 && max >= 0)) throw new RangeError(`The times of tool ${name} in the background cannot be: after ${afterMs} ms, every ${everyMs} ms, at most ${max}.`);
  return { acknowledge, afterMs, respond, fillers, everyMs, max, late };
}

type ReadArguments<Args> = (json: string) => { readonly ok: true; readonly value: Args } | { readonly ok: false; readonly problem: string };

function reader<Args>(parameters: ToolParameters): ReadArguments<Args> {
  return (json) => {
    let raw: unknown;
    try {
      raw = json.trim() === '' ? {} : JSON.parse(json);
    } catch {
      return { ok: false, problem: 'The arguments are not valid JSON.' };
    }
    if (!isZod(parameters)) {
      const problems = misfits(parameters, raw);
      return problems.length === 0 ? { ok: true, value: raw as Args } : { ok: false, problem: doNotFit(problems) };
    }
    const checked = checkWith(parameters, raw, 'arguments');
    return checked.ok ? { ok: true, value: checked.value as Args } : { ok: false, problem: doNotFit(checked.problems) };
  };
}

function doNotFit(problems: readonly string[]): string {
  return `The arguments do not fit the schema. ${problems.join('; ')}.`;
}
