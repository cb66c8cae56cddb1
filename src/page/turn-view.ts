import { isRunActive } from 'voicewire/browser';
import type { RunCall, RunPart, RunView } from 'voicewire/browser';
import { element } from './dom.js';
import { richText } from './rich-text.js';

interface Piece {
  part: RunPart;
  readonly node: HTMLElement;
}

/** One question and its answer on the page: each piece is drawn again only when it has changed. */
export class TurnView {
  readonly row: HTMLLIElement;
  readonly #answer = element('div', 'answer');
  readonly #who = element('span', 'who', 'Agent');
  readonly #waiting = element('span', 'dots', element('i'), element('i'), element('i'));
  readonly #notices = element('div', 'notices');
  #pieces: Piece[] = [];
  readonly #onRetry: () => void;

  constructor(input: string, onRetry: () => void) {
    this.#onRetry = onRetry;
    this.#answer.append(this.#who);
    this.row = element('li', 'turn', element('p', 'asked', element('span', 'hidden', 'You: '), input), this.#answer, this.#notices);
  }

  /** `note` is what the page knows beyond the run: how far the next attempt to connect is. */
  draw(view: RunView, note = ''): void {
    const live = isRunActive(view);
    if (live) this.row.dataset['live'] = '';
    else delete this.row.dataset['live'];
    this.#who.textContent = view.agentName ?? 'Agent';
    view.parts.forEach((part, index) => this.#drawPart(part, index, live && index === view.parts.length - 1));
    for (const { node } of this.#pieces.splice(view.parts.length)) node.remove();
    // Where nothing else moves, three dots say that something will.
    const last = view.parts.at(-1);
    if (live && (last === undefined || last.type === 'agent' || (last.type === 'call' && last.call.state === 'done'))) this.#answer.append(this.#waiting);
    else this.#waiting.remove();
    this.#answer.hidden = view.parts.length === 0 && !live;
    this.#notices.replaceChildren(...notices(view, note, this.#onRetry));
  }

  #drawPart(part: RunPart, index: number, growing: boolean): void {
    const known = this.#pieces[index];
    if (known?.part.type === part.type) {
      if (known.part !== part || part.type === 'reasoning') fill(known.node, part, growing);
      known.part = part;
      return;
    }
    const node = makeNode(part);
    fill(node, part, growing);
    if (known === undefined) this.#answer.append(node);
    else known.node.replaceWith(node);
    this.#pieces[index] = { part, node };
  }
}

function makeNode(part: RunPart): HTMLElement {
  switch (part.type) {
    case 'text':
      return element('div', 'prose');
    case 'reasoning':
      return element('details', 'thought', element('summary'), element('p'));
    case 'call':
      return element('div', 'tool');
    case 'agent':
      return element('p', 'handed');
  }
}

function fill(node: HTMLElement, part: RunPart, growing: boolean): void {
  switch (part.type) {
    case 'text':
      return node.replaceChildren(...richText(part.text));
    case 'reasoning': {
      const [summary, words] = [node.firstElementChild, node.lastElementChild];
      node.classList.toggle('live', growing);
      if (summary !== null) summary.textContent = growing ? 'Thinking…' : 'Thought about it';
      if (words !== null && words.textContent !== part.text) words.textContent = part.text;
      return;
    }
    case 'call':
      return fillCall(node, part.call);
    case 'agent':
      return node.replaceChildren(`${part.agentName} goes on`);
  }
}

function fillCall(node: HTMLElement, call: RunCall): void {
  node.dataset['state'] = call.state;
  if (call.outcome !== undefined) node.dataset['outcome'] = call.outcome;
  const state = call.state === 'asking' ? 'asking…' : call.state === 'running' ? progress(call) : call.outcome === 'ok' ? 'done' : (call.outcome ?? 'done');
  const details = element('div', 'tool-details');
  if (call.arguments !== '') details.append(element('span', 'tag', 'asked'), element('code', '', pretty(call.arguments)));
  if (call.output !== undefined) details.append(element('span', 'tag', 'got'), element('code', '', pretty(call.output)));
  node.replaceChildren(element('div', 'tool-head', element('span', 'tool-name', call.name), element('span', 'tool-state', state)), details);
}

function progress({ progress: told }: RunCall): string {
  return told === undefined ? 'running…' : typeof told === 'string' ? told : JSON.stringify(told);
}

function notices(view: RunView, note: string, onRetry: () => void): HTMLElement[] {
  const made: HTMLElement[] = [];
  const add = (kind: string, ...children: readonly (Node | string)[]): void => {
    const notice = element('p', 'notice', ...children);
    notice.dataset['kind'] = kind;
    made.push(notice);
  };
  const lost = view.lostEvents === 1 ? 'One event was' : `${view.lostEvents} events were`;
  if (view.lostEvents > 0) add('gap', `${lost} lost on the way: something may be missing here.`);
  if (view.status === 'reconnecting') add('waiting', note === '' ? 'Connection lost. Trying again…' : note);
  if (view.status === 'stopping') add('waiting', 'Stopping…');
  if (view.status === 'cancelled') add('stopped', 'Stopped.');
  if (view.status === 'interrupted') add('stopped', 'A tool call waits for approval.');
  if (view.error !== undefined) {
    const retry = element('button', 'plain', 'Try again');
    retry.type = 'button';
    retry.addEventListener('click', onRetry);
    add('problem', element('b', '', view.error.message), ...(view.error.hint === undefined ? [] : [view.error.hint]), element('code', '', view.error.code), ...(view.status === 'failed' ? [retry] : []));
  }
  return made;
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 1).replace(/\n\s*/g, ' ');
  } catch {
    return json;
  }
}
