import type { BackgroundPolicy } from './background.js';

/** What is known of a call before it runs: of its tool, and of its arguments. */
export interface ToolPlan {
  /** Who called it; a hand-off does not change that. */
  readonly agentName: string;
  readonly needsApproval: boolean;
  readonly respond: boolean;
  readonly concurrency?: number;
  readonly background?: BackgroundPolicy;
}
