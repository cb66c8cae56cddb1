import type { RecordingLine } from '../recording/index.js';
import type { EventRow } from './timeline.js';

/** A detail is read by a person; what is longer than this is for the file. */
const MAX_DETAIL_CHARACTERS = 1_500;
const MAX_TEXT_CHARACTERS = 200;
/** Lines of one kind that are farther apart than this are two runs. */
const RUN_GAP_MS = 1_000;

type Loose = { readonly [name: string]: unknown };

interface Seen {
  readonly kind: EventRow['kind'];
  readonly type: string;
  readonly text: string;
  readonly value: unknown;
  /** Lines with the same key, close together, are one row. */
  readonly run?: string;
  /** What the texts of a run are joined to; without it the last one stands. */
  readonly joins?: boolean;
}

/**
 * What happened, as a list. Sound, words and reports come in hundreds of pieces: runs of them become one row. What the model said to the session is
 * not listed for itself, since the session's events tell it.
 */
export function eventRows(lines: readonly RecordingLine[]): readonly EventRow[] {
  const rows: EventRow[] = [];
  const open = new Map<string, number>();
  lines.forEach((line, index) => {
    const seen = look(line);
    if (seen === undefined) return;
    const { kind, type, text, value, run, joins } = seen;
    const before = run === undefined ? undefined : rows[open.get(run) ?? -1];
    if (run !== undefined && before !== undefined && line.at - before.untilMs <= RUN_GAP_MS) {
      rows[open.get(run) ?? -1] = { ...before, untilMs: line.at, count: before.count + 1, text: cut(joins === true ? before.text + text : text, MAX_TEXT_CHARACTERS) };
      return;
    }
    if (run !== undefined) open.set(run, rows.length);
    rows.push({ atMs: line.at, untilMs: line.at, count: 1, line: index + 2, kind, type, text: cut(text, MAX_TEXT_CHARACTERS), detail: cut(JSON.stringify(value), MAX_DETAIL_CHARACTERS) });
  });
  return rows;
}

function look(line: RecordingLine): Seen | undefined {
  switch (line.type) {
    case 'start':
      return { kind: 'file', type: 'start', text: line.agentName, value: { agentName: line.agentName, metadata: line.metadata } };
    case 'track':
      return { kind: 'file', type: 'track', text: `${line.track}: ${line.encoding}, ${line.sampleRate} Hz`, value: line };
    case 'end':
      return { kind: 'file', type: 'end', text: `${line.lines} lines`, value: line };
    case 'event':
      return lookAtEvent(line.event as unknown as Loose);
    case 'input':
      return lookAtInput(line.input as unknown as Loose);
    case 'command': {
      const command = line.command as Loose;
      return { kind: 'command', type: String(command['type']), text: told(command), value: command, ...(command['type'] === 'append_audio' ? { run: 'append_audio' } : {}) };
    }
    case 'message': {
      const message = line.message as Loose | undefined;
      const type = message === undefined ? (line.text === undefined ? 'binary' : 'text') : String(message['type']);
      const arrow = line.dir === 'in' ? 'from model' : 'to model';
      return { kind: 'wire', type, text: message === undefined ? (line.text ?? arrow) : told(message) || arrow, value: message ?? line, ...(/(?:delta|append)$/.test(type) ? { run: `${line.connection} ${type} ${String(message?.['item_id'])}`, joins: /transcript|text|arguments/.test(type) } : {}) };
    }
    case 'open':
    case 'close':
    case 'refused': {
      const { at: _at, dir: _dir, leg: _leg, type, ...facts } = line;
      return { kind: 'wire', type, text: Object.values(facts).filter((fact) => typeof fact !== 'object').join(' '), value: facts };
    }
  }
}

function lookAtEvent({ info: _info, ...event }: Loose): Seen {
  const type = String(event['type']);
  const base = { kind: 'event', type, text: told(event), value: event } as const;
  switch (type) {
    case 'audio':
      return { ...base, text: String(event['itemId']), run: `audio ${String(event['itemId'])} ${String(event['epoch'])}` };
    case 'transcript_delta':
      return { ...base, run: `transcript ${String(event['itemId'])}`, joins: true };
    case 'tool_arguments_delta':
      return { ...base, run: `arguments ${String(event['callId'])}`, text: String(event['delta']), joins: true };
    case 'raw_model_event':
      return { ...base, text: String(event['name']) };
    default:
      return base;
  }
}

function lookAtInput(input: Loose): Seen | undefined {
  const type = String(input['type']);
  if (type === 'from_model') return undefined;
  const base = { kind: 'input', type, text: told(input), value: input } as const;
  if (type === 'microphone') return { ...base, text: '', run: 'microphone' };
  if (type === 'playback') {
    const { itemId, samples } = (input['report'] ?? {}) as Loose;
    return { ...base, text: `${String(samples)} samples of ${String(itemId)}`, run: `playback ${String(itemId)}` };
  }
  return base;
}

/** The words or numbers that say most about a line. */
function told(value: Loose): string {
  const { type } = value;
  const part = (name: string): string => (typeof value[name] === 'string' || typeof value[name] === 'number' ? String(value[name]) : '');
  const nested = (name: string): Loose => (typeof value[name] === 'object' && value[name] !== null ? (value[name] as Loose) : {});
  switch (type) {
    case 'transcript_delta':
      return part('delta');
    case 'agent_end':
      return [part('outcome'), part('text')].filter((text) => text !== '').join(': ');
    case 'tool_start':
      return part('toolName');
    case 'tool_end':
      return `${part('toolName')} ${part('outcome')} after ${part('durationMs')} ms`;
    case 'audio_interrupted':
      return `heard ${part('heardMs')} ms: ${part('heardText')}`;
    case 'audio_end':
      return `${part('durationMs')} ms`;
    case 'connection': {
      const { state, ...rest } = nested('connection');
      return [String(state), ...Object.values(rest).filter((fact) => typeof fact !== 'object').map(String)].join(' ');
    }
    case 'history_added': {
      const item = nested('item');
      return [item['role'] ?? item['type'], item['text'] ?? item['name'] ?? item['output'] ?? ''].map(String).join(': ');
    }
    case 'history_updated':
      return (Array.isArray(value['changes']) ? (value['changes'] as readonly Loose[]) : []).map((change) => `${String(change['op'])} ${String((change['item'] as Loose | undefined)?.['status'] ?? '')}`.trim()).join(', ');
    case 'cost':
      return `${part('of')} ${typeof value['usd'] === 'number' ? `$${value['usd'].toFixed(5)}` : 'unpriced'}`;
    case 'error':
      return [nested('error')['$error'] ?? value['error']].map((error) => `${String((error as Loose)['code'])}: ${String((error as Loose)['message'])}`).join('');
    case 'turn_metrics': {
      const { speechEndMs, firstFrameHeardMs } = nested('marks');
      return typeof speechEndMs === 'number' && typeof firstFrameHeardMs === 'number' ? `${Math.round(firstFrameHeardMs - speechEndMs)} ms to the first sound` : part('turnId');
    }
    case 'message':
      return (Array.isArray(value['content']) ? (value['content'] as readonly Loose[]) : []).map((each) => String(each['text'] ?? each['type'])).join(' ');
    case 'create_item': {
      const item = nested('item');
      return [item['role'] ?? item['type'], item['name'] ?? ''].map(String).join(' ').trim();
    }
    default:
      return [part('delta') || part('transcript') || part('reason') || part('name') || part('text') || part('state')].join('');
  }
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}…`;
}
