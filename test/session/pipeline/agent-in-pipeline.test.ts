/** An agent as what thinks in a pipeline, through the real classes of both: what the conversation holds is what was heard. */
import { describe, expect, it } from 'vitest';
import { Agent, InProcessMemory, agentWorkflow, tool } from '../../../session/index.js';
import type { AgentOptions, AgentWorkflowOptions, Guardrail, PipelineEvent, TextInputItem } from '../../../session/index.js';
import { scriptedTextModel } from '../../../src/provider/scripted/scripted-text-model.js';
import type { ScriptedTextModel, ScriptedTurn } from '../../../src/provider/scripted/scripted-text-model.js';
import { runPipeline } from '../../helpers/pipeline-harness.js';
import type { HarnessOptions, PipelineHarness } from '../../helpers/pipeline-harness.js';
import { settle } from '../../helpers/settle.js';

interface Call extends PipelineHarness {
  readonly model: ScriptedTextModel;
  readonly session: InProcessMemory;
  /** The conversation in short. */
  memory(): string[];
}

function call(said: readonly string[], answers: readonly ScriptedTurn[], agent: Partial<AgentOptions<unknown, string>> = {}, options: Partial<AgentWorkflowOptions> = {}, harness: HarnessOptions = {}): Call {
  const session = new InProcessMemory();
  const model = scriptedTextModel(answers);
  let runs = 0;
  const run = runPipeline({ recogniser: [...said], ...harness }, ({ clock }) => ({
    aheadMs: 1_000,
    workflow: agentWorkflow(new Agent({ name: 'Ava', ...agent }), { model, session, clock, newRunId: () => `run_${(runs += 1)}`, ...options }),
  }));
  return { ...run, model, session, memory: () => session.items().map(inShort) };
}

function inShort(item: TextInputItem): string {
  switch (item.type) {
    case 'message':
      return `${item.role}${item.role === 'assistant' && item.interrupted === true ? ' (cut)' : ''}: ${item.text}`;
    case 'function_call':
      return `calls ${item.name}`;
    case 'function_call_output':
      return `got ${item.output}`;
    case 'other':
      return item.kind;
  }
}

/** The user says something, and falls silent long enough for the turn to end. */
async function says(run: Call): Promise<void> {
  await run.speak(400);
  await run.pause(700);
}

async function hangUp(run: Call): Promise<void> {
  run.microphone.end();
  await run.clock.run(10_000);
  expect(await run.done).toBeUndefined();
}

const ANSWER = 'One two three four. Five six seven eight nine ten.';

describe('an agent in a voice pipeline', () => {
  it('remembers of an answer that was interrupted what was heard', async () => {
    const run = call(['Count.', 'Go on.'], [ANSWER, 'Eleven.']);
    await run.pause(200);
    await says(run);
    await run.pause(1_000);
    await says(run);
    await hangUp(run);
    expect(run.story()).toContain('interrupted 1400 [One two three four. Five six| seven eight nine ten.]');
    expect(run.model.requests[1]?.input.map(inShort)).toEqual(['user: Count.', 'assistant (cut): One two three four. Five six', 'user: Go on.']);
    expect(run.memory()).toEqual(['user: Count.', 'assistant (cut): One two three four. Five six', 'user: Go on.', 'assistant: Eleven.']);
  });

  it.each(['aborts', 'leaves'])('remembers what was heard also where the application %s in the middle of an answer', async (how) => {
    const hangup = new AbortController();
    const reason = new Error('hung up');
    // The sound of the third sentence comes when a second of the second one is still to be heard.
    const onEvent = (event: PipelineEvent): void => {
      if (event.type !== 'voice_stream_event_audio' || event.contentIndex !== 2) return;
      if (how === 'leaves') throw reason;
      hangup.abort(reason);
    };
    const run = call(['Count.'], [`${ANSWER} Eleven twelve.`], {}, {}, { signal: hangup.signal, onEvent });
    await run.pause(200);
    await says(run);
    await run.pause(2_000);
    expect(await run.done).toBe(reason);
    await settle();
    expect(run.memory()).toEqual(['user: Count.', 'assistant (cut): One two three four. Five six']);
    expect([run.model.open, run.clock.pendingTimers]).toEqual([0, 0]);
  });

  it('keeps a call that was made, and the user’s words, of an answer that nobody heard', async () => {
    const made: number[] = [];
    const book = tool({ name: 'book', description: '', parameters: { type: 'object' }, execute: () => made.push(1) });
    const run = call(['Book.', 'And?'], [{ calls: [{ name: 'book' }] }, { text: 'Booked', hangs: true }, 'It is booked.'], { tools: [book] });
    await run.pause(200);
    await says(run);
    await says(run);
    await hangUp(run);
    expect(run.memory()).toEqual(['user: Book.', 'calls book', 'got 1', 'user: And?', 'assistant: It is booked.']);
    expect([made, run.model.open, run.model.givenUp]).toEqual([[1], 0, 1]);
  });

  it('lets a check that trips end the turn, and nothing else: what was said before stands, and the next turn works', async () => {
    const noSecrets: Guardrail = { name: 'no secrets', check: (text) => (text.includes('secret') ? { tripped: true, reason: 'It is one.' } : 'pass') };
    const run = call(['Hello.', 'The secret?', 'Bye.'], ['Good morning.', 'It is 42.', 'Good night.'], { guardrails: { input: [noSecrets] } });
    await run.pause(200);
    await says(run);
    await run.pause(2_000);
    await says(run);
    await run.pause(2_000);
    await says(run);
    await hangUp(run);
    const story = run.story();
    expect(story.filter((line) => /error|turn_ended|agent/.test(line))).toEqual([
      'agent: Good morning.',
      'turn_ended 1 answered',
      'error workflow GUARDRAIL_TRIPPED',
      'turn_ended 2 failed',
      'agent: Good night.',
      'turn_ended 3 answered',
    ]);
    expect(run.memory()).toEqual(['user: Hello.', 'assistant: Good morning.', 'user: Bye.', 'assistant: Good night.']);
  });

  it('hands over: the other agent speaks, and has the next turn', async () => {
    const billing = new Agent({ name: 'Billing', instructions: 'billing' });
    const run = call(['My bill.', 'Thanks.'], [{ text: 'One moment.', calls: [{ name: 'transfer_to_Billing', arguments: { reason: 'a bill' } }] }, 'Billing here.', 'Bye.'], { instructions: 'front', handoffs: [billing] });
    await run.pause(200);
    await says(run);
    await run.pause(3_000);
    await says(run);
    await hangUp(run);
    expect(run.model.requests.map(({ instructions }) => instructions)).toEqual(['front', 'billing', 'billing']);
    expect(run.story().filter((line) => line.startsWith('agent'))).toEqual(['agent: One moment.', 'agent: Billing here.', 'agent: Bye.']);
  });

  it('asks a person before a call that needs one, and ends the turn in an error where there is nobody to ask', async () => {
    const paid: number[] = [];
    const pay = tool({ name: 'pay', description: '', parameters: { type: 'object' }, needsApproval: true, execute: () => paid.push(1) });
    const answers = [{ text: 'I pay.', calls: [{ name: 'pay' }] }, 'It is paid.'];
    const asked = call(['Pay.'], answers, { tools: [pay] }, { approve: () => true });
    await asked.pause(200);
    await says(asked);
    await hangUp(asked);
    expect(asked.story().filter((line) => /agent|turn_ended/.test(line))).toEqual(['agent: I pay.', 'agent: It is paid.', 'turn_ended 1 answered']);
    expect([paid, asked.memory()]).toEqual([[1], ['user: Pay.', 'assistant: I pay.', 'calls pay', 'got 1', 'assistant: It is paid.']]);

    const alone = call(['Pay.', 'Well?'], [...answers.slice(0, 1), 'I could not.'], { tools: [pay] });
    await alone.pause(200);
    await says(alone);
    await alone.pause(2_000);
    await says(alone);
    await hangUp(alone);
    expect(alone.story().filter((line) => /error|turn_ended/.test(line))).toEqual(['error workflow RUN_WAITS', 'turn_ended 1 failed', 'turn_ended 2 answered']);
    expect(paid).toEqual([1]);
  });
});
