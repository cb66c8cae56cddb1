#!/usr/bin/env node
import { runCommandLine } from './command-line.js';
import { processTerminal } from './terminal.js';

const { terminal, release } = processTerminal();
// The clock's timers keep no process alive, and between two calls, or while a script thinks, nothing else may.
const alive = setInterval(() => {}, 2 ** 30);
process.exitCode = await runCommandLine(process.argv.slice(2), terminal);
clearInterval(alive);
release();
