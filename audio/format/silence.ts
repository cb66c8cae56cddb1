import type { Encoding } from './audio-format.js';

/** The µ-law byte of silence: a 0 in µ-law would be the loudest sample there is. */
export const MULAW_SILENCE = 0xff;
/** The A-law byte of silence. */
export const ALAW_SILENCE = 0xd5;

/** The byte that, repeated, is silence in an encoding. */
export function silenceByte(encoding: Encoding): number {
  switch (encoding) {
    case 'pcm16':
      return 0;
    case 'mulaw':
      return MULAW_SILENCE;
    case 'alaw':
      return ALAW_SILENCE;
  }
}
