import { PCM16_24K, msToBytes } from '../../audio/index.js';
import type { SessionEvent, SessionEventBody } from '../../session/index.js';

/** What is told, and when. */
export type Told = readonly [atMs: number, event: SessionEventBody];

/** Events of a call that never was: each at its moment. */
export function callEvents(...told: readonly Told[]): SessionEvent[] {
  return told.map(([timestamp, event]) => ({ ...event, info: { sessionId: 's', agentName: 'Ava', timestamp } }) as SessionEvent);
}

/** `ms` of the agent's sound. */
export function sound(itemId: string, ms: number, epoch = 0): SessionEventBody {
  return { type: 'audio', responseId: `r-${itemId}`, itemId, contentIndex: 0, epoch, chunk: { bytes: new Uint8Array(msToBytes(PCM16_24K, ms)), format: PCM16_24K, firstSample: 0 } };
}

/** The agent's text, all of it. */
export function said(itemId: string, text: string, heard: { heardText: string; heardMs: number } | undefined = undefined): SessionEventBody {
  return { type: 'history_updated', changes: [{ op: 'update', item: { type: 'message', itemId, role: 'assistant', status: 'completed', text, spoken: true, heardText: heard?.heardText ?? text, unheardText: '', ...(heard === undefined ? {} : { heardMs: heard.heardMs }) } }] };
}

export function cut(itemId: string, heardMs: number): SessionEventBody {
  return { type: 'audio_interrupted', epoch: 1, itemId, responseId: `r-${itemId}`, contentIndex: 0, heardMs, heardText: 'There are', unheardText: ' a few' };
}

export const opened: SessionEventBody = { type: 'connection', connection: { state: 'open' } };
export const speechStarts: SessionEventBody = { type: 'input_speech_started', itemId: 'u1', audioStartMs: 0 };
export const speechStops: SessionEventBody = { type: 'input_speech_stopped', itemId: 'u1', audioEndMs: 0 };
/** Passes the time. */
export const later: SessionEventBody = { type: 'input_committed', itemId: 'u9' };
