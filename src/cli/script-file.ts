import { createRequire } from 'node:module';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseScript } from '../emulator/index.js';
import type { Script } from '../emulator/index.js';
import { HostError } from '../host/errors.js';
import { readInputFile } from './input-file.js';

/**
 * Reads an emulator's script from a file: JSON, YAML (`.yaml`, `.yml`), or a module (`.ts`, `.mts`, `.js`, `.mjs`) that exports it as `script` or
 * as its default. Rejects with `HostError` `FILE_NOT_FOUND` or `SCRIPT_INVALID`.
 */
export async function readScriptFile(path: string): Promise<Script> {
  const bytes = await readInputFile(path, 'Give --script "demo", "parrot", or the path of a JSON, YAML, JavaScript or TypeScript file that you may read.');
  const text = new TextDecoder().decode(bytes);
  switch (extname(path).toLowerCase()) {
    case '.yaml':
    case '.yml':
      return parseScript(await fromYaml(path, text));
    case '.ts':
    case '.mts':
      return parseScript(await fromModule(path, await typescriptUrl(path, text)));
    case '.js':
    case '.mjs':
      return parseScript(await fromModule(path, pathToFileURL(resolve(path)).href));
    default:
      return parseScript(fromJson(path, text));
  }
}

function fromJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(path, 'is not JSON', cause);
  }
}

async function fromYaml(path: string, text: string): Promise<unknown> {
  // Only who has a script in YAML pays for its parser.
  const { parse } = await import('yaml');
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch (cause) {
    throw invalid(path, 'is not YAML', cause);
  }
}

async function fromModule(path: string, url: string): Promise<unknown> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await import(/* @vite-ignore */ url)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw invalid(path, 'cannot be run', cause);
  }
  const script = module['script'] ?? module['default'];
  if (script === undefined) throw invalid(path, 'exports no script', undefined, 'Write "export const script: Script = { … }".');
  return script;
}

/** Node runs TypeScript by itself from 22.18 on; before that the compiler of the script's own project takes the types out. */
async function typescriptUrl(path: string, text: string): Promise<string> {
  const file = resolve(path);
  if ((process.features as { readonly typescript?: unknown }).typescript) return pathToFileURL(file).href;
  let compiler: typeof import('typescript');
  try {
    compiler = createRequire(file)('typescript') as typeof import('typescript');
  } catch (cause) {
    throw invalid(path, 'needs Node 22.18, or the package typescript beside it', cause, 'This Node does not run TypeScript: use a later one, install typescript, or give the script as YAML or JSON.');
  }
  const { ModuleKind, ScriptTarget } = compiler;
  const { outputText } = compiler.transpileModule(text, { compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 } });
  return `data:text/javascript;base64,${Buffer.from(outputText).toString('base64')}`;
}

function invalid(path: string, why: string, cause?: unknown, hint = 'src/emulator/README.md shows what a script looks like.'): HostError {
  const detail = cause instanceof Error ? `: ${cause.message.split('\n')[0] ?? ''}` : '';
  return new HostError('SCRIPT_INVALID', `The script ${path} ${why}${detail}.`, { hint, ...(cause === undefined ? {} : { cause }) });
}
