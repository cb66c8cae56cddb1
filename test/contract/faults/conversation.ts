import { z } from 'zod';
import { PCM16_24K, msToBytes, samplesToPcm16 } from '../../../audio/index.js';
import { RealtimeAgent, tool } from '../../../session/index.js';
import type { ModelErrorInfo, ModelInput, TokenUsage, ToolOptions } from '../../../session/index.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import type { ScriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { openHarness, replyBegins, replyEnds, speechStarts, tone } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';
import { calls } from '../../helpers/tool-calls.js';
import { ON_FAILURE, Witness, outcomeOf } from './fault.js';
import type { Fault, FaultOutcome } from './fault.js';

/** A call on a clock that is moved by hand; it has lasted a turn of the user when the fault begins. */
async function inCall(act: (harness: Harness) => unknown, options: Parameters<typeof openHarness>[0] = {}): Promise<FaultOutcome> {
  const harness = await openHarness({ onFailure: ON_FAILURE, ...options });
  const witness = new Witness(harness.session);
  await act(harness);
  await settle();
  await harness.clock.advanceAsync(200);
  return outcomeOf(harness.session, witness);
}

function turn(itemId = 'u1'): ModelInput[] {
  return [speechStarts(itemId), { type: 'speech_stopped', itemId, audioEndMs: 500 }, { type: 'input_committed', itemId }];
}

/** Confirms the first configuration, and refuses those after it: all, or so many. */
function refusing(code: string, times = Infinity): ScriptedModel {
  let left = times;
  return scriptedModel({
    autoConfigure: false,
    onCommand(command, model) {
      if (command.type !== 'configure') return;
      const first = model.commandsOf('configure').length === 1;
      const refused = !first && (left -= 1) >= 0;
      queueMicrotask(() => model.push(refused ? { type: 'model_error', eventId: command.eventId, error: { code, message: 'No.' } } : { type: 'model_session_configured' }));
    },
  });
}

function usage(audio: number): TokenUsage {
  return { totalTokens: audio, inputTokens: 0, outputTokens: audio, input: { text: 0, audio: 0, image: 0, cached: 0 }, output: { text: 0, audio } };
}

function responseFails(name: string, error: ModelErrorInfo | undefined, code: string, retryable: boolean): Fault {
  return {
    ...{ name: `a response fails: ${name}`, code, retryable, clip: true, ends: false, ...(error?.code === undefined ? {} : { providerCode: error.code }) },
    provoke: () => inCall(({ model }) => model.push(...turn(), { type: 'response_created', responseId: 'r1' }, { type: 'response_done', responseId: 'r1', status: 'failed', ...(error === undefined ? {} : { error }), output: [] })),
  };
}

function cutOff(reason: string): Fault {
  return {
    ...{ name: `a response is cut off before a word: ${reason}`, code: 'RESPONSE_INCOMPLETE', providerCode: reason, retryable: true, clip: true, ends: false },
    provoke: () => inCall(({ model }) => model.push(...turn(), { type: 'response_created', responseId: 'r1' }, { type: 'response_done', responseId: 'r1', status: 'incomplete', reason, output: [] })),
  };
}

const EMPTY = z.object({});
function act(options: Partial<ToolOptions<typeof EMPTY>> = {}) {
  return tool({ name: 'act', description: 'Acts.', parameters: EMPTY, execute: () => 'done', ...options });
}

/** Faults of tools are answers to the model, and no errors: it speaks. */
function toolFault(name: string, made: ReturnType<typeof act>, call: readonly [string, string, string] = ['c1', 'act', '{}'], afterMs = 0, more: Partial<Fault> = {}): Fault {
  return {
    ...{ name: `a tool ${name}`, clip: false, ends: false, ...more },
    provoke: () =>
      inCall(
        async ({ model, clock }) => {
          model.push(...turn(), ...calls('r1', call));
          await clock.advanceAsync(afterMs, 100);
        },
        { tools: [made] },
      ),
  };
}

function voice(ms: number): Uint8Array {
  return samplesToPcm16(Int16Array.from({ length: msToBytes(PCM16_24K, ms) / 2 }, (_, index) => Math.round(6_000 * Math.sin(index * index * 0.001)))).slice();
}

const SENTENCE = 'We are open every day from noon until eleven at night, and half of our menu is vegetarian, as you will see.';

/** What goes wrong within a conversation. */
export const conversationFaults: readonly Fault[] = [
  responseFails('server error', { kind: 'server_error', message: 'The server had an error.' }, 'RESPONSE_FAILED', true),
  responseFails('no reason at all', undefined, 'RESPONSE_FAILED', true),
  responseFails('rate limit', { code: 'rate_limit_exceeded', kind: 'tokens', message: 'Slow down.' }, 'PROVIDER_RATE_LIMITED', true),
  responseFails('too many at once', { code: 'inference_rate_limit_exceeded', message: 'Busy.' }, 'PROVIDER_RATE_LIMITED', true),
  responseFails('no credit', { code: 'insufficient_quota', kind: 'insufficient_quota', message: 'Pay.' }, 'PROVIDER_RATE_LIMITED', false),
  responseFails('an image that is not allowed', { code: 'input_image_safety_violation', kind: 'invalid_request_error', message: 'No.' }, 'RESPONSE_FAILED', false),
  responseFails('the session is over', { code: 'session_expired', message: 'Over.' }, 'PROVIDER_SESSION_EXPIRED', false),
  cutOff('max_output_tokens'),
  cutOff('content_filter'),
  {
    ...{ name: 'a response is refused', code: 'PROVIDER_ERROR', providerCode: 'invalid_value', retryable: false, clip: true, ends: false },
    provoke: () =>
      inCall(({ session, model }) => {
        session.sendMessage('Hello');
        model.push({ type: 'model_error', eventId: model.commandsOf('create_response')[0]?.eventId ?? '', error: { code: 'invalid_value', kind: 'invalid_request_error', message: 'No.' } });
      }),
  },
  {
    ...{ name: 'a model that is mute: it begins no response', code: 'RESPONSE_TIMEOUT', retryable: true, clip: true, ends: false },
    provoke: () =>
      inCall(({ session, clock }) => {
        session.sendMessage('Hello');
        clock.advance(5_000);
      }),
  },
  {
    ...{ name: 'a response that begins and says nothing', code: 'RESPONSE_TIMEOUT', retryable: true, clip: true, ends: false },
    provoke: () =>
      inCall(({ model, clock }) => {
        model.push(...turn(), { type: 'response_created', responseId: 'r1' });
        clock.advance(6_000);
        model.push({ type: 'raw_message', name: 'rate_limits.updated', raw: {} });
        clock.advance(1_000);
      }),
  },
  {
    ...{ name: 'a model that falls mute after it began a response: another connection answers', code: 'RESPONSE_TIMEOUT', retryable: true, clip: false, ends: false },
    provoke: () =>
      inCall(({ model, clock }) => {
        model.push(...turn(), { type: 'response_created', responseId: 'r1' });
        clock.advance(7_000);
      }),
  },
  {
    ...{ name: 'a response that was stopped and does not end', code: 'RESPONSE_TIMEOUT', retryable: true, clip: false, ends: false },
    provoke: () =>
      inCall(({ model, session, clock }) => {
        model.push(...turn(), ...replyBegins('r1', 'a1', 'Well', 500));
        session.interrupt();
        clock.advance(2_000);
      }),
  },
  {
    ...{ name: 'a turn that the model does not answer by itself: it is asked', code: 'RESPONSE_TIMEOUT', retryable: true, clip: false, ends: false },
    provoke: () =>
      inCall(({ model, clock }) => {
        model.push(...turn());
        clock.advance(5_000);
      }),
  },
  {
    ...{ name: 'a model that refuses for the sake of a response that it does not show', code: 'RESPONSE_TIMEOUT', retryable: true, clip: true, ends: false },
    provoke: () =>
      inCall(({ session, model, clock }) => {
        session.sendMessage('Hello');
        for (let time = 0; time < 6; time += 1) {
          const eventId = model.commandsOf('create_response').at(-1)?.eventId ?? '';
          model.push({ type: 'model_error', eventId, error: { code: 'conversation_already_has_active_response', message: 'One is active.' } });
          clock.advance(1_000);
        }
      }),
  },
  {
    ...{ name: 'a model that is deaf', code: 'SPEECH_UNANSWERED', retryable: true, clip: false, ends: false },
    provoke: () =>
      inCall(({ session, clock }) => {
        for (let at = 0; at < 7_000; at += 20) {
          const loud = at > 2_000 && at % 300 < 200;
          session.sendAudio(loud ? voice(20) : new Uint8Array(960));
          clock.advance(20);
        }
      }),
  },
  {
    ...{ name: 'a listener that is mute', code: 'PLAYBACK_STALLED', retryable: true, clip: false, ends: false },
    provoke: () =>
      inCall(
        ({ model, clock }) => {
          model.push(...replyBegins('r1', 'a1', 'Hello.', 1_000), ...replyEnds('r1', 'a1', 'Hello.'));
          clock.advance(5_000);
        },
        { playback: 'reported' },
      ),
  },
  {
    ...{ name: 'a history edit that is refused', code: 'HISTORY_EDIT_FAILED', retryable: false, clip: false, ends: false },
    provoke: () =>
      inCall(({ session, model }) => {
        session.setContext('order', 'It is on its way.');
        model.push({ type: 'model_error', eventId: model.commandsOf('create_item')[0]?.eventId ?? '', error: { code: 'invalid_value', message: 'No.' } });
      }),
  },
  {
    ...{ name: 'a history edit that is not answered', code: 'HISTORY_EDIT_FAILED', retryable: true, clip: false, ends: false },
    provoke: () =>
      inCall(({ session, clock }) => {
        session.setContext('order', 'It is on its way.');
        clock.advance(10_000);
      }),
  },
  {
    ...{ name: 'a truncation that is refused: the model has less than we', clip: false, ends: false },
    provoke: () =>
      inCall(({ session, model }) => {
        model.push(...replyBegins('r1', 'a1', 'Well', 500));
        session.interrupt();
        model.push({ type: 'model_error', eventId: model.commandsOf('truncate_item')[0]?.eventId ?? '', error: { code: 'item_truncate_invalid_item_id', message: 'No such item.' } });
        model.push({ type: 'response_done', responseId: 'r1', status: 'cancelled', output: [] });
      }),
  },
  {
    ...{ name: 'a hand-off that is refused', code: 'HANDOFF_FAILED', retryable: false, clip: false, ends: false },
    provoke: () => inCall(({ session }) => session.updateAgent(new RealtimeAgent({ name: 'Bo' })), { model: refusing('invalid_value') }),
  },
  {
    ...{ name: 'a voice that cannot change: the rest of the new agent is taken', clip: false, ends: false },
    provoke: () => inCall(({ session }) => session.updateAgent(new RealtimeAgent({ name: 'Bo', voice: 'cedar' }), { entry: 'silent' }), { model: refusing('cannot_update_voice', 1) }),
  },
  {
    ...{ name: 'audio that is billed and not decoded', code: 'AUDIO_UNDECODED', retryable: false, clip: false, ends: false },
    provoke: () => inCall(({ model }) => model.push(...turn(), { type: 'response_created', responseId: 'r1' }, { type: 'response_done', responseId: 'r1', status: 'completed', usage: usage(200), output: [] })),
  },
  {
    ...{ name: 'a tail that is missing', code: 'AUDIO_MISMATCH', retryable: false, clip: false, ends: false },
    provoke: () => inCall(({ model }) => model.push(...turn(), ...replyBegins('r1', 'a1', SENTENCE, 1_000), ...replyEnds('r1', 'a1', SENTENCE)), { anomalies: true }),
  },
  {
    ...{ name: 'a response without an end', code: 'RESPONSE_TOO_LONG', retryable: false, clip: false, ends: false },
    provoke: () => inCall(({ model }) => model.push(...turn(), ...replyBegins('r1', 'a1', SENTENCE, 6_000), { type: 'response_done', responseId: 'r1', status: 'cancelled', output: [] }), { anomalies: { maxResponseMs: 5_000 } }),
  },
  {
    ...{ name: 'a buzz', code: 'AUDIO_STUCK', retryable: true, clip: true, ends: false },
    provoke: () =>
      inCall(
        ({ model }) => {
          model.push(...turn(), ...replyBegins('r1', 'a1', SENTENCE, 0));
          for (let piece = 0; piece < 90; piece += 1) model.push({ type: 'audio_delta', responseId: 'r1', itemId: 'a1', contentIndex: 0, bytes: tone(100) });
          model.push({ type: 'response_done', responseId: 'r1', status: 'cancelled', output: [] });
        },
        { anomalies: { stuckSound: 'stop' } },
      ),
  },
  toolFault('throws', act({ execute: () => Promise.reject(new Error('disk full')) })),
  toolFault('throws an object', act({ execute: () => Promise.reject({ message: { deep: true } } as unknown as Error) })),
  toolFault('takes too long and stops', act({ timeoutMs: 1_000, execute: (_args, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))) }), undefined, 1_100),
  toolFault('takes too long and does not stop', act({ timeoutMs: 1_000, execute: () => new Promise<string>(() => {}) }), undefined, 1_600),
  toolFault('is not known', act(), ['c1', 'other', '{}']),
  toolFault('gets arguments that are no JSON', act(), ['c1', 'act', '{"a"']),
  toolFault('gets arguments that do not fit', tool({ name: 'act', description: 'Acts.', parameters: z.object({ people: z.number() }), execute: () => 'done' }) as never, ['c1', 'act', '{"people":"two"}']),
  toolFault('gives what cannot be written', act({ execute: () => ({ n: 1n }) as unknown as object })),
  toolFault('fails and asks for no answer', act({ respond: false, execute: () => Promise.reject(new Error('disk full')) }), undefined, 0, { clip: true }),
  {
    ...{ name: 'a call whose id was used for another', code: 'TOOL_CALL_CONFLICT', retryable: false, clip: false, ends: false },
    provoke: () =>
      inCall(
        async ({ model }) => {
          model.push(...turn(), ...calls('r1', ['c1', 'act', '{}']));
          await settle();
          model.push(...calls('r2', ['c1', 'act', '{"other":1}']));
        },
        { tools: [act()] },
      ),
  },
  {
    ...{ name: 'a guardrail that throws', code: 'GUARDRAIL_FAILED', retryable: false, clip: false, ends: false },
    provoke: () =>
      inCall(({ session }) => void session.sendMessage('Hello'), {
        guardrails: {
          input: [
            {
              name: 'rules',
              check: () => {
                throw new Error('no rules');
              },
            },
          ],
        },
      }),
  },
  {
    ...{ name: 'a guardrail that takes too long', code: 'GUARDRAIL_FAILED', retryable: false, clip: false, ends: false },
    provoke: () =>
      inCall(
        async ({ session, clock }) => {
          session.sendMessage('Hello');
          await clock.advanceAsync(2_100, 100);
        },
        { guardrails: { input: [{ name: 'slow', check: () => new Promise<'pass'>(() => {}) }] } },
      ),
  },
  {
    ...{ name: 'a guardrail that trips on every safe answer', code: 'GUARDRAIL_FAILED', retryable: false, clip: true, ends: false },
    provoke: () =>
      inCall(
        async ({ model }) => {
          for (let time = 0; time < 4; time += 1) {
            const metadata = model.commandsOf('create_response').at(-1)?.request.metadata ?? {};
            model.push(...replyBegins(`r${time}`, `a${time}`, 'A secret.', 500, metadata));
            await settle();
            model.push(...replyEnds(`r${time}`, `a${time}`, 'A secret.', 'cancelled'));
          }
        },
        { guardrails: { output: [{ name: 'never', check: () => ({ tripped: true, reason: 'No.' }) }] } },
      ),
  },
  {
    ...{ name: 'a handler of the application that throws', code: 'HANDLER_FAILED', retryable: false, clip: false, ends: false },
    provoke: () =>
      inCall(({ session, model }) => {
        session.on('input_committed', () => {
          throw new Error('a bug');
        });
        model.push({ type: 'input_committed', itemId: 'u1' });
      }),
  },
];
