// What the tests with published clients share: an emulator behind wss, real speech, and a way to wait for events.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { Resampler, decodeWav, samplesToPcm16 } from '../../audio/index.ts';
import { createVoice, startEmulator } from '../../src/emulator/index.ts';

export const KEY = 'sk-interop';

export function startSecureEmulator(options = {}) {
  return startEmulator({ tls: true, apiKey: KEY, voice: createVoice({ synthesizers: [] }), pace: 20, thinkMs: 20, ...options });
}

const CALLER = read('caller.wav');
/** The spoken turns of fixtures/audio/caller.wav, in its order. */
const { turns } = JSON.parse(readFileSync(new URL('../../fixtures/audio/caller-turns.json', import.meta.url), 'utf8'));
/** Silence after which the emulator's detector is sure that a turn is over. */
const PAUSE_MS = 900;

/** What the caller says as turn number `index`, with the silence after it, as PCM16 24 kHz in chunks of 100 ms. */
export function turn(index) {
  const { startMs, endMs } = turns[index];
  const bytes = Buffer.concat([CALLER.subarray(startMs * 48, endMs * 48), Buffer.alloc(PAUSE_MS * 48)]);
  return Array.from({ length: Math.ceil(bytes.length / 4_800) }, (_, at) => bytes.subarray(at * 4_800, (at + 1) * 4_800));
}

export const says = (index) => turns[index].says;

function read(name) {
  const wav = decodeWav(readFileSync(new URL(`../../fixtures/audio/${name}`, import.meta.url)));
  const pcm = samplesToPcm16(new Resampler(wav.sampleRate, 24_000).push(wav.samples));
  return Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
}

/** `fetch` that trusts the emulator's certificate: what a person sets in NODE_EXTRA_CA_CERTS, for this process that runs already. */
export function trustingFetch(certificate) {
  const agent = new Agent({ ca: certificate });
  return (url, init = {}) =>
    new Promise((resolve, reject) => {
      const outgoing = request(String(url), { method: init.method, agent, headers: Object.fromEntries(new Headers(init.headers)) }, (incoming) => {
        incoming.toArray().then((chunks) => resolve(new Response(Buffer.concat(chunks), { status: incoming.statusCode, headers: Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]) })), reject);
      });
      outgoing.on('error', reject);
      outgoing.end(init.body ?? undefined);
    });
}

/** Keeps events and lets a test wait for one that fits, past those it has waited for. */
export class Heard {
  events = [];
  #waiting = new Set();

  add(event) {
    this.events.push(event);
    for (const check of [...this.#waiting]) check();
  }

  async next(type, fits = () => true, from = 0) {
    for (;;) {
      const found = this.events.slice(from).find((event) => event.type === type && fits(event));
      if (found !== undefined) return found;
      await new Promise((resolve) => {
        const check = () => {
          this.#waiting.delete(check);
          resolve();
        };
        this.#waiting.add(check);
      });
    }
  }
}
