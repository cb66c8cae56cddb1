import { ProtocolError } from '../../../session/index.js';
import type { ModelInput, ModelItem } from '../../../session/index.js';
import { base64 } from './base64.js';
import { readErrorInfo } from './wire-error.js';
import { BadField, count, index, isObject, millis, object, text } from './wire-fields.js';
import type { WireObject } from './wire-fields.js';
import { readItem } from './wire-item.js';
import { readResponseCreated, readResponseDone, readSessionConfigured, readSessionCreated, readTranscriptionUsage } from './wire-response.js';

/**
 * Reads one message of a realtime model: JSON text, either dialect (the current one and the earlier beta), and the looser servers that are
 * compatible with them. Throws `ProtocolError` `PROTOCOL_BAD_EVENT` for a text that is not a JSON object with a `type`, and for an event that
 * we know whose members are not what they must be. An event that we do not know is a `raw_message`.
 */
export function parseMessage(message: string): readonly ModelInput[] {
  let raw: unknown;
  try {
    raw = JSON.parse(message);
  } catch {
    // The parser's own error quotes the message, which may hold what was said.
    throw badEvent('The model sent a message that is not JSON.');
  }
  return parse(raw);
}

/** Like {@link parseMessage}, of a message that is parsed already. A function of its argument alone. */
export function parse(raw: unknown): readonly ModelInput[] {
  if (!isObject(raw)) throw badEvent('The model sent a message that is not an object.');
  const name = raw['type'];
  if (typeof name !== 'string') throw badEvent('The model sent a message without a type.');
  const read = READERS.get(name);
  if (read === undefined) return [{ type: 'raw_message', name, raw }];
  try {
    return read(raw);
  } catch (error) {
    if (error instanceof BadField) throw badEvent(`The model sent a ${name} without a usable ${error.field}.`);
    throw error;
  }
}

function badEvent(message: string): ProtocolError {
  return new ProtocolError('PROTOCOL_BAD_EVENT', message, { hint: 'The message was skipped. If there are more, the server speaks another protocol than the realtime one.' });
}

type Reader = (event: WireObject) => readonly ModelInput[];

const one =
  (read: (event: WireObject) => ModelInput): Reader =>
  (event) => [read(event)];

// ---- what the model generates: the hot paths ----

const audioDelta: Reader = (event) => {
  const bytes = base64.decode(text(event, 'delta'));
  if (bytes === undefined) throw new BadField('delta');
  return [{ type: 'audio_delta', ...placeOf(event), bytes }];
};

const textDelta =
  (of: 'audio' | 'text'): Reader =>
  (event) => [{ type: 'output_text_delta', of, responseId: text(event, 'response_id'), itemId: text(event, 'item_id'), contentIndex: index(event, 'content_index'), delta: text(event, 'delta') }];

const argumentsDelta: Reader = (event) => [
  { type: 'arguments_delta', responseId: text(event, 'response_id'), itemId: text(event, 'item_id'), callId: text(event, 'call_id'), delta: text(event, 'delta') },
];

const textDone =
  (of: 'audio' | 'text', field: 'text' | 'transcript'): Reader =>
  (event) => [{ type: 'output_text_done', of, ...placeOf(event), text: text(event, field) }];

function placeOf(event: WireObject): { responseId: string; itemId: string; contentIndex: number } {
  return { responseId: text(event, 'response_id'), itemId: text(event, 'item_id'), contentIndex: index(event, 'content_index') };
}

function callOf(event: WireObject): { responseId: string; itemId: string; callId: string } {
  return { responseId: text(event, 'response_id'), itemId: text(event, 'item_id'), callId: text(event, 'call_id') };
}

// ---- what the user said ----

function transcriptPlaceOf(event: WireObject): { itemId: string; contentIndex: number } {
  return { itemId: text(event, 'item_id'), contentIndex: index(event, 'content_index') };
}

const userTranscript =
  (final: boolean): Reader =>
  (event) => {
    const usage = readTranscriptionUsage(event['usage']);
    return [
      {
        type: 'user_transcript',
        ...transcriptPlaceOf(event),
        text: text(event, 'transcript'),
        final: final && event['status'] !== 'in_progress',
        ...(usage === undefined ? {} : { usage }),
      },
    ];
  };

// ---- the conversation ----

/** Absent is not known, null is the head of the conversation. */
function previousOf(event: WireObject): { previousItemId?: string | null } {
  const previous = event['previous_item_id'];
  if (previous === undefined) return {};
  if (previous !== null && typeof previous !== 'string') throw new BadField('previous_item_id');
  return { previousItemId: previous };
}

/**
 * One compatible server (xAI) writes `null` with every tool call and output, wherever it stands; at the head of a conversation, where `null`
 * is true, neither makes sense. So there it means: not known.
 */
function itemPlaceOf(event: WireObject, item: ModelItem): { previousItemId?: string | null } {
  const place = previousOf(event);
  return place.previousItemId === null && item.type !== 'message' ? {} : place;
}

const itemAdded: Reader = (event) => {
  const item = readItem(event['item'], 'in_progress');
  return [{ type: 'item_added', item, ...itemPlaceOf(event, item) }];
};

/** The beta says once what the current dialect says twice; a user's item is complete at once. */
const itemCreated: Reader = (event) => {
  const item = readItem(event['item'], 'completed');
  const added: ModelInput = { type: 'item_added', item, ...itemPlaceOf(event, item) };
  return 'status' in item && item.status === 'in_progress' ? [added] : [added, { type: 'item_done', item }];
};

const outputItem =
  (type: 'output_item_added' | 'output_item_done'): Reader =>
  (event) => [
    { type, responseId: text(event, 'response_id'), outputIndex: index(event, 'output_index'), item: readItem(event['item'], type === 'output_item_added' ? 'in_progress' : 'completed') },
  ];

const modelError: Reader = (event) => {
  const { error } = event;
  if (!isObject(error) && typeof error !== 'string') throw new BadField('error');
  const eventId = isObject(error) ? error['event_id'] : undefined;
  return [{ type: 'model_error', error: readErrorInfo(error), ...(typeof eventId === 'string' ? { eventId } : {}) }];
};

/** A map and not an object, so that no name of an event can reach a prototype. Names of the beta stand below those that took their place. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['response.output_audio.delta', audioDelta],
  ['response.audio.delta', audioDelta],
  ['response.output_audio_transcript.delta', textDelta('audio')],
  ['response.audio_transcript.delta', textDelta('audio')],
  ['response.output_text.delta', textDelta('text')],
  ['response.text.delta', textDelta('text')],
  ['response.function_call_arguments.delta', argumentsDelta],
  ['response.output_audio.done', one((event) => ({ type: 'audio_done', ...placeOf(event) }))],
  ['response.audio.done', one((event) => ({ type: 'audio_done', ...placeOf(event) }))],
  ['response.output_audio_transcript.done', textDone('audio', 'transcript')],
  ['response.audio_transcript.done', textDone('audio', 'transcript')],
  ['response.output_text.done', textDone('text', 'text')],
  ['response.text.done', textDone('text', 'text')],
  [
    'response.function_call_arguments.done',
    one((event) => {
      const { name } = event;
      return { type: 'arguments_done', ...callOf(event), ...(typeof name === 'string' ? { name } : {}), arguments: text(event, 'arguments') };
    }),
  ],
  [
    'response.mcp_call_arguments.delta',
    one((event) => ({ type: 'mcp_arguments_delta', responseId: text(event, 'response_id'), itemId: text(event, 'item_id'), delta: text(event, 'delta') })),
  ],
  ['response.mcp_call.in_progress', one((event) => ({ type: 'mcp_call_running', itemId: text(event, 'item_id') }))],
  ['mcp_list_tools.failed', one((event) => ({ type: 'mcp_list_failed', itemId: text(event, 'item_id') }))],
  ['response.created', one(readResponseCreated)],
  ['response.done', one(readResponseDone)],
  ['response.output_item.added', outputItem('output_item_added')],
  ['response.output_item.done', outputItem('output_item_done')],

  ['conversation.item.added', itemAdded],
  ['conversation.item.created', itemCreated],
  ['conversation.item.done', one((event) => ({ type: 'item_done', item: readItem(event['item'], 'completed') }))],
  ['conversation.item.deleted', one((event) => ({ type: 'item_deleted', itemId: text(event, 'item_id') }))],
  [
    'conversation.item.truncated',
    one((event) => ({ type: 'item_truncated', itemId: text(event, 'item_id'), contentIndex: count(event, 'content_index'), audioEndMs: millis(event, 'audio_end_ms') })),
  ],

  ['input_audio_buffer.speech_started', one((event) => ({ type: 'speech_started', itemId: text(event, 'item_id'), audioStartMs: millis(event, 'audio_start_ms') }))],
  ['input_audio_buffer.speech_stopped', one((event) => ({ type: 'speech_stopped', itemId: text(event, 'item_id'), audioEndMs: millis(event, 'audio_end_ms') }))],
  ['input_audio_buffer.committed', one((event) => ({ type: 'input_committed', itemId: text(event, 'item_id'), ...previousOf(event) }))],
  // Only where the provider carries the call itself (WebRTC, SIP): what it plays does not come over the control socket.
  ['output_audio_buffer.started', (event) => [{ type: 'audio_elsewhere', responseId: text(event, 'response_id') }, { type: 'raw_message', name: 'output_audio_buffer.started', raw: event }]],
  ['input_audio_buffer.cleared', one(() => ({ type: 'input_cleared' }))],
  [
    'conversation.item.input_audio_transcription.delta',
    // Its delta is optional: there may be only log probabilities.
    (event) => (event['delta'] === undefined ? [] : [{ type: 'user_transcript_delta', ...transcriptPlaceOf(event), delta: text(event, 'delta') }]),
  ],
  ['conversation.item.input_audio_transcription.updated', userTranscript(false)],
  ['conversation.item.input_audio_transcription.completed', userTranscript(true)],
  [
    'conversation.item.input_audio_transcription.failed',
    one((event) => ({ type: 'user_transcript_failed', ...transcriptPlaceOf(event), error: readErrorInfo(object(event, 'error')) })),
  ],

  ['session.created', one(readSessionCreated)],
  ['transcription_session.created', one(readSessionCreated)],
  ['session.updated', one(readSessionConfigured)],
  ['transcription_session.updated', one(readSessionConfigured)],
  ['error', modelError],
]);
