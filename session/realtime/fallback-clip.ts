import { encodeSamples, resampleWhole } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';

/** Speech that was recorded before: PCM16 mono. It is not written to, and must not change after it was given away. */
export interface FallbackClip {
  readonly samples: Int16Array;
  readonly sampleRate: number;
}

/** A clip is encoded once for all sessions that play it in one format. */
const encoded = new WeakMap<FallbackClip, Map<string, Uint8Array>>();

/** The bytes of a clip in a format: for whoever holds a caller's line and has no session to speak for it. They are shared: copy before writing. */
export function fallbackClipBytes(clip: FallbackClip, format: AudioFormat): Uint8Array {
  let byFormat = encoded.get(clip);
  if (byFormat === undefined) encoded.set(clip, (byFormat = new Map<string, Uint8Array>()));
  const key = `${format.encoding} ${format.sampleRate} ${format.channels}`;
  let bytes = byFormat.get(key);
  if (bytes === undefined) byFormat.set(key, (bytes = encode(clip, format)));
  return bytes;
}

function encode({ samples, sampleRate }: FallbackClip, { encoding, sampleRate: rate, channels }: AudioFormat): Uint8Array {
  const mono = resampleWhole(samples, sampleRate, rate);
  const all = channels === 1 ? mono : Int16Array.from({ length: mono.length * channels }, (_, index) => mono[Math.floor(index / channels)] ?? 0);
  // The clip stays the application's: what is kept shares nothing with it.
  return encodeSamples(encoding, all).slice();
}
