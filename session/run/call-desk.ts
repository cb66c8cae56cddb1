import type { AnyAgent } from '../agent/agent.js';
import type { ToolRunner, ToolSettled } from '../agent/tool-runner.js';
import { problem } from '../error-text.js';
import type { ToolPlan } from '../ports/tool-plan.js';
import { DEFAULT_TOOL_LIMITS } from '../state/tool-state.js';
import type { FunctionCall } from './next-action.js';
import type { CallOutput } from './run-memory.js';
import type { WaitingCall } from './run-state.js';

/** How the calls of an answer ended. */
export interface CallsEnd {
  /** Calls of which a person has to decide first; nothing of them was done. */
  readonly waiting: readonly WaitingCall[];
  /** Whether the model is to be told of any of the others. */
  readonly respond: boolean;
}

interface QueuedCall {
  readonly call: FunctionCall;
  readonly plan: ToolPlan;
}

export interface CallOptions<Context> {
  readonly tools: ToolRunner;
  /** Whose tools they are. */
  readonly agent: AnyAgent<Context>;
  /** The output of a call of an earlier answer. */
  readonly earlier: (callId: string) => CallOutput | undefined;
  readonly onBegin: (callId: string) => void;
  /** Called as each ends; whatever happens, once for each that does not wait. */
  readonly onOutput: (output: CallOutput) => Promise<void>;
}

/** Runs the calls of one answer together, no more of a tool at once than it allows. */
export async function runCalls<Context>(calls: readonly WaitingCall[], { tools, agent, earlier, onBegin, onOutput }: CallOptions<Context>): Promise<CallsEnd> {
  const waiting: WaitingCall[] = [];
  const queued: QueuedCall[] = [];
  let respond = false;
  const end = (call: FunctionCall, outcome: CallOutput['outcome'], output: string): Promise<void> => onOutput({ type: 'function_call_output', callId: call.callId, name: call.name, output, outcome });
  for (const call of calls) {
    const { callId, name, decision } = call;
    const known = earlier(callId);
    if (known !== undefined) {
      // The model repeats itself: what was done is not done again.
      respond = true;
      if (known.name === name) await end(call, known.outcome, known.output);
      else await end(call, 'error', problem(`The id of this call is that of an earlier call to ${known.name}. It was not run: call again with an id of its own.`));
      continue;
    }
    if (decision?.approve === false) {
      respond = true;
      const why = decision.reason.trim() === '' ? '' : ` Reason: ${decision.reason}`;
      await end(call, 'rejected', problem(`The call was not approved, and nothing was done.${why} Do not call it again for the same thing unless the user asks for it.`));
      continue;
    }
    const prepared = tools.prepare(agent, { callId, name, argumentsJson: call.arguments });
    if (!prepared.ok) {
      respond = true;
      await end(call, 'error', problem(prepared.problem));
    } else if (prepared.plan.needsApproval && decision === undefined) {
      tools.drop(callId);
      waiting.push({ callId, name, arguments: call.arguments });
    } else queued.push({ call, plan: prepared.plan });
  }
  await inTurn(queued, async ({ call, plan }) => {
    onBegin(call.callId);
    const settled: ToolSettled = await tools.run(call.callId);
    respond ||= settled.respond ?? plan.respond;
    await end(call, settled.outcome, settled.output);
  });
  return { waiting, respond };
}

/** Starts each call as soon as its tool, and all of them together, have room for it, in order. Rejects as soon as one of them does. */
function inTurn(queued: readonly QueuedCall[], run: (call: QueuedCall) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const left = new Set(queued);
    const running = new Map<string, number>();
    let count = 0;
    const startWhatMay = (): void => {
      if (left.size === 0 && count === 0) return resolve();
      for (const each of left) {
        const { name } = each.call;
        const same = running.get(name) ?? 0;
        if (count >= DEFAULT_TOOL_LIMITS.concurrency || same >= (each.plan.concurrency ?? Infinity)) continue;
        left.delete(each);
        running.set(name, same + 1);
        count += 1;
        run(each).then(() => {
          running.set(name, (running.get(name) ?? 1) - 1);
          count -= 1;
          startWhatMay();
        }, reject);
      }
    };
    startWhatMay();
  });
}
