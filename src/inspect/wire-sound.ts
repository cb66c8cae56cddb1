import { bytesToSamples, samplesToMs } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';
import type { AudioRef, PlacedSound, RecordingLine } from '../recording/index.js';
import { EndPlacement } from './placement.js';

/** The sound in a wire's messages: the caller's had ended when it came, the model's begins. */
export function wireSound(lines: readonly RecordingLine[], track: 'caller' | 'agent', format: AudioFormat): readonly PlacedSound[] {
  const placement = new EndPlacement();
  return lines.flatMap((line) => {
    if (line.type !== 'message' || typeof line.message !== 'object' || line.message === null) return [];
    const ref = Object.values(line.message).find((value): value is AudioRef => typeof value === 'object' && value !== null && (value as { $audio?: unknown }).$audio === track);
    if (ref?.at === undefined) return [];
    const samples = bytesToSamples(format, ref.bytes);
    const durationMs = samplesToMs(format, samples);
    const place = track === 'caller' ? placement.place(durationMs, line.at) : { fromMs: line.at, toMs: line.at + durationMs };
    return [{ trackSample: bytesToSamples(format, ref.at), samples, ...place }];
  });
}
