import { HostError, VoicewireError, createBrowserVoice } from 'voicewire/browser';
import type { VoiceClient, VoiceClientEvent, WireSessionEvent } from 'voicewire/browser';
import { Checks, gatewayAnswers } from './checks.js';
import { byId, element } from './dom.js';
import { Latency } from './latency.js';
import { Meters } from './meters.js';
import { Transcript } from './transcript.js';

const query = new URLSearchParams(location.search);
/** `?raw=1` turns the browser's voice processing off: for headphones, measurements and recorded callers. */
const processed = query.get('raw') !== '1';
const token = query.get('token');

const checks = new Checks();
const transcript = new Transcript();
const latency = new Latency();
const meters = new Meters();
const talk = byId<HTMLButtonElement>('talk');
const typed = byId<HTMLInputElement>('typed');
const orb = byId('orb');

const voice = createBrowserVoice({
  url: location.origin,
  client: 'voicewire page',
  microphone: { echoCancellation: processed, noiseSuppression: processed, autoGainControl: processed },
  onTrouble: (error) => {
    checks.set(error.code.startsWith('MICROPHONE') ? 'microphone' : 'output', 'failed', error.message);
    showProblem(error);
  },
  ...(token === null ? {} : { token }),
});

type Phase = 'idle' | 'connecting' | 'listening' | 'hearing' | 'held' | 'thinking' | 'speaking';
const phases: Readonly<Record<Phase, string>> = {
  idle: 'Press Talk to begin.',
  connecting: 'Connecting…',
  listening: 'Listening. Just speak.',
  hearing: 'You are speaking.',
  held: 'The agent waits. Go on, or let it go on.',
  thinking: 'One moment…',
  speaking: 'The agent speaks. Just interrupt.',
};

/** The one call that there is; a new one begins when it is gone. */
let call: { readonly client: VoiceClient; readonly typedOnly: boolean; readonly itemOfResponse: Map<string, string> } | undefined;
let connecting = false;
/** 10 s of 20 ms. */
const SILENT_FRAMES = 500;
let silentFrames = 0;
let wasMuted = false;

async function begin(withMicrophone: boolean): Promise<VoiceClient | undefined> {
  connecting = true;
  showProblem(undefined);
  setPhase('connecting');
  setConnection('connecting', 'Connecting…');
  try {
    await openSound(withMicrophone);
    const client = voice.client();
    call = { client, typedOnly: voice.microphoneLabel === undefined, itemOfResponse: new Map() };
    for (const type of ['event', 'audio_start', 'audio_received', 'played', 'cleared', 'paused', 'resumed', 'level', 'pressure', 'error', 'closed'] as const) client.on(type, onClientEvent);
    transcript.begin();
    latency.begin();
    const ready = await client.connect();
    byId('model-label').textContent = ready.model.label;
    byId('model-note').textContent = ready.model.note ?? '';
    byId('model-note').hidden = ready.model.note === undefined;
    checks.set('gateway', 'ok', `${ready.agent} is on the line.`);
    setConnection('open', 'Connected');
    setPhase('listening');
    return client;
  } catch (error) {
    if (error instanceof VoicewireError) {
      const problem = await explainRefusal(error);
      if (problem.code.startsWith('GATEWAY')) checks.set('gateway', 'failed', problem.message);
      showProblem(problem);
    } else showProblem(new HostError('CONNECTION_LOST', 'The call could not begin.', { hint: 'Reload the page and try again.', cause: error }));
    over('Not connected');
    return undefined;
  } finally {
    connecting = false;
  }
}

/** A browser does not say why a socket was not opened. If the gateway answers otherwise, it was the gateway's own no. */
async function explainRefusal(error: VoicewireError): Promise<VoicewireError> {
  if (error.code !== 'GATEWAY_UNREACHABLE' || !(await gatewayAnswers())) return error;
  return new HostError('GATEWAY_REFUSED', 'The gateway runs, but does not let this page in.', {
    hint: token === null ? 'If it was started with a token, open this page with ?token=… at the end of its address. It may also be full: try again.' : 'The token in the address of this page may be wrong. The gateway may also be full: try again.',
    cause: error,
  });
}

/** Sound first, since only a click may start it; a missing microphone is told, and the call goes on without. */
async function openSound(withMicrophone: boolean): Promise<void> {
  try {
    await voice.unlock();
    checks.set('output', 'ok', `Plays at ${((voice.context?.sampleRate ?? 0) / 1000).toLocaleString('en')} kHz.`);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    checks.set('output', 'failed', error.message);
    showProblem(error);
    return;
  }
  if (!withMicrophone) return;
  try {
    await voice.openMicrophone();
    checks.set('microphone', 'ok', voice.microphoneLabel ?? 'Open.');
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    checks.set('microphone', 'failed', `${error.message} ${error.hint ?? ''}`);
    showProblem(error);
  }
}

function onClientEvent(event: VoiceClientEvent): void {
  transcript.onClientEvent(event);
  switch (event.type) {
    case 'level':
      if (event.source === 'microphone') watchForSilence(event.rms);
      return meters.set(event.source, event.rms);
    case 'audio_start':
      call?.itemOfResponse.set(event.responseId, event.itemId);
      return;
    case 'played':
      // The last word about an item that was cut comes while the user is already speaking.
      if (!event.final && orb.dataset['phase'] !== 'held') setPhase('speaking');
      else if (orb.dataset['phase'] === 'speaking') setPhase('listening');
      return;
    case 'cleared':
      meters.set('agent', 0);
      if (orb.dataset['phase'] === 'speaking' || orb.dataset['phase'] === 'held') setPhase('listening');
      return;
    case 'paused':
      return setPhase('held');
    case 'resumed':
      if (orb.dataset['phase'] === 'held') setPhase('speaking');
      return;
    case 'event':
      return onSessionEvent(event.event);
    case 'error':
      return showProblem(event.error);
    case 'closed':
      if (event.error !== undefined) showProblem(event.error);
      return over(event.error === undefined ? 'Call ended' : 'Connection lost');
    case 'pressure':
      if (event.queue === 'speaker' && event.underruns > 0) checks.set('output', 'ok', `The sound has broken off ${event.underruns} times: the network is slow.`);
      return;
    case 'audio_received':
      return;
  }
}

/** A microphone hears something in any room; zeros without end come from a switch. */
function watchForSilence(rms: number): void {
  silentFrames = rms === 0 ? silentFrames + 1 : 0;
  if (silentFrames === SILENT_FRAMES) checks.set('microphone', 'failed', 'Gives nothing but silence. Is it muted, or the wrong one chosen?');
  if (silentFrames === 0 && wasMuted) checks.set('microphone', 'ok', voice.microphoneLabel ?? 'Open.');
  wasMuted = silentFrames >= SILENT_FRAMES;
}

function onSessionEvent(event: WireSessionEvent): void {
  switch (event.type) {
    case 'input_speech_started':
      return setPhase('hearing');
    case 'input_speech_stopped':
      return setPhase('thinking');
    case 'agent_end':
      if (event.outcome === 'failed') setPhase('listening');
      return;
    case 'turn_metrics': {
      const text = latency.show(event.turnId, event.marks);
      const itemId = call?.itemOfResponse.get(event.responseId);
      if (text !== undefined && itemId !== undefined) transcript.noteLatency(itemId, `after ${text}`);
      return;
    }
    case 'connection':
      return showModelConnection(event.connection);
    case 'error':
      return showProblem(event.error);
    default:
      return;
  }
}

async function end(): Promise<void> {
  const ending = call;
  if (ending === undefined) return;
  voice.closeMicrophone();
  await ending.client.end();
  if (call === ending) over('Call ended');
}

function over(text: string): void {
  call = undefined;
  voice.closeMicrophone();
  meters.rest();
  setConnection('idle', text);
  setPhase('idle');
}

async function toggleTalk(): Promise<void> {
  if (connecting) return;
  if (call === undefined) await begin(true);
  else await end();
}

async function sendTyped(): Promise<void> {
  const text = typed.value.trim();
  if (text === '' || connecting) return;
  const client = call?.client ?? (await begin(false));
  if (client === undefined || client.state !== 'open') return;
  typed.value = '';
  client.sendText(text);
  setPhase('thinking');
}

function setPhase(phase: Phase): void {
  if (phase !== 'idle' && phase !== 'connecting' && call === undefined) return;
  orb.dataset['phase'] = phase;
  talk.classList.toggle('live', phase !== 'idle');
  const label = byId('talk-text');
  const wanted = phase === 'idle' ? 'Talk' : 'Stop';
  if (label.textContent !== wanted) label.textContent = wanted;
  const text = phase === 'listening' && call?.typedOnly === true ? 'Connected without a microphone. Type below.' : phases[phase];
  // Written only when it changes, or screen readers would repeat it.
  const line = byId('phase');
  if (line.textContent !== text) line.textContent = text;
}

/** The model's side of the call may be replaced while it goes on; a person should know why nobody answers for a moment. */
function showModelConnection(connection: Extract<WireSessionEvent, { type: 'connection' }>['connection']): void {
  if (connection.state === 'reconnecting') setConnection('connecting', 'Reconnecting to the model…');
  if (connection.state === 'resumed') setConnection('open', 'Connected');
}

function setConnection(state: 'idle' | 'connecting' | 'open', text: string): void {
  byId('connection').dataset['state'] = state;
  byId('connection-text').textContent = text;
}

function showProblem(problem: { readonly code: string; readonly message: string; readonly hint?: string | undefined } | undefined): void {
  const box = byId('alert');
  box.hidden = problem === undefined;
  if (problem === undefined) return box.replaceChildren();
  box.replaceChildren(element('b', '', problem.message), ' ', problem.hint ?? '', ' ', element('code', '', problem.code));
}

/** For handlers of the page: what they do is told on the page when it fails. */
function run(action: () => Promise<void>): void {
  action().catch((error: unknown) => showProblem(error instanceof VoicewireError ? error : new HostError('CONNECTION_LOST', 'Something went wrong in this page.', { hint: 'Reload it.', cause: error })));
}

talk.addEventListener('click', () => run(toggleTalk));
byId('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  run(sendTyped);
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && call?.client.state === 'open') {
    event.preventDefault();
    call.client.interrupt();
    return;
  }
  const typing = event.target instanceof HTMLInputElement;
  if (event.key.toLowerCase() === 't' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat) run(toggleTalk);
});
// The token, if there is one, goes along.
for (const link of document.querySelectorAll<HTMLAnchorElement>('.ways a')) link.search = location.search;
window.addEventListener('pagehide', () => run(() => voice.close()));
run(() => checks.runEarly());
