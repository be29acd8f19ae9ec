import { vi } from "vitest";

/** Waits until `check` no longer throws: up to 20 s, as a busy machine may take long for what takes a moment. */
export const eventually = async (check: () => unknown): Promise<void> => {
  await vi.waitFor(check, { timeout: 20_000, interval: 20 });
};
