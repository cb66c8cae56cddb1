import { expect, it } from 'vitest';
import { GuardrailRunner } from '../../../session/agent/guardrail-runner.js';
import { ManualClock } from '../../../src/host/manual-clock.js';

it('asks nobody when what it checks for is over', async () => {
  let asked = 0;
  const clock = new ManualClock();
  const runner = new GuardrailRunner(clock, { output: [{ name: 'never', check: () => ((asked += 1), new Promise(() => {})) }] }, { signal: AbortSignal.abort() });
  expect(await runner.check({ of: 'output', text: 'Hi', context: { agentName: 'Ava', itemId: 'i', history: [] } })).toEqual({ failures: [] });
  expect([asked, clock.pendingTimers]).toEqual([0, 0]);
});
