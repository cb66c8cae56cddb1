/** Pieces of a stream as one array. With only one that is not empty it is that one, not a copy. */
export function joinSamples(...pieces: readonly Int16Array[]): Int16Array {
  const filled = pieces.filter((piece) => piece.length > 0);
  if (filled.length <= 1) return filled[0] ?? new Int16Array(0);
  const joined = new Int16Array(filled.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of filled) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
