import type { EmbeddedSound, LatencyGroup, Timeline } from '../index.js';

export interface PageData {
  readonly calls: readonly Timeline[];
  readonly report: readonly LatencyGroup[];
}

/** What the command has put into the page. */
export function readPageData(): PageData {
  return JSON.parse(document.getElementById('data')?.textContent ?? '{"calls":[],"report":[]}') as PageData;
}

/** The sound of one call, which is read when it is first played. */
export function readSound(call: number): EmbeddedSound | undefined {
  const text = document.getElementById(`sound-${call}`)?.textContent;
  return text === null || text === undefined ? undefined : (JSON.parse(text) as EmbeddedSound);
}

export function bytesOf(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  return bytes;
}
