import { readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The hook that runners are started with. */
const hook = new URL("runner-memory-hook.ts", import.meta.url);

/**
 * The peak memory of the runners, as reported by themselves: each writes it to a folder when it ends. So nothing disturbs them
 * while they run, and no peak is missed. A runner that had to be killed reports nothing.
 */
export class RunnerMemory {
  readonly #folder: string;

  /** @param folder empty, and used by nothing else */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** For `NODE_OPTIONS` of the agent, which passes it on to the runners; keeps the current value. */
  get nodeOptions(): string {
    const url = new URL(hook);
    url.searchParams.set("folder", pathToFileURL(this.#folder).href);
    return `${process.env["NODE_OPTIONS"] ?? ""} --import="${url.href}"`.trim();
  }

  /** The largest peak of the runners that have ended since the last call, in MiB; undefined if none has reported. */
  take(): number | undefined {
    const peaks = readdirSync(this.#folder).map((name) => {
      const path = join(this.#folder, name);
      const peak = Number(readFileSync(path, "utf8"));
      rmSync(path);
      return peak;
    });
    return peaks.length === 0 ? undefined : Math.max(...peaks);
  }
}
