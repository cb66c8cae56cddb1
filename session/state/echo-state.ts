/** How the loudspeaker's sound comes back into the microphone; present only while somebody wants to know. Plain data; levels are powers, full scale being 1. */
export interface EchoState {
  /** What was given to the listener to play, in blocks of 20 ms by their position: the newest 82 s. */
  readonly given: { readonly power: Float32Array; readonly block: BlockMeter };
  /** What the microphone heard, and what sounded at that time (negative: nothing was being played), in blocks of 20 ms: the newest 9.6 s. */
  readonly near: { readonly power: Float32Array; readonly block: BlockMeter };
  readonly far: Float32Array;
  /** Blocks in which something sounded, in all. */
  soundedBlocks: number;
  /** How loud the echo is by what is known, as a factor of amplitude, and how many blocks it comes later; no lag: not known yet. */
  path: { readonly gain: number; readonly lag?: number };
  /** Which of the newest 20 blocks stood out of the expected echo, one bit each. */
  stoodOut: number;
  /** The start-up test: how often in a row the echo was found strong. Absent: it is over, or nobody asked for it. */
  test?: { strong: number };
}

/** Puts samples together to blocks. */
export interface BlockMeter {
  sum: number;
  count: number;
  /** Samples of the next chunk before the next one that is counted. */
  skip: number;
  /** Whole blocks so far. */
  blocks: number;
}

export const BLOCK_MS = 20;
export const GIVEN_BLOCKS = 4096;
export const HEARD_BLOCKS = 480;

/** Until it is measured, the echo is taken to be as loud as the sound itself. */
export function createEcho(test: boolean): EchoState {
  const meter = (): BlockMeter => ({ sum: 0, count: 0, skip: 0, blocks: 0 });
  return {
    given: { power: new Float32Array(GIVEN_BLOCKS), block: meter() },
    near: { power: new Float32Array(HEARD_BLOCKS), block: meter() },
    far: new Float32Array(HEARD_BLOCKS).fill(-1),
    soundedBlocks: 0,
    path: { gain: 1 },
    stoodOut: 0,
    ...(test ? { test: { strong: 0 } } : {}),
  };
}
