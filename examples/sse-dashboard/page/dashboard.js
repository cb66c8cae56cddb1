import { EMPTY_RUN, foldRunEvent, isRunActive, resumeRun, runCalls, runText, streamRun } from 'voicewire/browser';

const TOPICS = ['sea ice', 'night frost', 'dust storms', 'spring floods', 'cloud cover', 'soil moisture', 'heat waves', 'river levels', 'first snow'];
const url = new URL('/chat/stream', new URLSearchParams(location.search).get('gateway') ?? location.origin);
/** What a reload needs to know: the runs of this tab. */
const KEY = 'runs';
const runs = new Set();

/** Follows a run in a card of its own, to its end. */
async function follow(topic, stream) {
  const card = document.getElementById('card').content.firstElementChild.cloneNode(true);
  const run = { topic, stream, card, view: { ...EMPTY_RUN, status: 'connecting' } };
  runs.add(run);
  card.querySelector('h2').textContent = topic;
  card.querySelector('button').addEventListener('click', () => stop(run));
  document.getElementById('runs').prepend(card);
  draw(run);
  try {
    for await (const event of stream) {
      run.view = foldRunEvent(run.view, event);
      if (event.type === 'run.start') remember();
      draw(run);
    }
  } catch (error) {
    run.view = { ...run.view, status: 'failed', error };
    draw(run);
  }
}

async function stop(run) {
  if (!isRunActive(run.view)) return;
  run.view = { ...run.view, status: 'stopping' };
  draw(run);
  // The end of the run still comes, as an event; a stop that failed is told, and the run goes on.
  await run.stream.stop().catch((error) => {
    run.view = { ...run.view, status: 'running', error };
    draw(run);
  });
}

function draw({ card, view, stream }) {
  const text = card.querySelector('.text');
  const atEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 20;
  card.dataset.status = view.status;
  card.querySelector('.status').textContent = view.status;
  text.textContent = runText(view) || view.error?.message || runText(view, 'reasoning');
  if (atEnd) text.scrollTop = text.scrollHeight;
  card.querySelector('.calls').textContent = runCalls(view).map((call) => `${call.name} ${call.output ?? '…'}`).join(' · ');
  card.querySelector('.events').textContent = `${stream.position} events${view.lostEvents > 0 ? `, ${view.lostEvents} lost` : ''}`;
  card.querySelector('button').disabled = !isRunActive(view);
  const on = [...runs].filter((run) => isRunActive(run.view)).length;
  document.getElementById('counts').textContent = runs.size === 0 ? 'None yet' : `${on} on, ${runs.size - on} over`;
  document.getElementById('stop-all').disabled = on === 0;
}

function remember() {
  const known = [...runs].filter(({ stream }) => stream.runId !== undefined);
  sessionStorage.setItem(KEY, JSON.stringify(known.map(({ topic, stream }) => ({ topic, runId: stream.runId }))));
}

document.getElementById('start').addEventListener('click', () => {
  for (let count = 0; count < 6; count += 1) {
    const topic = TOPICS[runs.size % TOPICS.length];
    void follow(topic, streamRun(url, { input: topic }));
  }
});
document.getElementById('stop-all').addEventListener('click', () => runs.forEach((run) => void stop(run)));
document.getElementById('stop-all').disabled = true;
document.getElementById('counts').textContent = 'None yet';
for (const { topic, runId } of JSON.parse(sessionStorage.getItem(KEY) ?? '[]')) void follow(topic, resumeRun(url, { runId }));
