/** Tokens of one response, or of many. */
export interface Usage {
  readonly totalTokens: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly input: {
    readonly text: number;
    readonly audio: number;
    readonly image: number;
    /** Those of the tokens above that the model had read before; a part of them and not more of them. */
    readonly cached: number;
    /** What of them is cached, by modality; absent where the model does not say. */
    readonly cachedBy?: { readonly text: number; readonly audio: number; readonly image: number };
  };
  readonly output: { readonly text: number; readonly audio: number };
}

/** What writing down the user's speech has used, by tokens or by time: transcription models are billed apart from the speech model. */
export type TranscriptionUsage =
  | {
      readonly type: 'tokens';
      readonly totalTokens: number;
      readonly inputTokens: number;
      readonly outputTokens: number;
      readonly input: { readonly text: number; readonly audio: number };
    }
  | { readonly type: 'duration'; readonly seconds: number };

/** What a session has used so far. The members of {@link Usage} are of the speech model alone. */
export interface SessionUsage extends Usage {
  readonly responses: number;
  /** Responses of which the model told no numbers; they are in no sum. */
  readonly responsesWithoutUsage: number;
  readonly transcription: {
    readonly turns: number;
    readonly turnsWithoutUsage: number;
    readonly seconds: number;
    readonly totalTokens: number;
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly input: { readonly text: number; readonly audio: number };
  };
}

/**
 * Money spent on a call, in US dollars. Where no price is known nothing is made up: the amount is `unpriced`, and the sums say how much of the
 * call they leave out.
 */
export interface CallCost {
  /** What has a price. The whole only where both `unpriced` counts are 0. */
  readonly usd: number;
  readonly responsesUsd: number;
  readonly transcriptionUsd: number;
  readonly unpricedResponses: number;
  readonly unpricedTranscriptions: number;
  /** Names of models that the price table does not have, `unknown` for one without a name. */
  readonly unpricedModels: readonly string[];
}

export type Usd = number | 'unpriced';
