import { bytesToSamples, samplesToMs, steady } from '../../audio/index.js';
import type { AudioFormat, Sighting } from '../../audio/index.js';
import type { AudioRef, RecordingLine } from './format.js';
import type { PlacedSound } from './recorded-playout.js';

/** The microphone's sound where it was spoken: a chunk had ended when it came, or a little before. */
export function recordedMicrophone(lines: readonly RecordingLine[], format: AudioFormat): readonly PlacedSound[] {
  const sightings: Sighting[] = [];
  for (const line of lines) {
    const ref = line.type === 'input' && line.input.type === 'microphone' ? (line.input as unknown as { bytes: AudioRef }).bytes : undefined;
    if (ref !== undefined && ref.$audio === 'caller' && ref.at !== undefined) sightings.push({ samples: bytesToSamples(format, ref.at + ref.bytes), atMs: line.at });
  }
  return steady(sightings, format.sampleRate).map(({ fromSample, toSample, startMs }) => {
    const samples = toSample - fromSample;
    return { trackSample: fromSample, samples, fromMs: startMs, toMs: startMs + samplesToMs(format, samples) };
  });
}
