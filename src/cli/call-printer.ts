import type { HistoryItem, TurnMarks } from '../../session/index.js';
import type { GatewayReady, VoiceClientEvent } from '../client/index.js';
import { SAMPLE_RATE } from '../protocol/voicewire/index.js';
import type { WireSessionEvent } from '../protocol/voicewire/index.js';
import { harmless, painter } from './terminal.js';
import type { Terminal } from './terminal.js';

/** Shows a call as it happens. */
export interface CallPrinter {
  /** `atMs` counts from the start of the call. */
  ready(ready: GatewayReady, atMs: number): void;
  event(event: VoiceClientEvent, atMs: number): void;
  /** The call is over: tells of what was being said. */
  ended(atMs: number): void;
}

/**
 * One JSON object a line: session events as they come, `played` for each part heard to its end or cut (and, not `final`, for one in which the call
 * ended), and what the client itself tells.
 */
export function jsonPrinter(terminal: Terminal): CallPrinter {
  const print = (value: object): void => terminal.out(JSON.stringify(value));
  const playing = new Map<string, VoiceClientEvent>();
  return {
    ready: (ready, atMs) => print({ ...ready, type: 'ready', atMs: Math.round(atMs) }),
    event(event, atMs) {
      if (event.type === 'played') playing.delete(event.itemId);
      if (event.type === 'played' && !event.final) playing.set(event.itemId, event);
      else if (event.type === 'level') return;
      else if (event.type === 'event') print({ ...event.event, atMs: Math.round(atMs) });
      // The command ends with an error line of its own.
      else if (event.type !== 'error' && event.type !== 'closed') print({ ...event, atMs: Math.round(atMs) });
    },
    ended: (atMs) => playing.forEach((event) => print({ ...event, atMs: Math.round(atMs) })),
  };
}

/**
 * Lines for a person: who said what, which tools ran, how long each turn took. The agent's words are printed when they have been heard to their
 * end, or cut, and then with what was not heard.
 */
export function textPrinter(terminal: Terminal): CallPrinter {
  const { bold, dim, struck } = painter(terminal);
  const texts = new Map<string, string>();
  /** As far as they are known, also while they are being made. */
  const drafts = new Map<string, string>();
  const heardSamples = new Map<string, number>();
  const printed = new Set<string>();
  /** Items heard to their end whose text has not come yet. */
  const heard = new Set<string>();
  const spoken = new Set<string>();
  /** Samples of each item in all, once everything has arrived. */
  const whole = new Map<string, number>();
  const line = (atMs: number, who: string, text: string): void => terminal.out(`${dim(clockTime(atMs))}  ${(who === 'agent' ? bold : String)(who.padEnd(6))}  ${text}`);
  const once = (itemId: string, print: () => void): void => {
    if (printed.has(itemId)) return;
    printed.add(itemId);
    print();
  };

  function onHistory(item: HistoryItem, atMs: number): void {
    if (item.type !== 'message' || item.text === '') return;
    drafts.set(item.itemId, item.text);
    if (item.status === 'in_progress') return;
    texts.set(item.itemId, item.text);
    if (heard.has(item.itemId)) once(item.itemId, () => line(atMs, 'agent', harmless(item.text)));
    if (item.role === 'user') once(item.itemId, () => line(atMs, 'caller', harmless(item.text)));
    else if (item.role === 'assistant' && !spoken.has(item.itemId) && !item.spoken) once(item.itemId, () => line(atMs, 'agent', harmless(item.text)));
  }

  function onHeard(itemId: string, atMs: number): void {
    heard.add(itemId);
    const text = texts.get(itemId);
    if (text !== undefined) once(itemId, () => line(atMs, 'agent', harmless(text)));
  }

  function onSessionEvent(event: WireSessionEvent, atMs: number): void {
    switch (event.type) {
      case 'history_added':
        return onHistory(event.item, atMs);
      case 'history_updated':
        for (const change of event.changes) if (change.op !== 'delete') onHistory(change.item, atMs);
        return;
      case 'audio_interrupted': {
        const { itemId, heardMs, heardText, unheardText } = event;
        if (itemId === undefined) return;
        const lost = harmless(unheardText);
        const parts = [harmless(heardText), lost === '' ? '' : struck(`[not heard: ${lost}]`), dim(`cut after ${heardMs} ms`)];
        return once(itemId, () => line(atMs, 'agent', parts.filter((part) => part !== '').join(' ')));
      }
      case 'tool_end':
        return line(atMs, 'tool', `${harmless(event.toolName)}(${harmless(event.arguments)}) → ${harmless(event.output)} ${dim(`${event.outcome}, ${Math.round(event.durationMs)} ms`)}`);
      case 'turn_metrics': {
        const latency = latencyMs(event.marks);
        if (latency !== undefined) line(atMs, '', dim(`answered ${latency} ms after the end of speech`));
        return;
      }
      case 'error':
        return line(atMs, 'error', `${event.error.code}: ${harmless(event.error.message)}`);
      default:
    }
  }

  return {
    ready: ({ agent, model }) => terminal.out(`Talking to ${bold(harmless(agent))}, model ${harmless(model.label)}.${model.note === undefined ? '' : ` ${harmless(model.note)}`}`),
    event(event, atMs) {
      if (event.type === 'event') onSessionEvent(event.event, atMs);
      else if (event.type === 'audio_start') spoken.add(event.itemId);
      else if (event.type === 'played' && !event.final) heardSamples.set(event.itemId, event.samples);
      else if (event.type === 'audio_received') whole.set(event.itemId, event.samples);
      // What ended before its end was cut: `audio_interrupted` tells where.
      else if (event.type === 'played' && event.final && event.samples === whole.get(event.itemId)) onHeard(event.itemId, atMs);
      else if (event.type === 'pressure') line(atMs, '', dim(`${event.queue}: ${event.droppedFrames} frames dropped, ${event.underruns} gaps in the sound`));
    },
    ended(atMs) {
      for (const itemId of spoken) {
        const heardMs = Math.floor(((heardSamples.get(itemId) ?? 0) * 1000) / SAMPLE_RATE);
        const note = heard.has(itemId) ? '' : dim(`(the call ended after ${heardMs} ms of this)`);
        once(itemId, () => line(atMs, 'agent', `${harmless(drafts.get(itemId) ?? '')} ${note}`.trim()));
      }
    },
  };
}

/** From the end of the caller's speech to the first sound heard; absent for a turn that no speech began. */
function latencyMs({ speechEndMs, firstFrameHeardMs }: TurnMarks): number | undefined {
  return speechEndMs === undefined || firstFrameHeardMs === undefined ? undefined : Math.round(firstFrameHeardMs - speechEndMs);
}

/** `1:02.3`, for lines of a call. */
export function clockTime(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, '0')}`;
}
