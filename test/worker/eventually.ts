import { vi } from "vitest";

/** Waits until `check` no longer throws. The limit is 20 s, because a busy machine can be slow. */
export const eventually = async (check: () => unknown): Promise<void> => {
  await vi.waitFor(check, { timeout: 20_000, interval: 20 });
};
