/** The numbers of `voicewire.v1`; docs/client-protocol.md says each of them in words. Both ends read them here. */

export const SUBPROTOCOL = 'voicewire.v1';
/** A browser cannot set headers on a WebSocket: it sends its token as a second offered subprotocol that begins with this. */
export const TOKEN_SUBPROTOCOL_PREFIX = 'voicewire.token.';
export const SOCKET_PATH = '/v1/voice';
export const PROTOCOL_VERSION = 1;

/** PCM16 mono both ways. */
export const SAMPLE_RATE = 24_000;
/** Either kind of message, in bytes: 1 s of audio is 48 016, so this leaves room for both. */
export const MAX_MESSAGE_BYTES = 64 * 1024;
/** One binary frame holds at most a second. */
export const MAX_FRAME_SAMPLES = SAMPLE_RATE;
/** How far the gateway may run ahead of what the client says it has heard. */
export const WINDOW_SAMPLES = 4 * SAMPLE_RATE;
/** What a client must be able to hold: the window, and what is on its way while an acknowledgement travels. */
export const CLIENT_BUFFER_SAMPLES = 6 * SAMPLE_RATE;
/** From the open socket to `start`. */
export const START_TIMEOUT_MS = 5_000;
/** While sound plays, the gateway hears of it at least this often. */
export const MAX_PLAYBACK_REPORT_MS = 100;
export const MAX_TEXT_CHARACTERS = 8_000;
export const MAX_CLIENT_NAME_CHARACTERS = 200;
/** `item` and `epoch` are 32 bits wide in the audio header. */
export const MAX_UINT32 = 0xffff_ffff;

/** Close codes of RFC 6455 section 7.4 as this protocol uses them, and its own. */
export const CLOSE = {
  ended: 1000,
  goingAway: 1001,
  /** Not JSON, or a broken audio header. */
  badData: 1007,
  /** Understood, but not allowed. */
  policy: 1008,
  tooBig: 1009,
  internal: 1011,
  /** The gateway is full, or the client reads too slowly. */
  tryLater: 1013,
  modelUnavailable: 4001,
  /** Sent by a client: the gateway broke the protocol. (A browser may only send 1000 and codes from 3000 on.) */
  brokenByGateway: 4002,
} as const;

/** The subprotocols that a client offers, best first. */
export function offeredSubprotocols(token?: string): string[] {
  return token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, `${TOKEN_SUBPROTOCOL_PREFIX}${token}`];
}
