import { describe, expect, it } from 'vitest';
import { AudioError, loadOpus } from '../../../audio/index.js';
import { opusGuardSuite } from '../helpers/opus-guard-suite.js';

opusGuardSuite('@evan/opus', () => loadOpus());

describe('loadOpus', () => {
  it('tries the packages in order, and takes the first that loads', async () => {
    const asked: string[] = [];
    class OpusEncoder {
      encode = (): Uint8Array => Uint8Array.of(8);
      decode = (): Uint8Array => new Uint8Array(960);
      applyEncoderCTL(): void {}
      applyDecoderCTL(): void {}
    }
    const codec = await loadOpus({
      importPackage: async (name) => {
        asked.push(name);
        if (name === '@evan/opus') throw new Error('not here');
        return { default: { OpusEncoder } };
      },
    });
    expect(asked).toEqual(['@evan/opus', '@discordjs/opus']);
    expect(codec.name).toBe('@discordjs/opus');
    expect(codec.createDecoder().decode(codec.createEncoder().encode(new Int16Array(480)))).toHaveLength(480);
  });

  it('says what to install when there is none, and why each was not taken', async () => {
    const nothing = loadOpus({
      importPackage: (name) => (name === '@evan/opus' ? Promise.reject(new Error(`Cannot find package '${name}'`)) : Promise.resolve({ OpusEncoder: 'no class' })),
    });
    const error = await nothing.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AudioError);
    expect(error).toMatchObject({ code: 'OPUS_MISSING', message: expect.stringContaining('npm install @evan/opus') as string });
    expect((error as AudioError).cause).toMatchObject({ message: "Cannot find package '@evan/opus' The package has no class OpusEncoder: it is not the version that is expected." });
  });

  it('really looks for a package that is not there', async () => {
    await expect(loadOpus({ packages: ['@discordjs/opus'] })).rejects.toMatchObject({ code: 'OPUS_MISSING' });
  });

  it('does not believe a decoder that gives more or less than its packet lasts', async () => {
    class Encoder {
      encode = (): Uint8Array => Uint8Array.of(8);
      ctl(): void {}
    }
    class Decoder extends Encoder {
      decode = (): Uint8Array => new Uint8Array(11520);
    }
    const codec = await loadOpus({ importPackage: async () => ({ Encoder, Decoder }) });
    expect(() => codec.createDecoder().decode(Uint8Array.of(8, 1, 2))).toThrow(/11520 bytes instead of 960/);
  });
});
