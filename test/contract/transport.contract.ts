import { describe, expect, test } from 'vitest';
import type { TransportHandlers } from '../../src/transport/transport.js';
import { pcm16ToSamples, samplesToPcm16 } from '../../audio/index.js';
import { random } from '../helpers/random.js';
import { listenTo } from '../helpers/socket-pair.js';
import type { SocketUnderTest } from '../helpers/socket-pair.js';

/** In what a kind of socket differs, by name; each difference is asserted, not skipped. */
export interface TransportCapabilities {
  /** Reading can be stopped, so that the peer feels it; otherwise messages are held up to 8 MiB. */
  readonly canPause: boolean;
  /** A destroyed connection ends without a handshake. */
  readonly canCut: boolean;
  /** Every code of RFC 6455 may be sent; otherwise those below 3000 go out raised by 3000. */
  readonly sendsEveryCode: boolean;
  /** Text comes from the network as bytes, and a listener may take it so. */
  readonly hasTextBytes: boolean;
}

const bytes = (length: number, first = 0): Uint8Array => Uint8Array.from({ length }, (_, index) => (first + index) & 255);

/** What every {@link Transport} must do. */
export function transportContract(name: string, open: () => Promise<SocketUnderTest>, can: TransportCapabilities): void {
  describe(`${name} keeps the contract of a transport`, () => {
    test('text and binary arrive in order and unchanged, both ways', async () => {
      await using socket = await open();
      const near = listenTo(socket.transport);
      const said = ['one', bytes(3), '', 'zwölf 🙂', bytes(0), bytes(70_001, 7)];
      for (const message of said) {
        socket.peer.send(message);
        socket.transport.send(message);
      }
      await near.count(said.length);
      expect(near.messages).toEqual(said);
      for (const message of said) expect(await socket.peer.receive()).toEqual(message);
    });

    test('a listener that takes text as bytes gets each message once, in order, held ones too: text as its UTF-8 where the socket has it', async () => {
      await using socket = await open();
      const said = ['before the listener', 'zwölf 🙂', bytes(3), '', 'after it'];
      for (const message of said.slice(0, 2)) socket.peer.send(message);
      const seen: unknown[] = [];
      let confirm = (): void => {};
      const all = new Promise<void>((resolve) => (confirm = resolve));
      const see = (message: unknown): void => {
        seen.push(message);
        if (seen.length === said.length) confirm();
      };
      const listener: TransportHandlers = {
        onMessage: (data) => see(typeof data === 'string' && can.hasTextBytes ? 'text that was decoded' : data),
        onTextBytes: (data) => see(can.hasTextBytes ? new TextDecoder().decode(data) : 'bytes where there are none'),
        onClose() {},
      };
      socket.transport.listen(listener);
      for (const message of said.slice(2)) socket.peer.send(message);
      await all;
      expect(seen).toEqual(said);
    });

    test('bytes at an odd offset are sent as they are, and may be changed after send', async () => {
      await using socket = await open();
      listenTo(socket.transport);
      const buffer = bytes(9001);
      const view = buffer.subarray(1, 9000);
      const expected = view.slice();
      socket.transport.send(view);
      view.fill(0);
      expect(await socket.peer.receive()).toEqual(expected);
    });

    test('PCM between texts of odd length comes out as the samples that went in', async () => {
      await using socket = await open();
      const near = listenTo(socket.transport);
      const rng = random();
      const samples = Int16Array.from({ length: 40_000 }, () => rng.int(-32_768, 32_768));
      let messages = 0;
      for (let at = 0; at < samples.length; messages += 2) {
        const chunk = samples.subarray(at, (at += rng.int(1, 400)));
        socket.peer.send(`{"type":"x","pad":"${'o'.repeat(rng.int(0, 20))}"}`);
        socket.peer.send(samplesToPcm16(chunk));
      }
      await near.count(messages);
      const got = near.messages.flatMap((message) => (typeof message === 'string' ? [] : [...pcm16ToSamples(message)]));
      expect(got, `TEST_SEED=${rng.seed}`).toEqual([...samples]);
    });

    test('received bytes are plain Uint8Arrays of the receiver', async () => {
      await using socket = await open();
      const near = listenTo(socket.transport);
      socket.peer.send(bytes(5));
      socket.peer.send(bytes(5, 100));
      await near.count(2);
      const first = near.messages[0] as Uint8Array;
      expect(first.constructor).toBe(Uint8Array);
      first.fill(255);
      expect(near.messages[1]).toEqual(bytes(5, 100));
    });

    test('messages before the listener are kept, and the close after them', async () => {
      await using socket = await open();
      for (const message of ['a', 'b', 'c']) socket.peer.send(message);
      socket.peer.close(3001, 'had enough');
      await socket.peer.closed;
      const near = listenTo(socket.transport);
      expect(await near.closed).toMatchObject({ byUs: false, code: 3001, reason: 'had enough' });
      expect(near.messages).toEqual(['a', 'b', 'c']);
    });

    test('a flood before the listener stays bounded', async () => {
      await using socket = await open();
      const block = bytes(64 * 1024);
      let ended = false;
      void socket.peer.closed.then(() => (ended = true));
      let sent = 0;
      // One block each turn: a side that takes whatever comes would keep up with that for ever.
      while (sent < 1000 && !socket.peer.isHeldBack && !ended) {
        socket.peer.send(block);
        sent += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(sent, 'blocks of 64 KiB until the sender felt it').toBeLessThan(1000);
      const near = listenTo(socket.transport);
      if (can.canPause) {
        await near.count(sent);
        expect(near.messages.at(-1)).toEqual(block);
        socket.peer.send('reading again');
        await near.count(sent + 1);
      } else {
        expect(await near.closed).toMatchObject({ byUs: true, error: { code: 'TRANSPORT_CLOSED' } });
        expect(near.messages).toEqual([]);
      }
    });

    test('a paused transport delivers nothing until it resumes, then everything in order', async () => {
      await using socket = await open();
      const near = listenTo(socket.transport);
      socket.transport.pause();
      for (const message of ['1', '2', '3']) socket.peer.send(message);
      // The way out is open: an echo from the peer shows that what it sent before has had its time.
      socket.transport.send('still writing');
      expect(await socket.peer.receive()).toBe('still writing');
      expect(near.messages).toEqual([]);
      socket.transport.resume();
      await near.count(3);
      expect(near.messages).toEqual(['1', '2', '3']);
    });

    test('a handler may pause in the middle of what was held', async () => {
      await using socket = await open();
      const seen: (string | Uint8Array)[] = [];
      let confirm = (): void => {};
      const two = new Promise<void>((resolve) => (confirm = resolve));
      for (const message of ['1', '2']) socket.peer.send(message);
      socket.transport.listen({
        onMessage(data) {
          seen.push(data);
          if (data === '1') socket.transport.pause();
          else confirm();
        },
        onClose() {},
      });
      socket.transport.send('echo');
      await socket.peer.receive();
      while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(seen).toEqual(['1']);
      socket.transport.resume();
      await two;
      expect(seen).toEqual(['1', '2']);
    });

    test('our close reaches the peer with code and reason, and ends with the same promise for everyone', async () => {
      await using socket = await open();
      const near = listenTo(socket.transport);
      const first = socket.transport.close(4321, 'we are done');
      const second = socket.transport.close(1000, 'again');
      expect(second).toBe(first);
      expect(await first).toEqual({ code: 4321, reason: 'we are done', byUs: true });
      expect(await near.closed).toEqual({ code: 4321, reason: 'we are done', byUs: true });
      expect(await socket.peer.closed).toEqual({ code: 4321, reason: 'we are done' });
      expect(socket.clock.pendingTimers).toBe(0);
    });

    test('codes below 3000 go out as this kind of socket can', async () => {
      await using socket = await open();
      listenTo(socket.transport);
      const code = can.sendsEveryCode ? 1001 : 4001;
      expect(await socket.transport.close(1001, 'away')).toEqual({ code, reason: 'away', byUs: true });
      expect(await socket.peer.closed).toEqual({ code, reason: 'away' });
    });

    test('the close of the peer is reported once, after its last message', async () => {
      await using socket = await open();
      const near = listenTo(socket.transport);
      for (let index = 0; index < 20; index += 1) socket.peer.send(`${index}`);
      socket.peer.close(4000, 'bye');
      expect(await near.closed).toEqual({ code: 4000, reason: 'bye', byUs: false });
      await socket.transport.close();
      socket.transport.destroy();
      socket.transport.pause();
      socket.transport.resume();
      expect(near.closes).toBe(1);
      expect(near.log.indexOf('close')).toBe(20);
    });

    test('a peer that vanishes is a 1006', async () => {
      await using socket = await open();
      const near = listenTo(socket.transport);
      socket.peer.vanish();
      expect(await near.closed).toMatchObject({ code: 1006, byUs: false });
    });

    test('destroy is a 1006 for us, with its error, and ends a pending close', async () => {
      await using socket = await open();
      const near = listenTo(socket.transport);
      const error = new Error('enough');
      socket.transport.destroy(error);
      expect(await near.closed).toEqual({ code: 1006, reason: '', byUs: true, error });
      expect((await socket.transport.close()).error).toBe(error);
      expect((await socket.peer.closed).code).toBe(can.canCut ? 1006 : 1005);
    });

    test('a peer that does not answer our close is cut off after 2 s', async () => {
      await using socket = await open();
      const near = listenTo(socket.transport);
      socket.peer.freeze();
      const closing = socket.transport.close(1000, 'bye');
      socket.clock.advance(1999);
      expect(near.closes).toBe(0);
      socket.clock.advance(1);
      expect(await closing).toMatchObject({ code: 1006, byUs: true });
      expect(socket.clock.pendingTimers).toBe(0);
    });

    test('after the close, sending does nothing and no message comes', async () => {
      await using socket = await open();
      const near = listenTo(socket.transport);
      const closing = socket.transport.close();
      socket.peer.send('crosses our close');
      socket.transport.send('late');
      await closing;
      socket.transport.send(bytes(2));
      socket.transport.pause();
      socket.transport.resume();
      expect(near.messages).toEqual([]);
      await socket.peer.closed;
    });

    test('a handler that throws closes with 1011 and keeps its error; a throwing onClose harms nobody', async () => {
      await using socket = await open();
      const error = new Error('a bug of the application');
      let closes = 0;
      socket.transport.listen({
        onMessage() {
          throw error;
        },
        onClose() {
          closes += 1;
          throw new Error('and another');
        },
      });
      socket.peer.send('one');
      socket.peer.send('two');
      const code = can.sendsEveryCode ? 1011 : 4011;
      expect((await socket.peer.closed).code).toBe(code);
      expect(await socket.transport.close()).toMatchObject({ code, byUs: true, error });
      expect(closes).toBe(1);
    });

    test('wrong calls throw at once: a second listener, a code that never travels', async () => {
      await using socket = await open();
      listenTo(socket.transport);
      expect(() => listenTo(socket.transport)).toThrow(TypeError);
      for (const code of [999, 1005, 1006, 1015, 2999, 5000, 1000.5]) expect(() => socket.transport.close(code)).toThrow(RangeError);
      await socket.transport.close();
    });

    test('a reason that is too long is cut at a whole character', async () => {
      await using socket = await open();
      listenTo(socket.transport);
      const { reason } = await socket.transport.close(1000, `x${'ü'.repeat(100)}`);
      expect(reason).toBe(`x${'ü'.repeat(61)}`);
      expect((await socket.peer.closed).reason).toBe(reason);
    });
  });
}
