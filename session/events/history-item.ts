/** The conversation as the session knows it: what was said, and of the agent's speech, what was heard. */

/** `failed`: it was begun and will not be completed any more. */
export type HistoryStatus = 'in_progress' | 'completed' | 'interrupted' | 'failed';

/** How far the user's speech has been written down. `failed`: it could not be, though the model itself has heard it. */
export type TranscriptState = 'pending' | 'partial' | 'final' | 'failed';

/** A tool that an MCP server offers. */
export interface McpToolInfo {
  readonly name: string;
  readonly description?: string;
}

export type HistoryItem =
  | {
      readonly type: 'message';
      readonly itemId: string;
      readonly role: 'user';
      readonly status: HistoryStatus;
      /** Typed, or the transcript of what was said as far as it is known. */
      readonly text: string;
      readonly spoken: boolean;
      /** Present on what was spoken. */
      readonly transcript?: TranscriptState;
      readonly images: number;
    }
  | { readonly type: 'message'; readonly itemId: string; readonly role: 'system'; readonly status: HistoryStatus; readonly text: string }
  | {
      readonly type: 'message';
      readonly itemId: string;
      readonly role: 'assistant';
      readonly status: HistoryStatus;
      readonly responseId?: string;
      /** Everything that the model generated. */
      readonly text: string;
      readonly spoken: boolean;
      /** What the listener heard of it; the whole text when it was not cut. An estimate by time within the item's audio. */
      readonly heardText: string;
      /** What the listener never heard; empty when it was not cut. */
      readonly unheardText: string;
      /** Present when the item was cut. */
      readonly heardMs?: number;
    }
  | {
      readonly type: 'function_call';
      readonly itemId: string;
      readonly callId: string;
      readonly name: string;
      readonly arguments: string;
      readonly status: HistoryStatus;
    }
  /** A call of a hosted tool. `output` is present when it has ended well, `error` when it has not. */
  | {
      readonly type: 'mcp_call';
      readonly itemId: string;
      readonly serverLabel: string;
      readonly name: string;
      readonly arguments: string;
      readonly output?: string;
      readonly error?: string;
    }
  | { readonly type: 'function_call_output'; readonly itemId: string; readonly callId: string; readonly output: string }
  | { readonly type: 'other'; readonly itemId: string; readonly kind: string; readonly raw: unknown };

/** An item that the application puts into the history; the session gives it an id. */
export type NewHistoryItem =
  | {
      readonly type: 'message';
      readonly role: 'user';
      readonly text: string;
      /** Data URLs of PNG or JPEG. */
      readonly images?: readonly { readonly url: string; readonly detail?: 'auto' | 'low' | 'high' }[];
    }
  | { readonly type: 'message'; readonly role: 'system'; readonly text: string }
  /** `interrupted`: it was cut; the text is what was heard of it. A model is told the text. */
  | { readonly type: 'message'; readonly role: 'assistant'; readonly text: string; readonly interrupted?: true }
  | { readonly type: 'function_call'; readonly callId: string; readonly name: string; readonly arguments: string }
  | { readonly type: 'function_call_output'; readonly callId: string; readonly output: string };

/** One step of the history; applying all of them in order to an empty list gives `session.history`. */
export type HistoryChange =
  /** `afterItemId` `null` puts it first. */
  | { readonly op: 'insert'; readonly item: HistoryItem; readonly afterItemId: string | null }
  | { readonly op: 'update'; readonly item: HistoryItem }
  | { readonly op: 'delete'; readonly itemId: string };
