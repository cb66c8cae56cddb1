import type { SparseMap } from './sparse.js';

/** A response that the application wants beside the conversation. */
export interface BesideRequest {
  readonly handleId: string;
  readonly sinceMs: number;
  responseId?: string;
  text: string;
  /** Its handle has been told; what still comes of it is late. */
  over: boolean;
}

/** By the event id of the request. */
export type BesideState = SparseMap<BesideRequest>;
