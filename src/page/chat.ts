import { EMPTY_RUN, HostError, VoicewireError, foldRunEvent, isRunActive, resumeRun, runText, streamRun } from 'voicewire/browser';
import type { RunStatus, RunStream, RunStreamEvent, RunView } from 'voicewire/browser';
import { keepChat, newChat, recallChat } from './chat-memory.js';
import type { Chat, ChatTurn } from './chat-memory.js';
import { byId, element } from './dom.js';
import { TurnView } from './turn-view.js';

const token = new URLSearchParams(location.search).get('token');
const connection = token === null ? {} : { headers: { authorization: `Bearer ${token}` } };
const url = new URL('/chat/stream', location.origin);

const input = byId<HTMLTextAreaElement>('input');
const send = byId<HTMLButtonElement>('send');
const stop = byId<HTMLButtonElement>('stop');
const scroll = byId('scroll');

/** The turn that is on. */
interface Live {
  readonly stream: RunStream;
  readonly row: TurnView;
  view: RunView;
  note: string;
}

let chat: Chat = recallChat();
let live: Live | undefined;
let frame = 0;
/** Whether the page stays at the end while the answer grows: until the reader scrolls up. */
let following = true;

const states: Readonly<Record<RunStatus, readonly [state: string, text: string]>> = {
  idle: ['idle', 'Ready'],
  connecting: ['connecting', 'Connecting…'],
  running: ['open', 'Answering'],
  reconnecting: ['connecting', 'Reconnecting…'],
  stopping: ['connecting', 'Stopping…'],
  completed: ['idle', 'Ready'],
  cancelled: ['idle', 'Ready'],
  interrupted: ['idle', 'Ready'],
  failed: ['idle', 'Ready'],
};

function ask(text: string): void {
  const stream = streamRun(url, { input: text, conversationId: chat.conversationId, ...connection });
  follow(stream, { input: text, view: { ...EMPTY_RUN, status: 'connecting' } });
}

/** Shows a stream as a new turn, to its end. */
function follow(stream: RunStream, turn: ChatTurn): void {
  const mine: Live = { stream, row: addRow(turn), view: turn.view, note: '' };
  live = mine;
  chat = { ...chat, turns: [...chat.turns, turn] };
  following = true;
  draw();
  read(mine).catch((error: unknown) => {
    const problem = error instanceof VoicewireError ? error : new HostError('CONNECTION_LOST', 'Something went wrong in this page.', { hint: 'Reload it.', cause: error });
    end(mine, { ...mine.view, status: 'failed', error: { code: problem.code, message: problem.message, hint: problem.hint } });
  });
}

async function read(mine: Live): Promise<void> {
  for await (const event of mine.stream) {
    if (live !== mine) return;
    mine.view = foldRunEvent(mine.view, event);
    if (event.type === 'connection') mine.note = event.state === 'reconnecting' ? retryNote(event) : '';
    // The id is what a reload needs.
    if (event.type === 'run.start') keep(mine);
    frame ||= requestAnimationFrame(draw);
  }
  if (live === mine) end(mine, isRunActive(mine.view) ? { ...mine.view, status: mine.view.status === 'stopping' ? 'cancelled' : 'completed' } : mine.view);
}

function retryNote({ attempt, delayMs }: Extract<RunStreamEvent, { readonly state: 'reconnecting' }>): string {
  const seconds = Math.max(1, Math.round(delayMs / 1000));
  return `Connection lost. Attempt ${attempt} in ${seconds} s…`;
}

function end(mine: Live, view: RunView): void {
  mine.view = view;
  draw();
  keep(mine);
  live = undefined;
  const said = runText(view);
  byId('announcer').append(element('p', '', said === '' ? (view.error?.message ?? 'No answer.') : `${view.agentName ?? 'Agent'}: ${said}`));
  while (byId('announcer').childElementCount > 10) byId('announcer').firstElementChild?.remove();
}

function keep(mine: Live): void {
  chat = { ...chat, turns: [...chat.turns.slice(0, -1), { input: chat.turns.at(-1)?.input ?? '', view: mine.view }] };
  keepChat(chat);
}

/** At most once a frame. */
function draw(): void {
  cancelAnimationFrame(frame);
  frame = 0;
  const view = live?.view ?? EMPTY_RUN;
  live?.row.draw(view, live.note);
  const [state, text] = states[view.status];
  const pill = byId('connection');
  if (pill.dataset['state'] !== state) pill.dataset['state'] = state;
  if (byId('connection-text').textContent !== text) byId('connection-text').textContent = text;
  const active = isRunActive(view);
  const hadFocus = document.activeElement === stop;
  stop.hidden = !active;
  stop.disabled = view.status === 'stopping';
  send.hidden = active;
  send.disabled = input.value.trim() === '';
  if (hadFocus && !active) input.focus();
  byId('welcome').hidden = chat.turns.length > 0;
  byId('fresh').hidden = chat.turns.length === 0 || active;
  if (following) scroll.scrollTop = scroll.scrollHeight;
  byId('latest').hidden = following;
}

function addRow({ input: asked, view }: ChatTurn): TurnView {
  const row = new TurnView(asked, () => live === undefined && ask(asked));
  row.draw(view);
  byId('turns').append(row.row);
  return row;
}

async function halt(): Promise<void> {
  const mine = live;
  if (mine === undefined || mine.view.status === 'stopping') return;
  mine.view = { ...mine.view, status: 'stopping' };
  draw();
  try {
    await mine.stream.stop();
  } catch (error) {
    if (live !== mine) return;
    const problem = error instanceof VoicewireError ? { code: error.code, message: error.message, hint: error.hint } : { code: 'RUN_STOP_FAILED', message: 'The run may not have been stopped.' };
    mine.view = { ...mine.view, status: mine.stream.status === 'open' ? 'running' : 'reconnecting', error: problem };
    draw();
  }
}

function submit(): void {
  const text = input.value.trim();
  if (text === '' || live !== undefined) return;
  input.value = '';
  ask(text);
}

/** A gateway may be there for voice alone: better said before somebody writes. Its health names its runs where it has any. */
async function lookForTextAgent(): Promise<void> {
  const response = await fetch('/healthz', { cache: 'no-store' });
  if (!response.ok || 'maxRuns' in ((await response.json()) as object)) return;
  const talk = element('a', '', 'Talk to it');
  talk.href = `./${location.search}`;
  byId('purpose').replaceChildren('This gateway has no agent that answers in writing. ', talk, ', or start it with one.');
}

/** What was there before a reload; a run that was on then goes on. */
function restore(): void {
  const { turns } = chat;
  const last = turns.at(-1);
  for (const turn of turns.slice(0, -1)) addRow(turn);
  if (last === undefined) return;
  const { runId } = last.view;
  if (runId === undefined || !isRunActive(last.view)) return void addRow(last);
  chat = { ...chat, turns: turns.slice(0, -1) };
  follow(resumeRun(url, { runId, ...connection }), { input: last.input, view: { ...EMPTY_RUN, status: 'connecting', runId } });
}

byId('writer').addEventListener('submit', (event) => {
  event.preventDefault();
  submit();
});
input.addEventListener('input', draw);
input.addEventListener('keydown', (event) => {
  // A word that is still being composed is ended by Enter, and not sent.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
stop.addEventListener('click', () => void halt());
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && live !== undefined) void halt();
});
scroll.addEventListener('scroll', () => {
  following = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 48;
  byId('latest').hidden = following;
});
byId('latest').addEventListener('click', () => {
  following = true;
  draw();
});
byId('fresh').addEventListener('click', () => {
  if (live !== undefined) return;
  chat = newChat();
  keepChat(chat);
  byId('turns').replaceChildren();
  draw();
  input.focus();
});
for (const link of document.querySelectorAll<HTMLAnchorElement>('.ways a')) link.search = location.search;
restore();
draw();
// Where even that fails, the first message will say what is wrong.
lookForTextAgent().catch(() => {});
