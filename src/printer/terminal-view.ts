import type { FlatRunEvent } from '../../session/index.js';

/** A piece of what a terminal shows of a run. `answer` and `reasoning` come in pieces of a text; every other piece is whole lines. */
export interface Piece {
  readonly kind: 'answer' | 'reasoning' | 'tool' | 'agent' | 'error';
  readonly text: string;
}

export interface TerminalViewOptions {
  /** Default true. */
  readonly reasoning?: boolean;
  /** Calls, their progress and their results; default true. */
  readonly tools?: boolean;
}

/** The longest arguments or result that are shown of a call, in characters. */
const MAX_SHOWN = 200;

/** Turns the events of a run into what is shown: what is said, what was thought and what tools did stand apart. Holds no more than where the line stands. */
export class TerminalView {
  readonly #reasoning: boolean;
  readonly #tools: boolean;
  #last: Piece['kind'] | undefined;
  #lineOpen = false;
  #agentName: string | undefined;

  constructor(options: TerminalViewOptions = {}) {
    this.#reasoning = options.reasoning ?? true;
    this.#tools = options.tools ?? true;
  }

  show(event: FlatRunEvent): readonly Piece[] {
    switch (event.type) {
      case 'response.text.delta':
        return this.#flowing('answer', event.delta);
      case 'response.reasoning.delta':
        return this.#reasoning ? this.#flowing('reasoning', event.delta) : [];
      case 'response.function_call.done':
        // Also where calls are not shown: what is said after one is another text.
        return this.#tools ? this.#line('tool', `→ ${event.name} ${brief(event.arguments)}`) : this.#endLine();
      case 'response.function_call.progress':
        return this.#tools ? this.#line('tool', `  ${event.name}: ${brief(typeof event.update === 'string' ? event.update : JSON.stringify(event.update))}`) : [];
      case 'response.function_call.output':
        return this.#tools ? this.#line('tool', `${event.outcome === 'ok' ? '←' : '✗'} ${event.name}${event.outcome === 'ok' ? '' : ` (${event.outcome})`} ${brief(event.output)}`) : [];
      case 'run.agent': {
        // Who begins is known; who takes over is news.
        const isNews = this.#agentName !== undefined && this.#agentName !== event.agentName;
        this.#agentName = event.agentName;
        return isNews ? this.#line('agent', `· ${event.agentName}`) : [];
      }
      case 'run.error':
        return this.#line('error', `${event.error.message}${event.error.hint === undefined ? '' : ` ${event.error.hint}`} [${event.error.code}]`);
      case 'run.done':
        return this.#closed(event.end === 'completed' ? undefined : event.end);
      case 'run.start':
        this.#agentName = event.agentName;
        return [];
      case 'run.step.done':
      case 'response.function_call_arguments.delta':
        return [];
    }
  }

  /** A text that goes on; one of another kind begins on a line of its own. */
  #flowing(kind: 'answer' | 'reasoning', delta: string): readonly Piece[] {
    const text = shown(delta);
    if (text === '') return [];
    const before: Piece[] = this.#last !== undefined && this.#last !== kind ? this.#endLine() : [];
    this.#last = kind;
    this.#lineOpen = !text.endsWith('\n');
    return [...before, { kind, text }];
  }

  #line(kind: Piece['kind'], text: string): readonly Piece[] {
    const pieces = [...this.#endLine(), { kind, text: `${oneLine(text)}\n` }];
    this.#last = kind;
    return pieces;
  }

  #closed(note: string | undefined): readonly Piece[] {
    return note === undefined ? this.#endLine() : [...this.#endLine(), { kind: 'error', text: `(${note})\n` }];
  }

  #endLine(): Piece[] {
    if (!this.#lineOpen) return [];
    this.#lineOpen = false;
    return [{ kind: this.#last ?? 'answer', text: '\n' }];
  }
}

function brief(text: string): string {
  const line = oneLine(text);
  return line.length <= MAX_SHOWN ? line : `${line.slice(0, MAX_SHOWN).replace(/[\uD800-\uDBFF]$/u, '')}…`;
}

/** A text in one line, of which a terminal obeys nothing. */
export function oneLine(text: string): string {
  return shown(text).replace(/\s+/gu, ' ').replace(/^ (?=\S)/u, '  ').trimEnd();
}

/** What a model writes is shown and not obeyed: a terminal takes control characters for orders. Line ends and tabs stay. */
function shown(text: string): string {
  return text.replace(/\r\n?/gu, '\n').replace(/[^\P{Cc}\n\t]/gu, '');
}
