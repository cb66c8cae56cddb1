import type { Clock, Timer } from '../../session/index.js';
import type { PlayedReport } from './ports.js';

/** Below the 100 ms that the protocol asks for, above what would be chatter. */
export const REPORT_INTERVAL_MS = 40;

/** A report that has waited goes a little late, so that the next one, which knows more, can take its place. */
const GRACE_MS = 10;

/** Thins a speaker's reports out to one each 40 ms. A final report goes at once; the newest of the others is never lost, only late. */
export class PlaybackReporter {
  readonly #clock: Clock;
  readonly #send: (report: PlayedReport) => void;
  #lastSentMs = -Infinity;
  #waiting: PlayedReport | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, send: (report: PlayedReport) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  report(report: PlayedReport): void {
    // A waiting report of the same item says less than this one; one of an earlier item was followed by that item's final one.
    this.#waiting = report;
    const dueMs = this.#lastSentMs + REPORT_INTERVAL_MS - this.#clock.now();
    if (report.final || dueMs <= 0) this.#flush();
    else this.#timer ??= this.#clock.after(dueMs + GRACE_MS, () => this.#flush());
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting = undefined;
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const report = this.#waiting;
    this.#waiting = undefined;
    if (report === undefined) return;
    this.#lastSentMs = this.#clock.now();
    this.#send(report);
  }
}
