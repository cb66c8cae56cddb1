import { AudioError } from '../errors.js';
import type { OpusCodec, OpusSampleRate } from './opus-codec.js';
import { guardedOpus } from './opus-guard.js';
import type { NativeOpus } from './opus-guard.js';

/** The packages that are known. Both are optional, and neither is installed with this one. */
export type OpusPackage = '@evan/opus' | '@discordjs/opus';

export interface LoadOpusOptions {
  /**
   * Which to try, in this order. Default `@evan/opus`, then `@discordjs/opus`: the first is installed without a script and without a compiler, runs on
   * every version of Node from one installation, and throws where the other would abort the process.
   */
  readonly packages?: readonly OpusPackage[];
  /** How a package is imported, where it is not found from here. Default `import(name)`. */
  readonly importPackage?: (name: OpusPackage) => Promise<unknown>;
}

/**
 * Loads the first Opus codec that is installed, behind checks that let nothing from outside reach it unread. Rejects with `AudioError` `OPUS_MISSING` when
 * there is none; `cause` tells of each package why not. A browser needs none of this: WebCodecs speaks the same packets.
 */
export async function loadOpus(options: LoadOpusOptions = {}): Promise<OpusCodec> {
  const { packages = ['@evan/opus', '@discordjs/opus'], importPackage = importByName } = options;
  const failures: unknown[] = [];
  for (const name of packages) {
    try {
      return guardedOpus(ADAPTERS[name](await importPackage(name)));
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AudioError('OPUS_MISSING', `No Opus codec could be loaded (${packages.join(', ')}). Install one: npm install @evan/opus`, {
    cause: new AggregateError(failures, failures.map((failure) => (failure instanceof Error ? failure.message : String(failure))).join(' ')),
  });
}

/** The name is no literal, so that bundlers leave it alone: they would look for both packages and fail where one is missing. */
function importByName(name: string): Promise<unknown> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name);
}

/** What is used of `@evan/opus`. */
interface EvanOpus {
  readonly Encoder: new (options: { sample_rate: OpusSampleRate; channels: 1 | 2 }) => { encode(pcm: Uint8Array): Uint8Array; ctl(request: number, value: number): unknown };
  readonly Decoder: new (options: { sample_rate: OpusSampleRate; channels: 1 | 2 }) => { decode(packet: Uint8Array): Uint8Array; ctl(request: number, value: number): unknown };
}

/** What is used of `@discordjs/opus`: one class that is encoder and decoder. */
interface DiscordOpus {
  readonly OpusEncoder: new (sampleRate: number, channels: number) => {
    encode(pcm: Uint8Array): Uint8Array;
    decode(packet: Uint8Array): Uint8Array;
    applyEncoderCTL(request: number, value: number): void;
    applyDecoderCTL(request: number, value: number): void;
  };
}

const ADAPTERS: Readonly<Record<OpusPackage, (loaded: unknown) => NativeOpus>> = {
  '@evan/opus': (loaded) => {
    const { Encoder, Decoder } = exported<EvanOpus>(loaded, 'Encoder');
    return {
      name: '@evan/opus',
      createEncoder(sampleRate, channels) {
        const encoder = new Encoder({ sample_rate: sampleRate, channels });
        return { encode: (pcm) => encoder.encode(pcm), control: (request, value) => void encoder.ctl(request, value) };
      },
      createDecoder(sampleRate, channels) {
        const decoder = new Decoder({ sample_rate: sampleRate, channels });
        return { decode: (packet) => decoder.decode(packet), control: (request, value) => void decoder.ctl(request, value) };
      },
    };
  },
  '@discordjs/opus': (loaded) => {
    const { OpusEncoder } = exported<DiscordOpus>(loaded, 'OpusEncoder');
    return {
      name: '@discordjs/opus',
      createEncoder(sampleRate, channels) {
        const codec = new OpusEncoder(sampleRate, channels);
        return { encode: (pcm) => codec.encode(pcm), control: (request, value) => codec.applyEncoderCTL(request, value) };
      },
      createDecoder(sampleRate, channels) {
        const codec = new OpusEncoder(sampleRate, channels);
        return { decode: (packet) => codec.decode(packet), control: (request, value) => codec.applyDecoderCTL(request, value) };
      },
    };
  },
};

/** A package may export by name or, as CommonJS, in one object. */
function exported<T>(loaded: unknown, member: keyof T & string): T {
  for (const place of [loaded, (loaded as { default?: unknown }).default]) {
    if (typeof place === 'object' && place !== null && typeof (place as Record<string, unknown>)[member] === 'function') return place as T;
  }
  throw new TypeError(`The package has no class ${member}: it is not the version that is expected.`);
}
