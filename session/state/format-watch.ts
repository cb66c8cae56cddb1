/**
 * Whether audio is what the configuration says. Formats are fixed for the life of a session, so what does not fit was sent wrongly, by the
 * application or by the model, and would be heard as a roar. What the server confirms is compared as it comes, the sound itself only until some
 * hundred ms with sound in them have come, anew on each connection; told once for each direction.
 */
import { checkEncoding, sameFormat } from '../../audio/index.js';
import type { AudioFormat, LikelyEncoding } from '../../audio/index.js';
import { ProtocolError } from '../errors.js';
import type { ModelInput } from '../ports/model.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';

const NAMES = {
  pcm16: 'PCM16 (little-endian)',
  pcm16_swapped: 'PCM16 with the high byte first, or cut in the middle of a sample',
  mulaw: 'G.711 µ-law',
  alaw: 'G.711 A-law',
} as const satisfies Record<LikelyEncoding, string>;

type ConfirmedFormats = Pick<Extract<ModelInput, { type: 'model_session_configured' }>, 'inputFormat' | 'outputFormat'>;

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

/** Compares what the server says that it uses; a server that names no format leaves it to the sound. */
export function watchConfirmed(context: StepContext, confirmed: ConfirmedFormats): void {
  compare(context, 'input', confirmed.inputFormat);
  compare(context, 'output', confirmed.outputFormat);
}

function compare(context: StepContext, direction: 'input' | 'output', confirmed: AudioFormat | undefined): void {
  const { formatWatch, config } = context.state;
  const asked = direction === 'input' ? config.inputFormat : config.outputFormat;
  if (confirmed === undefined || formatWatch.told[direction] || sameFormat(asked, confirmed)) return;
  formatWatch.told[direction] = true;
  delete formatWatch[direction];
  emit(context, { type: 'error', error: notTakenOver(direction, asked, confirmed) });
}

function notTakenOver(direction: 'input' | 'output', asked: AudioFormat, confirmed: AudioFormat): ProtocolError {
  const [what, option] = direction === 'input' ? ['microphone audio', 'config.inputFormat'] : ['audio of the model', 'config.outputFormat'];
  return new ProtocolError('AUDIO_FORMAT_MISMATCH', `The server was asked for ${what} as ${nameOf(asked)} and confirms ${nameOf(confirmed)}.`, {
    stage: 'audio',
    hint: `Set ${option} to what the server confirms, or choose a format that it has.`,
  });
}

function nameOf({ encoding, sampleRate }: AudioFormat): string {
  return `${NAMES[encoding]} at ${sampleRate} Hz`;
}

function mismatch(direction: 'input' | 'output', declared: AudioFormat['encoding'], sampleRate: number, likely: LikelyEncoding): ProtocolError {
  const [whose, hint] =
    direction === 'input'
      ? ['The microphone audio', 'Set config.inputFormat to what is sent, or convert it before sendAudio().']
      : ["The model's audio", 'The server has not taken over config.outputFormat: compare it with what the server confirms, or choose a format that it has.'];
  return new ProtocolError('AUDIO_FORMAT_MISMATCH', `${whose} is declared as ${NAMES[declared]} at ${sampleRate} Hz and looks like ${NAMES[likely]}.`, { stage: 'audio', hint });
}
