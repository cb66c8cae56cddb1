/**
 * Sound of the agent that cannot be right: far shorter or longer than its words, without an end, a buzz, nothing at all. Looked at only where the
 * application asks for it; a delta then costs a handful of samples.
 */
import { samplesToMs, watchSteadySound } from '../../audio/index.js';
import { ProviderError } from '../errors.js';
import { interrupt } from './barge-in.js';
import { stopResponse } from './responses.js';
import type { LiveResponse } from './session-state.js';
import { speechLength } from './speech-length.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';

/** Shorter texts are said too differently to be judged: "Mhm." */
const MIN_JUDGED_MS = 1_000;

/** A piece of the response's sound has been handed on. */
export function watchSound(context: StepContext, response: LiveResponse, itemId: string, bytes: Uint8Array, samples: number): void {
  const { sound, format } = response;
  if (sound === undefined) return;
  sound.samples += samples;
  const last = sound.items.at(-1);
  if (last?.itemId === itemId) last.samples += samples;
  else itemOf(sound.items, itemId).samples += samples;
  if (sound.samples > sound.maxSamples) return stopTooLong(context, response);
  const news = sound.steady === undefined ? undefined : watchSteadySound(sound.steady, format, bytes);
  if (news !== undefined) onStuck(context, response, news);
}

/** A response has come to its end by itself: its sound is as long as its words can be. */
export function compareWithWords(context: StepContext, response: LiveResponse): void {
  const { sound, format, texts, responseId } = response;
  const { anomalies, config } = context.state;
  if (sound === undefined || anomalies?.mismatch !== true || response.interrupted) return;
  for (const { itemId, samples } of sound.items) {
    const text = texts.get(itemId) ?? '';
    const { leastMs, mostMs } = speechLength(text, config.speed);
    const audioMs = samplesToMs(format, samples);
    if (text.trim() === '' || (audioMs <= mostMs && (leastMs < MIN_JUDGED_MS || audioMs >= leastMs))) continue;
    const [how, limitMs] = audioMs > mostMs ? ['more', mostMs] : ['less', leastMs];
    const seconds = (ms: number): string => (ms / 1000).toFixed(1);
    emit(context, {
      type: 'error',
      error: new ProviderError('AUDIO_MISMATCH', `An answer of ${text.length} characters came with ${seconds(audioMs)} s of audio, ${how} than its words can take (${seconds(limitMs)} s): response ${responseId}.`, { stage: 'audio' }),
    });
  }
}

function itemOf(items: { readonly itemId: string; samples: number }[], itemId: string): { samples: number } {
  const known = items.find((item) => item.itemId === itemId);
  if (known !== undefined) return known;
  const item = { itemId, samples: 0 };
  items.push(item);
  return item;
}

/** What has been generated is heard to its end; no more is taken. */
function stopTooLong(context: StepContext, response: LiveResponse): void {
  const seconds = Math.round(samplesToMs(response.format, response.sound?.maxSamples ?? 0) / 1000);
  response.gaveUp = new ProviderError('RESPONSE_TOO_LONG', `A response had more than ${seconds} s of audio and was stopped.`, { stage: 'audio' });
  emit(context, { type: 'error', error: response.gaveUp });
  stopResponse(context, response, false);
}

function onStuck(context: StepContext, response: LiveResponse, news: 'steady' | 'silent'): void {
  const what = news === 'steady' ? 'has kept the same level for 10 s, as no speech does' : 'has been silent for 8 s';
  const error = new ProviderError('AUDIO_STUCK', `The sound of a response ${what}.`, { stage: 'audio', retryable: true });
  emit(context, { type: 'error', error });
  if (context.state.anomalies?.stuckSound !== 'stop') return;
  response.gaveUp = error;
  interrupt(context, false);
}
