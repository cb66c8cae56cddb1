import { safeParse, toJSONSchema } from 'zod/v4/core';
import type { $ZodType, output } from 'zod/v4/core';
import type { ModelTool } from '../ports/model.js';

/** What a tool gets beside its arguments. */
export interface ToolContext {
  /** Aborted when the session closes or the tool's time is over: stop the work. */
  readonly signal: AbortSignal;
  readonly callId: string;
}

/** What a tool may return: text is passed on as it is, anything else as JSON. */
export type ToolResult = string | number | boolean | null | undefined | object;

export interface ToolOptions<Schema extends $ZodType> {
  /** What the model calls it: 1..64 letters, digits, `_` or `-`. */
  readonly name: string;
  readonly description: string;
  /** A zod object; the model gets it as JSON schema, and arguments that do not fit are answered to the model, not thrown. */
  readonly parameters: Schema;
  /** Time for one call, in ms; default 30 000. */
  readonly timeoutMs?: number;
  readonly execute: (args: output<Schema>, context: ToolContext) => ToolResult | Promise<ToolResult>;
}

export type ParsedArguments = { readonly ok: true; readonly run: (context: ToolContext) => Promise<ToolResult> } | { readonly ok: false; readonly problem: string };

/** A function that the model may call, made by {@link tool}. */
export interface Tool {
  readonly name: string;
  readonly timeoutMs: number;
  readonly definition: ModelTool;
  /** Reads the arguments as the model wrote them (a JSON text). */
  parse(argumentsJson: string): ParsedArguments;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Makes a tool of a function. Throws `TypeError` or `RangeError` for a name that models do not accept.
 *
 *     const weather = tool({
 *       name: 'get_weather',
 *       description: 'The weather in a city, now.',
 *       parameters: z.object({ city: z.string() }),
 *       execute: async ({ city }, { signal }) => fetchWeather(city, signal),
 *     });
 */
export function tool<Schema extends $ZodType>(options: ToolOptions<Schema>): Tool {
  const { name, description, parameters, execute, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) throw new TypeError(`A tool's name is 1 to 64 letters, digits, "_" or "-", not ${JSON.stringify(name)}.`);
  if (!(timeoutMs > 0)) throw new RangeError(`The time-out of tool ${name} must be above 0 ms, not ${timeoutMs}.`);
  const { $schema: _dialect, ...schema } = toJSONSchema(parameters, { io: 'input' }) as Record<string, unknown>;
  return {
    name,
    timeoutMs,
    definition: { name, description, parameters: schema },
    parse(argumentsJson) {
      let raw: unknown;
      try {
        raw = argumentsJson.trim() === '' ? {} : JSON.parse(argumentsJson);
      } catch {
        return { ok: false, problem: 'The arguments are not valid JSON.' };
      }
      const parsed = safeParse(parameters, raw);
      if (!parsed.success) {
        const problems = parsed.error.issues.map((issue) => `${issue.path.length === 0 ? 'arguments' : issue.path.join('.')}: ${issue.message}`);
        return { ok: false, problem: `The arguments do not fit the schema. ${problems.join('; ')}` };
      }
      return { ok: true, run: async (context) => execute(parsed.data, context) };
    },
  };
}
