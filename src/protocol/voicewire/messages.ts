import type { WireSessionEvent } from './wire-event.js';

/** Text messages from a client to the gateway. */
export type ClientMessage =
  /** The first message; starts the conversation. `audio: false` is a client that only types. */
  | { readonly type: 'start'; readonly client: string; readonly audio: boolean }
  | { readonly type: 'text'; readonly text: string }
  /** So many samples of the item have been heard in total. */
  | { readonly type: 'playback'; readonly epoch: number; readonly item: number; readonly samples: number }
  | { readonly type: 'interrupt' }
  | { readonly type: 'commit' }
  | { readonly type: 'end' };

/** What the gateway says of its model: `label` names it, `note` says what a person should know about it. */
export interface ModelDescription {
  readonly label: string;
  readonly note?: string;
}

/** Text messages from the gateway to a client. */
export type GatewayMessage =
  | { readonly type: 'ready'; readonly protocol: number; readonly sessionId: string; readonly agent: string; readonly model: ModelDescription; readonly sampleRate: number }
  /** The following audio frames of `item` belong to this part of this item of the conversation. */
  | { readonly type: 'item'; readonly item: number; readonly itemId: string; readonly responseId: string; readonly contentIndex: number; readonly epoch: number }
  | { readonly type: 'item_end'; readonly item: number; readonly epoch: number; readonly samples: number }
  | { readonly type: 'clear'; readonly epoch: number }
  /** Hold the sound where it is (`pause`), or play it 12 dB softer (`duck`), until `resume` or `clear`. */
  | { readonly type: 'pause'; readonly epoch: number; readonly how: 'pause' | 'duck' }
  /** Play on from the sample at which the sound was held, at full level. */
  | { readonly type: 'resume'; readonly epoch: number }
  | { readonly type: 'event'; readonly event: WireSessionEvent }
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly hint?: string }
  | { readonly type: 'ended'; readonly reason: string };

/** The text of a message. */
export function serializeMessage(message: ClientMessage | GatewayMessage): string {
  return JSON.stringify(message);
}
