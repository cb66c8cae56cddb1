/** What hosts offer for base64, from newest to oldest: the methods of Uint8Array, Node's Buffer, the two functions of the web. */
export interface Base64Host {
  readonly Uint8Array?: {
    readonly fromBase64?: (text: string) => Uint8Array;
    readonly prototype: { readonly toBase64?: (this: Uint8Array) => string };
  };
  readonly Buffer?: {
    from(buffer: ArrayBufferLike, byteOffset: number, length: number): { write(text: string, encoding: 'base64'): number; toString(encoding: 'base64'): string };
    /** What `write` calls: it takes any bytes for its own, which saves a Buffer for each decoded text. */
    readonly prototype?: { base64Write?(this: Uint8Array, text: string): number };
  };
  readonly atob?: (text: string) => string;
  readonly btoa?: (binary: string) => string;
}

export interface Base64 {
  /** RFC 4648 section 4, padding optional. The bytes are exactly as long as they need to be and share no memory. `undefined` when it is not base64. */
  decode(text: string): Uint8Array | undefined;
  /** Of just these bytes, whatever the buffer around them holds. */
  encode(bytes: Uint8Array): string;
}

/** Chooses the fastest that the host has, once. */
export function base64For(host: Base64Host): Base64 {
  return { decode: decoderFor(host), encode: encoderFor(host) };
}

/** Of the host that this runs in. */
export const base64: Base64 = base64For(globalThis as unknown as Base64Host);

function decoderFor(host: Base64Host): Base64['decode'] {
  const fromBase64 = host.Uint8Array?.fromBase64;
  if (fromBase64 !== undefined) {
    return (text) => {
      const length = decodedLength(text);
      try {
        const bytes = fromBase64.call(host.Uint8Array, text);
        return bytes.length === length ? bytes : undefined;
      } catch {
        return undefined;
      }
    };
  }
  const { Buffer } = host;
  if (Buffer !== undefined) {
    const write = Buffer.prototype?.base64Write ?? writeThrough(Buffer);
    return (text) => {
      const length = decodedLength(text);
      // Node reads the URL-safe letters as well and skips what is none: the first are asked for here, the second leave bytes missing.
      if (length === undefined || text.includes('-') || text.includes('_')) return undefined;
      const bytes = new Uint8Array(length);
      return write.call(bytes, text) === length ? bytes : undefined;
    };
  }
  return (text) => {
    const length = decodedLength(text);
    if (length === undefined || host.atob === undefined) return undefined;
    let binary: string;
    try {
      binary = host.atob(text);
    } catch {
      return undefined;
    }
    if (binary.length !== length) return undefined;
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index += 1) bytes[index] = binary.charCodeAt(index);
    return bytes;
  };
}

function writeThrough(Buffer: NonNullable<Base64Host['Buffer']>): (this: Uint8Array, text: string) => number {
  return function (text) {
    return Buffer.from(this.buffer, this.byteOffset, this.byteLength).write(text, 'base64');
  };
}

function encoderFor(host: Base64Host): Base64['encode'] {
  const toBase64 = host.Uint8Array?.prototype.toBase64;
  if (toBase64 !== undefined) return (bytes) => toBase64.call(bytes);
  const { Buffer, btoa } = host;
  if (Buffer !== undefined) return (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return (bytes) => {
    let binary = '';
    for (const byte of bytes) binary += String.fromCharCode(byte);
    return (btoa as (binary: string) => string)(binary);
  };
}

/** Bytes that so many letters stand for; `undefined` when no number of bytes gives them. */
function decodedLength(text: string): number | undefined {
  let letters = text.length;
  while (letters > 0 && text.length - letters < 2 && text.charCodeAt(letters - 1) === 0x3d) letters -= 1;
  const padding = text.length - letters;
  if (letters % 4 === 1 || (padding > 0 && text.length % 4 !== 0)) return undefined;
  return Math.floor((letters * 3) / 4);
}
