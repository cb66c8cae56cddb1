import type { StepContext } from './step-context.js';

/** Arms the one timer of tools for the first thing that falls due, if that has changed. */
export function armToolTimer(context: StepContext): void {
  const { calls, tools } = context.state;
  let dueAtMs = Math.min(tools.checkAtMs ?? Infinity, tools.idle.checkAtMs ?? Infinity);
  for (const { phase } of calls.values()) {
    if (phase.name === 'approval') dueAtMs = Math.min(dueAtMs, phase.untilMs ?? Infinity);
    else if (phase.name === 'running') dueAtMs = Math.min(dueAtMs, phase.acknowledgeAtMs ?? Infinity);
    else if (phase.name === 'background') dueAtMs = Math.min(dueAtMs, phase.fillerAtMs ?? Infinity);
  }
  for (const { untilMs } of tools.hosted.values()) dueAtMs = Math.min(dueAtMs, untilMs ?? Infinity);
  if (dueAtMs === (tools.dueAtMs ?? Infinity)) return;
  if (dueAtMs === Infinity) {
    delete tools.dueAtMs;
    context.effects.push({ type: 'cancel_timer', timer: 'tools' });
    return;
  }
  tools.dueAtMs = dueAtMs;
  context.effects.push({ type: 'arm_timer', timer: 'tools', delayMs: Math.max(0, dueAtMs - context.nowMs) });
}
