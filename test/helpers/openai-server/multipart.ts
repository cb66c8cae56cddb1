export interface FormPart {
  readonly filename: string | undefined;
  readonly bytes: Uint8Array;
  /** The bytes as text. */
  readonly text: string;
}

/** The parts of an upload by name (RFC 7578). */
export function readMultipart(bytes: Buffer, contentType: string): Map<string, FormPart> {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1] ?? '';
  const parts = new Map<string, FormPart>();
  const delimiter = `--${boundary}`;
  for (let at = bytes.indexOf(delimiter); at !== -1; ) {
    const start = at + delimiter.length + 2;
    const next = bytes.indexOf(`\r\n${delimiter}`, start);
    if (next === -1) break;
    const headEnd = bytes.indexOf('\r\n\r\n', start);
    const head = bytes.subarray(start, headEnd).toString();
    const body = bytes.subarray(headEnd + 4, next);
    const name = /[; ]name="([^"]*)"/.exec(head)?.[1];
    if (name !== undefined) parts.set(name, { filename: /filename="([^"]*)"/.exec(head)?.[1], bytes: new Uint8Array(body), text: body.toString() });
    at = next + 2;
  }
  return parts;
}
