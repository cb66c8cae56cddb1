import type { ModelFunctionTool, ToolChoice as OfferedChoice } from '../../session/index.js';
import type { PlanStep } from './plan.js';
import { schemaArguments } from './schema-arguments.js';
import type { FunctionTool, ToolChoice, WireTool } from './session-tools.js';

/** Whether a function of that name may be called. */
export function canCall(name: string, tools: readonly WireTool[], choice: ToolChoice): boolean {
  if (choice === 'none' || (typeof choice === 'object' && choice.type === 'mcp')) return false;
  if (typeof choice === 'object' && choice.name !== name) return false;
  return tools.some((tool) => tool.type === 'function' && tool.name === name);
}

/** The functions that may be called, and whether one must be, in the words of the session. */
export function offered(tools: readonly WireTool[], choice: ToolChoice): { readonly tools: readonly ModelFunctionTool[]; readonly toolChoice: OfferedChoice } {
  const functions = tools.filter((tool): tool is FunctionTool => tool.type === 'function');
  const toolChoice = typeof choice === 'string' ? choice : choice.type === 'function' ? { name: choice.name } : 'none';
  return { tools: functions.map(({ name, description, parameters }) => ({ name, ...(description === undefined ? {} : { description }), parameters: (parameters ?? { type: 'object', properties: {} }) as Readonly<Record<string, unknown>> })), toolChoice };
}

/**
 * What a model does that must call a function although its brain would not: it calls the chosen one, or the first, with arguments made from the
 * schema. Undefined where the choice is free.
 */
export function forcedCall(tools: readonly WireTool[], choice: ToolChoice): PlanStep | undefined {
  if (choice === 'auto' || choice === 'none') return undefined;
  const functions = tools.filter((tool): tool is FunctionTool => tool.type === 'function');
  const forced = choice === 'required' ? functions[0] : choice.type === 'function' ? functions.find(({ name }) => name === choice.name) : undefined;
  return forced === undefined ? undefined : { kind: 'call', name: forced.name, arguments: JSON.stringify(schemaArguments(forced.parameters)) };
}
