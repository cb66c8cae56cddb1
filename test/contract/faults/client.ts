import { RealtimeAgent } from '../../../session/index.js';
import type { VoicewireError } from '../../../session/index.js';
import { audioObstacle, audioSuspended, microphoneFailure, microphoneLost } from '../../../src/client/browser/audio-failures.js';
import { connectNodeVoiceClient } from '../../../src/client/index.js';
import { startGateway } from '../../../src/gateway/index.js';
import type { Gateway, GatewayOptions } from '../../../src/gateway/index.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { openVoiceSocket } from '../../src/gateway/voice-socket.js';
import type { VoiceSocket } from '../../src/gateway/voice-socket.js';
import type { Fault, FaultOutcome } from './fault.js';

/** What a browser's audio refuses, as it refuses it. */
function browser(name: string, error: () => VoicewireError | undefined, code: string, retryable: boolean): Fault {
  return {
    ...{ name, code, retryable, clip: false, ends: false },
    provoke: () => {
      const told = error();
      return Promise.resolve({ errors: told === undefined ? [] : [told], clips: 0, closes: 0, closesInTheEnd: 1 });
    },
  };
}

const refusal = (name: string) => (): VoicewireError => microphoneFailure(new DOMException('What the browser says.', name));

/** A bare socket at a gateway that breaks a rule; what the gateway says counts as reported, the end of the socket as the end of the call. */
function atGateway(name: string, code: string, act: (socket: VoiceSocket, gateway: Gateway) => unknown, options: Partial<GatewayOptions> = {}): Fault {
  return {
    ...{ name, code, clip: false, ends: true },
    provoke: async (): Promise<FaultOutcome> => {
      await using gateway = await startGateway({ port: 0, model: scriptedModel(), agent: new RealtimeAgent({ name: 'Ava' }), greeting: false, ...options });
      const socket = await openVoiceSocket(gateway);
      await act(socket, gateway);
      await socket.closed;
      const errors = socket.received.flatMap((message) => (message.type === 'error' ? [{ ...message, retryable: false, name: 'error' } as unknown as VoicewireError] : []));
      const ends = socket.received.filter(({ type }) => type === 'error' || type === 'ended').length;
      return { errors, clips: 0, closes: ends, closesInTheEnd: ends };
    },
  };
}

/** A client of the package that does not get in. */
function atDoor(name: string, code: string, retryable: boolean, options: Partial<GatewayOptions>, connect: (gateway: Gateway) => Promise<unknown>): Fault {
  return {
    ...{ name, code, retryable, clip: false, ends: true },
    provoke: async (): Promise<FaultOutcome> => {
      await using gateway = await startGateway({ port: 0, model: scriptedModel(), agent: new RealtimeAgent({ name: 'Ava' }), greeting: false, ...options });
      const errors = await connect(gateway).then(
        () => [],
        (error: unknown) => [error as VoicewireError],
      );
      return { errors, clips: 0, closes: 1, closesInTheEnd: 1 };
    },
  };
}

const START = { type: 'start', client: 'test', audio: true } as const;

/** What goes wrong between a person and the gateway. */
export const clientFaults: readonly Fault[] = [
  browser('the microphone is denied', refusal('NotAllowedError'), 'MICROPHONE_DENIED', false),
  browser('the page may not ask', refusal('SecurityError'), 'MICROPHONE_DENIED', false),
  browser('there is no microphone', refusal('NotFoundError'), 'MICROPHONE_MISSING', false),
  browser('the microphone is in use', refusal('NotReadableError'), 'MICROPHONE_IN_USE', true),
  browser('the microphone is unplugged', microphoneLost, 'MICROPHONE_MISSING', true),
  browser('the browser refuses with an object', () => microphoneFailure({ weird: true }), 'AUDIO_UNSUPPORTED', false),
  browser('the page came without https', () => audioObstacle({ isSecureContext: false }), 'MICROPHONE_INSECURE_CONTEXT', false),
  browser('the browser has no worklets', () => audioObstacle({ isSecureContext: true }), 'AUDIO_UNSUPPORTED', false),
  browser('the sound is suspended', audioSuspended, 'AUDIO_SUSPENDED', true),
  atDoor('a wrong token', 'GATEWAY_REFUSED', false, { token: 'right' }, (gateway) => connectNodeVoiceClient({ url: gateway.url, client: 'test', token: 'wrong' })),
  atDoor('a gateway that is full', 'GATEWAY_REFUSED', false, { limits: { maxSessions: 1 } }, async (gateway) => {
    await openVoiceSocket(gateway);
    return connectNodeVoiceClient({ url: gateway.url, client: 'test' });
  }),
  atDoor('no gateway at the address', 'GATEWAY_UNREACHABLE', true, {}, async (gateway) => {
    const { url } = gateway;
    await gateway.close();
    return connectNodeVoiceClient({ url, client: 'test' });
  }),
  atGateway('a message that is no JSON', 'CLIENT_BAD_MESSAGE', (socket) => socket.send('{')),
  atGateway('a message of another protocol', 'CLIENT_BAD_MESSAGE', (socket) => socket.send('{"type":"session.update"}')),
  atGateway('a frame that is broken', 'CLIENT_BAD_MESSAGE', async (socket) => {
    socket.send(START);
    await socket.next('ready');
    socket.send(Uint8Array.of(9, 9, 9));
  }),
  atGateway('audio before the start', 'CLIENT_BAD_MESSAGE', (socket) => socket.speak(480)),
  atGateway('audio faster than time', 'CLIENT_TOO_FAST', async (socket) => {
    socket.send(START);
    await socket.next('ready');
    for (let second = 0; second < 20; second += 1) socket.speak(7_200, second * 7_200);
  }),
  atGateway('no start', 'START_TIMEOUT', () => {}, { limits: { startTimeoutMs: 20 } }),
  atGateway('a gateway that goes away', 'GATEWAY_CLOSING', async (socket, gateway) => {
    socket.send(START);
    await socket.next('ready');
    void gateway.close();
  }),
];
