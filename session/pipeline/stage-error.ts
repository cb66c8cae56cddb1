import { errorText } from '../error-text.js';
import { PipelineError, VoicewireError } from '../errors.js';
import type { PipelineEventBody, PipelineStage } from './pipeline-event.js';

const NAMES: Readonly<Record<PipelineStage, string>> = {
  input: 'The source of the audio',
  preprocess: 'The processing of the microphone',
  turn_detection: 'The voice detector',
  recognise: 'The recogniser',
  workflow: 'The workflow',
  split: 'The sentence splitter',
  synthesise: 'The synthesiser',
  postprocess: 'The processing of the answer',
  playback: 'The listener',
};

/** What a stage threw, as an error that people can match: its own where it is one of ours, else `STAGE_FAILED` with what was thrown as the cause. */
export function stageError(stage: PipelineStage, thrown: unknown): VoicewireError {
  if (thrown instanceof VoicewireError) return thrown;
  return new PipelineError('STAGE_FAILED', `${NAMES[stage]} failed: ${errorText(thrown)}`, { cause: thrown });
}

/** Nothing came in time. `what` the stage owed: `no text`, `no more sound`. */
export function stageLate(stage: PipelineStage, what: string, limitMs: number): PipelineError {
  return new PipelineError('STAGE_TIMEOUT', `${NAMES[stage]} gave ${what} within ${limitMs} ms.`, { leg: 'model', retryable: true });
}

/** What was thrown, and by which stage: for code that passes through several. */
export class StageFault extends Error {
  override readonly name = 'StageFault';
  readonly stage: PipelineStage;

  constructor(stage: PipelineStage, thrown: unknown) {
    super(`The stage ${stage} threw.`, { cause: thrown });
    this.stage = stage;
  }
}

/** Does the work of a stage; what it throws is known for that of the stage. */
export async function within<Result>(stage: PipelineStage, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    throw thrown instanceof StageFault ? thrown : new StageFault(stage, thrown);
  }
}

/** Which stage failed, and with what. */
export function faultOf(thrown: unknown, otherwise: PipelineStage): { readonly stage: PipelineStage; readonly error: VoicewireError } {
  const stage = thrown instanceof StageFault ? thrown.stage : otherwise;
  return { stage, error: stageError(stage, thrown instanceof StageFault ? thrown.cause : thrown) };
}

export function errorEvent(stage: PipelineStage, error: VoicewireError): PipelineEventBody {
  return { type: 'voice_stream_event_error', stage, error, details: error.hint === undefined ? error.message : `${error.message} ${error.hint}` };
}
