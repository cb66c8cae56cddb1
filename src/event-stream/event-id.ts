/** The ids of events on the wire: `<runId>:<n>`. */

export interface EventId {
  readonly runId: string;
  readonly n: number;
}

export function formatEventId(runId: string, n: number): string {
  return `${runId}:${n}`;
}

/** Gives `undefined` for anything that is not an id of ours. */
export function parseEventId(text: string): EventId | undefined {
  const match = /^([\w.-]{1,128}):(\d{1,15})$/.exec(text);
  return match === null ? undefined : { runId: match[1] as string, n: Number(match[2]) };
}
