/**
 * Whether audio is what the configuration says. Formats are fixed for the life of a session, so what does not fit was sent wrongly, by the
 * application or by the model, and would be heard as a roar. Looked at only until some hundred ms with sound in them have come, anew on each
 * connection; told once for each direction.
 */
import { checkEncoding } from '../../audio/index.js';
import type { AudioFormat, LikelyEncoding } from '../../audio/index.js';
import { ProtocolError } from '../errors.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';

const NAMES = {
  pcm16: 'PCM16 (little-endian)',
  pcm16_swapped: 'PCM16 with the high byte first, or cut in the middle of a sample',
  mulaw: 'G.711 µ-law',
  alaw: 'G.711 A-law',
} as const satisfies Record<LikelyEncoding, string>;

/** Takes the next audio of a direction that is still looked at. */
export function watchFormat(context: StepContext, direction: 'input' | 'output', bytes: Uint8Array): void {
  const { formatWatch, config } = context.state;
  const check = formatWatch[direction];
  const verdict = check === undefined ? undefined : checkEncoding(check, bytes);
  if (verdict === undefined) return;
  delete formatWatch[direction];
  if (verdict === 'as_declared') return;
  formatWatch.told[direction] = true;
  const { encoding, sampleRate } = direction === 'input' ? config.inputFormat : config.outputFormat;
  emit(context, { type: 'error', error: mismatch(direction, encoding, sampleRate, verdict) });
}

function mismatch(direction: 'input' | 'output', declared: AudioFormat['encoding'], sampleRate: number, likely: LikelyEncoding): ProtocolError {
  const [whose, hint] =
    direction === 'input'
      ? ['The microphone audio', 'Set config.inputFormat to what is sent, or convert it before sendAudio().']
      : ["The model's audio", 'The server has not taken over config.outputFormat: compare it with what the server confirms, or choose a format that it has.'];
  return new ProtocolError('AUDIO_FORMAT_MISMATCH', `${whose} is declared as ${NAMES[declared]} at ${sampleRate} Hz and looks like ${NAMES[likely]}.`, { stage: 'audio', hint });
}
