import { basename } from 'node:path';
import { decodeSamples } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';
import { recordedMicrophone } from '../recording/index.js';
import type { PlacedSound, Recording } from '../recording/index.js';
import { eventRows } from './event-rows.js';
import { agentSound } from './heard-sound.js';
import type { AgentSound } from './heard-sound.js';
import { bucketMsFor, peaksOf } from './peaks.js';
import { microphoneMoment } from './microphone-moment.js';
import { eventsOf } from './recorded-events.js';
import type { RecordedEvent } from './recorded-events.js';
import { readConnection, readResponses, readSpeech, readTools, readWireConnections } from './spans.js';
import type { HeardItem, Interruption, ResponseSpan, Timeline } from './timeline.js';
import { readTurns } from './turns.js';
import { wireSound } from './wire-sound.js';

/** Both sides of the call as they were heard, for whoever plays them. */
export interface CallSound {
  readonly caller: SoundLane;
  readonly agent: SoundLane;
}

export interface SoundLane {
  readonly sound: readonly PlacedSound[];
  /** The whole track; empty where none is kept. */
  readonly samples: Int16Array;
  readonly sampleRate: number;
}

/** Makes a timeline of a recording, and the sound to it. Throws `HostError` `RECORDING_AUDIO_MISSING`. */
export function readTimeline(recording: Recording): { readonly timeline: Timeline; readonly sound: CallSound } {
  const { header, lines } = recording;
  const endMs = lines.reduce((latest, { at }) => Math.max(latest, at), header.clockMs);
  const durationMs = Math.max(1, endMs - header.clockMs);
  const events = eventsOf(lines);
  const [inputFormat, outputFormat] = [recording.tracks.get('caller') ?? header.audio.input, recording.tracks.get('agent') ?? header.audio.output];
  const caller = header.level === 'wire' ? wireSound(lines, 'caller', inputFormat) : recordedMicrophone(lines, inputFormat);
  const agent = header.level === 'wire' ? wireAgent(wireSound(lines, 'agent', outputFormat)) : agentSound(lines, endMs);
  const responses = readResponses(events, endMs);
  const tools = readTools(events, endMs);
  const interruptions = readInterruptions(events, agent);
  const callerSamples = trackSamples(recording, 'caller', inputFormat);
  const agentSamples = trackSamples(recording, 'agent', outputFormat);
  const bucketMs = bucketMsFor(durationMs);
  const peaks = (sound: readonly PlacedSound[], samples: Int16Array): string =>
    samples.length === 0 ? '' : Buffer.from(peaksOf(sound, samples, header.clockMs, durationMs, bucketMs).buffer).toString('base64');
  const timeline: Timeline = {
    name: basename(recording.path).replace(/\.vw\.jsonl$/, ''),
    level: header.level,
    ...(header.sessionId === undefined ? {} : { sessionId: header.sessionId }),
    ...(header.startedAt === undefined ? {} : { startedAt: header.startedAt }),
    peers: header.peers,
    startMs: header.clockMs,
    endMs,
    complete: recording.complete,
    turns: readTurns(lines, { responses, tools, interruptions, endMs }),
    responses,
    tools,
    interruptions,
    speech: readSpeech(events, endMs, (ms) => microphoneMoment(caller, inputFormat, ms)),
    heard: withTexts(agent.items, events),
    connection: header.level === 'wire' ? readWireConnections(lines, endMs) : readConnection(events, endMs),
    heardFrom: agent.source,
    depth: agent.depth,
    totals: readTotals(events, responses),
    rows: eventRows(lines),
    peaks: { bucketMs, caller: peaks(caller, callerSamples), received: peaks(agent.received, agentSamples), heard: peaks(agent.heard, agentSamples) },
  };
  return { timeline, sound: { caller: { sound: caller, samples: callerSamples, sampleRate: inputFormat.sampleRate }, agent: { sound: agent.heard, samples: agentSamples, sampleRate: outputFormat.sampleRate } } };
}

/** On a wire nobody tells what was heard: the sound is placed as a player would play it that never waits. */
function wireAgent(received: readonly PlacedSound[]): AgentSound {
  let endMs = -Infinity;
  const heard = received.map((sound) => {
    const fromMs = Math.max(endMs, sound.fromMs);
    endMs = fromMs + sound.toMs - sound.fromMs;
    return { ...sound, fromMs, toMs: endMs };
  });
  const squeezed = received.map((sound, index) => ({ ...sound, toMs: Math.min(sound.toMs, Math.max(sound.fromMs, received[index + 1]?.fromMs ?? Infinity)) }));
  return { source: 'clock', received: squeezed, heard, items: [], depth: { atMs: [], depthMs: [] }, cuts: [] };
}

function trackSamples(recording: Recording, track: string, { encoding }: AudioFormat): Int16Array {
  if (!recording.tracks.has(track)) return new Int16Array(0);
  return decodeSamples(encoding, recording.trackBytes(track));
}

function readInterruptions(events: readonly RecordedEvent[], agent: AgentSound): readonly Interruption[] {
  const cuts = agent.cuts.values();
  return events.flatMap(({ atMs, event }) => {
    if (event.type !== 'audio_interrupted') return [];
    const { itemId, heardMs, heardText, unheardText } = event;
    return [{ atMs, ...(itemId === undefined ? {} : { itemId }), heardMs, heardText, unheardText, unheardMs: cuts.next().value?.unheardMs ?? 0 }];
  });
}

function withTexts(items: AgentSound['items'], events: readonly RecordedEvent[]): readonly HeardItem[] {
  const texts = new Map<string, string>();
  for (const { event } of events) {
    if (event.type === 'transcript_delta' && event.role === 'agent') texts.set(event.itemId, (texts.get(event.itemId) ?? '') + event.delta);
    else if (event.type === 'audio_interrupted' && event.itemId !== undefined) texts.set(event.itemId, event.heardText);
  }
  return items.map((item) => ({ ...item, text: texts.get(item.itemId) ?? '' }));
}

function readTotals(events: readonly RecordedEvent[], responses: readonly ResponseSpan[]): Timeline['totals'] {
  const last = events.findLast(({ event }) => event.type === 'cost')?.event;
  const call = last?.type === 'cost' ? last.call : undefined;
  return {
    inputTokens: responses.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
    outputTokens: responses.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
    usd: call?.usd ?? 0,
    unpriced: (call?.unpricedResponses ?? 0) + (call?.unpricedTranscriptions ?? 0),
    errors: events.filter(({ event }) => event.type === 'error').length,
  };
}
