import { VoicewireError } from '../../session/index.js';
import type { Clock, Logger, Recogniser as SpeechRecogniser, RealtimeModel } from '../../session/index.js';
import type { Recogniser } from './brain.js';
import { EmulatedModel } from './emulated-model.js';
import { PipelineBrain } from './pipeline-brain.js';
import type { PipelineBrainOptions } from './pipeline-brain.js';

export interface PipelineOptions extends PipelineBrainOptions {
  /** One for all sessions, or what makes one for each. */
  readonly recogniser: SpeechRecogniser | (() => SpeechRecogniser);
}

/** Its sessions end when their connections do: nothing in here has a day's limit. */
const SESSION_LIMIT_MS = 24 * 3_600_000;
/** Faster than any synthesiser: sound is handed on as it is made. */
const PACE = 1_000;

/**
 * A recogniser, a text model and a synthesiser in the place of a realtime model: a `RealtimeSession` on it has turns, barge-in, tools, hand-offs and
 * truncation as on any other. It finds turns by its own voice detection, or by `commit()` where the session turns that off. Everything runs in this
 * process; what it costs is what the three models cost.
 *
 *     const model = pipelineModel({ recogniser, model: openaiText({ model: 'gpt-5-mini' }), synthesiser });
 *     const session = new RealtimeSession(agent, { model });
 */
export function pipelineModel(options: PipelineOptions & { readonly clock?: Clock; readonly label?: string; readonly logger?: Logger }): RealtimeModel {
  const { recogniser, clock, label = 'pipeline', logger } = options;
  return new EmulatedModel({
    label,
    brain: () => new PipelineBrain(options),
    recogniser: () => wholeTurns(recogniser, logger),
    pace: PACE,
    lagMs: 0,
    thinkMs: 0,
    sessionLimitMs: SESSION_LIMIT_MS,
    ...(clock === undefined ? {} : { clock }),
  });
}

/** A recogniser as sessions of the emulator ask it: for the text of a whole turn. What it fails at counts as not understood. */
export function wholeTurns(given: PipelineOptions['recogniser'], logger?: Logger): Recogniser {
  const recogniser = typeof given === 'function' ? given() : given;
  return {
    async recognise({ samples, sampleRate }) {
      const over = new AbortController();
      const turn = recogniser.start({ sampleRate, signal: over.signal });
      turn.push(samples);
      turn.end();
      try {
        for await (const event of turn.events) if (event.type === 'final') return event.text === '' ? undefined : event.text;
        return undefined;
      } catch (error) {
        logger?.warn('a turn could not be recognised', { recogniser: recogniser.label, code: error instanceof VoicewireError ? error.code : undefined });
        return undefined;
      } finally {
        over.abort();
      }
    },
  };
}
