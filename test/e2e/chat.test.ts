/** The chat as its users meet it: at a pseudo terminal, behind a pipe, and with an output that somebody closes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { CTRL_C, CTRL_D, cliAtTerminal, endSpawned, spawnCli, visible } from '../helpers/spawn-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'voicewire-chat-'));
const script = join(folder, 'script.json');
writeFileSync(script, JSON.stringify({ name: 'Short', greeting: 'Hello.', turns: [{ when: 'long', reply: `It begins. ${'And so it goes on. '.repeat(300)}` }, { when: 'while', reply: 'That takes as long as it takes, and then it is over.' }], fallback: 'Yes.' }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(endSpawned);

const chat = ['chat', '--script', script];
const PROMPT = /^> /mu;

// `script` of BSD has other flags.
const hasTerminals = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true;
if (!hasTerminals && process.env['CI'] !== undefined) throw new Error('There is no `script` of util-linux, which makes a pseudo terminal.');
if (!hasTerminals) console.warn('No `script` of util-linux: the chat is not tried at a terminal.');

describe.runIf(hasTerminals)('at a terminal', () => {
  it('asks line by line, edits what is typed, goes back to earlier lines, and ends with Ctrl-D and a summary', async () => {
    const at = cliAtTerminal(chat);
    await at.shows(/Ctrl-C stops an answer, Ctrl-D ends the chat\./);
    await at.shows(PROMPT);
    at.type('Whta\u007f\u007fat?\r');
    await at.shows(/at\?\nYes\.\n/u);
    await at.shows(PROMPT);
    // The arrow up.
    at.type('\u001b[A');
    await at.shows(/What\?/u);
    at.type('\r');
    await at.shows(/\nYes\.\n/u);
    await at.shows(PROMPT);
    at.type(CTRL_D);
    const { code, out } = await at.done;
    expect(code).toBe(0);
    expect(visible(out)).toMatch(/> \n\d+\.\d s: 2 turns, 0 tool calls\.\n$/u);
  });

  it('Ctrl-C stops the answer and not the chat; where nothing is being answered, it ends the chat', async () => {
    const at = cliAtTerminal(chat);
    await at.shows(PROMPT);
    at.type('Something long\r');
    await at.shows(/It begins\./u);
    at.type(CTRL_C);
    await at.shows(/\(cancelled\)/u);
    await at.shows(PROMPT);
    at.type('Short\r');
    await at.shows(/Yes\.\n/u);
    await at.shows(PROMPT);
    at.type(CTRL_C);
    const { code, out } = await at.done;
    expect(code).toBe(130);
    expect(visible(out)).toMatch(/> \n\d+\.\d s: 2 turns, 0 tool calls\.\n$/u);
  });

  it('what is typed during an answer is the next line, and a paste of several lines is answered line by line', async () => {
    const at = cliAtTerminal(chat);
    await at.shows(PROMPT);
    at.type('One\rTwo\rThr');
    await at.shows(/One\nTwo\nThr\nYes\.\n/u);
    await at.shows(/> Two\nYes\.\n/u);
    await at.shows(/> Thr/u);
    at.type('ee\r');
    await at.shows(/ee\nYes\.\n/u);
    await at.shows(PROMPT);
    at.type('A while\r');
    await at.shows(/That/u);
    at.type('ahead\r');
    await at.shows(/it is over\.\n> ahead\nYes\.\n> /u);
    at.type(CTRL_D);
    expect((await at.done).out).toMatch(/5 turns/u);
  });

  it('tools and reasoning have colours and the answer has none; with NO_COLOR, or at a dumb terminal, nothing has', async () => {
    const booking = ['chat', '--say', 'I want to book a table.'];
    const coloured = (await cliAtTerminal(booking).done).out;
    expect(coloured).toMatch(/\u001b\[36m→ book_table \{/u);
    expect(coloured).toMatch(/\u001b\[0mWith pleasure\./u);
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      const { out, code } = await cliAtTerminal(booking, { env }).done;
      expect(code).toBe(0);
      expect(out).toMatch(/^→ book_table \{[^\u001b]*With pleasure\./mu);
      expect(out).not.toContain('\u001b');
    }
  });

  it('its output redirected into a file: no prompt, no colour', async () => {
    const file = join(folder, 'out.txt');
    const at = cliAtTerminal(chat, { redirect: `> '${file}'; cat '${file}'` });
    at.type(`What?\n${CTRL_D}`);
    const { out } = await at.done;
    expect(visible(out)).toMatch(/1 turn, 0 tool calls\.\nYes\.\n$/u);
    expect(out).not.toContain('\u001b');
    expect(out).not.toContain('> ');
  });
});

describe('behind a pipe', () => {
  it('answers each line, the last one without a line end too, and prints answers alone', async () => {
    const piped = spawnCli(chat);
    piped.input('One\n\nTwo');
    const { code, out, err } = await piped.done;
    expect({ code, out }).toEqual({ code: 0, out: 'Yes.\nYes.\n' });
    expect(err).toMatch(/^\d+\.\d s: 2 turns, 0 tool calls\.\n$/u);
  });

  it('an input that is empty is no turn', async () => {
    const piped = spawnCli(chat);
    piped.input('');
    expect(await piped.done).toMatchObject({ code: 0, out: '', err: expect.stringMatching(/0 turns/u) as string });
  });

  it('Ctrl-C in an answer ends it with a summary', async () => {
    const piped = spawnCli([...chat, '--mode', 'character', '--typing-ms', '500', '--say', 'long']);
    await piped.started;
    piped.signal('SIGINT');
    expect(await piped.done).toMatchObject({ code: 130, err: expect.stringMatching(/1 turn/u) as string });
  });

  it('an output that nobody reads any more ends it in the middle of an answer', async () => {
    const piped = spawnCli([...chat, '--say', 'long']);
    await piped.started;
    piped.closeOutput();
    expect((await piped.done).code).toBe(141);
  });
});
