import { describe, expect, it } from 'vitest';
import { hostName, isLoopbackHost, refuseSocket } from '../../../src/gateway/doors.js';
import type { DoorRules, RequestHead } from '../../../src/gateway/doors.js';

const open: DoorRules = { token: undefined, allowedOrigins: [], allowedHosts: [] };
const head = (changes: Partial<RequestHead> = {}): RequestHead => ({
  ...{ host: '127.0.0.1:3000', origin: undefined, authorization: undefined, protocols: 'voicewire.v1', localAddress: '127.0.0.1' },
  ...changes,
});
const status = (changes: Partial<RequestHead>, rules: Partial<DoorRules> = {}): number | undefined => refuseSocket(head(changes), { ...open, ...rules })?.status;

describe('host door', () => {
  it.each(['localhost', 'localhost:3000', 'LocalHost:80', 'app.localhost:3000', '127.0.0.1', '127.9.9.9:1', '[::1]:3000', '[::1]'])('lets %s in', (host) => {
    expect(status({ host })).toBeUndefined();
  });

  it.each([undefined, '', 'evil.example', 'evil.example:3000', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil-localhost', '127.evil.example', '0.0.0.0:3000', 'localhost@evil', 'a b', '192.168.1.5'])(
    'refuses %j, the shape of DNS rebinding',
    (host) => {
      expect(status({ host })).toBe(403);
    },
  );

  it('lets allowed names in, exactly, on any port', () => {
    const rules = { allowedHosts: ['Voice.example.com'] };
    expect(status({ host: 'voice.example.com:8443' }, rules)).toBeUndefined();
    expect(status({ host: 'x.voice.example.com' }, rules)).toBe(403);
    expect(status({ host: 'voice.example.com.evil.example' }, rules)).toBe(403);
  });

  it('lets the address in that the connection came in on: an address is no name that DNS could bend', () => {
    expect(status({ host: '192.168.1.5:3000', localAddress: '192.168.1.5' })).toBeUndefined();
    expect(status({ host: '192.168.1.5:3000', localAddress: '::ffff:192.168.1.5' })).toBeUndefined();
    expect(status({ host: '192.168.1.6:3000', localAddress: '192.168.1.5' })).toBe(403);
  });
});

describe('origin door', () => {
  it('lets in what is no browser, and our own page, plain or behind TLS', () => {
    expect(status({})).toBeUndefined();
    expect(status({ origin: 'http://127.0.0.1:3000' })).toBeUndefined();
    expect(status({ origin: 'https://127.0.0.1:3000' })).toBeUndefined();
  });

  it.each(['null', '', 'http://127.0.0.1', 'http://127.0.0.1:3001', 'http://localhost:3000', 'http://127.0.0.1:3000.evil.example', 'http://evil.example/?http://127.0.0.1:3000', 'HTTP://127.0.0.1:3000/'])(
    'refuses origin %j',
    (origin) => {
      expect(status({ origin })).toBe(403);
    },
  );

  it('compares allowed origins exactly, and never allows null', () => {
    const rules = { allowedOrigins: ['https://mydomain.com', 'null'] };
    expect(status({ origin: 'https://mydomain.com' }, rules)).toBeUndefined();
    expect(status({ origin: 'https://evil-mydomain.com' }, rules)).toBe(403);
    expect(status({ origin: 'https://mydomain.com.evil.example' }, rules)).toBe(403);
    expect(status({ origin: 'http://mydomain.com' }, rules)).toBe(403);
    expect(status({ origin: 'null' }, rules)).toBe(403);
  });
});

describe('token door', () => {
  const rules = { token: 's3cret' };
  it.each([
    ['header', { authorization: 'Bearer s3cret' }],
    ['header, other case', { authorization: 'bearer  s3cret' }],
    ['subprotocol', { protocols: 'voicewire.v1, voicewire.token.s3cret' }],
  ])('lets the token in by %s', (_way, changes) => {
    expect(status(changes, rules)).toBeUndefined();
  });

  it.each([
    ['nothing', {}],
    ['a wrong token', { authorization: 'Bearer s3crex' }],
    ['a longer one', { authorization: 'Bearer s3cret1' }],
    ['a shorter one', { authorization: 'Bearer s3cre' }],
    ['another scheme', { authorization: 'Basic s3cret' }],
    ['an empty subprotocol', { protocols: 'voicewire.v1, voicewire.token.' }],
    ['a wrong header beside a right subprotocol', { authorization: 'Bearer no', protocols: 'voicewire.v1, voicewire.token.s3cret' }],
  ])('refuses %s with 401', (_what, changes) => {
    expect(status(changes, rules)).toBe(401);
  });

  it('does not tell the token, and asks for it only after host and origin', () => {
    const refusal = refuseSocket(head({}), { ...open, ...rules });
    expect(JSON.stringify(refusal)).not.toContain('s3cret');
    expect(refusal?.headers).toMatchObject({ 'WWW-Authenticate': 'Bearer' });
    expect(status({ host: 'evil.example' }, rules)).toBe(403);
  });
});

it('asks for the subprotocol last', () => {
  expect(status({ protocols: undefined })).toBe(426);
  expect(status({ protocols: 'voicewire.v2' })).toBe(426);
  expect(status({ protocols: 'voicewire.v2 ,voicewire.v1' })).toBeUndefined();
  expect(status({ protocols: undefined }, { token: 'x' })).toBe(401);
});

it('knows loopback names and reads hosts', () => {
  expect(['localhost', '::1', '[::1]', '127.0.0.2'].every(isLoopbackHost)).toBe(true);
  expect(['0.0.0.0', '::', '192.168.0.1', 'example.com', '127.example.com', ''].some(isLoopbackHost)).toBe(false);
  expect(hostName('[FE80::1]:80')).toBe('fe80::1');
  expect(hostName('a:b:c')).toBeUndefined();
});
