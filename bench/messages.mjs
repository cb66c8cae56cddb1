// What the measured clients are sent: messages as OpenAI's realtime API sends them today, made once, before anything is measured.

let nextEvent = 0;

function message(type, fields) {
  nextEvent += 1;
  return JSON.stringify({ type, event_id: `event_${nextEvent.toString(36).padStart(21, 'C')}`, ...fields });
}

/** Noise at the loudness of speech; audio of zeros would be the same base64 over and over. */
function pcm(bytes, seed) {
  const samples = new Int16Array(bytes / 2);
  let state = seed + 1;
  for (let index = 0; index < samples.length; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    samples[index] = (state >>> 18) - 8192;
  }
  return Buffer.from(samples.buffer);
}

const id = (prefix, number) => `${prefix}_${String(number).padStart(21, 'D')}`;

export const sessionFields = {
  type: 'realtime',
  object: 'realtime.session',
  id: id('sess', 1),
  model: 'gpt-realtime',
  output_modalities: ['audio'],
  instructions: 'You are a helpful assistant.',
  tools: [],
  tool_choice: 'auto',
  max_output_tokens: 'inf',
  tracing: null,
  expires_at: Math.floor(Date.now() / 1000) + 3600,
  audio: {
    input: {
      format: { type: 'audio/pcm', rate: 24000 },
      transcription: null,
      noise_reduction: null,
      turn_detection: { type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 200, idle_timeout_ms: null, create_response: true, interrupt_response: true },
    },
    output: { format: { type: 'audio/pcm', rate: 24000 }, voice: 'marin', speed: 1 },
  },
};

export const sessionCreated = () => message('session.created', { session: sessionFields });
export const sessionUpdated = () => message('session.updated', { session: sessionFields });

function responseFields(responseId, status, output = []) {
  return {
    object: 'realtime.response',
    id: responseId,
    status,
    status_details: null,
    output,
    conversation_id: id('conv', 1),
    output_modalities: ['audio'],
    max_output_tokens: 'inf',
    audio: { output: { format: { type: 'audio/pcm', rate: 24000 }, voice: 'marin' } },
    usage:
      status === 'completed'
        ? {
            total_tokens: 253,
            input_tokens: 132,
            output_tokens: 121,
            input_token_details: { text_tokens: 119, audio_tokens: 13, image_tokens: 0, cached_tokens: 64, cached_tokens_details: { text_tokens: 64, audio_tokens: 0, image_tokens: 0 } },
            output_token_details: { text_tokens: 30, audio_tokens: 91 },
          }
        : null,
    metadata: null,
  };
}

const messageItem = (itemId, role, status, content) => ({ id: itemId, type: 'message', status, role, content, object: 'realtime.item' });

/** A response that has begun, with the item that its deltas belong to. */
export function responseBegins(number, item = messageItem(id('item', number), 'assistant', 'in_progress', [])) {
  const responseId = id('resp', number);
  return [
    message('response.created', { response: responseFields(responseId, 'in_progress') }),
    message('response.output_item.added', { response_id: responseId, output_index: 0, item }),
    message('conversation.item.added', { previous_item_id: null, item }),
  ];
}

/** `count` audio deltas of `bytes` bytes of PCM16, of the response and item of that number. */
export function audioDeltas(number, count, bytes) {
  const place = { response_id: id('resp', number), item_id: id('item', number), output_index: 0, content_index: 0 };
  return Array.from({ length: count }, (_, index) => message('response.output_audio.delta', { ...place, delta: pcm(bytes, index).toString('base64'), obfuscation: 'k3J9sQ2x' }));
}

export function callBegins(number) {
  return responseBegins(number, { id: id('item', number), object: 'realtime.item', type: 'function_call', status: 'in_progress', name: 'book_table', call_id: id('call', number), arguments: '' });
}

/** The end of a call that nobody wants any more, so that no tool has to run. */
export const callEnds = (number) => [message('response.done', { response: responseFields(id('resp', number), 'cancelled') })];

/** Arguments of a tool as they come: some characters at a time. */
export function argumentDeltas(number, count) {
  const place = { response_id: id('resp', number), item_id: id('item', number), output_index: 0, call_id: id('call', number) };
  const pieces = ['{"', 'people', '":', '2', ',"', 'day', '":"', 'Friday', '","', 'time', '":"', '19:30', '"}'];
  return Array.from({ length: count }, (_, index) => message('response.function_call_arguments.delta', { ...place, delta: pieces[index % pieces.length], obfuscation: 'k3J9sQ2x' }));
}

/** Items of an earlier conversation, as the model confirms them. */
export function historyItems(count) {
  const messages = [];
  let previous = null;
  for (let index = 0; index < count; index += 1) {
    const user = index % 2 === 0;
    const itemId = id('past', index);
    const content = [user ? { type: 'input_text', text: `Question ${index}, of the usual length of a spoken sentence.` } : { type: 'output_text', text: `Answer ${index}, which takes about as long to say as the question did.` }];
    const item = messageItem(itemId, user ? 'user' : 'assistant', 'completed', content);
    messages.push(message('conversation.item.added', { previous_item_id: previous, item }), message('conversation.item.done', { previous_item_id: previous, item }));
    previous = itemId;
  }
  return messages;
}

/** One turn: the user speaks, is written down and answered with 1 s of audio; at the end both items are taken out again, so that a history keeps its length. */
export function turn(number) {
  const userId = id('user', number);
  const responseId = id('resp', number);
  const itemId = id('item', number);
  const words = ['Of ', 'course', ', ', 'a ', 'table ', 'for ', 'two ', 'on ', 'Friday', '.'];
  const text = words.join('');
  const place = { response_id: responseId, item_id: itemId, output_index: 0, content_index: 0 };
  const user = messageItem(userId, 'user', 'completed', [{ type: 'input_audio', transcript: null }]);
  const done = messageItem(itemId, 'assistant', 'completed', [{ type: 'output_audio', transcript: text }]);
  return [
    message('input_audio_buffer.speech_started', { audio_start_ms: 1000, item_id: userId }),
    message('input_audio_buffer.speech_stopped', { audio_end_ms: 2000, item_id: userId }),
    message('input_audio_buffer.committed', { previous_item_id: null, item_id: userId }),
    message('conversation.item.added', { item: user }),
    message('conversation.item.done', { item: user }),
    ...responseBegins(number).slice(0, 2),
    message('conversation.item.added', { previous_item_id: userId, item: messageItem(itemId, 'assistant', 'in_progress', []) }),
    message('conversation.item.input_audio_transcription.delta', { item_id: userId, content_index: 0, delta: 'A table for two on Friday.' }),
    message('conversation.item.input_audio_transcription.completed', { item_id: userId, content_index: 0, transcript: 'A table for two on Friday.' }),
    message('response.content_part.added', { ...place, part: { type: 'audio', transcript: '' } }),
    ...words.map((delta) => message('response.output_audio_transcript.delta', { ...place, delta })),
    ...audioDeltas(number, 10, 4800),
    message('response.output_audio.done', place),
    message('response.output_audio_transcript.done', { ...place, transcript: text }),
    message('response.content_part.done', { ...place, part: { type: 'audio', transcript: text } }),
    message('conversation.item.done', { previous_item_id: userId, item: done }),
    message('response.output_item.done', { response_id: responseId, output_index: 0, item: done }),
    message('response.done', { response: responseFields(responseId, 'completed', [done]) }),
    message('conversation.item.deleted', { item_id: userId }),
    message('conversation.item.deleted', { item_id: itemId }),
  ];
}
