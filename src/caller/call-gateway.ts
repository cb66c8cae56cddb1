import type { Clock } from '../../session/index.js';
import { ClockSpeaker, nodeVoiceClient } from '../client/index.js';
import type { NodeVoiceOptions, SpeakerFrame } from '../client/index.js';
import { packageVersion } from '../host/package-version.js';
import { systemClock } from '../host/system-clock.js';
import { SAMPLE_RATE } from '../protocol/voicewire/index.js';
import { prepareSteps } from './caller-steps.js';
import type { CallerStep, PreparedStep } from './caller-steps.js';
import { Conversation } from './conversation.js';
import type { CallEvent, FinishedCall } from './finished-call.js';

export interface CallGatewayOptions extends Pick<NodeVoiceOptions, 'url' | 'token' | 'signal' | 'connectTimeoutMs' | 'openSocket'> {
  readonly clock?: Clock;
  /** The longest call. Default 300 000. */
  readonly maxMs?: number;
  /** Whether the finished call has the sound of both sides. Default true. */
  readonly keepAudio?: boolean;
  /** The call is open. */
  readonly onReady?: () => void;
  /** An event of the gateway, as it comes, on the gateway's clock. */
  readonly onEvent?: (event: CallEvent) => void;
  /** A run of the agent's sound has arrived. */
  readonly onFrame?: (frame: SpeakerFrame) => void;
}

/**
 * Lets a scripted caller call a gateway through the Node voice client, in real time. The events of the finished call are those of the gateway, on the
 * caller's clock: the two are laid over each other by the message that was fastest. Rejects with {@link CallerError} `CALLER_TIMEOUT` or
 * `CALL_ENDED_EARLY`, with what the client's `connect()` rejects with, and with `signal.reason`.
 */
export async function callGateway(steps: readonly CallerStep[], options: CallGatewayOptions): Promise<FinishedCall> {
  return dial(await prepareSteps(steps), options);
}

/** The same, with steps whose sound is there already: for many calls at once. */
export async function dial(steps: readonly PreparedStep[], options: CallGatewayOptions): Promise<FinishedCall> {
  const { clock = systemClock, maxMs = 300_000, keepAudio = true, onReady, onEvent, onFrame, ...connection } = options;
  const originMs = clock.now();
  const conversation = new Conversation({ steps, clock, originMs, maxMs, keepAudio, onTyped: (text) => client.sendText(text) });
  const speaker = onFrame === undefined ? new ClockSpeaker({ clock, originMs, sink: conversation.onHeard }) : new WatchedSpeaker({ clock, originMs, sink: conversation.onHeard }, onFrame);
  const client = nodeVoiceClient({ ...connection, clock, client: `voicewire-caller/${packageVersion()}`, microphone: conversation, speaker });
  let aheadMs = Infinity;
  client.on('event', ({ event }) => {
    aheadMs = Math.min(aheadMs, clock.now() - event.info.timestamp);
    conversation.onEvent(event);
    onEvent?.(event);
  });
  client.on('played', ({ itemId, contentIndex, samples }) => conversation.ear.onPlayed({ atMs: clock.now(), itemId, contentIndex, heardMs: (samples * 1000) / SAMPLE_RATE }));
  client.on('closed', ({ code, reason, error }) => conversation.onEnded(error?.message ?? (reason === '' ? `the gateway closed with ${code}` : reason)));
  try {
    await client.connect();
    onReady?.();
    await conversation.over;
    await client.end();
  } catch (error) {
    // Who stops a call is told why it was stopped, not what became of its script.
    connection.signal?.throwIfAborted();
    throw error;
  } finally {
    conversation.close();
    speaker.close();
    await client.close();
  }
  return { ...conversation.call, events: conversation.events.map((event) => moved(event, aheadMs)) };
}

/** A loudspeaker that tells what it is given. */
class WatchedSpeaker extends ClockSpeaker {
  readonly #onFrame: (frame: SpeakerFrame) => void;

  constructor(options: ConstructorParameters<typeof ClockSpeaker>[0], onFrame: (frame: SpeakerFrame) => void) {
    super(options);
    this.#onFrame = onFrame;
  }

  override play(frame: SpeakerFrame): void {
    this.#onFrame(frame);
    super.play(frame);
  }
}

/** The event with its times moved from one clock to another. */
function moved(event: CallEvent, byMs: number): CallEvent {
  const info = { ...event.info, timestamp: event.info.timestamp + byMs };
  if (event.type !== 'turn_metrics') return { ...event, info };
  const marks = Object.fromEntries(Object.entries(event.marks).map(([name, ms]) => [name, ms + byMs]));
  return { ...event, info, marks };
}
