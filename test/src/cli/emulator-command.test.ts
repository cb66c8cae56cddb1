import { readFileSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Resampler, decodeWav, samplesToPcm16 } from '../../../audio/index.js';
import { readScriptFile } from '../../../src/cli/script-file.js';
import { selfSignedCertificate } from '../../../src/emulator/certificate.js';
import { EmulatorClient } from '../emulator/emulator-client.js';
import { run } from './test-terminal.js';
import type { Running } from './test-terminal.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voicewire-emulator-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function started(...flags: string[]): Promise<{ emulator: Running; url: string; end(): Promise<void> }> {
  const emulator = run(['emulator', '--json', ...flags]);
  const url = String((await emulator.line('listening'))['url']);
  return {
    emulator,
    url,
    async end() {
      emulator.interrupt();
      expect(await emulator.exitCode).toBe(0);
    },
  };
}

describe('a script from a file', () => {
  const greeting = 'Hello from the file.';
  const forms: [string, string][] = [
    ['call.json', JSON.stringify({ name: 'x', greeting, turns: [], fallback: 'Sorry.' })],
    ['call.yaml', `# A comment.\nname: x\ngreeting: ${greeting}\nturns:\n  - when: [weather]\n    reply:\n      - say: Let me see.\n      - call: { name: f, arguments: {} }\nfallback: Sorry.\n`],
    ['call.yml', `name: x\ngreeting: ${greeting}\nturns: []\nfallback: Sorry.\n`],
    ['call.mjs', `export const script = { name: 'x', greeting: '${greeting}', turns: [], fallback: 'Sorry.' };`],
    ['default.mjs', `export default { name: 'x', greeting: '${greeting}', turns: [], fallback: 'Sorry.' };`],
    ['call.ts', `import type { Script } from 'voicewire/emulator';\nconst name: string = 'x';\nexport const script: Script = { name, greeting: '${greeting}', turns: [], fallback: 'Sorry.' };`],
  ];

  it.each(forms)('%s is taken', async (name, text) => {
    // The compiler of the script's own project.
    symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(folder, 'node_modules'));
    const path = join(folder, name);
    await writeFile(path, text);
    expect((await readScriptFile(path)).greeting).toBe(greeting);
  });

  it.each<[string, string, RegExp]>([
    ['bad.json', '{', /is not JSON/],
    ['bad.yaml', 'name: "x', /is not YAML/],
    ['bomb.yaml', `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[index]}`).join(',')}]`).join('\n')}\n`, /is not YAML/],
    ['throws.mjs', 'throw new Error("no");', /cannot be run: no/],
    ['empty.mjs', 'export const other = 1;', /exports no script/],
    ['wrong.yaml', 'name: x\ngreeting: Hi.\nturns:\n  - reply: 7\nfallback: Sorry.\n', /"turns\[0\]/],
    ['step.yaml', 'name: x\ngreeting: Hi.\nturns:\n  - when: [a]\n    reply:\n      - sing: la\nfallback: Sorry.\n', /"turns\[0\]\.reply/],
    ['fault.yaml', 'name: x\ngreeting: Hi.\nturns: []\nfallback: Sorry.\nfaults:\n  - kind: drop\n    nth: 0\n', /"faults\[0\]\.nth"/],
  ])('%s is refused, and the place is named', async (name, text, why) => {
    const path = join(folder, name);
    await writeFile(path, text);
    await expect(readScriptFile(path)).rejects.toMatchObject({ code: 'SCRIPT_INVALID', message: expect.stringMatching(why) as string });
  });

  it('is played', async () => {
    const path = join(folder, 'call.yaml');
    await writeFile(path, (forms[1] as [string, string])[1]);
    const { url, end } = await started('--script', path, '--pace', '100', '--think-ms', '0');
    const client = await EmulatorClient.open(url);
    client.send({ type: 'response.create', response: { output_modalities: ['text'] } });
    expect((await client.next('response.output_text.done'))['text']).toBe(greeting);
    await client.close();
    await end();
  });
});

describe('the flags', () => {
  it('--tls serves wss, and --save-cert gives the certificate to those who are to trust it', async () => {
    const path = join(folder, 'emulator.pem');
    const { url, end } = await started('--tls', '--save-cert', path);
    expect(url).toMatch(/^wss:/);
    const client = await EmulatorClient.open(url, { ca: readFileSync(path) });
    await client.next('session.created');
    await client.close();
    await end();
  });

  it('--tls-cert and --tls-key serve a certificate of one\'s own', async () => {
    const { cert, key } = selfSignedCertificate();
    await writeFile(join(folder, 'cert.pem'), cert);
    await writeFile(join(folder, 'key.pem'), key);
    const { url, end } = await started('--tls-cert', join(folder, 'cert.pem'), '--tls-key', join(folder, 'key.pem'));
    const client = await EmulatorClient.open(url, { ca: cert });
    await client.close();
    await end();
  });

  it('--fault makes something go wrong, --seed the same again', async () => {
    const types = async (seed: string): Promise<string[]> => {
      const { url, end } = await started('--seed', seed, '--fault', 'duplicate:chance=0.5', '--fault', 'drop:onEvent=input_audio_buffer.cleared,nth=12,code=1011');
      const client = await EmulatorClient.open(url);
      for (let count = 0; count < 20; count += 1) client.send({ type: 'input_audio_buffer.clear' });
      expect((await client.closed).code).toBe(1011);
      await end();
      return client.events.map((event) => event.event_id);
    };
    const first = await types('5');
    expect(first.length).toBeGreaterThan(12);
    const pattern = (ids: readonly string[]): string => ids.map((id, index) => (id === ids[index - 1] ? 'again' : 'new')).join();
    expect(pattern(await types('5'))).toBe(pattern(first));
    expect(pattern(await types('6'))).not.toBe(pattern(first));
  });

  it('--clips understands who plays one of them, and says when there are none', async () => {
    const { url, end } = await started('--clips', fileURLToPath(new URL('../../../fixtures/voice', import.meta.url)));
    const client = await EmulatorClient.open(url);
    client.send({ type: 'session.update', session: { type: 'realtime', audio: { input: { transcription: { model: 'whisper-1' }, turn_detection: null } } } });
    const clip = decodeWav(readFileSync(new URL('../../../fixtures/voice/you-are-welcome-.wav', import.meta.url)));
    client.speak(samplesToPcm16(new Resampler(clip.sampleRate, 24_000).push(clip.samples)));
    client.send({ type: 'input_audio_buffer.commit' });
    expect((await client.next('conversation.item.input_audio_transcription.completed'))['transcript']).toBe('You are welcome.');
    await client.close();
    await end();
    const missing = run(['emulator', '--clips', folder]);
    expect([await missing.exitCode, missing.err.join('\n')]).toEqual([1, expect.stringContaining('FILE_NOT_FOUND')]);
  });

  it('--beta and --session-limit-s reach the sessions', async () => {
    const { url, end } = await started('--beta', '--session-limit-s', '0.05');
    const client = await EmulatorClient.open(url, { headers: { 'OpenAI-Beta': 'realtime=v1' } });
    expect((await client.closed).code).toBe(1001);
    expect(client.events.map((event) => event.type)).toEqual(['session.created', 'conversation.created', 'error']);
    await end();
  });

  it('tell a person what goes wrong on purpose, and how to trust the certificate', async () => {
    const emulator = run(['emulator', '--tls', '--fault', 'mute:afterMs=500']);
    await expect.poll(() => emulator.out.join('\n')).toMatch(/NODE_EXTRA_CA_CERTS=[^]*Goes wrong on purpose: \{"kind":"mute","afterMs":500\}/);
    emulator.interrupt();
    await emulator.exitCode;
  });

  it.each<[string, string[], RegExp]>([
    ['a fault that there is not', ['--fault', 'earthquake'], /no such kind of fault; the kinds are latency, /],
    ['a fault without what it needs', ['--fault', 'latency'], /"ms"/],
    ['a pace out of its range', ['--pace', '0'], /--pace must be a number from 0\.1 to 1000/],
    ['a pace that is no number', ['--pace', 'fast'], /--pace must be a number/],
    ['a seed with a fraction', ['--seed', '1.5'], /--seed must be a whole number/],
    ['a certificate without its key', ['--tls-cert', 'x.pem'], /go together/],
    ['a certificate to save where there is none', ['--save-cert', 'x.pem'], /without --tls/],
  ])('%s ends with 2 and says what is wrong', async (_name, flags, why) => {
    const { exitCode, err } = run(['emulator', ...flags]);
    expect(await exitCode).toBe(2);
    expect(err.join('\n')).toMatch(why);
  });

  it('a certificate that is none ends with 2, and one that cannot be written with 1', async () => {
    await writeFile(join(folder, 'junk.pem'), 'junk');
    const junk = run(['emulator', '--tls-cert', join(folder, 'junk.pem'), '--tls-key', join(folder, 'junk.pem')]);
    expect([await junk.exitCode, junk.err.join('\n')]).toEqual([2, expect.stringContaining('cannot be used for TLS')]);
    const unwritable = run(['emulator', '--tls', '--save-cert', join(folder, 'no', 'such', 'folder.pem')]);
    expect([await unwritable.exitCode, unwritable.err.join('\n')]).toEqual([1, expect.stringContaining('FILE_NOT_WRITABLE')]);
  });
});
