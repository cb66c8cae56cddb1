import { resampleWhole } from '../../audio/index.js';
import type { SessionInput } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { SAMPLE_RATE } from '../protocol/voicewire/index.js';
import type { Recording } from '../recording/index.js';
import type { CallerStep } from './caller-steps.js';
import { microphoneTrack } from './finished-call.js';

/**
 * What a recorded caller said and typed, each at its time after the call had opened, to say it again to anybody. Throws `HostError` `RECORDING_INVALID`
 * for a recording in which nobody spoke or typed, or that is of a wire.
 */
export function recordedSteps(recording: Recording): readonly CallerStep[] {
  const inputs = recording.lines.flatMap((line) => (line.type === 'input' ? [{ atMs: line.at, input: line.input as Partial<SessionInput> & { type: string } }] : []));
  const openedMs = recording.lines.find((line) => line.type === 'event' && (line.event as { connection?: { state?: string } }).connection?.state === 'open')?.at ?? recording.header.clockMs;
  const track = microphoneTrack(recording);
  const samples = resampleWhole(track.samples, track.sampleRate, SAMPLE_RATE);
  const typed = inputs.flatMap(({ atMs, input }) => (input.type === 'message' ? [{ atMs, text: textOf(input as Extract<SessionInput, { type: 'message' }>) }] : [])).filter(({ text }) => text !== '');
  if (typed.length === 0 && samples.length === 0) {
    throw new HostError('RECORDING_INVALID', `${recording.path} has no caller: nobody spoke or typed in it.`, { hint: 'Give the recording of a session in which a caller says something.' });
  }
  const steps: CallerStep[] = [];
  const endMs = samples.length === 0 ? openedMs : track.startMs + (samples.length * 1000) / SAMPLE_RATE;
  let nowMs = openedMs;
  /** Says what the microphone heard until then; where it was off, waits. */
  const passUntil = (untilMs: number): void => {
    const fromMs = Math.min(untilMs, Math.max(nowMs, track.startMs));
    if (samples.length > 0 && fromMs > nowMs) steps.push({ does: 'waits', ms: fromMs - nowMs });
    const [from, until] = [fromMs, Math.min(untilMs, endMs)].map((ms) => Math.round(((ms - track.startMs) * SAMPLE_RATE) / 1000)) as [number, number];
    if (samples.length > 0 && until > from) steps.push({ does: 'says', what: samples.subarray(from, until) });
    const saidMs = samples.length === 0 ? nowMs : Math.max(fromMs, Math.min(untilMs, endMs));
    if (untilMs > saidMs) steps.push({ does: 'waits', ms: untilMs - saidMs });
    nowMs = untilMs;
  };
  for (const { atMs, text } of typed) {
    passUntil(Math.max(nowMs, atMs));
    steps.push({ does: 'types', text });
  }
  passUntil(Math.max(nowMs, endMs, recording.lines.at(-1)?.at ?? nowMs));
  return steps;
}

function textOf(input: Extract<SessionInput, { type: 'message' }>): string {
  return input.content.flatMap((part) => (part.type === 'input_text' ? [part.text] : [])).join('\n');
}
