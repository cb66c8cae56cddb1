import { createBrowserVoice } from 'voicewire/browser';

const byId = (id) => document.getElementById(id);
const show = (text) => (byId('state').textContent = text);

const voice = createBrowserVoice({
  url: new URLSearchParams(location.search).get('gateway') ?? location.origin,
  // The microphone was unplugged, or the system took the sound away.
  onTrouble: (error) => show(`${error.message} ${error.hint ?? ''}`),
});
let client;
let muted = false;

/** Sound first: a browser starts it only in answer to a click. A call without a microphone is still one; say why, and go on. */
async function call() {
  await voice.unlock();
  await voice.openMicrophone().catch((error) => show(`${error.message} ${error.hint ?? ''}`));
  client = voice.client();
  client.on('event', ({ event }) => onSessionEvent(event));
  client.on('closed', ({ error }) => hungUp(error?.message ?? 'The call has ended.'));
  show('Connecting…');
  await client.connect();
  byId('call').textContent = 'Hang up';
  byId('mute').hidden = voice.microphoneLabel === undefined;
  show('Just speak.');
}

function hungUp(text) {
  client = undefined;
  voice.closeMicrophone();
  byId('call').textContent = 'Call';
  byId('mute').hidden = true;
  show(text);
}

function onSessionEvent(event) {
  if (event.type === 'transcript_delta') lineOf(event.itemId, event.role).append(event.delta);
  // Who was interrupted was not heard to the end: what is struck out was never spoken aloud.
  if (event.type === 'audio_interrupted' && event.itemId !== undefined) {
    const unheard = document.createElement('del');
    unheard.textContent = event.unheardText;
    lineOf(event.itemId, 'agent').replaceChildren(event.heardText, ' ', unheard);
  }
}

function lineOf(itemId, role) {
  const known = [...byId('lines').children].find((line) => line.dataset.item === itemId);
  if (known !== undefined) return known;
  const line = document.createElement('li');
  line.className = role;
  line.dataset.item = itemId;
  byId('lines').append(line);
  return line;
}

byId('call').addEventListener('click', () => {
  const done = client === undefined ? call() : client.end();
  done.catch((error) => hungUp(`${error.message} ${error.hint ?? ''}`));
});
byId('mute').addEventListener('click', () => {
  muted = !muted;
  voice.mute(muted);
  byId('mute').textContent = muted ? 'Unmute' : 'Mute';
  byId('mute').setAttribute('aria-pressed', String(muted));
});
