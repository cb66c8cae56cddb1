/** Codes of {@link AudioError}; they are listed in this room's README and never renamed. */
export type AudioErrorCode =
  /** The bytes are not a WAV file, or its header contradicts itself. */
  | 'WAV_INVALID'
  /** A WAV file of a kind that is not read (its encoding, width or channel count is not supported). */
  | 'WAV_UNSUPPORTED'
  /** A format with a rate, channel count or encoding outside its range. */
  | 'FORMAT_INVALID'
  /** No package that encodes and decodes Opus is installed, or none that runs here. */
  | 'OPUS_MISSING'
  /** Bytes that are no Opus packet. */
  | 'OPUS_INVALID';

/** Audio data from outside that cannot be used. A wrong call is a `TypeError` or `RangeError` instead. */
export class AudioError extends Error {
  override readonly name = 'AudioError';
  readonly code: AudioErrorCode;

  constructor(code: AudioErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
