/** Values of a log line: ids, lengths, durations and codes. Never content: no audio, transcript, prompt, tool argument or key. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where log lines go. The message is a fixed sentence, the values are fields. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each of its lines. */
  child(fields: LogFields): Logger;
}

/** Says nothing: the default of a library. */
export const silentLogger: Logger = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  child: () => silentLogger,
};
