import { bytesToSamples } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';
import type { SessionEvent, SessionInput } from '../../session/index.js';
import type { AudioRef } from './format.js';
import type { Recording } from './recording-reader.js';
import { steady } from './steady-clock.js';
import type { Sighting } from './steady-clock.js';

/** A piece of a track and where in the call it was heard. */
export interface Placement {
  readonly side: 'caller' | 'agent';
  readonly track: string;
  /** Of the track. */
  readonly fromSample: number;
  readonly samples: number;
  /** Ms from the beginning of the recording. */
  readonly startMs: number;
}

export interface CallMark {
  readonly atMs: number;
  readonly text: string;
}

export interface CallTimeline {
  readonly placements: readonly Placement[];
  readonly marks: readonly CallMark[];
  readonly durationMs: number;
}

/** Sound of the agent in the order of its own samples, and how it was heard. */
interface Item {
  /** Where in the track each run of it stands. */
  readonly runs: { readonly firstSample: number; readonly samples: number; readonly trackSample: number; readonly atMs: number }[];
  readonly sightings: Sighting[];
  samples: number;
  /** Nothing after this sample was heard. */
  cut?: number;
}

/**
 * Where in a call each piece of sound was heard. The caller's is put where the microphone took it up; the agent's where the listener reported to have
 * heard it, and by the clock where nobody reports. What an interruption cut off is left out. A function of the recording alone.
 */
export function placeCall(recording: Recording): CallTimeline {
  const { input, output } = recording.header.audio;
  const { clockMs } = recording.header;
  const microphone: Sighting[] = [];
  const items = new Map<string, Item>();
  const marks: CallMark[] = [];
  let micSamples = 0;
  let turns = 0;
  for (const line of recording.lines) {
    const atMs = line.at - clockMs;
    if (line.type === 'input') {
      const said = line.input as SessionInput & { bytes?: AudioRef; report?: { itemId: string; contentIndex: number; samples: number } };
      if (said.type === 'microphone') {
        micSamples += bytesToSamples(input, (said.bytes as unknown as AudioRef).bytes);
        microphone.push({ samples: micSamples, atMs });
      } else if (said.type === 'playback') items.get(`${said.report.itemId}/${said.report.contentIndex}`)?.sightings.push({ samples: said.report.samples, atMs });
    } else if (line.type === 'event') {
      const event = line.event as unknown as SessionEvent;
      if (event.type === 'audio') addAudio(items, event, output, atMs);
      else if (event.type === 'audio_interrupted') {
        interrupt(items, event, output, atMs);
        marks.push({ atMs, text: 'interrupted' });
      } else if (event.type === 'input_speech_started') marks.push({ atMs, text: 'caller speaks' });
      else if (event.type === 'turn_metrics') {
        turns += 1;
        marks.push({ atMs: (event.marks.firstFrameHeardMs ?? event.marks.firstFrameSentMs ?? line.at) - clockMs, text: `turn ${turns} (${event.turnId})` });
      } else if (event.type === 'tool_start') marks.push({ atMs, text: `tool ${event.toolName}` });
      else if (event.type === 'tool_end') marks.push({ atMs, text: `tool ${event.toolName} ${event.outcome}` });
    }
  }
  const placements: Placement[] = steady(microphone, input.sampleRate).map(({ fromSample, toSample, startMs }) => ({ side: 'caller', track: 'caller', fromSample, samples: toSample - fromSample, startMs }));
  placements.push(...[...items.values()].some(({ sightings }) => sightings.length > 0) ? reported(items, output) : byClock(items, output));
  placements.sort((a, b) => a.startMs - b.startMs);
  return { placements, marks: marks.sort((a, b) => a.atMs - b.atMs), durationMs: (recording.lines.at(-1)?.at ?? clockMs) - clockMs };
}

function addAudio(items: Map<string, Item>, event: Extract<SessionEvent, { type: 'audio' }>, format: AudioFormat, atMs: number): void {
  const ref = event.chunk.bytes as unknown as AudioRef;
  // A copy (a filler, a piece that was cut in two) is in no track.
  if (ref.$audio !== 'agent' || ref.at === undefined) return;
  const key = `${event.itemId}/${event.contentIndex}`;
  const item: Item = items.get(key) ?? { runs: [], sightings: [], samples: 0 };
  items.set(key, item);
  const samples = bytesToSamples(format, ref.bytes);
  item.runs.push({ firstSample: event.chunk.firstSample, samples, trackSample: bytesToSamples(format, ref.at), atMs });
  item.samples = Math.max(item.samples, event.chunk.firstSample + samples);
}

/** The item that sounded is cut at what was heard; what waited behind it was never heard. */
function interrupt(items: Map<string, Item>, event: Extract<SessionEvent, { type: 'audio_interrupted' }>, format: AudioFormat, atMs: number): void {
  const heard = `${event.itemId ?? ''}/${event.contentIndex ?? 0}`;
  for (const [key, item] of items) {
    if (item.cut !== undefined) continue;
    if (key === heard) item.cut = Math.floor((event.heardMs * format.sampleRate) / 1000);
    // It is not the one that sounds: it was heard to its end.
    else if (item.sightings.length > 0) item.cut = item.samples;
    else item.cut = playedByClock(item, format) <= atMs ? item.samples : 0;
  }
}

function playedByClock({ runs, samples }: Item, format: AudioFormat): number {
  return (runs[0]?.atMs ?? 0) + (samples * 1000) / format.sampleRate;
}

function reported(items: ReadonlyMap<string, Item>, format: AudioFormat): Placement[] {
  return [...items.values()].flatMap((item) => {
    const stretches = steady(item.sightings, format.sampleRate);
    const last = stretches.at(-1);
    const end = Math.min(item.cut ?? item.samples, item.samples);
    // What was heard after the last report, as far as it is known to have been.
    if (last !== undefined && last.toSample < end) stretches[stretches.length - 1] = { ...last, toSample: end };
    return stretches.flatMap(({ fromSample, toSample, startMs }) => pieces(item, fromSample, Math.min(toSample, end), startMs, format));
  });
}

/** One after the other, each from the moment when it came. */
function byClock(items: ReadonlyMap<string, Item>, format: AudioFormat): Placement[] {
  let freeMs = 0;
  return [...items.values()].flatMap((item) => {
    const end = item.cut ?? item.samples;
    return item.runs.flatMap((run) => {
      const startMs = Math.max(run.atMs, freeMs);
      const placed = pieces({ ...item, runs: [run] }, run.firstSample, Math.min(run.firstSample + run.samples, end), startMs, format);
      if (placed.length > 0) freeMs = startMs + (run.samples * 1000) / format.sampleRate;
      return placed;
    });
  });
}

/** The samples `from`..`to` of an item, wherever in the track they stand. */
function pieces(item: Item, from: number, to: number, startMs: number, format: AudioFormat): Placement[] {
  return item.runs.flatMap(({ firstSample, samples, trackSample }) => {
    const [first, end] = [Math.max(from, firstSample), Math.min(to, firstSample + samples)];
    if (first >= end) return [];
    return [{ side: 'agent', track: 'agent', fromSample: trackSample + first - firstSample, samples: end - first, startMs: startMs + ((first - from) * 1000) / format.sampleRate }];
  });
}
