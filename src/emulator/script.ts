import { z } from 'zod';
import { HostError } from '../host/errors.js';
import { faultSchema } from './fault.js';
import type { Fault } from './fault.js';

const toolName = z.string().regex(/^[\w.-]{1,64}$/);
const words = z.string().min(1).max(20_000);
const spanMs = z.number().min(0).max(600_000);
const call = z.strictObject({ name: toolName, arguments: z.record(z.string(), z.unknown()) });
const failure = z.strictObject({ code: z.string().min(1), message: z.string().optional(), type: z.string().min(1).optional() });

const step = z.union([
  z.strictObject({ say: words, phase: z.enum(['commentary', 'final_answer']).optional() }),
  z.strictObject({ call }),
  z.strictObject({ mcp: z.strictObject({ server: z.string().min(1), name: toolName, arguments: z.record(z.string(), z.unknown()), output: z.string().optional(), error: z.string().optional() }) }),
  z.strictObject({ delayMs: spanMs }),
  z.strictObject({ silenceMs: spanMs }),
  z.strictObject({ fail: failure }),
  z.strictObject({ incomplete: z.enum(['max_output_tokens', 'content_filter']) }),
  z.strictObject({ error: failure }),
  z.strictObject({ fault: faultSchema }),
]);
const reply = z.union([words, z.array(step).min(1).max(256)]);

const turn = z
  .strictObject({
    hears: z.string().min(1).optional(),
    when: z.union([z.array(z.string().min(1)).min(1), z.string().min(1)]).optional(),
    afterTool: toolName.optional(),
    transcriptFails: failure.optional(),
    call: z.union([call, z.array(call).min(1).max(16)]).optional(),
    reply,
    withoutCall: z.string().min(1).optional(),
  })
  .refine((value) => value.hears !== undefined || value.when !== undefined || value.afterTool !== undefined, {
    message: 'needs "hears" (a spoken turn), "when" (a typed one), "afterTool" (a tool has answered), or several of them',
  });

const mcpServer = z.strictObject({ label: z.string().min(1), fails: z.boolean().optional(), tools: z.array(z.strictObject({ name: toolName, description: z.string().optional(), input: z.record(z.string(), z.unknown()).optional() })).max(128) });

const script = z.strictObject({
  name: z.string().min(1),
  greeting: reply,
  turns: z.array(turn).max(1000),
  fallback: reply,
  faults: z.array(faultSchema).max(100).optional(),
  mcpServers: z.array(mcpServer).max(32).optional(),
});

/** A tool call that a turn makes. */
export interface ScriptCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** A turn that fails in the way of the provider. */
export interface ScriptFailure {
  readonly code: string;
  readonly message?: string;
  /** Default `server_error`. */
  readonly type?: string;
}

/** One thing that a response does, in the order of the list. */
export type ScriptStep =
  /** An item of the assistant, spoken or written. Quotes are filled as in a plain reply. */
  | { readonly say: string; readonly phase?: 'commentary' | 'final_answer' }
  /** A function call; several of them are parallel calls of one response. Left out where the session has no such tool. */
  | { readonly call: ScriptCall }
  /** A call of a hosted MCP server, made and answered on the model's side; `error` in place of `output` makes it fail. */
  | { readonly mcp: { readonly server: string; readonly name: string; readonly arguments: Readonly<Record<string, unknown>>; readonly output?: string; readonly error?: string } }
  /** Nothing happens for so long. */
  | { readonly delayMs: number }
  /** Silence that is part of the sound: it joins what is said before and after it into one item. */
  | { readonly silenceMs: number }
  /** The response ends as `failed`. */
  | { readonly fail: ScriptFailure }
  /** The response ends as `incomplete`. */
  | { readonly incomplete: 'max_output_tokens' | 'content_filter' }
  /** An `error` event beside the response. */
  | { readonly error: ScriptFailure }
  /** Something goes wrong with the connection from here on. */
  | { readonly fault: Fault };

/** What is said, or a list of things done. `{{tool.table}}` quotes a field of the last tool's JSON output, `{{book_table.table}}` one of that tool's. */
export type ScriptReply = string | readonly ScriptStep[];

/** One turn of the conversation that a script plays. */
export interface ScriptTurn {
  /** What a spoken turn is said to have meant: its transcript. Without a recogniser spoken turns are answered in the order of the script, whatever was said. */
  readonly hears?: string;
  /** Which text this turn answers, typed or recognised: one of these words or phrases (case does not matter), or a regular expression as a string. */
  readonly when?: readonly string[] | string;
  /** Answers the output of this function; with `when`, only an output that holds one of its phrases. */
  readonly afterTool?: string;
  /** The turn cannot be written down: its transcription fails, the answer comes all the same. */
  readonly transcriptFails?: ScriptFailure;
  /** The functions that the model calls first; the reply comes when the output is there. Left out when the session has no such tool. */
  readonly call?: ScriptCall | readonly ScriptCall[];
  /** A sentence whose quote leads nowhere is left out. */
  readonly reply: ScriptReply;
  /** What is said in place of `reply` when the session does not have the tool. */
  readonly withoutCall?: string;
}

/** What a hosted MCP server of that label offers. */
export interface ScriptMcpServer {
  readonly label: string;
  /** Its list of tools cannot be had. */
  readonly fails?: boolean;
  readonly tools: readonly { readonly name: string; readonly description?: string; readonly input?: Readonly<Record<string, unknown>> }[];
}

/** The emulator's script: a plain object, so it may come from a JSON or YAML file. Check one from outside with {@link parseScript}. */
export interface Script {
  readonly name: string;
  /** Answers a `response.create` before the user has said anything. */
  readonly greeting: ScriptReply;
  readonly turns: readonly ScriptTurn[];
  /** Answers text that no turn expects, and everything after the last turn. */
  readonly fallback: ScriptReply;
  /** What goes wrong on each connection, from its beginning. */
  readonly faults?: readonly Fault[];
  readonly mcpServers?: readonly ScriptMcpServer[];
}

/** Checks a script. Throws `HostError` `SCRIPT_INVALID` that names the place, e.g. `turns[2].reply`. */
export function parseScript(value: unknown): Script {
  const result = script.safeParse(value);
  if (!result.success) {
    const { path, message } = deepest(result.error.issues[0]);
    throw invalid(pathText(path), message);
  }
  result.data.turns.forEach((entry, index) => {
    if (typeof entry.when !== 'string') return;
    try {
      new RegExp(entry.when, 'iu');
    } catch (error) {
      throw invalid(`turns[${index}].when`, `not a regular expression (${(error as Error).message})`);
    }
  });
  return result.data as Script;
}

/** A union tells only that no member fits; what a person wants to know is what is wrong in the member that comes nearest. */
function deepest(issue: z.core.$ZodIssue | undefined): { path: readonly PropertyKey[]; message: string } {
  if (issue === undefined) return { path: [], message: 'not a script' };
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return { path: issue.path, message: issue.message };
  const inner = issue.errors.map((issues) => deepest(issues[0]));
  const furthest = inner.reduce((best, next) => (next.path.length > best.path.length ? next : best));
  return furthest.path.length === 0 ? { path: issue.path, message: `fits none of its forms (${[...new Set(inner.map(({ message }) => message))].slice(0, 3).join('; ')})` } : { path: [...issue.path, ...furthest.path], message: furthest.message };
}

function invalid(path: string, why: string): HostError {
  return new HostError('SCRIPT_INVALID', `The emulator's script is not valid at "${path}": ${why}.`, {
    hint: 'A script has name, greeting, turns (each with reply, and hears, when or afterTool) and fallback; src/emulator/README.md shows one.',
  });
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`), '') || 'the script itself';
}
