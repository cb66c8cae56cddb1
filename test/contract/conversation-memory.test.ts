import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { InProcessMemory } from '../../session/index.js';
import { openFileMemory } from '../../src/host/file-memory.js';
import type { FileMemory } from '../../src/host/file-memory.js';
import { conversationMemoryContract } from './conversation-memory.contract.js';

const home = mkdtempSync(join(tmpdir(), 'voicewire-memory-'));
const files: FileMemory[] = [];
afterAll(async () => {
  await Promise.all(files.map((file) => file.close()));
  rmSync(home, { recursive: true, force: true });
});

conversationMemoryContract('in the process', () => Promise.resolve(new InProcessMemory()));
conversationMemoryContract('in a file', async () => {
  const file = await openFileMemory(join(home, `${files.length}.jsonl`));
  files.push(file);
  return file;
});
