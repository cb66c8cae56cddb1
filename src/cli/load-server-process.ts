/**
 * A server under load, in a process of its own, so that its CPU can be told from that of the callers: `emulator`, or `gateway` with the address of its
 * model. It sends its address to its parent, answers `use` with what it has used, and ends when its parent is gone.
 */
import { startEmulator } from '../emulator/index.js';
import { startGateway } from '../gateway/index.js';
import { openaiRealtime } from '../provider/openai/openai-realtime.js';
import { demoAgent } from './demo-agent.js';

/** More callers than any run has. */
const MAX_SESSIONS = 20_000;

const [kind, modelUrl = ''] = process.argv.slice(2);
const url = kind === 'emulator' ? (await startEmulator()).url : (await startGateway({ port: 0, model: openaiRealtime({ url: modelUrl }), agent: demoAgent, limits: { maxSessions: MAX_SESSIONS } })).url;
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1000, memoryBytes: process.memoryUsage.rss() });
});
// Ctrl-C goes to the whole group; the parent ends us when it has its summary.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
process.send?.({ url });
