import { bytesToMs, isPlaying, powerDb, silenceByte } from '../../audio/index.js';
import type { StepContext } from './step-context.js';

/** A listener that stops reporting must not leave the model deaf: so much later than by the clock, sound counts as played. */
const MAX_LAG_MS = 2_000;
/** The loudest of the last half second: it fades so that 400 ms of silence take 12 dB off it. */
const FADE_DB_PER_MS = 0.03;
/** Sound within that of the loudest is the same voice; a ducked or paused loudspeaker's echo falls below it. */
const SAME_VOICE_DB = 10;
/** A voice stands out of the room by that much; what does not is left to the model's judgement. */
const VOICE_OVER_ROOM_DB = 6;
/** The room is the quietest of the last seconds: what is louder is believed at 3 dB a second. Digital silence is no room. */
const ROOM_RISE_DB_PER_MS = 0.003;
const QUIETEST_ROOM_DB = -60;
const SMOOTH_MS = 40;
/** Gaps up to this long are within speech. */
const GAP_MS = 250;

/** What of the microphone the model may hear now: the bytes themselves, or as much silence, so that its audio clock goes on. */
export function heardByModel(context: StepContext, bytes: Uint8Array): Uint8Array {
  const { state, nowMs } = context;
  const { bargeIn, ledger, config } = state;
  const { mode } = bargeIn;
  const { warmUpMs, tailMs } = bargeIn.policy;
  if (mode !== 'half-duplex' && warmUpMs === 0) return bytes;
  const sounds = isPlaying(ledger, nowMs) && nowMs < ledger.playedOutAtMs + MAX_LAG_MS;
  if (sounds) {
    bargeIn.soundsSinceMs ??= nowMs;
    bargeIn.soundsUntilMs = nowMs + tailMs;
  } else delete bargeIn.soundsSinceMs;
  const warmsUp = bargeIn.soundsSinceMs !== undefined && nowMs - bargeIn.soundsSinceMs < warmUpMs;
  if (!warmsUp && !(mode === 'half-duplex' && nowMs < bargeIn.soundsUntilMs)) return bytes;
  bargeIn.counts.mutedMs += bytesToMs(config.inputFormat, bytes.length);
  return new Uint8Array(bytes.length).fill(silenceByte(config.inputFormat.encoding));
}

/**
 * Measures the microphone while it matters. Whether there is a voice is the model's judgement; the level tells only whether what the model
 * heard is still there after the agent's sound was held. Echo is not.
 */
export function measureVoice({ state }: StepContext, bytes: Uint8Array): void {
  const { bargeIn, config } = state;
  const ms = bytesToMs(config.inputFormat, bytes.length);
  const levelDb = powerDb(config.inputFormat, bytes);
  const { phase, level } = bargeIn;
  const share = Math.min(1, ms / SMOOTH_MS);
  level.smoothDb = 10 * Math.log10((1 - share) * 10 ** (level.smoothDb / 10) + share * 10 ** (levelDb / 10));
  level.floorDb = Math.max(QUIETEST_ROOM_DB, Math.min(level.smoothDb, level.floorDb + ROOM_RISE_DB_PER_MS * ms));
  if (phase.name !== 'held') {
    level.peakDb = Math.max(levelDb, level.peakDb - FADE_DB_PER_MS * ms);
    return;
  }
  const { voice } = phase.doubt;
  level.peakDb = Math.max(levelDb, level.peakDb);
  const loud = levelDb >= level.peakDb - SAME_VOICE_DB && level.smoothDb >= level.floorDb + VOICE_OVER_ROOM_DB;
  const gapMs = voice.sinceLoudMs;
  phase.doubt.voice = loud
    ? { heard: true, voicedMs: voice.voicedMs + ms + (gapMs !== undefined && gapMs <= GAP_MS ? gapMs : 0), sinceLoudMs: 0 }
    : { heard: true, voicedMs: voice.voicedMs, sinceLoudMs: gapMs === undefined ? undefined : gapMs + ms };
}
