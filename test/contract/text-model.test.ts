import { openaiText } from '../../src/provider/openai/openai-text.js';
import { scriptedTextModel } from '../../src/provider/scripted/scripted-text-model.js';
import type { ScriptedAnswer } from '../../src/provider/scripted/scripted-text-model.js';
import { OpenaiTestServer, chatChunks, chatSse, functionCall, message, reasoning, refusal, responseEvents, sse, wholeChat, wholeResponse } from '../helpers/openai-server/index.js';
import type { Answer, WireItem } from '../helpers/openai-server/index.js';
import { describeTextModel } from './text-model.contract.js';
import type { TextModelUnderTest, WantedAnswer } from './text-model.contract.js';

const NEVER = new Promise<void>(() => {});

function responseItems({ text, refusal: words, reasoning: thoughts, calls = [] }: WantedAnswer): WireItem[] {
  return [
    ...(thoughts === undefined ? [] : [reasoning(thoughts)]),
    ...(text === undefined ? [] : [message(text)]),
    ...(words === undefined ? [] : [refusal(words)]),
    ...calls.map((call) => functionCall(call.name, call.arguments, call.callId)),
  ];
}

function endOfResponse({ cut }: WantedAnswer): { status?: 'incomplete'; reason?: string } {
  return cut === true ? { status: 'incomplete', reason: 'max_output_tokens' } : {};
}

function chatAnswer({ calls = [], cut, ...rest }: WantedAnswer) {
  return { ...rest, calls: calls.map(({ callId, ...call }) => ({ id: callId, ...call })), ...(cut === true ? { finishReason: 'length' } : {}) };
}

async function underTest(options: { api: 'responses' | 'chat'; stream?: boolean }, whole: (wanted: WantedAnswer) => Answer, begun: (wanted: WantedAnswer) => string): Promise<TextModelUnderTest> {
  const server = await OpenaiTestServer.start();
  return {
    model: openaiText({ model: 'gpt-test', baseUrl: server.baseUrl, ...options }),
    answer: (wanted) => server.answer(whole(wanted)),
    answerAndStall: (wanted) => server.answer({ parts: [begun(wanted), NEVER] }),
    requestEnded: async () => (await server.taken()).over,
    requestCount: () => server.requests.length,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const begunResponse = (wanted: WantedAnswer): string => sse(responseEvents(responseItems(wanted)).slice(0, 6));
const begunChat = (wanted: WantedAnswer): string => chatSse(chatChunks(chatAnswer(wanted)).slice(0, 2)).replace('data: [DONE]\n\n', '');

describeTextModel('responses, streamed', { streams: true, reasoning: true, usage: true }, () =>
  underTest({ api: 'responses' }, (wanted) => ({ parts: [sse(responseEvents(responseItems(wanted), endOfResponse(wanted)))] }), begunResponse),
);
describeTextModel('responses, in one piece', { streams: false, reasoning: true, usage: true }, () =>
  underTest({ api: 'responses' }, (wanted) => wholeResponse(responseItems(wanted), endOfResponse(wanted)), begunResponse),
);
describeTextModel('chat, streamed', { streams: true, reasoning: true, usage: true }, () =>
  underTest({ api: 'chat' }, (wanted) => ({ parts: [chatSse(chatChunks(chatAnswer(wanted)))] }), begunChat),
);
describeTextModel('chat, in one piece', { streams: false, reasoning: true, usage: true }, () => underTest({ api: 'chat' }, (wanted) => wholeChat(chatAnswer(wanted)), begunChat));

function scriptedUnderTest(whole: boolean): Promise<TextModelUnderTest> {
  const answers: ScriptedAnswer[] = [];
  const model = scriptedTextModel([0, 1].map(() => () => answers.shift() ?? {}));
  const scripted = ({ cut, ...wanted }: WantedAnswer): ScriptedAnswer => ({ ...wanted, whole, ...(cut === true ? { incomplete: 'max_output_tokens' } : {}) });
  return Promise.resolve({
    model,
    answer: (wanted) => void answers.push(scripted(wanted)),
    answerAndStall: (wanted) => void answers.push({ ...scripted(wanted), whole: false, hangs: true }),
    requestEnded: () => Promise.resolve(model.open === 0),
    requestCount: () => model.requests.length,
    [Symbol.asyncDispose]: async () => {},
  });
}

describeTextModel('scripted, streamed', { streams: true, reasoning: true, usage: false }, () => scriptedUnderTest(false));
describeTextModel('scripted, in one piece', { streams: false, reasoning: true, usage: false }, () => scriptedUnderTest(true));
