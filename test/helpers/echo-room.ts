import { readFileSync, readdirSync } from 'node:fs';
import { decodeWav, resampleWhole, samplesToPcm16 } from '../../audio/index.js';
import type { BargeInOptions, ModelCommand, RealtimeModel } from '../../session/index.js';
import { InputBuffer } from '../../src/emulator/input-buffer.js';
import { scriptedModel } from '../../src/provider/scripted/scripted-model.js';
import type { ScriptedModel } from '../../src/provider/scripted/scripted-model.js';
import { SeededRandom } from '../audio/helpers/random.js';
import { makeNoise } from '../audio/helpers/speech-in-noise.js';
import { rmsOf } from '../audio/helpers/tones.js';
import { replyBegins, replyEnds } from './session-harness.js';
import { openVoiceLine } from './voice-line.js';
import type { VoiceLine } from './voice-line.js';

const TEXT = 'A legal notice of ten seconds, which nobody wants to hear to its end.';
/** How long a message travels, one way. */
export const LINE_MS = 15;
/** The agent's own voice, over and over. */
const AGENT = agentVoice();

function agentVoice(): Int16Array[] {
  const folder = new URL('../../fixtures/voice/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.wav'))
    .sort()
    .map((name) => {
      const { samples, sampleRate } = decodeWav(readFileSync(new URL(name, folder)));
      return resampleWhole(samples, sampleRate, 24_000);
    });
}

export interface EchoRoom {
  readonly line: VoiceLine;
  readonly model: ScriptedModel;
  /** What the loudspeaker played: the moment of each 20 ms, and its loudness. */
  readonly played: { readonly atMs: number; readonly rms: number }[];
  /** The samples of it, where they are kept. */
  readonly sound: Int16Array[];
  /** What the model gave to be played. */
  readonly given: Int16Array[];
  /** Somebody says this from now on. */
  speak(samples: Int16Array): void;
  /** From now on so much of the loudspeaker comes back into the microphone. */
  echo(db: number): void;
  /** The agent begins a new answer of five sentences. */
  reply(): void;
}

export interface EchoRoomOptions {
  readonly bargeIn: BargeInOptions;
  readonly echoDb: number;
  readonly noiseDb: number;
  readonly seed: number;
  /** Out of the loudspeaker and back through the air and the devices, in slots of 20 ms. Default 2. */
  readonly delaySlots?: number;
  readonly keepSound?: boolean;
}

/** The walls: a first sound and three later ones, 7, 19 and 46 ms after it. Together as loud as the first alone would be. */
const REFLECTIONS = [[0, 0.86], [168, -0.35], [456, 0.3], [1_104, -0.2]] as const;

/** A caller whose loudspeaker comes back into the microphone, in some noise, and a model that hears by the emulator's ear. */
export async function openRoom(options: EchoRoomOptions): Promise<EchoRoom> {
  const ear = new InputBuffer();
  let turns = 0;
  let replies = 0;
  const given: Int16Array[] = [];
  const model = scriptedModel({ onCommand: (command) => onCommand(command) });
  const stops = options.bargeIn.mode === 'immediate';
  ear.configure({ type: 'audio/pcm', rate: 24_000 }, { type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500, idle_timeout_ms: null, create_response: stops, interrupt_response: stops });
  function onCommand(command: ModelCommand): void {
    if (command.type === 'create_response') reply(command.request.metadata);
    if (command.type !== 'append_audio') return;
    ear.append(command.bytes, (sign) => {
      if (sign.type === 'speech_started') {
        turns += 1;
        model.push({ type: 'speech_started', itemId: `u${turns}`, audioStartMs: sign.audioStartMs });
      } else {
        ear.commit();
        model.push({ type: 'speech_stopped', itemId: `u${turns}`, audioEndMs: sign.audioEndMs }, { type: 'input_committed', itemId: `u${turns}` });
        if (stops) reply();
      }
    });
  }
  /** An answer of five sentences, all of it at once. */
  function reply(metadata?: Readonly<Record<string, string>>): void {
    replies += 1;
    const [responseId, itemId] = [`r${replies}`, `a${replies}`];
    model.push(...replyBegins(responseId, itemId, TEXT, 0, metadata === undefined ? undefined : { ...metadata }));
    for (let sentence = 0; sentence < 5; sentence += 1) {
      const samples = AGENT[(replies * 5 + sentence) % AGENT.length] as Int16Array;
      given.push(samples);
      model.push({ type: 'audio_delta', responseId, itemId, contentIndex: 0, bytes: samplesToPcm16(samples).slice() });
    }
    model.push(...replyEnds(responseId, itemId, TEXT));
  }

  const random = new SeededRandom(options.seed);
  const noise = makeNoise('pink', 24_000, 24_000 * 10, random);
  const noiseGain = (10 ** (options.noiseDb / 20) * 32_768) / rmsOf(noise);
  let echoGain = 10 ** (options.echoDb / 20);
  const played: { atMs: number; rms: number }[] = [];
  const sound: Int16Array[] = [];
  let at = 0;
  let said: Int16Array<ArrayBufferLike> = new Int16Array(0);
  let saidAt = 0;
  /** The newest two seconds of what the loudspeaker played. */
  const inTheAir = new Int16Array(96_000);
  const delaySamples = (options.delaySlots ?? 2) * 480;
  function room(samples: Int16Array, atMs: number): Int16Array {
    played.push({ atMs, rms: rmsOf(samples) });
    if (options.keepSound === true) sound.push(samples);
    inTheAir.set(samples, at % inTheAir.length);
    const heard = new Int16Array(480);
    for (let index = 0; index < 480; index += 1) {
      let echo = 0;
      for (const [later, share] of REFLECTIONS) echo += share * (inTheAir[(at - delaySamples - later + inTheAir.length) % inTheAir.length] ?? 0);
      const value = echo * echoGain + (noise[at % noise.length] ?? 0) * noiseGain + (said[saidAt] ?? 0);
      heard[index] = Math.max(-32_768, Math.min(32_767, Math.round(value)));
      at += 1;
      saidAt += 1;
    }
    return heard;
  }
  const line = await openVoiceLine({ model: model as RealtimeModel, bargeIn: options.bargeIn, delayMs: LINE_MS, room });
  reply();
  return {
    ...{ line, model, played, sound, given },
    speak(samples) {
      said = samples;
      saidAt = 0;
    },
    echo: (db) => (echoGain = 10 ** (db / 20)),
    reply: () => reply(),
  };
}

/** How many messages of a type the gateway has sent. */
export const countOf = ({ line }: EchoRoom, type: string): number => line.told.filter((message) => message.type === type).length;

/** Whether anything was heard of the loudspeaker in the last 200 ms. */
export const sounds = ({ played }: EchoRoom): boolean => played.slice(-10).some(({ rms }) => rms > 50);
