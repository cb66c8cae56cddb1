// One call and one run that every runtime holds, with what the package gives and nothing of the runtime itself. Plain data comes out, the same everywhere.

/** A model that says back, sample for sample, what it was sent before it was asked. */
const echo = {
  label: 'echo',
  async connect({ onInput, onClose }) {
    const heard = [];
    queueMicrotask(() => onInput({ type: 'model_session_created', modelSessionId: 'echo' }));
    const answer = (metadata) => {
      const ids = { responseId: 'r1', itemId: 'i1', contentIndex: 0 };
      const item = { type: 'message', id: 'i1', role: 'assistant', status: 'completed', content: [{ type: 'output_audio', transcript: 'Echo.' }] };
      onInput({ type: 'response_created', responseId: 'r1', metadata });
      onInput({ type: 'output_item_added', responseId: 'r1', outputIndex: 0, item: { ...item, status: 'in_progress', content: [] } });
      onInput({ type: 'output_text_delta', of: 'audio', delta: 'Echo.', ...ids });
      for (const bytes of heard.splice(0)) onInput({ type: 'audio_delta', bytes, ...ids });
      onInput({ type: 'audio_done', ...ids });
      onInput({ type: 'output_text_done', of: 'audio', text: 'Echo.', ...ids });
      onInput({ type: 'output_item_done', responseId: 'r1', outputIndex: 0, item });
      onInput({ type: 'response_done', responseId: 'r1', status: 'completed', output: [item] });
    };
    return {
      bufferedBytes: 0,
      send({ type, bytes, config, request }) {
        if (type === 'append_audio') heard.push(bytes.slice());
        if (type === 'configure') queueMicrotask(() => onInput({ type: 'model_session_configured', inputFormat: config.inputFormat, outputFormat: config.outputFormat }));
        if (type === 'create_response') queueMicrotask(() => answer(request?.metadata));
      },
      async close() {
        onClose({ code: 1000, reason: '', byUs: true });
      },
    };
  },
};

/** A language model that asks for the hour, and then tells it. */
const clock = {
  label: 'clock',
  async *respond({ input }) {
    const told = input.find(({ type }) => type === 'function_call_output');
    yield { type: 'response_started', responseId: 'r' };
    const item = told === undefined ? { type: 'function_call', id: 'i1', callId: 'c1', name: 'hour', arguments: '{}' } : { type: 'message', id: 'i2', text: `It is ${told.output}.` };
    if (item.type === 'message') yield { type: 'text_delta', itemId: 'i2', delta: item.text };
    yield { type: 'item_done', item };
    yield { type: 'response_done', responseId: 'r', status: 'completed', output: [item] };
  },
};

/** Samples that are all different from their neighbours. */
function sawtooth(ms) {
  const samples = new Int16Array(ms * 24);
  for (let at = 0; at < samples.length; at += 1) samples[at] = ((at * 37) % 4_001) - 2_000;
  return new Uint8Array(samples.buffer);
}

function digest(chunks) {
  let [bytes, sum] = [0, 0];
  for (const chunk of chunks) {
    for (const byte of chunk) sum = (sum * 31 + byte) % 4_294_967_291;
    bytes += chunk.length;
  }
  return { bytes, sum };
}

async function echoCall({ RealtimeAgent, RealtimeSession }) {
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Echo' }), { model: echo, config: { turnDetection: null } });
  const sound = [];
  const types = [];
  session.on('audio', ({ chunk }) => void sound.push(chunk.bytes));
  session.on('agent_end', ({ outcome }) => void types.push(outcome));
  await session.connect();
  const said = sawtooth(400);
  // At an odd offset of its memory, as a socket hands it over.
  const inMemory = new Uint8Array(said.length + 1);
  inMemory.set(said, 1);
  for (let at = 1; at < inMemory.length; at += 1_002) session.sendAudio(inMemory.subarray(at, Math.min(at + 1_002, inMemory.length)));
  await session.commit().done;
  const history = session.history.map(({ role, type }) => role ?? type);
  await session.close();
  return { sent: digest([said]), heard: digest(sound), types, history };
}

async function textRun({ Agent, runStreamed, tool }) {
  const hour = tool({ name: 'hour', description: 'Tells the hour.', parameters: { type: 'object', properties: {} }, execute: () => 'seven' });
  const running = runStreamed(new Agent({ name: 'Clock', tools: [hour] }), 'What time is it?', { model: clock });
  const types = [];
  for await (const { type } of running.flatEvents()) if (types.at(-1) !== type) types.push(type);
  return { types, output: await running.finalOutput };
}

/** Server-sent events as a response of the Fetch standard, and the reader of them. */
async function eventStream({ eventResponse, EventStreamParser }) {
  async function* words() {
    for (const text of ['Gödel', '😀\n', '']) yield { type: 'word', text };
  }
  const response = eventResponse(words());
  const parser = new EventStreamParser();
  const read = [];
  const reader = response.body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) for (const { data, type } of parser.push(piece.value)) read.push(type === 'word' ? JSON.parse(data).text : type);
  return { type: response.headers.get('content-type'), read };
}

/** Everything that needs no socket. */
export async function inProcess(doors) {
  return { call: await echoCall(doors), run: await textRun(doors), events: await eventStream(doors) };
}
