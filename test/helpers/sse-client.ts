import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';

export interface SseEvent {
  readonly event: string;
  readonly data: string;
  /** The last id until then. */
  readonly id: string;
}

/** What a client that keeps to WHATWG HTML section 9.2.6 reads in a whole stream; the last block counts only with its empty line. */
export function readSse(text: string): { readonly events: SseEvent[]; readonly comments: string[]; readonly lastId: string; readonly retryMs: number | undefined } {
  const events: SseEvent[] = [];
  const comments: string[] = [];
  let [lastId, idBuffer, event, retryMs]: [string, string, string, number | undefined] = ['', '', '', undefined];
  let data: string[] = [];
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  for (const line of lines.slice(0, -1)) {
    if (line === '') {
      lastId = idBuffer;
      if (data.length > 0) events.push({ event: event === '' ? 'message' : event, data: data.join('\n'), id: lastId });
      [event, data] = ['', []];
      continue;
    }
    const colon = line.indexOf(':');
    const [field, value] = colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
    if (field === '') comments.push(value);
    else if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) idBuffer = value;
    else if (field === 'retry' && /^\d+$/.test(value)) retryMs = Number(value);
  }
  return { events, comments, lastId, retryMs };
}

export interface SseRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, or as it is when it is a string. */
  readonly body?: unknown;
}

/** One request on a connection of its own. */
export class SseConnection {
  readonly request: ClientRequest;
  readonly response: Promise<IncomingMessage>;
  /** Settles when no more comes: `true` when the server ended it, `false` when it broke. */
  readonly over: Promise<boolean>;
  text = '';
  readonly #news = new Set<() => void>();
  #isOver = false;

  constructor(url: string, { method = 'GET', headers = {}, body }: SseRequest = {}) {
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    this.request = request(url, { method, agent: false, headers: { ...(payload === undefined ? {} : { 'content-type': 'application/json' }), ...headers } });
    let settleOver: (whole: boolean) => void = () => {};
    this.over = new Promise((resolve) => {
      settleOver = (whole): void => {
        this.#isOver = true;
        resolve(whole);
        this.#wake();
      };
    });
    this.response = new Promise((resolve, reject) => {
      this.request.on('error', (error) => {
        reject(error);
        settleOver(false);
      });
      this.request.on('response', (response) => {
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          this.text += chunk;
          this.#wake();
        });
        response.on('error', () => settleOver(false));
        response.on('close', () => settleOver(response.complete));
        resolve(response);
      });
    });
    this.response.catch(() => {});
    this.request.end(payload);
  }

  get events(): SseEvent[] {
    return readSse(this.text).events;
  }

  /** Waits until there are so many events that are no `ping`, or no more can come. */
  async count(count: number): Promise<SseEvent[]> {
    return this.until((events) => events.length >= count);
  }

  async until(enough: (events: readonly SseEvent[], text: string) => boolean): Promise<SseEvent[]> {
    for (;;) {
      const events = this.events.filter(({ event }) => event !== 'ping');
      if (enough(events, this.text) || this.#isOver) return events;
      await new Promise<void>((resolve) => this.#news.add(resolve));
    }
  }

  /** The connection breaks, as when a tab is closed. */
  destroy(): void {
    this.request.destroy();
  }

  #wake(): void {
    const news = [...this.#news];
    this.#news.clear();
    for (const resolve of news) resolve();
  }
}
