import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MULAW_8K } from '../../../audio/index.js';
import { RealtimeAgent, RealtimeSession, handoff, tool } from '../../../session/index.js';
import type { HandoffOptions, ModelInput, RealtimeSessionOptions, Tool } from '../../../session/index.js';
import { openaiRealtime } from '../../../src/index.js';
import { startEmulator } from '../../../src/emulator/index.js';
import { systemClock } from '../../../src/host/system-clock.js';
import { ManualClock, scriptedModel } from '../../../src/testing.js';
import type { ScriptedModel } from '../../../src/testing.js';
import { makeHarness, openHarness, replyBegins, replyEnds } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';

function simpleTool(name: string, execute: Tool | (() => Promise<string> | string) = () => 'done'): Tool {
  return tool({ name, description: name, parameters: z.object({}), execute: execute as () => string });
}

const billing = new RealtimeAgent({ name: 'Billing', instructions: 'Talk of money.', tools: [simpleTool('find_invoice')] });

interface Desk extends Harness {
  /** The front agent calls a tool in a response of its own; by default the one that hands over to billing. */
  call(callId: string, name?: string, json?: string): Promise<void>;
}

/** A front agent that may hand over to billing. The model confirms configurations by itself unless `autoConfirm` is false. */
async function desk(options: { to?: Partial<HandoffOptions<RealtimeAgent>>; tools?: Tool[]; autoConfirm?: boolean } & Partial<Omit<RealtimeSessionOptions, 'model' | 'clock'>> = {}): Promise<Desk> {
  const { to = {}, tools = [], autoConfirm = true, ...rest } = options;
  const model = scriptedModel({ autoConfigure: autoConfirm });
  const front = new RealtimeAgent({ name: 'Front desk', instructions: 'Greet.', tools: [simpleTool('opening_hours'), ...tools], handoffs: [handoff({ to: billing, ...to })] });
  const harness = makeHarness({ model, agent: front, ...rest });
  const connecting = harness.session.connect();
  if (!autoConfirm) {
    await model.waitForCommand('configure');
    confirm(model);
  }
  await connecting;
  return {
    ...harness,
    async call(callId, name = 'transfer_to_Billing', json = '{"reason":"an invoice"}') {
      model.push(...calling(`r_${callId}`, callId, name, json));
      await settle();
    },
  };
}

function calling(responseId: string, callId: string, name: string, json: string): ModelInput[] {
  const item = { type: 'function_call', id: `item_${callId}`, callId, name, arguments: json, status: 'completed' } as const;
  return [
    { type: 'response_created', responseId },
    { type: 'output_item_added', responseId, outputIndex: 0, item },
    { type: 'output_item_done', responseId, outputIndex: 0, item },
    { type: 'response_done', responseId, status: 'completed', output: [item] },
  ];
}

function confirm(model: ScriptedModel): void {
  model.push({ type: 'model_session_configured' });
}

function lastConfig(model: ScriptedModel): ReturnType<ScriptedModel['commandsOf']>[number] {
  return model.commandsOf('configure').at(-1) as never;
}

/** What the model was told in system messages. */
function told(model: ScriptedModel): string[] {
  return model.commandsOf('create_item').flatMap(({ item }) => (item.type === 'message' && item.role === 'system' ? item.content.map((part) => ('text' in part ? part.text : '')) : []));
}

function outputs(model: ScriptedModel): Record<string, string> {
  return Object.fromEntries(model.commandsOf('create_item').flatMap(({ item }) => (item.type === 'function_call_output' ? [[item.callId, item.output]] : [])));
}

describe('handoff()', () => {
  it('becomes a tool named after the agent, with a reason and, where it is wanted, a summary', async () => {
    const { model } = await desk({ to: { carry: 'summary', description: 'For invoices.' } });
    expect(model.commandsOf('configure')[0]?.config.tools.map((tool) => tool.type !== 'mcp' && tool.name)).toEqual(['opening_hours', 'transfer_to_Billing']);
    expect(model.commandsOf('configure')[0]?.config.tools[1]).toMatchObject({ description: 'For invoices.', parameters: { required: ['reason', 'summary'] } });
  });

  it('refuses names that models do not take, and a name that the agent has twice', () => {
    expect(() => handoff({ to: billing, toolName: 'has space' })).toThrow(TypeError);
    expect(() => new RealtimeAgent({ name: 'A', handoffs: [billing, handoff({ to: billing })] })).toThrow(/transfer_to_Billing/);
    expect(() => new RealtimeAgent({ name: 'A', tools: [simpleTool('transfer_to_Billing')], handoffs: [billing] })).toThrow(TypeError);
    expect(handoff({ to: new RealtimeAgent({ name: 'Änne & Co' }) }).definition.name).toBe('transfer_to__nne_Co');
  });

  it('lets two agents name each other', () => {
    const a: RealtimeAgent = new RealtimeAgent({ name: 'A', handoffs: () => [b] });
    const b: RealtimeAgent = new RealtimeAgent({ name: 'B', handoffs: () => [a] });
    expect([a.handoffs[0]?.to, b.handoffs[0]?.to]).toEqual([b, a]);
  });
});

describe('a hand-off', () => {
  it('answers the call, configures, waits for the confirmation, and only then asks the new agent to begin', async () => {
    const { model, call, of } = await desk({ autoConfirm: false });
    const before = model.commands.length;
    await call('c1');
    expect(model.commands.slice(before).map(({ type }) => type)).toEqual(['create_item', 'configure']);
    expect(of('handoff')).toEqual([]);
    confirm(model);
    expect(model.commands.slice(before).map(({ type }) => type)).toEqual(['create_item', 'configure', 'create_response']);
    expect(of('handoff')).toMatchObject([{ fromAgent: 'Front desk', toAgent: 'Billing', reason: 'an invoice', info: { agentName: 'Billing' } }]);
    expect(of('tool_end')).toMatchObject([{ callId: 'c1', toolName: 'transfer_to_Billing', outcome: 'ok', info: { agentName: 'Front desk' } }]);
    expect(lastConfig(model)).toMatchObject({ config: { instructions: 'Talk of money.', tools: [{ name: 'find_invoice' }] } });
  });

  it('gives the new agent everything that was said meanwhile, in one answer', async () => {
    const { model, session, call } = await desk({ autoConfirm: false });
    await call('c1');
    session.respond({ instructions: 'later' });
    confirm(model);
    model.push({ type: 'response_created', responseId: 'r2', metadata: { voicewire_request: model.commandsOf('create_response')[0]?.eventId ?? '' } });
    model.push({ type: 'response_done', responseId: 'r2', status: 'completed', output: [] });
    expect(model.commandsOf('create_response').map(({ request }) => request.instructions)).toEqual([undefined, 'later']);
  });

  it('enters with given words, or in silence', async () => {
    const saying = await desk({ to: { entry: { say: 'Billing, "hello".' } } });
    await saying.call('c1');
    expect(saying.model.commandsOf('create_response').map(({ request }) => request.instructions)).toEqual([expect.stringContaining('Billing, "hello".')]);
    const silent = await desk({ to: { entry: 'silent' } });
    await silent.call('c1');
    expect(silent.of('handoff').length).toBe(1);
    expect(silent.model.commandsOf('create_response')).toEqual([]);
  });

  it('counts an answer that the model begins by itself as the entry', async () => {
    const { model, call } = await desk({ to: { entry: { say: 'Hello.' } } });
    model.push({ type: 'speech_started', itemId: 'u1', audioStartMs: 0 });
    await call('c1');
    expect(model.commandsOf('create_response')).toEqual([]);
    model.push({ type: 'speech_stopped', itemId: 'u1', audioEndMs: 900 }, { type: 'input_committed', itemId: 'u1' });
    model.push(...replyBegins('r2', 'a2', 'Yes?', 100), ...replyEnds('r2', 'a2', 'Yes?'));
    expect(model.commandsOf('create_response')).toEqual([]);
  });

  it('leaves a response that is running to the old agent, and what comes of it carries its name', async () => {
    const { model, session, of } = await desk();
    model.push(...replyBegins('r1', 'a1', 'Let me ', 300));
    expect(await session.updateAgent(billing)).toEqual({ ok: true });
    model.push({ type: 'output_text_delta', of: 'audio', responseId: 'r1', itemId: 'a1', contentIndex: 0, delta: 'see.' }, ...replyEnds('r1', 'a1', 'Let me see.'));
    expect(of('agent_end')).toMatchObject([{ responseId: 'r1', info: { agentName: 'Front desk' } }]);
    expect(of('transcript_delta').map(({ info }) => info.agentName)).toEqual(['Front desk', 'Front desk']);
    expect(of('audio_end')).toMatchObject([{ info: { agentName: 'Front desk' } }]);
    model.push(...replyBegins('r2', 'a2', 'Hello.', 100));
    expect(of('agent_start').map(({ info }) => info.agentName)).toEqual(['Front desk', 'Billing']);
  });

  it('takes the old tools away: a call to one is told which there are, and one that runs is finished', async () => {
    let finish = (_text: string): void => {};
    const slow = simpleTool('slow_check', () => new Promise<string>((resolve) => (finish = resolve)));
    const { model, session, call, of } = await desk({ tools: [slow] });
    await call('c1', 'slow_check', '{}');
    await session.updateAgent(billing, { entry: 'silent' });
    await call('c2', 'opening_hours', '{}');
    expect(outputs(model)['c2']).toMatch(/Front desk.*find_invoice/);
    expect(of('tool_end').map(({ outcome }) => outcome)).toEqual(['error']);
    finish('checked');
    await settle();
    expect(outputs(model)['c1']).toBe('checked');
  });

  it('runs a call of a response that the old agent began, with the old agent', async () => {
    const { model, session, of } = await desk();
    model.push({ type: 'response_created', responseId: 'r1' });
    await session.updateAgent(billing, { entry: 'silent' });
    model.push(...calling('r1', 'c1', 'opening_hours', '{}').slice(1));
    await settle();
    expect(of('tool_end')).toMatchObject([{ outcome: 'ok', output: 'done', info: { agentName: 'Front desk' } }]);
  });

  it('happens once for two calls of one response', async () => {
    const { model, of } = await desk();
    const [created, ...first] = calling('r1', 'c1', 'transfer_to_Billing', '{}').slice(0, 3);
    model.push(...(created === undefined ? [] : [created]), ...first, ...calling('r1', 'c2', 'transfer_to_Billing', '{}').slice(1));
    await settle();
    expect(of('handoff').length).toBe(1);
    expect(Object.keys(outputs(model))).toEqual(['c1', 'c2']);
    expect(outputs(model)['c2']).toMatch(/already/);
    expect(model.commandsOf('create_response').length).toBe(1);
  });
});

describe('a hand-off that fails', () => {
  it('because the model refuses it leaves the old agent, tells the model and says so', async () => {
    const { model, call, of } = await desk({ autoConfirm: false });
    await call('c1');
    model.push({ type: 'model_error', error: { code: 'invalid_value', message: 'no such tool' }, eventId: model.commandsOf('configure')[1]?.eventId ?? '' });
    expect(of('error')).toMatchObject([{ error: { code: 'HANDOFF_FAILED', stage: 'handoff' } }]);
    expect(told(model)).toEqual([expect.stringContaining('You are still Front desk')]);
    expect(model.commands.at(-1)?.type).toBe('create_response');
    expect(of('handoff')).toEqual([]);
    model.push(...replyBegins('r2', 'a2', 'Sorry.', 100));
    expect(of('agent_start').at(-1)?.info.agentName).toBe('Front desk');
  });

  it('because the model does not confirm it in 5 s gives the model the old configuration again', async () => {
    const { model, clock, session, of } = await desk({ autoConfirm: false });
    const outcome = session.updateAgent(billing);
    await settle();
    clock.advance(4_999);
    expect(of('error')).toEqual([]);
    clock.advance(1);
    expect(await outcome).toMatchObject({ ok: false, error: { code: 'HANDOFF_FAILED' } });
    expect(lastConfig(model)).toMatchObject({ config: { instructions: 'Greet.' } });
    expect(told(model)).toEqual([]);
    // The answers are taken in order, and none of them makes billing the agent.
    confirm(model);
    confirm(model);
    expect(of('handoff')).toEqual([]);
  });

  it('because a function of the application throws or takes too long is told to the model and to the application', async () => {
    const throwing = await desk({ to: { inputFilter: () => Promise.reject(new Error('broken')) } });
    await throwing.call('c1');
    expect(throwing.of('error')).toMatchObject([{ error: { code: 'HANDOFF_FAILED', message: expect.stringContaining('broken') as string } }]);
    expect(outputs(throwing.model)['c1']).toMatch(/did not work/);
    expect(throwing.model.commandsOf('configure').length).toBe(1);
    expect(throwing.model.commandsOf('create_response').length).toBe(1);

    let aborted = false;
    const hanging = await desk({ to: { carry: (_history, { signal }) => new Promise(() => signal.addEventListener('abort', () => (aborted = true))) } });
    await hanging.call('c1');
    await hanging.clock.advanceAsync(5_000, 1_000);
    expect(hanging.of('error')).toMatchObject([{ error: { code: 'HANDOFF_FAILED' } }]);
    expect(aborted).toBe(true);
    expect(hanging.of('tool_end')).toMatchObject([{ outcome: 'error', output: expect.stringContaining('did not work') as string }]);
  });
});

describe('what the new agent knows', () => {
  async function afterSomeWords(to: Partial<HandoffOptions<RealtimeAgent>>): Promise<Desk> {
    const made = await desk({ to });
    made.model.push({ type: 'item_added', item: { type: 'message', id: 'u1', role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'Hi' }] } });
    made.model.push(...replyBegins('r1', 'a1', 'Hello.', 0), ...replyEnds('r1', 'a1', 'Hello.'));
    return made;
  }
  const deleted = ({ model }: Desk): string[] => model.commandsOf('delete_item').map(({ itemId }) => itemId);

  it('is everything, unless something else is asked for', async () => {
    const made = await afterSomeWords({});
    await made.call('c1');
    expect([deleted(made), told(made.model)]).toEqual([[], []]);
  });

  it('is the summary that the model wrote, in the place of what was said', async () => {
    const made = await afterSomeWords({ carry: 'summary' });
    await made.call('c1', 'transfer_to_Billing', '{"reason":"","summary":"Wants invoice 7."}');
    // The call stays with its output.
    expect(deleted(made)).toEqual(['u1', 'a1']);
    expect(told(made.model)).toEqual([expect.stringContaining('Wants invoice 7.')]);
    expect(made.model.commandsOf('create_item').find(({ item }) => item.type === 'message')?.previousItemId).toBeNull();
  });

  it('is still everything when the model gave no summary', async () => {
    const made = await afterSomeWords({ carry: 'summary' });
    await made.call('c1', 'transfer_to_Billing', 'not json');
    expect([deleted(made), told(made.model)]).toEqual([[], []]);
    expect(made.of('handoff')).toMatchObject([{ reason: '' }]);
  });

  it('is what a function writes, and what a filter lets through', async () => {
    const made = await afterSomeWords({
      inputFilter: (history) => history.filter(({ itemId }) => itemId !== 'a1'),
      carry: (history, { fromAgent, toAgent, reason }) => `${fromAgent} to ${toAgent}: ${reason}, ${history.length} items`,
    });
    await made.call('c1');
    expect(deleted(made)).toEqual(['a1']);
    expect(told(made.model)).toEqual([expect.stringContaining('Front desk to Billing: an invoice, 3 items')]);
  });

  it('never is half of a call', async () => {
    const made = await afterSomeWords({ inputFilter: (history) => history.filter(({ type }) => type !== 'function_call_output') });
    await made.call('c0', 'opening_hours', '{}');
    made.model.push({ type: 'item_added', item: { type: 'function_call_output', id: 'o0', callId: 'c0', output: 'done' } });
    await made.call('c1');
    expect(deleted(made)).toEqual([]);
  });
});

describe('updateAgent', () => {
  it('takes three agents through one session without touching its formats or its voice', async () => {
    const model = scriptedModel();
    const agents = ['One', 'Two', 'Three'].map((name, index) => new RealtimeAgent({ name, ...(index === 1 ? {} : { instructions: `Be ${name}.` }) }));
    const [one, two, three] = agents as [RealtimeAgent, RealtimeAgent, RealtimeAgent];
    const { session, of } = makeHarness({ model, agent: one, config: { inputFormat: MULAW_8K, outputFormat: MULAW_8K } });
    await session.connect();
    for (const next of [two, three, one, three]) expect(await session.updateAgent(next, { reason: 'round' })).toEqual({ ok: true });
    expect(model.commandsOf('configure').map(({ config }) => [config.inputFormat, config.outputFormat, config.voice])).toEqual(Array.from({ length: 5 }, () => [MULAW_8K, MULAW_8K, undefined]));
    // What an agent does not say is cleared, not inherited.
    expect(model.commandsOf('configure').map(({ config }) => config.instructions)).toEqual(['Be One.', '', 'Be Three.', 'Be One.', 'Be Three.']);
    expect(of('handoff').map(({ fromAgent, toAgent }) => `${fromAgent} ${toAgent}`)).toEqual(['One Two', 'Two Three', 'Three One', 'One Three']);
  });

  it('changes the voice while nobody has spoken, and says so when the model does not change it any more', async () => {
    const low = new RealtimeAgent({ name: 'Low', voice: 'low' });
    const high = new RealtimeAgent({ name: 'High', voice: 'high' });
    const { model, session, of } = await desk();
    await session.updateAgent(low, { entry: 'silent' });
    expect(lastConfig(model)).toMatchObject({ config: { voice: 'low' } });
    model.push(...replyBegins('r1', 'a1', 'Hello.', 100), ...replyEnds('r1', 'a1', 'Hello.'));
    await session.updateAgent(high, { entry: 'silent' });
    expect(lastConfig(model)).toMatchObject({ config: { voice: 'low' } });
    expect(of('handoff').map(({ keptVoice }) => keptVoice)).toEqual([undefined, 'low']);
  });

  it('goes on without the new voice when the model refuses only that', async () => {
    const { model, session, of } = await desk({ autoConfirm: false });
    const outcome = session.updateAgent(new RealtimeAgent({ name: 'High', voice: 'high' }), { entry: 'silent' });
    await settle();
    model.push({ type: 'model_error', error: { code: 'cannot_update_voice', message: 'frozen' }, eventId: model.commandsOf('configure')[1]?.eventId ?? '' });
    expect(model.commandsOf('configure').map(({ config }) => config.voice)).toEqual([undefined, 'high', undefined]);
    confirm(model);
    expect(await outcome).toEqual({ ok: true });
    expect(of('handoff')).toMatchObject([{ toAgent: 'High', keptVoice: '' }]);
  });

  it('carries out calls that overlap in order, and refuses the ninth that waits', async () => {
    const { model, session, of } = await desk({ autoConfirm: false });
    const outcomes = Array.from({ length: 10 }, (_, index) => session.updateAgent(new RealtimeAgent({ name: `Agent ${index}` }), { entry: 'silent' }));
    await settle();
    for (let count = 0; count < 9; count += 1) confirm(model);
    expect((await Promise.all(outcomes)).map(({ ok }) => ok)).toEqual([...Array.from({ length: 9 }, () => true), false]);
    expect(of('handoff').map(({ toAgent }) => toAgent)).toEqual(Array.from({ length: 9 }, (_, index) => `Agent ${index}`));
  });

  it('says no first words of an agent that has handed over in turn, not even when the model had refused them', async () => {
    const { session, model, clock } = await desk();
    const [one, two] = ['One', 'Two'].map((name) => new RealtimeAgent({ name }));
    await session.updateAgent(one as RealtimeAgent, { entry: { say: 'I am One.' } });
    await session.updateAgent(two as RealtimeAgent, { entry: { say: 'I am Two.' } });
    const [asked] = model.commandsOf('create_response');
    model.push({ type: 'model_error', error: { code: 'conversation_already_has_active_response', message: 'busy' }, eventId: asked?.eventId ?? '' });
    clock.advance(1_000);
    const said = model.commandsOf('create_response').map(({ request }) => request.instructions?.split('\n').at(-1));
    expect(said).toEqual(['I am One.', 'I am Two.']);
  });

  it('that is overtaken by the end of the session resolves as failed', async () => {
    const { session } = await desk({ autoConfirm: false });
    const outcome = session.updateAgent(billing);
    await settle();
    await session.close();
    expect(await outcome).toMatchObject({ ok: false, error: { code: 'SESSION_CLOSED' } });
    await expect(session.updateAgent(billing)).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
  });

  it('forces no tool that the new agent lacks', async () => {
    const { model, session } = await openHarness({ config: { toolChoice: { name: 'only_mine' } } });
    await session.updateAgent(billing);
    expect(lastConfig(model)).toMatchObject({ config: { toolChoice: 'auto' } });
  });

  it('works on a real socket: the emulator confirms, and the new agent answers', async () => {
    await using emulator = await startEmulator();
    const session = new RealtimeSession(new RealtimeAgent({ name: 'Front desk', instructions: 'Greet.' }), { model: openaiRealtime({ url: emulator.url }), clock: systemClock });
    await session.connect();
    const starts: string[] = [];
    session.on('agent_start', ({ info }) => starts.push(info.agentName));
    const ended = new Promise<string>((resolve) => session.on('agent_end', ({ outcome }) => resolve(outcome)));
    expect(await session.updateAgent(billing, { reason: 'asked for' })).toEqual({ ok: true });
    expect(await ended).toBe('completed');
    expect(starts).toEqual(['Billing']);
    await session.close();
  });
});

describe('a hand-off by the clock', () => {
  it('adds one round trip and nothing else', async () => {
    const clock = new ManualClock();
    const model = scriptedModel({
      autoConfigure: false,
      onCommand: ({ type }, { push }) => {
        if (type === 'configure') clock.after(67, () => push({ type: 'model_session_configured' }));
      },
    });
    const session = new RealtimeSession(new RealtimeAgent({ name: 'A', handoffs: [billing] }), { model, clock });
    const connecting = session.connect();
    await settle();
    clock.advance(67);
    await connecting;
    model.push(...calling('r1', 'c1', 'transfer_to_Billing', '{}'));
    await settle();
    const askedAtMs = clock.now();
    const begun = model.waitForCommand('create_response').then(() => clock.now());
    await clock.advanceAsync(150, 1);
    expect((await begun) - askedAtMs).toBe(67);
  });
});
