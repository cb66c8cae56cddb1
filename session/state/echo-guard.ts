/**
 * Whether what the microphone hears is more than the agent's own voice. The session knows what it gave to be played and how much of it has been
 * heard, so it can say what sounds at any moment; `echo-path.ts` tells how much of that comes back, and what is louder than that by `aboveEchoDb`
 * is somebody else.
 */
import { decodeAlaw, decodeMulaw, isPlaying, unheardMs } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';
import { expectedEcho, findEcho } from './echo-path.js';
import type { BlockMeter, EchoState } from './echo-state.js';
import { BLOCK_MS, GIVEN_BLOCKS, HEARD_BLOCKS } from './echo-state.js';
import type { SessionState } from './session-state.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';

/** How often the path is looked at: every 200 ms. */
const LOOK_BLOCKS = 10;
/** So many of the newest 20 blocks must stand out: 80 ms of 400. */
const VOICE_BLOCKS = 4;
/** And be louder than the quiet room by that, as a power: 9 dB. */
const OVER_ROOM = 8;
/** A ducked sound is 12 dB softer. */
const DUCKED = 10 ** -1.2;
/** Out of a softer echo a voice stands nearly always; the louder it is, the more often the voice is missed. */
const STRONG_ECHO_DB = -15;
const SURELY_ECHO = 0.7;
/** When the start-up test gives up looking for an echo: 6 s of sound. */
const TEST_BLOCKS = 300;
/** Every fourth sample is enough for a level. */
const STRIDE = 4;

/** Audio is given to the listener. */
export function noteGiven({ bargeIn }: SessionState, format: AudioFormat, bytes: Uint8Array): void {
  const { echo } = bargeIn;
  if (echo === undefined) return;
  const { power, block } = echo.given;
  eachBlock(format, bytes, block, (value) => (power[(block.blocks - 1) % GIVEN_BLOCKS] = value));
}

/** Audio of the microphone has come, as it is. Sets beside it what sounded, and looks at the path now and then. */
export function hearEcho(context: StepContext, bytes: Uint8Array): void {
  const { state, nowMs } = context;
  const { echo } = state.bargeIn;
  if (echo === undefined) return;
  const { block, power } = echo.near;
  const before = block.blocks;
  eachBlock(state.config.inputFormat, bytes, block, (value) => (power[(block.blocks - 1) % HEARD_BLOCKS] = value));
  for (let index = before; index < block.blocks; index += 1) {
    const sounding = soundAt(state, echo, nowMs, nowMs - (block.blocks - 1 - index) * BLOCK_MS);
    echo.far[index % HEARD_BLOCKS] = sounding;
    if (sounding >= 0) echo.soundedBlocks += 1;
    echo.stoodOut = ((echo.stoodOut << 1) | (standsOut(state, echo, index) ? 1 : 0)) & 0xf_ffff;
    if ((index + 1) % LOOK_BLOCKS === 0 && sounding >= 0) look(context, echo);
  }
}

/** Whether somebody speaks, beside the agent. Always, where nobody asked for an echo guard or no microphone is heard here. */
export function isMoreThanEcho({ bargeIn }: SessionState): boolean {
  const { echo, policy } = bargeIn;
  if (echo === undefined || policy.aboveEchoDb === 0 || echo.near.block.blocks === 0) return true;
  let count = 0;
  for (let bits = echo.stoodOut; bits !== 0; bits &= bits - 1) count += 1;
  return count >= VOICE_BLOCKS;
}

// ---- helpers, in the order of their use ----

/** The power of what was sounding at `atMs`, as far as it is known; negative when nothing was being played. */
function soundAt({ ledger, bargeIn }: SessionState, { given }: EchoState, nowMs: number, atMs: number): number {
  if (ledger.pausedAtMs !== undefined || !isPlaying(ledger, nowMs)) return -1;
  const givenMs = given.block.blocks * BLOCK_MS;
  const block = Math.floor((givenMs - unheardMs(ledger, nowMs) - (nowMs - atMs)) / BLOCK_MS - 0.5);
  if (block < 0 || block >= given.block.blocks || block < given.block.blocks - GIVEN_BLOCKS) return 0;
  const power = given.power[block % GIVEN_BLOCKS] ?? 0;
  return bargeIn.phase.name === 'held' ? power * DUCKED : power;
}

function standsOut({ bargeIn }: SessionState, echo: EchoState, block: number): boolean {
  const heard = echo.near.power[block % HEARD_BLOCKS] ?? 0;
  const room = 10 ** (bargeIn.level.floorDb / 10);
  return heard > room * OVER_ROOM + expectedEcho(echo, block) * 10 ** (bargeIn.policy.aboveEchoDb / 10);
}

function look(context: StepContext, echo: EchoState): void {
  const found = findEcho(echo);
  if (found === undefined) return;
  // Where nothing is like an echo, there may be one that a voice or noise covers: it is as it was, but for what cannot be.
  if (found.likeness > 0) echo.path = found;
  else if (found.gain < echo.path.gain) echo.path = { ...echo.path, gain: found.gain };
  if (echo.test === undefined) return;
  const echoDb = 20 * Math.log10(found.gain);
  echo.test.strong = found.likeness >= SURELY_ECHO && echoDb >= STRONG_ECHO_DB ? echo.test.strong + 1 : 0;
  if (echo.test.strong >= 2) return endTest(context, 'half-duplex', echoDb);
  if (echo.soundedBlocks >= TEST_BLOCKS) endTest(context, 'two-stage', 20 * Math.log10(echo.path.gain));
}

function endTest(context: StepContext, mode: 'half-duplex' | 'two-stage', echoDb: number): void {
  const { bargeIn } = context.state;
  bargeIn.mode = mode;
  if (mode === 'half-duplex' || bargeIn.policy.aboveEchoDb === 0) delete bargeIn.echo;
  else delete bargeIn.echo?.test;
  emit(context, { type: 'echo_test', mode, echoDb: Math.round(Math.max(-100, echoDb)) });
}

/** Calls `onBlock` with the mean power of each block that becomes whole. */
function eachBlock(format: AudioFormat, bytes: Uint8Array, meter: BlockMeter, onBlock: (power: number) => void): void {
  const blockSamples = Math.round((format.sampleRate * format.channels * BLOCK_MS) / 1000 / STRIDE);
  const g711 = format.encoding === 'mulaw' ? decodeMulaw(bytes) : format.encoding === 'alaw' ? decodeAlaw(bytes) : undefined;
  const samples = g711?.length ?? bytes.length >> 1;
  let index = meter.skip;
  for (; index < samples; index += STRIDE) {
    const sample = g711?.[index] ?? (((bytes[2 * index] ?? 0) | ((bytes[2 * index + 1] ?? 0) << 8)) << 16) >> 16;
    meter.sum += sample * sample;
    meter.count += 1;
    if (meter.count < blockSamples) continue;
    meter.blocks += 1;
    const power = meter.sum / meter.count / 32768 ** 2;
    meter.sum = 0;
    meter.count = 0;
    onBlock(power);
  }
  meter.skip = index - samples;
}
