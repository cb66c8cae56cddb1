import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEPENDENCIES = ['wav', 'ws', 'yaml', 'zod'];

/** A project with the built package in it and what it depends on, but none of the optional packages. `folder` is what stands in it beside that. */
export function usersProject(folder) {
  const home = mkdtempSync(join(tmpdir(), 'voicewire-project-'));
  const modules = join(home, 'node_modules');
  mkdirSync(join(modules, 'voicewire'), { recursive: true });
  for (const name of ['dist', 'fixtures/voice', 'package.json']) cpSync(join(ROOT, name), join(modules, 'voicewire', name), { recursive: true });
  // Linked: what they need themselves is found from where they really are.
  for (const name of DEPENDENCIES) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  if (folder !== undefined) cpSync(folder, home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  return { home, remove: () => rmSync(home, { recursive: true, force: true }) };
}
