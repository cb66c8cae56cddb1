import { closeSync, openSync, writeSync } from 'node:fs';
import { bytesPerSample, clipToInt16, decodeSamples, samplesToPcm16, wavHeader } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';
import { HostError } from '../host/errors.js';
import { cannotWrite } from '../host/file-errors.js';
import { placeCall } from './call-placement.js';
import type { CallMark, Placement } from './call-placement.js';
import type { Recording } from './recording-reader.js';

/** What is made at once: the memory that a file of any length takes. */
const BLOCK_MS = 10_000;

/**
 * Writes a call as it was heard into a stereo WAV file: the caller on the left, the agent on the right, with cue marks for turns, tools and
 * interruptions. It begins with the recording. Throws `HostError`: `RECORDING_INVALID` for a recording that is not of a session or kept no sound,
 * `FILE_NOT_WRITABLE`.
 */
export function writeCallWav(recording: Recording, path: string): void {
  const { header } = recording;
  if (header.level !== 'session' || header.audio.keep !== 'files') {
    throw new HostError('RECORDING_INVALID', `${recording.path} is not the recording of a session with its sound.`, { hint: 'Record a session, and keep its audio as files.' });
  }
  const { placements, marks, durationMs } = placeCall(recording);
  const sampleRate = Math.max(header.audio.input.sampleRate, header.audio.output.sampleRate);
  const frames = Math.ceil((Math.max(durationMs, ...ends(recording, placements)) * sampleRate) / 1000);
  const cues = cueChunks(marks, sampleRate, frames);
  const dataBytes = frames * 4;
  let file: number;
  try {
    file = openSync(path, 'w');
  } catch (cause) {
    throw cannotWrite(path, 'Choose a path in a folder that exists and that you may write to.', cause);
  }
  try {
    const head = wavHeader({ sampleRate, channels: 2, dataBytes });
    new DataView(head.buffer).setUint32(4, head.length - 8 + dataBytes + cues.length, true);
    writeSync(file, head);
    const blockFrames = Math.ceil((BLOCK_MS * sampleRate) / 1000);
    let first = 0;
    for (let at = 0; at < frames; at += blockFrames) {
      const block = new Int16Array(Math.min(blockFrames, frames - at) * 2);
      // Sorted by their beginning: those that ended long ago are not looked at again.
      while (first < placements.length && endFrame(recording, placements[first] as Placement, sampleRate) <= at) first += 1;
      for (let index = first; index < placements.length; index += 1) {
        const placement = placements[index] as Placement;
        if (startFrame(placement, sampleRate) >= at + block.length / 2) break;
        mix(recording, placement, block, at, sampleRate);
      }
      writeSync(file, samplesToPcm16(block));
    }
    writeSync(file, cues);
  } finally {
    closeSync(file);
  }
}

function formatOf({ header }: Recording, side: Placement['side']): AudioFormat {
  return side === 'caller' ? header.audio.input : header.audio.output;
}

function startFrame({ startMs }: Placement, sampleRate: number): number {
  return Math.max(0, Math.round((startMs * sampleRate) / 1000));
}

function endFrame(recording: Recording, placement: Placement, sampleRate: number): number {
  return startFrame(placement, sampleRate) + Math.round((placement.samples * sampleRate) / formatOf(recording, placement.side).sampleRate);
}

function* ends(recording: Recording, placements: readonly Placement[]): Generator<number> {
  // The last of each side ends latest; a spread of all would be an argument list of any length.
  for (const side of ['caller', 'agent'] as const) {
    const last = placements.findLast((placement) => placement.side === side);
    if (last !== undefined) yield last.startMs + (last.samples * 1000) / formatOf(recording, side).sampleRate;
  }
}

/** Puts what falls into a block into it. Another rate is met halfway between two samples: this is for listening. */
function mix(recording: Recording, placement: Placement, block: Int16Array, blockStart: number, sampleRate: number): void {
  const format = formatOf(recording, placement.side);
  const ratio = format.sampleRate / sampleRate;
  const start = startFrame(placement, sampleRate);
  const [from, to] = [Math.max(start, blockStart), Math.min(endFrame(recording, placement, sampleRate), blockStart + block.length / 2)];
  if (from >= to) return;
  const channel = placement.side === 'caller' ? 0 : 1;
  const firstSource = placement.fromSample + Math.floor((from - start) * ratio);
  const source = samplesOf(recording, placement.track, format, firstSource, Math.ceil((to - from) * ratio) + 2);
  for (let frame = from; frame < to; frame += 1) {
    const position = placement.fromSample + (frame - start) * ratio - firstSource;
    const index = Math.floor(position);
    const [a, b] = [source[index] ?? 0, source[index + 1] ?? source[index] ?? 0];
    const sample = ratio === 1 ? a : a + (b - a) * (position - index);
    // Where a stretch ends a little after the next one begins, both are heard.
    block[(frame - blockStart) * 2 + channel] = clipToInt16(sample + (block[(frame - blockStart) * 2 + channel] ?? 0));
  }
}

function samplesOf(recording: Recording, track: string, format: AudioFormat, from: number, count: number): Int16Array {
  const width = bytesPerSample(format);
  return decodeSamples(format.encoding, recording.trackBytes(track).subarray(from * width, (from + count) * width));
}

/**
 * RIFF chunks `cue ` and `LIST adtl`, which stand after the audio: players and editors show them as markers.
 *
 *      cue : count, then for each: id, position, "data", 0, 0, frame
 *      labl: id, text, 0
 */
function cueChunks(marks: readonly CallMark[], sampleRate: number, frames: number): Uint8Array {
  if (marks.length === 0) return new Uint8Array(0);
  const labels = marks.map(({ text }) => Buffer.from(`${text}\0`));
  const cue = Buffer.alloc(12 + marks.length * 24);
  cue.write('cue ', 0, 'latin1');
  cue.writeUInt32LE(4 + marks.length * 24, 4);
  cue.writeUInt32LE(marks.length, 8);
  marks.forEach(({ atMs }, index) => {
    const at = 12 + index * 24;
    const frame = Math.min(Math.max(0, Math.round((atMs * sampleRate) / 1000)), Math.max(0, frames - 1));
    cue.writeUInt32LE(index + 1, at);
    cue.writeUInt32LE(frame, at + 4);
    cue.write('data', at + 8, 'latin1');
    cue.writeUInt32LE(frame, at + 20);
  });
  const parts = labels.map((label, index) => {
    const part = Buffer.alloc(12 + label.length + (label.length % 2));
    part.write('labl', 0, 'latin1');
    part.writeUInt32LE(4 + label.length, 4);
    part.writeUInt32LE(index + 1, 8);
    label.copy(part, 12);
    return part;
  });
  const list = Buffer.concat([Buffer.from('LIST\0\0\0\0adtl', 'latin1'), ...parts]);
  list.writeUInt32LE(list.length - 8, 4);
  return Buffer.concat([cue, list]);
}
