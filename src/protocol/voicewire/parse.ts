import { ProtocolError } from '../../../session/index.js';
import { CLOSE, MAX_CLIENT_NAME_CHARACTERS, MAX_TEXT_CHARACTERS, MAX_UINT32 } from './limits.js';
import type { ClientMessage, GatewayMessage } from './messages.js';
import { isWireEventType } from './wire-event.js';
import type { WireSessionEvent } from './wire-event.js';

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads a client's text message. The gateway is strict: what is not JSON is `ProtocolError` `PROTOCOL_BAD_FRAME`, an unknown `type` or a wrong
 * member is `PROTOCOL_BAD_EVENT`; {@link closeCodeFor} says how the socket then closes. Members that are not known are left out.
 */
export function parseClientMessage(text: string): ClientMessage {
  const message = parseObject(text);
  const type = message['type'];
  switch (type) {
    case 'start':
      return { type, client: string(message, 'client', 1, MAX_CLIENT_NAME_CHARACTERS), audio: boolean(message, 'audio') };
    case 'text':
      return { type, text: string(message, 'text', 1, MAX_TEXT_CHARACTERS) };
    case 'playback':
      return { type, epoch: count(message, 'epoch'), item: count(message, 'item'), samples: count(message, 'samples') };
    case 'interrupt':
    case 'commit':
    case 'end':
      return { type };
    default:
      throw badEvent(typeof type === 'string' ? `This protocol has no client message ${JSON.stringify(type.slice(0, 40))}.` : 'A message has a string member "type".');
  }
}

/**
 * Reads a gateway's text message. A client is lenient: an unknown `type`, or an `event` of an unknown type, is `undefined` and to be ignored, since
 * a later gateway may say more. A known message with a wrong member is `ProtocolError` `PROTOCOL_BAD_EVENT`, no JSON is `PROTOCOL_BAD_FRAME`.
 * Of an event only its `type` and `info` are looked at: the rest is the gateway's word.
 */
export function parseGatewayMessage(text: string): GatewayMessage | undefined {
  const message = parseObject(text);
  const type = message['type'];
  switch (type) {
    case 'ready': {
      const model = object(message, 'model');
      const note = optionalString(model, 'note');
      return {
        type,
        protocol: count(message, 'protocol'),
        sessionId: string(message, 'sessionId', 1),
        agent: string(message, 'agent'),
        model: { label: string(model, 'label'), ...(note === undefined ? {} : { note }) },
        sampleRate: count(message, 'sampleRate'),
      };
    }
    case 'item':
      return {
        type,
        item: count(message, 'item'),
        itemId: string(message, 'itemId', 1),
        responseId: string(message, 'responseId'),
        contentIndex: count(message, 'contentIndex'),
        epoch: count(message, 'epoch'),
      };
    case 'item_end':
      return { type, item: count(message, 'item'), epoch: count(message, 'epoch'), samples: count(message, 'samples') };
    case 'clear':
    case 'resume':
      return { type, epoch: count(message, 'epoch') };
    case 'pause': {
      const how = string(message, 'how');
      if (how !== 'pause' && how !== 'duck') throw wrongMember(message, 'how', '"pause" or "duck"');
      return { type, epoch: count(message, 'epoch'), how };
    }
    case 'event': {
      const event = object(message, 'event');
      if (!isWireEventType(string(event, 'type'))) return undefined;
      object(event, 'info');
      return { type, event: event as unknown as WireSessionEvent };
    }
    case 'error': {
      const hint = optionalString(message, 'hint');
      return { type, code: string(message, 'code', 1), message: string(message, 'message'), ...(hint === undefined ? {} : { hint }) };
    }
    case 'ended':
      return { type, reason: string(message, 'reason') };
    default:
      if (typeof type !== 'string') throw badEvent('A message has a string member "type".');
      return undefined;
  }
}

/** 1007 for data that cannot be read at all, 1008 for a message that is understood and not allowed. */
export function closeCodeFor(error: ProtocolError): typeof CLOSE.badData | typeof CLOSE.policy {
  return error.code === 'PROTOCOL_BAD_FRAME' ? CLOSE.badData : CLOSE.policy;
}

function parseObject(text: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('PROTOCOL_BAD_FRAME', 'A text message is not JSON.', { cause, hint: 'Send one JSON object in each text message.' });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badEvent('A text message is one JSON object.');
  return value as Members;
}

function object(message: Members, name: string): Members {
  const value = message[name];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongMember(message, name, 'an object');
  return value as Members;
}

function string(message: Members, name: string, min = 0, max = Infinity): string {
  const value = message[name];
  if (typeof value !== 'string' || value.length < min || value.length > max) {
    throw wrongMember(message, name, max === Infinity ? 'a string' : `a string of ${min} to ${max} characters`);
  }
  return value;
}

function optionalString(message: Members, name: string): string | undefined {
  return message[name] === undefined ? undefined : string(message, name);
}

function boolean(message: Members, name: string): boolean {
  const value = message[name];
  if (typeof value !== 'boolean') throw wrongMember(message, name, 'true or false');
  return value;
}

function count(message: Members, name: string): number {
  const value = message[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_UINT32) throw wrongMember(message, name, `a whole number from 0 to ${MAX_UINT32}`);
  return value;
}

function wrongMember(message: Members, name: string, wanted: string): ProtocolError {
  const type = message['type'];
  return badEvent(`${typeof type === 'string' ? `"${type.slice(0, 40)}"` : 'A message'} needs "${name}" to be ${wanted}.`);
}

function badEvent(message: string): ProtocolError {
  return new ProtocolError('PROTOCOL_BAD_EVENT', message, { hint: 'docs/client-protocol.md lists every message and its members.' });
}
