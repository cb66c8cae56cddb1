// What a runtime with files and sockets runs: `main.mjs` prints one line of JSON and ends by itself.
import * as voicewire from 'voicewire';
import * as emulator from 'voicewire/emulator';
import * as gateway from 'voicewire/gateway';
import * as testing from 'voicewire/testing';
import { inProcess } from './echo-call.mjs';
import { onSockets } from './socket-calls.mjs';

const doors = { ...emulator, ...gateway, ...testing, ...voicewire };
console.log(JSON.stringify({ ...(await inProcess(doors)), sockets: await onSockets(doors) }));
