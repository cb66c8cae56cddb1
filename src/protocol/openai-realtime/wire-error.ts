import { errorText } from '../../../session/index.js';
import type { ModelErrorInfo } from '../../../session/index.js';
import { textOr } from './wire-fields.js';
import type { WireObject } from './wire-fields.js';

/** Every member of an error may be missing or null on the wire; a server that writes a bare sentence is understood as well. */
export function readErrorInfo(error: WireObject | string): ModelErrorInfo {
  if (typeof error === 'string') return { message: error };
  const code = typeof error['code'] === 'number' ? String(error['code']) : textOr(error, 'code', undefined);
  const kind = textOr(error, 'type', undefined);
  const param = textOr(error, 'param', undefined);
  const message = error['message'] ?? undefined;
  return {
    // A server that hides its words in an object has said something all the same.
    message: message === undefined || message === '' ? 'The model gave no message.' : errorText(message),
    ...(code === undefined ? {} : { code }),
    ...(kind === undefined ? {} : { kind }),
    ...(param === undefined ? {} : { param }),
  };
}
