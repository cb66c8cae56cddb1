/** What is decided by of the checks of texts; the checks themselves are functions of the application. */
export interface GuardrailPolicy {
  readonly output: boolean;
  readonly input: boolean;
  readonly debounceCharacters: number;
  readonly holdBackMs: number;
  readonly closed: boolean;
}

/** What came of the checks of one text. */
export interface GuardrailResult {
  readonly trip?: { readonly name: string; readonly reason: string; readonly say?: string };
  /** Guardrails that threw or took too long. */
  readonly failures: readonly { readonly name: string; readonly problem: string }[];
}
