/** Outputs of tools that a reply may quote: the last one, and the last one of each name. */
export interface ToolOutputs {
  readonly last: string | undefined;
  readonly byName: ReadonlyMap<string, string>;
}

/**
 * Fills `{{tool.path}}` from the last tool's output and `{{name.path}}` from that tool's (JSON texts). Sentences with a quote that leads nowhere
 * are left out, and then the text is not `whole`.
 */
export function fillQuotes(reply: string, outputs: ToolOutputs): { text: string; whole: boolean } {
  const sentences = sentencesOf(reply);
  const filled = sentences.flatMap((sentence) => {
    let found = true;
    const text = sentence.replace(/\{\{\s*([\w-]+)((?:\.[\w-]+)*)\s*\}\}/g, (_match, name: string, path: string) => {
      const output = name === 'tool' ? outputs.last : outputs.byName.get(name);
      const value = quoted(parsed(output), path.split('.').slice(1));
      found &&= value !== undefined;
      return value ?? '';
    });
    return found ? [text] : [];
  });
  return { text: filled.join(' '), whole: filled.length === sentences.length };
}

function parsed(output: string | undefined): unknown {
  try {
    return output === undefined ? undefined : JSON.parse(output);
  } catch {
    return output;
  }
}

function quoted(output: unknown, path: readonly string[]): string | undefined {
  let value = output;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** Cuts at sentence ends that are followed by a space; a dot inside a number or a quote `{{tool.table}}` does not end one. */
export function sentencesOf(text: string): string[] {
  return text
    .split(/(?<=[.!?])\s+/u)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
}
