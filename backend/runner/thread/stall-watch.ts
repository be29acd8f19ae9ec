import { performance } from "node:perf_hooks";
import type { Progress } from "../progress.ts";

/** Maximum time between checks, in ms. */
const lookMs = 1_000;

/** Watches from another thread whether an attempt makes progress within a time limit. */
export class StallWatch {
  /** Whether the attempt has exceeded the limit. */
  isOver = false;
  readonly #timer: NodeJS.Timeout | undefined;

  /**
   * @param limitMs milliseconds; 0 for no limit
   * @param onStall called once, when the limit is exceeded
   */
  constructor(progress: Progress, limitMs: number, onStall: () => void) {
    if (limitMs === 0) return;
    let ticks = progress.ticks;
    let since = performance.now();
    this.#timer = setInterval(
      () => {
        const now = performance.now();
        if (progress.ticks !== ticks) {
          ticks = progress.ticks;
          since = now;
        } else if (now - since >= limitMs && !this.isOver) {
          this.isOver = true;
          onStall();
        }
      },
      Math.min(lookMs, limitMs / 4),
    );
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
