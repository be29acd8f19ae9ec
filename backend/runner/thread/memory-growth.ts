import { Session } from "node:inspector/promises";
import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8";

/**
 * Maximum bytes that tasks may leave in their thread, beyond what it used at its start. A task whose module is a bundle of
 * 200 KiB leaves 1.2 MiB, because a thread never frees an ES module that it has imported.
 */
const mostGrowth = 40 * 1024 * 1024;

/** Detects when the tasks of this thread have left so much memory behind that the thread should be replaced. */
export class MemoryGrowth {
  readonly #keptBytes: () => number;
  readonly #atStart: number;
  #isTooLarge = false;

  /** @param keptBytes the bytes of buffers that are kept for the next task */
  constructor(keptBytes: () => number) {
    this.#keptBytes = keptBytes;
    this.#atStart = this.#usedBytes();
  }

  /**
   * Whether the thread should be replaced. Must be called between tasks. Stays true once it is true. Collects garbage only if the
   * thread seems too large, because a collection takes longer than a small task.
   */
  async isTooLarge(): Promise<boolean> {
    if (this.#isTooLarge || !this.#exceedsLimit()) return this.#isTooLarge;
    await collectGarbage();
    this.#isTooLarge = this.#exceedsLimit();
    return this.#isTooLarge;
  }

  #exceedsLimit(): boolean {
    return this.#usedBytes() - this.#atStart > mostGrowth;
  }

  /** Bytes on this thread's heap and in its buffers, except young objects and what is kept. */
  #usedBytes(): number {
    const { used_heap_size: heap, external_memory: buffers } = getHeapStatistics();
    const young = getHeapSpaceStatistics().filter(({ space_name: name }) => name.startsWith("new_"));
    return heap + buffers - this.#keptBytes() - young.reduce((sum, { space_used_size: size }) => sum + size, 0);
  }
}

/** Collects garbage through the inspector, because `gc` exists only in a process started with `--expose-gc`. */
const collectGarbage = async (): Promise<void> => {
  const session = new Session();
  session.connect();
  await session.post("HeapProfiler.collectGarbage");
  session.disconnect();
};
