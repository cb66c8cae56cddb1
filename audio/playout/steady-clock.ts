/** News about a run of sound: so many samples of it have passed by this moment. */
export interface Sighting {
  readonly samples: number;
  /** When the news arrived; the network can only have delayed it. */
  readonly atMs: number;
}

/** A stretch of a run of sound and the moment at which its first sample passed. */
export interface Stretch {
  readonly fromSample: number;
  readonly toSample: number;
  readonly startMs: number;
}

/** News of so much time, before and after, tells how late the news of one moment is. A network that is stuck for longer moves the sound. */
const WINDOW_MS = 1_000;
/** A step of this much is a hole in the sound; less is the network. */
const STEP_MS = 12;
/** What moves by less is not moved: a listener hears a seam and not a shift. */
const STILL_MS = 6;

/**
 * When a run of sound really passed, out of news that came late by a delay that changes: of neighbouring news the least late is believed. Where sound is
 * missing (a device that stopped, a player that waited) all news is later from there on, and the sound moves. Sound that goes missing while the network
 * is stuck is found within that second only: late news and a hole look the same. An answer that is over before
 * the network moves again is as late as its news.
 */
export function steady(sightings: readonly Sighting[], sampleRate: number): Stretch[] {
  const originMs = sightings.map(({ samples, atMs }) => atMs - (samples * 1000) / sampleRate);
  const before = slidingMinimum(sightings, originMs, (index, other) => other <= index && (sightings[index]?.atMs ?? 0) - (sightings[other]?.atMs ?? 0) <= WINDOW_MS);
  const stretches: Stretch[] = [];
  let anchorMs = 0;
  let forward = sightings.length - 1;
  const after = new Array<number>(sightings.length);
  const queue: number[] = [];
  // From the end, so that the window looks ahead.
  for (let index = sightings.length - 1; index >= 0; index -= 1) {
    while (queue.length > 0 && (originMs[queue.at(-1) as number] as number) >= (originMs[index] as number)) queue.pop();
    queue.push(index);
    while ((sightings[forward]?.atMs ?? 0) - (sightings[index]?.atMs ?? 0) > WINDOW_MS) forward -= 1;
    while ((queue[0] as number) > forward) queue.shift();
    after[index] = originMs[queue[0] as number] as number;
  }
  let fromSample = 0;
  sightings.forEach(({ samples }, index) => {
    if (samples <= fromSample) return;
    const [low, ahead] = [before[index] as number, after[index] as number];
    const believedMs = ahead - low > STEP_MS ? ahead : Math.min(low, ahead);
    if (stretches.length === 0 || Math.abs(believedMs - anchorMs) > STILL_MS) anchorMs = believedMs;
    const last = stretches.at(-1);
    const startMs = anchorMs + (fromSample * 1000) / sampleRate;
    if (last !== undefined && Math.abs(last.startMs + ((fromSample - last.fromSample) * 1000) / sampleRate - startMs) < 0.001) stretches[stretches.length - 1] = { ...last, toSample: samples };
    else stretches.push({ fromSample, toSample: samples, startMs });
    fromSample = samples;
  });
  return stretches;
}

/** For each place the least of those before it that `within` lets in, which are a run up to the place. */
function slidingMinimum(sightings: readonly Sighting[], values: readonly number[], within: (index: number, other: number) => boolean): number[] {
  const queue: number[] = [];
  let first = 0;
  return sightings.map((_sighting, index) => {
    while (queue.length > 0 && (values[queue.at(-1) as number] as number) >= (values[index] as number)) queue.pop();
    queue.push(index);
    while (!within(index, first)) first += 1;
    while ((queue[0] as number) < first) queue.shift();
    return values[queue[0] as number] as number;
  });
}
