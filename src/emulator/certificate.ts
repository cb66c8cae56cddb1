import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A key and its certificate, both as PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** RFC 5280 section 4.1.2.5.1 wants the two-digit form of years until 2049; none of these lives longer than this. */
const VALID_MS = 30 * 24 * 3_600_000;
/** The clocks of two machines differ. */
const BACKDATED_MS = 24 * 3_600_000;

/**
 * A certificate for this machine, signed by itself: X.509 version 3 (RFC 5280) with an elliptic key (P-256), for `localhost`, the loopback
 * addresses, and the names and addresses in `hosts`. A client trusts it by being told so.
 *
 *     Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature BIT STRING }
 */
export function selfSignedCertificate(hosts: readonly string[] = [], nowMs = Date.now()): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyInfo = publicKey.export({ type: 'spki', format: 'der' });
  const name = sequence(set(sequence(oid(COMMON_NAME), text('voicewire emulator'))));
  const algorithm = sequence(oid(ECDSA_WITH_SHA256));
  const keyId = createHash('sha1').update(publicKeyInfo).digest();
  const names = ['localhost', '127.0.0.1', '::1', ...hosts.filter((host) => host !== '0.0.0.0' && host !== '::')];
  const tbsCertificate = sequence(
    explicit(0, integer(Buffer.of(2))),
    integer(positive(randomBytes(16))),
    algorithm,
    name,
    sequence(time(nowMs - BACKDATED_MS), time(nowMs + VALID_MS)),
    name,
    publicKeyInfo,
    explicit(
      3,
      sequence(
        // It is its own authority, so that a client that is told to trust it takes it for one.
        extension(BASIC_CONSTRAINTS, sequence(der(0x01, Buffer.of(0xff))), true),
        extension(SUBJECT_ALT_NAME, sequence(...[...new Set(names)].map(altName))),
        extension(SUBJECT_KEY_ID, der(0x04, keyId)),
      ),
    ),
  );
  const signature = sign('sha256', tbsCertificate, privateKey);
  const certificate = sequence(tbsCertificate, algorithm, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem(certificate) };
}

/** Object identifiers, as their DER bytes. */
const COMMON_NAME = Buffer.from('550403', 'hex');
const BASIC_CONSTRAINTS = Buffer.from('551d13', 'hex');
const SUBJECT_ALT_NAME = Buffer.from('551d11', 'hex');
const SUBJECT_KEY_ID = Buffer.from('551d0e', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('2a8648ce3d040302', 'hex');

/** One value of DER (X.690): its tag, its length in one to four bytes, its content. */
function der(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function set(...parts: readonly Uint8Array[]): Buffer {
  return der(0x31, Buffer.concat(parts));
}

function explicit(number: number, content: Uint8Array): Buffer {
  return der(0xa0 + number, content);
}

function oid(bytes: Uint8Array): Buffer {
  return der(0x06, bytes);
}

function integer(bytes: Uint8Array): Buffer {
  return der(0x02, bytes);
}

/** A number whose first bit is set would be a negative one, and a leading zero byte is not allowed. */
function positive(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  copy[0] = ((copy[0] ?? 0) & 0x7f) | 0x40;
  return copy;
}

function text(value: string): Buffer {
  return der(0x0c, Buffer.from(value, 'utf8'));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(digits.slice(2), 'ascii'));
}

function extension(id: Uint8Array, value: Uint8Array, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [der(0x01, Buffer.of(0xff))] : []), der(0x04, value));
}

/** GeneralName: an address as its bytes, a name as text (RFC 5280 section 4.2.1.6). */
function altName(host: string): Buffer {
  switch (isIP(host)) {
    case 4:
      return der(0x87, Buffer.from(host.split('.').map(Number)));
    case 6:
      return der(0x87, ipv6(host));
    default:
      return der(0x82, Buffer.from(host, 'ascii'));
  }
}

function ipv6(host: string): Buffer {
  const [head = '', tail] = host.replace(/%.*$/, '').split('::');
  const words = (part: string | undefined): number[] => (part === undefined || part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)));
  const [before, after] = [words(head), words(tail)];
  const all = [...before, ...Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => 0), ...after];
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
