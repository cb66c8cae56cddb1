import { createEncodingCheck } from '../../audio/index.js';
import type { EncodingCheck } from '../../audio/index.js';
import type { ModelConfig } from '../ports/model.js';

export interface FormatWatch {
  /** Present while the microphone's audio is looked at. */
  input?: EncodingCheck;
  /** Present while the model's is. */
  output?: EncodingCheck;
  /** Which direction has been told to be wrong. */
  readonly told: { input: boolean; output: boolean };
}

export function createFormatWatch(config: ModelConfig): FormatWatch {
  const watch: FormatWatch = { told: { input: false, output: false } };
  restartFormatWatch(watch, config);
  return watch;
}

/** A new connection, maybe to another model: both directions are looked at again. */
export function restartFormatWatch(watch: FormatWatch, config: ModelConfig): void {
  if (!watch.told.input) watch.input = createEncodingCheck(config.inputFormat.encoding);
  if (!watch.told.output) watch.output = createEncodingCheck(config.outputFormat.encoding);
}
