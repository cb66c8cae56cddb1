import type { LogFields, Logger } from '../../session/index.js';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

export interface StderrLoggerOptions {
  /** The least important level that is still written. Default `warn`. */
  readonly level?: LogLevel;
  /** One JSON object per line instead of text. */
  readonly json?: boolean;
  /** Takes one whole line with its line end. Default: standard error. */
  readonly write?: (line: string) => void;
}

/** A logger that writes lines, not content: level, message and fields, to standard error by default. */
export function stderrLogger(options: StderrLoggerOptions = {}): Logger {
  const write = options.write ?? ((line: string): void => void process.stderr.write(line));
  return loggerWith({}, LEVELS.indexOf(options.level ?? 'warn'), options.json ?? false, write);
}

function loggerWith(fixed: LogFields, deepest: number, json: boolean, write: (line: string) => void): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields): void => {
    if (LEVELS.indexOf(level) > deepest) return;
    const all = { ...fixed, ...fields };
    write(json ? `${JSON.stringify({ type: 'log', level, message, ...all })}\n` : `${textLine(level, message, all)}\n`);
  };
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: (fields) => loggerWith({ ...fixed, ...fields }, deepest, json, write),
  };
}

function textLine(level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${typeof value === 'string' ? quoted(value) : value}`]));
  return [`${level}:`, message, ...pairs].join(' ');
}

/** Values may come from a peer: quoted, so that a line stays one line and a field one field. */
function quoted(value: string): string {
  return /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
}
