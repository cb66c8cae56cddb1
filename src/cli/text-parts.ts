import type { Logger, Recogniser, Synthesiser, TextModel } from '../../session/index.js';
import { createVoice, demoScript, scriptRecogniser, scriptTextModel, voiceSynthesiser } from '../emulator/index.js';
import type { Script } from '../emulator/index.js';
import { openaiRecogniser } from '../provider/openai/openai-recogniser.js';
import { openaiSynthesiser } from '../provider/openai/openai-synthesiser.js';
import { openaiText } from '../provider/openai/openai-text.js';
import { stringFlag, usage } from './command.js';
import type { FlagValues, Flags } from './command.js';
import { readScriptFile } from './script-file.js';
import type { Terminal } from './terminal.js';

/** Flags of what thinks in text. */
export const textFlags = {
  'text-model': { type: 'string', value: '<name>', help: 'text model to ask for; OPENAI_API_KEY is its key' },
  'text-url': { type: 'string', value: '<url>', help: 'its server, e.g. http://127.0.0.1:11434/v1' },
} satisfies Flags;

/** Flags of what hears and what speaks in a pipeline. */
export const speechFlags = {
  'listen-model': { type: 'string', value: '<name>', help: 'model that writes down what is said' },
  'listen-url': { type: 'string', value: '<url>', help: 'its server' },
  'speak-model': { type: 'string', value: '<name>', help: 'model that speaks' },
  'speak-url': { type: 'string', value: '<url>', help: 'its server' },
  voice: { type: 'string', value: '<name>', help: 'the voice that it speaks with (alloy)' },
} satisfies Flags;

const TEXT_MODEL = 'gpt-5-mini';
const LISTEN_MODEL = 'gpt-4o-mini-transcribe';
const SPEAK_MODEL = 'gpt-4o-mini-tts';
const VOICE = 'alloy';
/** A script's words come at about the pace of a model. */
const WORD_MS = 30;

export interface PartsOptions {
  /** Whether a key in the environment is a wish for real models. Where it is not, each is asked for by its flags. */
  readonly keyCounts: boolean;
  /** What follows a script is spoken and written at once. */
  readonly atOnce?: boolean;
}

/** What thinks, and whether it needs no key. */
export interface TextPart {
  readonly model: TextModel;
  readonly isScript: boolean;
}

export interface PipelineParts extends TextPart {
  /** For one conversation. */
  readonly recogniser: () => Recogniser;
  readonly synthesiser: Synthesiser;
}

/** The text model of the flags, or one that follows `script`. */
export function textPart(values: FlagValues, terminal: Terminal, script: Script, { keyCounts, atOnce = false }: PartsOptions): TextPart {
  const server = serverOf(values, terminal, 'text', keyCounts);
  if (server === undefined) return { model: scriptTextModel({ script, wordMs: atOnce ? 0 : WORD_MS }), isScript: true };
  return { model: openaiText({ model: server.model ?? TEXT_MODEL, ...server.where }), isScript: false };
}

/** All three of a pipeline; each is real where its flags ask for it, and offline otherwise. */
export function pipelineParts(values: FlagValues, terminal: Terminal, script: Script, logger: Logger, options: PartsOptions): PipelineParts {
  const [listen, speak] = [serverOf(values, terminal, 'listen', options.keyCounts), serverOf(values, terminal, 'speak', options.keyCounts)];
  const voice = stringFlag(values, 'voice');
  if (voice !== undefined && speak === undefined) throw usage('--voice chooses a voice of a model that speaks, and none is asked for.', 'Give --speak-model or --speak-url as well.');
  return {
    ...textPart(values, terminal, script, { ...options, atOnce: true }),
    recogniser: listen === undefined ? () => scriptRecogniser(script) : () => openaiRecogniser({ model: listen.model ?? LISTEN_MODEL, ...listen.where }),
    synthesiser: speak === undefined ? voiceSynthesiser(createVoice({ logger })) : openaiSynthesiser({ model: speak.model ?? SPEAK_MODEL, voice: voice ?? VOICE, ...speak.where }),
  };
}

/** `demo` or a file. */
export async function scriptOf(values: FlagValues): Promise<Script> {
  const name = stringFlag(values, 'script') ?? 'demo';
  return name === 'demo' ? demoScript : readScriptFile(name);
}

interface Server {
  readonly model: string | undefined;
  readonly where: { readonly baseUrl?: string; readonly apiKey?: string };
}

function serverOf(values: FlagValues, terminal: Terminal, part: 'text' | 'listen' | 'speak', keyCounts: boolean): Server | undefined {
  const [model, baseUrl] = [stringFlag(values, `${part}-model`), stringFlag(values, `${part}-url`)];
  const apiKey = terminal.env['OPENAI_API_KEY'];
  const hasKey = apiKey !== undefined && apiKey !== '';
  if (model === undefined && baseUrl === undefined && !(keyCounts && hasKey)) return undefined;
  if (model === '') throw usage(`--${part}-model needs a name.`, `Example: --${part}-model gpt-5-mini`);
  if (baseUrl !== undefined && !(URL.canParse(baseUrl) && /^https?:$/.test(new URL(baseUrl).protocol))) throw usage(`--${part}-url must be an http or https address, not ${JSON.stringify(baseUrl)}.`, `Example: --${part}-url http://127.0.0.1:11434/v1`);
  if (baseUrl === undefined && !hasKey) throw usage(`--${part}-model needs a server: no key and no address is given.`, `Set OPENAI_API_KEY, or give --${part}-url.`);
  return { model, where: { ...(baseUrl === undefined ? {} : { baseUrl }), ...(hasKey ? { apiKey } : {}) } };
}
