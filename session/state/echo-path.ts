/**
 * The way from the loudspeaker back into the microphone, found by how both levels move together: an echo is what was played, later and softer. A
 * voice, or noise, moves by itself, however loud it is. 41 delays by 75 blocks, five times a second.
 *
 *      far    ▁▃█▅▁▁▂▇█▃▁      what sounds
 *      near   ▁▁▁▁▃█▅▁▁▂▇      4 blocks later: lag 80 ms, and by how much softer: gain
 */
import type { EchoState } from './echo-state.js';
import { HEARD_BLOCKS } from './echo-state.js';

/** The latest that an echo comes, in blocks: 800 ms of buffers, network, air and devices. */
export const MAX_LAG_BLOCKS = 40;
/** What is compared: the newest 1.5 s in which something sounded, of the last 8. A sound that is held again and again is learned all the same. */
const WINDOW_BLOCKS = 75;
const REACH_BLOCKS = 400;
/** With less than a second of it, nothing is said. */
const LEAST_BLOCKS = 50;
/** Levels that move together by that much are the same sound; a correlation, of amplitudes. */
const SAME_SOUND = 0.6;

export interface EchoFinding {
  readonly gain: number;
  readonly lag?: number;
  /** How surely it is an echo; 0 where only its greatest possible level is known. */
  readonly likeness: number;
}

/** What the newest sound tells of the path; nothing while there was too little of it. */
export function findEcho(echo: EchoState): EchoFinding | undefined {
  let best = { lag: 0, likeness: 0 };
  for (let lag = 0; lag <= MAX_LAG_BLOCKS; lag += 1) {
    const likeness = likenessAt(echo, lag);
    if (likeness === undefined) return undefined;
    if (likeness > best.likeness) best = { lag, likeness };
  }
  if (best.likeness >= SAME_SOUND) return { ...best, gain: gainAt(echo, best.lag) };
  // Whatever the delay is, an echo of all this is somewhere in what was heard, and no louder.
  const gain = loudestGain(echo);
  return gain === undefined ? undefined : { gain, likeness: 0 };
}

/** The correlation of both amplitudes at a lag. */
function likenessAt({ near, far }: EchoState, lag: number): number | undefined {
  const { blocks } = near.block;
  let [n, sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0, 0];
  for (let block = blocks - 1; block >= Math.max(lag, blocks - REACH_BLOCKS) && n < WINDOW_BLOCKS; block -= 1) {
    const power = far[(block - lag) % HEARD_BLOCKS] ?? -1;
    if (power < 0) continue;
    const x = Math.sqrt(power);
    const y = Math.sqrt(near.power[block % HEARD_BLOCKS] ?? 0);
    n += 1;
    sx += x;
    sy += y;
    sxx += x * x;
    syy += y * y;
    sxy += x * y;
  }
  if (n < LEAST_BLOCKS) return undefined;
  const [varX, varY, cov] = [sxx - (sx * sx) / n, syy - (sy * sy) / n, sxy - (sx * sy) / n];
  return varX <= 0 || varY <= 0 ? 0 : cov / Math.sqrt(varX * varY);
}

/** The slope of both powers: noise adds to an echo's power and leaves the slope as it is. */
function gainAt({ near, far }: EchoState, lag: number): number {
  const { blocks } = near.block;
  let [n, sx, sy, sxx, sxy] = [0, 0, 0, 0, 0];
  for (let block = blocks - 1; block >= Math.max(lag, blocks - REACH_BLOCKS) && n < WINDOW_BLOCKS; block -= 1) {
    const x = far[(block - lag) % HEARD_BLOCKS] ?? -1;
    if (x < 0) continue;
    const y = near.power[block % HEARD_BLOCKS] ?? 0;
    n += 1;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  const [varX, cov] = [sxx - (sx * sx) / n, sxy - (sx * sy) / n];
  return varX <= 0 || cov <= 0 ? 0 : Math.sqrt(cov / varX);
}

function loudestGain({ near, far }: EchoState): number | undefined {
  const { blocks } = near.block;
  let [n, nearPeak, farPeak] = [0, 0, 0];
  for (let block = blocks - 1; block >= Math.max(MAX_LAG_BLOCKS, blocks - REACH_BLOCKS) && n < WINDOW_BLOCKS; block -= 1) {
    // An echo of the latest kind has come by now.
    const power = far[(block - MAX_LAG_BLOCKS) % HEARD_BLOCKS] ?? -1;
    if (power < 0) continue;
    n += 1;
    farPeak = Math.max(farPeak, power);
    for (let later = block - MAX_LAG_BLOCKS; later <= block; later += 1) nearPeak = Math.max(nearPeak, near.power[later % HEARD_BLOCKS] ?? 0);
  }
  return n < LEAST_BLOCKS || farPeak === 0 ? undefined : Math.sqrt(nearPeak / farPeak);
}

/** The loudest that the echo can be in this block, as a power, by what is known of the path. Nothing sounded: 0. */
export function expectedEcho({ far, path }: EchoState, block: number): number {
  const [from, to] = path.lag === undefined ? [0, MAX_LAG_BLOCKS] : [Math.max(0, path.lag - 2), path.lag + 4];
  let loudest = 0;
  for (let lag = from; lag <= Math.min(to, block); lag += 1) loudest = Math.max(loudest, far[(block - lag) % HEARD_BLOCKS] ?? 0);
  return loudest * path.gain ** 2;
}
