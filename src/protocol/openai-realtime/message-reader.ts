import type { ModelInput } from '../../../session/index.js';
import { parseMessage } from './parse.js';
import { DeltaScanner } from './scan.js';

/** What Node's Buffer adds: its bytes as a string of as many characters, much faster than decoding them. */
interface NodeBytes extends Uint8Array {
  latin1Slice?(start: number, end: number): string;
}

const utf8 = new TextDecoder();

/** Reads the messages of one connection, as {@link parseMessage} does and with the same errors: deltas fast, everything else in full. */
export class MessageReader {
  readonly #scanner = new DeltaScanner();

  /** `message`: the JSON text, or its UTF-8 bytes. Nothing of them is kept. */
  read(message: string | Uint8Array): readonly ModelInput[] {
    const characters = typeof message === 'string' ? message : (message as NodeBytes).latin1Slice?.(0, message.length);
    const delta = characters === undefined ? undefined : this.#scanner.scan(characters);
    if (delta !== undefined) return [delta];
    return parseMessage(typeof message === 'string' ? message : textOf(message));
  }
}

function textOf(bytes: NodeBytes): string {
  return bytes.latin1Slice === undefined ? utf8.decode(bytes) : bytes.toString();
}
