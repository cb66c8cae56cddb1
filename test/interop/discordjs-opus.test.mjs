// @discordjs/opus, unmodified, behind the guard: the package aborts the process for a frame of a wrong length. It is compiled when it is installed, and an
// optional dependency here: where that failed, there is nothing to try.
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadOpus } from '../../audio/index.ts';
import { opusGuardSuite } from '../audio/helpers/opus-guard-suite.ts';
import { random } from '../helpers/random.ts';

const run = promisify(execFile);
const FUZZ = fileURLToPath(new URL('opus-fuzz.mjs', import.meta.url));

const load = () => loadOpus({ packages: ['@discordjs/opus'], importPackage: (name) => import(/* @vite-ignore */ name) });
const installed = await load().then(
  () => true,
  () => false,
);
if (!installed) console.log('@discordjs/opus could not be loaded: SKIPPED.');

describe.skipIf(!installed)('@discordjs/opus', () => {
  opusGuardSuite('@discordjs/opus', load);

  test('ends the process for a wrong length when nothing stands in front of it', async () => {
    const ended = await run(process.execPath, [FUZZ, 'bare'], { cwd: tmpdir() }).then(
      () => 'in peace',
      (error) => error.signal,
    );
    expect(ended).toBe('SIGABRT');
  });

  test('lives through 10 000 packets and lengths of any kind behind the guard', async () => {
    const { seed } = random();
    const { stdout } = await run(process.execPath, [FUZZ, 'guarded', String(seed)], { cwd: tmpdir() });
    const counts = JSON.parse(stdout);
    expect(counts.surprises, `seed ${seed}`).toEqual([]);
    for (const count of ['encoded', 'decoded', 'concealed', 'refusedFrames', 'refusedPackets']) expect(counts[count], `${count}, seed ${seed}`).toBeGreaterThan(400);
    expect(counts.encoded + counts.decoded + counts.concealed + counts.refusedFrames + counts.refusedPackets).toBe(10_002);
  });
});
