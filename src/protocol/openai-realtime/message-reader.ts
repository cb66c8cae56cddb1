import type { ModelInput } from '../../../session/index.js';
import { parseMessage } from './parse.js';
import { AudioDeltaScanner } from './scan.js';

/** What Node's Buffer adds: its bytes as a string of as many characters, much faster than decoding them. */
interface NodeBytes extends Uint8Array {
  latin1Slice?(start: number, end: number): string;
}

/** A shorter message holds no more than 4 ms of audio: nothing is gained by a second way to read it, and deltas of text and arguments are shorter. */
const MIN_SCANNED = 400;

const utf8 = new TextDecoder();

/** Reads the messages of one connection, as {@link parseMessage} does and with the same errors: audio deltas fast, everything else in full. */
export class MessageReader {
  readonly #scanner = new AudioDeltaScanner();

  /** `message`: the JSON text, or its UTF-8 bytes. Nothing of them is kept. */
  read(message: string | Uint8Array): readonly ModelInput[] {
    if (message.length >= MIN_SCANNED) {
      const characters = typeof message === 'string' ? message : (message as NodeBytes).latin1Slice?.(0, message.length);
      const delta = characters === undefined ? undefined : this.#scanner.scan(characters);
      if (delta !== undefined) return [delta];
    }
    return parseMessage(typeof message === 'string' ? message : textOf(message));
  }
}

function textOf(bytes: NodeBytes): string {
  return bytes.latin1Slice === undefined ? utf8.decode(bytes) : bytes.toString();
}
