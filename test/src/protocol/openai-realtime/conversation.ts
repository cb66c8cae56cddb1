/** One conversation, a spoken turn with a tool call and a cut answer, as each dialect of the protocol writes it. Made up for these tests after the published schema. */
export type Dialect = 'current' | 'beta';

type Wire = Record<string, unknown> & { type: string };

const AUDIO = 'AAD/f/5/AYA=';

export function conversation(dialect: Dialect): Wire[] {
  const beta = dialect === 'beta';
  const out = (name: string): string => (beta ? `response.${name}` : `response.output_${name}`);
  const object = beta ? { object: 'realtime.item' } : {};
  const detection = { type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 450, create_response: true, interrupt_response: true };
  const session = beta
    ? { id: 'sess_1', object: 'realtime.session', modalities: ['text', 'audio'], input_audio_format: 'pcm16', output_audio_format: 'g711_ulaw', turn_detection: detection, voice: 'alloy', expires_at: 1900000000 }
    : {
        type: 'realtime',
        object: 'realtime.session',
        id: 'sess_1',
        output_modalities: ['audio'],
        expires_at: 1900000000,
        audio: { input: { format: { type: 'audio/pcm', rate: 24000 }, turn_detection: detection }, output: { format: { type: 'audio/pcmu' }, voice: 'alloy', speed: 1 } },
      };

  const user = { id: 'item_u', ...object, type: 'message', status: 'completed', role: 'user', content: [{ type: 'input_audio', transcript: null }] };
  const call = (status: string, args: string) => ({ id: 'item_c', ...object, type: 'function_call', status, name: 'get_weather', call_id: 'call_1', arguments: args });
  const output = { id: 'item_o', ...object, type: 'function_call_output', call_id: 'call_1', output: '{"sky":"blue"}', ...(beta ? { status: 'completed' } : {}) };
  const answer = (status: string, transcript?: string) => ({
    id: 'item_a',
    ...object,
    type: 'message',
    status,
    role: 'assistant',
    content: transcript === undefined ? [] : [{ type: beta ? 'audio' : 'output_audio', transcript }],
  });
  const response = (id: string, rest: object) => ({ object: 'realtime.response', id, status_details: null, output: [], usage: null, metadata: null, ...rest });
  const usage = {
    total_tokens: 30,
    input_tokens: 20,
    output_tokens: 10,
    input_token_details: { text_tokens: 12, audio_tokens: 8, cached_tokens: 4 },
    output_token_details: { text_tokens: 3, audio_tokens: 7 },
  };

  /** A whole item: twice in the current dialect, once in the beta. */
  const item = (value: object, previous: string | null): Wire[] =>
    beta
      ? [{ type: 'conversation.item.created', previous_item_id: previous, item: value }]
      : [
          { type: 'conversation.item.added', previous_item_id: previous, item: value },
          { type: 'conversation.item.done', previous_item_id: previous, item: value },
        ];
  /** An item that the model begins, and its end. */
  const begun = (responseId: string, value: object, previous: string): Wire[] => [
    { type: 'response.output_item.added', response_id: responseId, output_index: 0, item: value },
    { type: beta ? 'conversation.item.created' : 'conversation.item.added', previous_item_id: previous, item: value },
  ];
  const ended = (responseId: string, value: object): Wire[] => [
    ...(beta ? [] : [{ type: 'conversation.item.done', previous_item_id: null, item: value }]),
    { type: 'response.output_item.done', response_id: responseId, output_index: 0, item: value },
  ];
  const at = { response_id: 'resp_2', item_id: 'item_a', output_index: 0, content_index: 0 };
  const callAt = { response_id: 'resp_1', item_id: 'item_c', output_index: 0, call_id: 'call_1' };

  const events: Wire[] = [
    { type: 'session.created', session },
    { type: 'session.updated', session },
    { type: 'input_audio_buffer.speech_started', audio_start_ms: 120, item_id: 'item_u' },
    { type: 'input_audio_buffer.speech_stopped', audio_end_ms: 1780, item_id: 'item_u' },
    { type: 'input_audio_buffer.committed', previous_item_id: null, item_id: 'item_u' },
    ...item(user, null),
    { type: 'response.created', response: response('resp_1', { status: 'in_progress', metadata: { asked_by: 'test' } }) },
    ...begun('resp_1', call('in_progress', ''), 'item_u'),
    { type: 'response.function_call_arguments.delta', ...callAt, delta: '{"city":' },
    { type: 'conversation.item.input_audio_transcription.delta', item_id: 'item_u', content_index: 0, delta: 'Wie ist' },
    { type: 'response.function_call_arguments.delta', ...callAt, delta: '"Köln"}', ...(beta ? {} : { obfuscation: 'xyz' }) },
    { type: 'response.function_call_arguments.done', ...callAt, arguments: '{"city":"Köln"}', ...(beta ? {} : { name: 'get_weather' }) },
    { type: 'conversation.item.input_audio_transcription.completed', item_id: 'item_u', content_index: 0, transcript: 'Wie ist das Wetter?' },
    ...ended('resp_1', call('completed', '{"city":"Köln"}')),
    { type: 'response.done', response: response('resp_1', { status: 'completed', output: [call('completed', '{"city":"Köln"}')], usage }) },
    ...item(output, 'item_c'),
    { type: 'response.created', response: response('resp_2', { status: 'in_progress' }) },
    ...begun('resp_2', answer('in_progress'), 'item_o'),
    { type: out('audio_transcript.delta'), ...at, delta: 'The sky' },
    { type: out('audio.delta'), ...at, delta: AUDIO },
    { type: out('audio_transcript.delta'), ...at, delta: ' is blue' },
    { type: 'input_audio_buffer.speech_started', audio_start_ms: 4000, item_id: 'item_u2' },
    { type: out('audio.done'), ...at },
    { type: out('audio_transcript.done'), ...at, transcript: 'The sky is blue' },
    ...ended('resp_2', answer('incomplete', 'The sky is blue')),
    {
      type: 'response.done',
      response: response('resp_2', { status: 'cancelled', status_details: { type: 'cancelled', reason: 'turn_detected' }, output: [answer('incomplete', 'The sky is blue')], usage }),
    },
    { type: 'conversation.item.truncated', item_id: 'item_a', content_index: 0, audio_end_ms: 640 },
    { type: 'conversation.item.deleted', item_id: 'item_o' },
    { type: 'input_audio_buffer.cleared' },
    { type: 'conversation.item.input_audio_transcription.failed', item_id: 'item_u2', content_index: 0, error: { type: 'server_error', code: 'audio_unintelligible', message: 'No.', param: null } },
    { type: 'response.created', response: response('resp_3', { status: 'in_progress' }) },
    { type: out('text.delta'), ...at, response_id: 'resp_3', item_id: 'item_t', delta: 'Hi' },
    { type: out('text.done'), ...at, response_id: 'resp_3', item_id: 'item_t', text: 'Hi' },
    {
      type: 'response.done',
      response: response('resp_3', { status: 'failed', status_details: { type: 'failed', error: { type: 'server_error', code: 'rate_limit_exceeded', message: 'Slow down.' } } }),
    },
    { type: 'error', error: { type: 'invalid_request_error', code: 'response_cancel_not_active', message: 'Nothing to cancel.', param: null, event_id: 'ours_7' } },
  ];
  return events.map((event, index) => ({ event_id: `event_${index}`, ...event }));
}
