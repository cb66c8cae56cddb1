#!/usr/bin/env node
import { runCommandLine } from './command-line.js';
import { processTerminal } from './terminal.js';

const { terminal, release } = processTerminal();
process.exitCode = await runCommandLine(process.argv.slice(2), terminal);
release();
