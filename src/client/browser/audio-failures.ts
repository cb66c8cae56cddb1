import { HostError } from '../../host/errors.js';

/** What can be wrong with a browser's audio before anything is asked of it; `undefined` when nothing is. */
export function audioObstacle(scope: { readonly isSecureContext?: boolean; readonly AudioContext?: unknown; readonly AudioWorkletNode?: unknown } = globalThis): HostError | undefined {
  if (scope.isSecureContext === false) return insecureContext();
  if (scope.AudioContext === undefined || scope.AudioWorkletNode === undefined) {
    return new HostError('AUDIO_UNSUPPORTED', 'This browser has no AudioWorklet, so no sound can be played or recorded.', { hint: 'Use a current Chrome, Edge, Firefox or Safari. Typing works here too.' });
  }
  return undefined;
}

/** Browsers hide microphone and worklets from pages that came over plain http, this machine's own address excepted. */
export function insecureContext(): HostError {
  return new HostError('MICROPHONE_INSECURE_CONTEXT', 'The browser gives no microphone to this page, because it did not come over https.', {
    hint: 'Open it as http://localhost or http://127.0.0.1 on the same machine, or put https in front of the gateway.',
  });
}

export function audioSuspended(): HostError {
  return new HostError('AUDIO_SUSPENDED', 'The browser keeps sound switched off until the page is clicked.', { hint: 'Press the button again: sound may only start in answer to a click or a key.', retryable: true });
}

/** What `getUserMedia` meant (Media Capture and Streams, section 10.2). */
export function microphoneFailure(cause: unknown): HostError {
  const name = cause instanceof Error || isNamed(cause) ? cause.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return new HostError('MICROPHONE_DENIED', 'The microphone is not allowed for this page.', {
        hint: 'Allow it at the microphone or lock symbol of the address bar, and in the system’s privacy settings; then press Talk again. You can type meanwhile.',
        cause,
      });
    case 'NotFoundError':
    case 'OverconstrainedError':
      return new HostError('MICROPHONE_MISSING', 'No microphone was found.', { hint: 'Plug one in, or choose one in the system’s sound settings; then press Talk again. You can type meanwhile.', cause });
    case 'NotReadableError':
    case 'AbortError':
      return new HostError('MICROPHONE_IN_USE', 'The microphone cannot be opened: another program seems to use it.', { hint: 'Close other calls and recorders, then press Talk again. You can type meanwhile.', retryable: true, cause });
    default:
      return new HostError('AUDIO_UNSUPPORTED', 'The browser could not open the microphone.', { hint: 'Try another browser, or type instead.', cause });
  }
}

/** A microphone that was unplugged, or taken back, while it was open. */
export function microphoneLost(): HostError {
  return new HostError('MICROPHONE_MISSING', 'The microphone is gone: it was unplugged, or its permission was taken back.', { hint: 'Connect it, and press Talk again.', retryable: true });
}

function isNamed(value: unknown): value is { readonly name: string } {
  return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';
}
