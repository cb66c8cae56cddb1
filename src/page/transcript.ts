import type { HistoryChange, HistoryItem, VoiceClientEvent, WireSessionEvent } from 'voicewire/browser';
import { byId, element } from './dom.js';
import { splitAtHeard } from './heard-split.js';

interface Line {
  readonly role: 'user' | 'agent';
  readonly row: HTMLLIElement;
  readonly body: HTMLParagraphElement;
  readonly note: HTMLSpanElement;
  text: string;
  /** The agent's only. */
  heardSamples: number;
  totalSamples?: number;
  /** Whether its sound comes here: only then is text ahead of hearing. */
  spoken: boolean;
  cut?: { readonly heard: string; readonly unheard: string };
  announced: boolean;
}

interface ToolCard {
  readonly row: HTMLLIElement;
  readonly state: HTMLSpanElement;
  readonly details: HTMLDivElement;
}

/** The conversation as the listener has it: what was heard, what is still to come, what was never heard, and which tools ran. */
export class Transcript {
  readonly #list = byId<HTMLOListElement>('transcript');
  readonly #scroll = byId('scroll');
  readonly #empty = byId('empty');
  readonly #announcer = byId('announcer');
  readonly #lines = new Map<string, Line>();
  readonly #tools = new Map<string, ToolCard>();

  /** A new conversation begins below what is there. */
  begin(): void {
    if (this.#list.childElementCount > 0) this.#list.append(element('li', 'break', 'New conversation'));
    this.#lines.clear();
    this.#tools.clear();
  }

  /** Everything that bears on the transcript; the rest passes by. */
  onClientEvent(event: VoiceClientEvent): void {
    if (event.type === 'event') return this.#onSessionEvent(event.event);
    if (event.type === 'closed') return this.#strikeRest();
    if (event.type !== 'audio_start' && event.type !== 'audio_received' && event.type !== 'played') return;
    const line = this.#line(event.itemId, 'agent');
    line.spoken = true;
    if (event.type === 'audio_received') line.totalSamples = event.samples;
    if (event.type === 'played') line.heardSamples = event.samples;
    this.#draw(line);
    if (event.type === 'played' && event.final) this.#announce(line);
  }

  /** How long a turn's answer took, on the line that it belongs to. */
  noteLatency(itemId: string, text: string): void {
    const line = this.#lines.get(itemId);
    if (line !== undefined) line.note.textContent = text;
  }

  #onSessionEvent(event: WireSessionEvent): void {
    switch (event.type) {
      case 'input_speech_started':
        this.#line(event.itemId, 'user');
        return;
      case 'agent_start':
        return this.#giveUpWaiting();
      case 'transcript_delta': {
        const line = this.#line(event.itemId, event.role);
        line.text += event.delta;
        this.#draw(line);
        return;
      }
      case 'history_added':
        return this.#onItem(event.item);
      case 'history_updated':
        return event.changes.forEach((change) => this.#onChange(change));
      case 'audio_interrupted':
        if (event.itemId !== undefined) this.#cut(event.itemId, event.heardText, event.unheardText);
        return;
      case 'tool_start':
        this.#tool(event.callId, event.toolName);
        return;
      case 'tool_end': {
        const card = this.#tool(event.callId, event.toolName);
        card.row.dataset['outcome'] = event.outcome;
        card.state.textContent = `${event.outcome === 'ok' ? 'done' : event.outcome} · ${Math.round(event.durationMs)} ms`;
        card.details.replaceChildren(element('span', 'tag', 'asked'), element('code', '', pretty(event.arguments)), element('span', 'tag', 'got'), element('code', '', pretty(event.output)));
        this.#announcer.append(element('p', '', `Tool ${event.toolName}: ${event.outcome}.`));
        this.#follow();
        return;
      }
      default:
        return;
    }
  }

  /** An answer has begun: speech that nobody has written down by now may never be, and need not look as if it were about to. */
  #giveUpWaiting(): void {
    for (const line of this.#lines.values()) {
      if (line.role === 'user' && line.text === '') line.body.replaceChildren(element('span', 'unwritten', 'spoken'));
    }
  }

  /** The call is over: what was still to be heard never will be. */
  #strikeRest(): void {
    for (const [itemId, line] of this.#lines) {
      if (!line.spoken || line.cut !== undefined) continue;
      const { heard, ahead } = splitAtHeard(line.text, line.heardSamples, line.totalSamples);
      if (ahead !== '') this.#cut(itemId, heard, ahead.trimStart());
    }
  }

  #onChange(change: HistoryChange): void {
    if (change.op !== 'delete') return this.#onItem(change.item);
    this.#lines.get(change.itemId)?.row.remove();
    this.#lines.delete(change.itemId);
  }

  #onItem(item: HistoryItem): void {
    if (item.type !== 'message' || item.role === 'system') return;
    const line = this.#line(item.itemId, item.role === 'user' ? 'user' : 'agent');
    // The history knows the whole text; pieces that have been added up so far are part of it.
    if (item.text !== '') line.text = item.text;
    if (item.role === 'assistant' && item.unheardText !== '') return this.#cut(item.itemId, item.heardText, item.unheardText);
    this.#draw(line);
    if (item.status === 'completed' && !line.spoken && line.role === 'user') this.#announce(line);
  }

  #cut(itemId: string, heard: string, unheard: string): void {
    const line = this.#line(itemId, 'agent');
    line.cut = { heard, unheard };
    this.#draw(line);
    this.#announce(line);
  }

  #line(itemId: string, role: 'user' | 'agent'): Line {
    const known = this.#lines.get(itemId);
    if (known !== undefined) return known;
    const body = element('p', 'said');
    const note = element('span', 'note');
    const row = element('li', `line ${role}`, element('span', 'who', role === 'user' ? 'You' : 'Agent', note), body);
    const line: Line = { role, row, body, note, text: '', heardSamples: 0, spoken: false, announced: false };
    this.#lines.set(itemId, line);
    this.#draw(line);
    this.#list.append(row);
    this.#empty.hidden = true;
    this.#follow();
    return line;
  }

  #draw(line: Line): void {
    line.row.classList.toggle('pending', line.text === '' && line.cut === undefined);
    line.row.classList.toggle('interrupted', line.cut !== undefined);
    if (line.cut !== undefined) {
      const unheard = element('del', 'unheard', element('span', 'hidden', ' Not heard: '), line.cut.unheard);
      unheard.title = 'You did not hear this';
      line.body.replaceChildren(line.cut.heard, line.cut.heard === '' ? '' : ' ', unheard);
    } else if (line.text === '') {
      line.body.replaceChildren(element('span', 'dots', element('i'), element('i'), element('i')));
    } else if (line.role === 'agent' && line.spoken) {
      const { heard, ahead } = splitAtHeard(line.text, line.heardSamples, line.totalSamples);
      line.body.replaceChildren(heard, element('span', 'ahead', ahead));
    } else {
      line.body.replaceChildren(line.text);
    }
    this.#follow();
  }

  /** Screen readers get whole sentences, once, not every word as it grows. */
  #announce(line: Line): void {
    if (line.announced || (line.text === '' && line.cut === undefined)) return;
    line.announced = true;
    const said = line.cut === undefined ? line.text : `${line.cut.heard} (interrupted)`;
    this.#announcer.append(element('p', '', `${line.role === 'user' ? 'You' : 'Agent'}: ${said}`));
    while (this.#announcer.childElementCount > 20) this.#announcer.firstElementChild?.remove();
  }

  #tool(callId: string, name: string): ToolCard {
    const known = this.#tools.get(callId);
    if (known !== undefined) return known;
    const state = element('span', 'tool-state', 'running…');
    const details = element('div', 'tool-details');
    const row = element('li', 'tool', element('span', 'tool-head', element('span', 'tool-name', name), state), details);
    const card: ToolCard = { row, state, details };
    this.#tools.set(callId, card);
    this.#list.append(row);
    this.#empty.hidden = true;
    this.#follow();
    return card;
  }

  /** Stays at the end, unless the reader has scrolled up. */
  #follow(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
    if (scrollHeight - scrollTop - clientHeight < 160) this.#scroll.scrollTop = scrollHeight;
  }
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 1).replace(/\n\s*/g, ' ');
  } catch {
    return json;
  }
}
