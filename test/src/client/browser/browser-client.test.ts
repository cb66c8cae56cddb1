import { Server, WebSocket as MockWebSocket } from 'mock-socket';
import type { Client } from 'mock-socket';
import { afterEach, describe, expect, test } from 'vitest';
import { samplesToPcm16 } from '../../../../audio/index.js';
import { VoiceClient } from '../../../../src/browser.js';
import { BrowserSpeaker } from '../../../../src/client/browser/browser-speaker.js';
import { audioObstacle, microphoneFailure } from '../../../../src/client/browser/audio-failures.js';
import { PlaybackRing } from '../../../../src/client/browser/playback-ring.js';
import type { PlaybackCommand } from '../../../../src/client/browser/worklet-messages.js';
import type { Microphone, PlayedReport, Speaker, SpeakerFrame, VoiceClientEventMap } from '../../../../src/browser.js';
import { systemClock } from '../../../../src/host/system-clock.js';
import { decodeAudioFrame, encodeAudioFrame } from '../../../../src/protocol/voicewire/index.js';
import { connectBrowserSocket } from '../../../../src/transport/browser-socket.js';
import type { StandardWebSocketConstructor } from '../../../../src/transport/browser-socket.js';

const READY = JSON.stringify({ type: 'ready', protocol: 1, sessionId: 's', agent: 'Ava', model: { label: 'emulator' }, sampleRate: 24000 });

class ListeningSpeaker implements Speaker {
  readonly frames: SpeakerFrame[] = [];
  readonly calls: string[] = [];
  onPlayed: (report: PlayedReport) => void = () => {};
  listen(handlers: { onPlayed(report: PlayedReport): void }): void {
    this.onPlayed = (report) => handlers.onPlayed(report);
  }
  play(frame: SpeakerFrame): void {
    this.frames.push(frame);
  }
  end(item: number, samples: number): void {
    this.calls.push(`end ${item} ${samples}`);
  }
  clear(epoch: number): void {
    this.calls.push(`clear ${epoch}`);
  }
  pause(how: 'pause' | 'duck'): void {
    this.calls.push(how);
  }
  resume(): void {
    this.calls.push('resume');
  }
  reset(): void {
    this.calls.push('reset');
  }
}

class HandMicrophone implements Microphone {
  speak: (samples: Int16Array) => void = () => {};
  running = false;
  start(onSamples: (samples: Int16Array) => void): void {
    this.running = true;
    this.speak = onSamples;
  }
  stop(): void {
    this.running = false;
  }
}

let server: Server | undefined;
afterEach(() => server?.stop());

let nextHost = 0;

/** A gateway in memory: what the client sends is kept, and `socket` is its end of the connection. */
function gateway() {
  nextHost += 1;
  const host = `gateway-${nextHost}.test`;
  const received: unknown[] = [];
  const parts: { socket?: Client; protocols: string[] } = { protocols: [] };
  server = new Server(`ws://${host}/v1/voice`, {
    selectProtocol: (protocols: string[]) => {
      parts.protocols = protocols;
      return 'voicewire.v1';
    },
  });
  server.on('connection', (socket) => {
    parts.socket = socket;
    socket.on('message', (data) => {
      received.push(typeof data === 'string' ? JSON.parse(data) : data);
      if (typeof data === 'string' && (JSON.parse(data) as { type: string }).type === 'start') socket.send(READY);
    });
  });
  return { url: `http://${host}/`, received, parts };
}

function clientOf(url: string, devices: { speaker?: Speaker; microphone?: Microphone } = {}, token?: string): VoiceClient {
  return new VoiceClient({
    url,
    client: 'test',
    clock: systemClock,
    openSocket: (address, options) => connectBrowserSocket(address, { protocols: options.protocols, signal: options.signal, webSocket: MockWebSocket as unknown as StandardWebSocketConstructor }),
    ...devices,
    ...(token === undefined ? {} : { token }),
  });
}

function nextOf<Type extends keyof VoiceClientEventMap>(client: VoiceClient, type: Type): Promise<VoiceClientEventMap[Type]> {
  return new Promise((resolve) => client.on(type, resolve));
}

describe('the client on a browser socket', () => {
  test('sends its token as a subprotocol, since a browser has no headers', async () => {
    const { url, parts, received } = gateway();
    const client = clientOf(url, {}, 'sesame');
    await client.connect();
    expect(parts.protocols).toEqual(['voicewire.v1', 'voicewire.token.sesame']);
    expect(received).toEqual([{ type: 'start', client: 'test', audio: false }]);
    await client.close();
  });

  test('audio goes both ways as binary frames', async () => {
    const { url, parts, received } = gateway();
    const speaker = new ListeningSpeaker();
    const microphone = new HandMicrophone();
    const client = clientOf(url, { speaker, microphone });
    await client.connect();
    parts.socket?.send(JSON.stringify({ type: 'item', item: 1, itemId: 'item_1', responseId: 'r', contentIndex: 0, epoch: 0 }));
    const frame = encodeAudioFrame({ kind: 'agent', epoch: 0, item: 1, firstSample: 0, pcm: samplesToPcm16(Int16Array.of(1, -2, 32767)) });
    parts.socket?.send(frame.buffer);
    const ended = nextOf(client, 'audio_received');
    parts.socket?.send(JSON.stringify({ type: 'item_end', item: 1, epoch: 0, samples: 3 }));
    expect(await ended).toEqual({ type: 'audio_received', itemId: 'item_1', contentIndex: 0, samples: 3 });
    expect(speaker.frames.map(({ samples, ...rest }) => ({ ...rest, samples: [...samples] }))).toEqual([{ epoch: 0, item: 1, firstSample: 0, samples: [1, -2, 32767] }]);
    expect(speaker.calls).toEqual(['reset', 'end 1 3']);

    const level = nextOf(client, 'level');
    microphone.speak(new Int16Array(480).fill(16384));
    expect(await level).toMatchObject({ source: 'microphone', rms: 0.5 });
    speaker.onPlayed({ epoch: 0, item: 1, samples: 3, final: true });
    const closed = nextOf(client, 'closed');
    parts.socket?.send(JSON.stringify({ type: 'ended', reason: 'done' }));
    parts.socket?.close({ code: 1000, reason: 'ended', wasClean: true });
    expect(await closed).toEqual({ type: 'closed', code: 1000, reason: 'ended' });
    const audio = received.find((data) => typeof data === 'object' && !('type' in (data as object)));
    const bytes = audio instanceof ArrayBuffer ? new Uint8Array(audio) : (audio as Uint8Array);
    expect(decodeAudioFrame(bytes, 'microphone').pcm.byteLength).toBe(960);
    expect(received).toContainEqual({ type: 'playback', epoch: 0, item: 1, samples: 3 });
    expect(microphone.running).toBe(false);
  });

  test('after a clear, audio that was on its way reaches no speaker', async () => {
    const { url, parts } = gateway();
    const speaker = new ListeningSpeaker();
    const client = clientOf(url, { speaker });
    await client.connect();
    const pcm = samplesToPcm16(new Int16Array(10));
    const say = (message: object): void => parts.socket?.send(JSON.stringify(message));
    say({ type: 'item', item: 1, itemId: 'item_1', responseId: 'r', contentIndex: 0, epoch: 0 });
    say({ type: 'clear', epoch: 1 });
    parts.socket?.send(encodeAudioFrame({ kind: 'agent', epoch: 0, item: 1, firstSample: 0, pcm }).buffer);
    say({ type: 'item_end', item: 1, epoch: 0, samples: 10 });
    say({ type: 'item', item: 2, itemId: 'item_2', responseId: 'r', contentIndex: 0, epoch: 1 });
    const ended = nextOf(client, 'audio_received');
    parts.socket?.send(encodeAudioFrame({ kind: 'agent', epoch: 1, item: 2, firstSample: 0, pcm }).buffer);
    say({ type: 'item_end', item: 2, epoch: 1, samples: 10 });
    expect((await ended).itemId).toBe('item_2');
    expect(speaker.frames.map((frame) => frame.item)).toEqual([2]);
    expect(speaker.calls).toEqual(['reset', 'clear 1', 'end 2 10']);
    await client.close();
  });

  test('a gateway that is not there is GATEWAY_UNREACHABLE', async () => {
    await expect(clientOf('http://nobody.test/').connect()).rejects.toMatchObject({ name: 'HostError', code: 'GATEWAY_UNREACHABLE', hint: expect.any(String) as string });
  });
});

describe('the speaker of a page', () => {
  test('tells the worklet what to play, and passes on what the worklet counted', () => {
    const ring = new PlaybackRing({ outputRate: 24_000 });
    const port = {
      onmessage: null as ((event: MessageEvent) => void) | null,
      postMessage(command: PlaybackCommand) {
        if (command.type === 'play') ring.play(command.frame);
        else if (command.type === 'end') ring.end(command.item, command.samples);
        else if (command.type === 'clear') ring.clear(command.epoch);
        else if (command.type === 'pause') ring.pause(command.how);
        else if (command.type === 'resume') ring.resume();
        else ring.reset();
      },
    };
    const speaker = new BrowserSpeaker(port);
    const reports: PlayedReport[] = [];
    const troubles: number[] = [];
    speaker.listen({ onPlayed: (report) => reports.push(report), onLevel: () => {}, onTrouble: (counts) => troubles.push(counts.underruns) });
    const tell = (): void => port.onmessage?.({ data: { reports: ring.takeReports(), level: ring.takeLevel(), underruns: ring.underruns, droppedSamples: ring.droppedSamples } } as MessageEvent);
    speaker.reset();
    speaker.play({ epoch: 0, item: 1, firstSample: 0, samples: new Int16Array(4800).fill(1000) });
    speaker.pause('pause');
    ring.render(new Float32Array(4800));
    speaker.resume();
    ring.render(new Float32Array(2400));
    tell();
    speaker.clear(1);
    tell();
    expect(reports).toEqual([
      { epoch: 0, item: 1, samples: 2400, final: false },
      { epoch: 0, item: 1, samples: 2400, final: true },
    ]);
    speaker.play({ epoch: 1, item: 2, firstSample: 0, samples: new Int16Array(2400) });
    ring.render(new Float32Array(4800));
    tell();
    tell();
    expect(troubles).toEqual([1]);
  });
});

describe('what can be wrong with a browser', () => {
  test.each([
    ['NotAllowedError', 'MICROPHONE_DENIED'],
    ['SecurityError', 'MICROPHONE_DENIED'],
    ['NotFoundError', 'MICROPHONE_MISSING'],
    ['OverconstrainedError', 'MICROPHONE_MISSING'],
    ['NotReadableError', 'MICROPHONE_IN_USE'],
    ['AbortError', 'MICROPHONE_IN_USE'],
    ['TypeError', 'AUDIO_UNSUPPORTED'],
  ])('%s is %s, with a hint', (name, code) => {
    const failure = microphoneFailure(new DOMException('no', name));
    expect(failure.code).toBe(code);
    expect(failure.hint).toMatch(/\.$/);
  });

  test('a page that did not come over https, and a browser without worklets, are told apart', () => {
    expect(audioObstacle({ isSecureContext: false })?.code).toBe('MICROPHONE_INSECURE_CONTEXT');
    expect(audioObstacle({ isSecureContext: true })?.code).toBe('AUDIO_UNSUPPORTED');
    expect(audioObstacle({ isSecureContext: true, AudioContext: class {}, AudioWorkletNode: class {} })).toBeUndefined();
  });
});
