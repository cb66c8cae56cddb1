/**
 * The newest microphone audio, kept so that a new connection can be given what the old one took with it. Positions count the bytes of the
 * microphone since the session began, so that a place in the audio has one name over all connections.
 *
 *      0 ─────────── forgotten ─────────── startByte ═══════ kept ═══════ endByte
 *
 * Plain data: the bytes are one array, used as a ring, that grows to `limitBytes` and no further.
 */
export interface MicrophoneRing {
  bytes: Uint8Array;
  startByte: number;
  endByte: number;
}

const FIRST_BYTES = 8 * 1024;

export function createRing(): MicrophoneRing {
  return { bytes: new Uint8Array(0), startByte: 0, endByte: 0 };
}

/** Copies `bytes` in. What is older than the newest `limitBytes` is forgotten. */
export function pushToRing(ring: MicrophoneRing, bytes: Uint8Array, limitBytes: number): void {
  const kept = bytes.length > limitBytes ? bytes.subarray(bytes.length - limitBytes) : bytes;
  const endByte = ring.endByte + bytes.length;
  const startByte = Math.max(ring.startByte, endByte - limitBytes);
  if (endByte - startByte > ring.bytes.length) grow(ring, endByte - startByte, limitBytes);
  ring.startByte = startByte;
  ring.endByte = endByte;
  if (kept.length === 0) return;
  const size = ring.bytes.length;
  const at = (endByte - kept.length) % size;
  const head = Math.min(kept.length, size - at);
  ring.bytes.set(head === kept.length ? kept : kept.subarray(0, head), at);
  if (head < kept.length) ring.bytes.set(kept.subarray(head), 0);
}

/** What stands before `byte` is not needed any more. */
export function forgetBefore(ring: MicrophoneRing, byte: number): void {
  ring.startByte = Math.min(Math.max(ring.startByte, byte), ring.endByte);
}

/** The kept audio between two positions, in pieces of at most `pieceBytes`. They are views: valid until the next push. */
export function readRing(ring: MicrophoneRing, fromByte: number, toByte: number, pieceBytes: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const size = ring.bytes.length;
  const untilByte = Math.min(toByte, ring.endByte);
  for (let at = Math.max(fromByte, ring.startByte); at < untilByte; ) {
    const offset = at % size;
    const length = Math.min(untilByte - at, pieceBytes, size - offset);
    pieces.push(ring.bytes.subarray(offset, offset + length));
    at += length;
  }
  return pieces;
}

/** A larger array; what is kept moves to the places that its positions have there. */
function grow(ring: MicrophoneRing, neededBytes: number, limitBytes: number): void {
  let size = Math.max(FIRST_BYTES, ring.bytes.length);
  while (size < neededBytes) size *= 2;
  size = Math.max(neededBytes, Math.min(size, limitBytes));
  const larger = new Uint8Array(size);
  let at = ring.startByte;
  for (const piece of readRing(ring, ring.startByte, ring.endByte, Infinity)) {
    const offset = at % size;
    const head = Math.min(piece.length, size - offset);
    larger.set(piece.subarray(0, head), offset);
    if (head < piece.length) larger.set(piece.subarray(head), 0);
    at += piece.length;
  }
  ring.bytes = larger;
}
