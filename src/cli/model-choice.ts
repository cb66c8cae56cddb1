import type { Logger, RealtimeModel } from '../../session/index.js';
import { pipelineModel, startEmulator } from '../emulator/index.js';
import type { Emulator, EmulatorOptions } from '../emulator/index.js';
import { openaiRealtime } from '../provider/openai/openai-realtime.js';
import { readScriptFile } from './script-file.js';
import type { PipelineParts } from './text-parts.js';

/** A model to talk to, and what was started for it. */
export interface ChosenModel extends AsyncDisposable {
  readonly model: RealtimeModel;
  /** What a person should know about it. */
  readonly note?: string;
  readonly isEmulator: boolean;
}

export const EMULATOR_NOTE = 'The emulator follows a script: it hears when you speak, but does not understand what you say.';

const PIPELINE_NOTE = 'The text agent of this pipeline follows a script: it answers what the script expects to hear.';

/** A model server somewhere, spoken to with the key where there is one. */
export function remoteModel(options: { readonly url?: string; readonly apiKey?: string; readonly model?: string }): ChosenModel {
  return { model: openaiRealtime(options), isEmulator: false, [Symbol.asyncDispose]: async () => {} };
}

/** Starts an emulator on a free port of this machine and talks to it through a real socket. Dispose of it after the gateway. */
export async function emulatedModel(script: string, logger: Logger): Promise<ChosenModel> {
  const emulator = await startScriptedEmulator(script, { logger });
  const model = openaiRealtime({ url: emulator.url });
  return {
    model: { label: 'emulator', connect: (options) => model.connect(options) },
    note: EMULATOR_NOTE,
    isEmulator: true,
    [Symbol.asyncDispose]: () => emulator.close(),
  };
}

/** A recogniser, a text model and a synthesiser in the place of a realtime model. */
export function pipelineChoice({ recogniser, model, synthesiser, isScript }: PipelineParts, logger: Logger): ChosenModel {
  const label = `pipeline of ${recogniser().label}, ${model.label} and ${synthesiser.label}`;
  return {
    model: pipelineModel({ recogniser, model, synthesiser, label, logger }),
    ...(isScript ? { note: PIPELINE_NOTE } : {}),
    isEmulator: isScript,
    [Symbol.asyncDispose]: async () => {},
  };
}

/** `script` is `demo`, `parrot`, or a file of a script. Rejects with `FILE_NOT_FOUND` or `SCRIPT_INVALID`. */
export async function startScriptedEmulator(script: string, options: Omit<EmulatorOptions, 'script' | 'mode'>): Promise<Emulator> {
  if (script === 'demo') return startEmulator(options);
  if (script === 'parrot') return startEmulator({ ...options, mode: 'parrot' });
  return startEmulator({ ...options, script: await readScriptFile(script) });
}
