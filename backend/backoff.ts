/** The least and the most that a retry waits, in milliseconds. */
const floorMs = 100;
const capMs = 10_000;

/**
 * How long to wait before retry number `attempt` (from 0), in milliseconds: exponential with full jitter over a small floor,
 * so that the first retry comes within 100–200 ms and peers that were cut together do not come back together.
 * @param random in [0, 1)
 */
export const backoffMs = (attempt: number, random: () => number = Math.random): number =>
  floorMs + random() * Math.min(capMs - floorMs, floorMs * 2 ** Math.min(attempt, 16));
