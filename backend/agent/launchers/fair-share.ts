/** A job that competes for runners. */
export type Claimant = {
  /** The number of runners that the job could use now. */
  readonly wanted: number;
  /** The number of runners that the job has, not counting those that are draining. */
  readonly held: number;
  /** Since when it has continuously had runners, or had none while it wanted some; in milliseconds of any monotonic clock. */
  readonly since: number;
};

/** The current time and the length of a turn, in milliseconds. `now` uses the clock of `since`; a turn lasts `quantum`. */
export type Turn = { readonly now: number; readonly quantum: number };

/** Finds the highest number of runners that every job can have, each up to what it wants, and how many are left over. */
const waterLevel = (jobs: readonly Claimant[], capacity: number): { level: number; rest: number } => {
  let rest = capacity;
  let level = 0;
  for (;;) {
    const thirsty = jobs.filter((job) => job.wanted > level);
    if (thirsty.length === 0 || rest < thirsty.length) return { level, rest: thirsty.length === 0 ? 0 : rest };
    const lowest = Math.min(...thirsty.map((job) => job.wanted));
    const step = Math.min(lowest - level, Math.floor(rest / thirsty.length));
    level += step;
    rest -= step * thirsty.length;
  }
};

/**
 * Shares `capacity` runners among `jobs`, which are in order of arrival. The shares are max-min fair: no job could have more
 * unless a job with no more than it had less. An indivisible rest stays with the jobs that already hold it, so that no runner
 * moves because of it. There is one exception: if there are more jobs than runners, a job that has had its runner for a quantum
 * makes room for the job that has waited longest.
 */
export const fairShares = (jobs: readonly Claimant[], capacity: number, turn: Turn): number[] => {
  const { level, rest } = waterLevel(jobs, capacity);
  const thirsty = jobs.filter((job) => job.wanted > level);
  const bySince = (all: readonly Claimant[]): Claimant[] => all.toSorted((a, b) => a.since - b.since);
  const holders = bySince(thirsty.filter((job) => job.held > level));
  const waiting = bySince(thirsty.filter((job) => job.held <= level));
  // One unit each, holders first. Among the holders, those that have held longest come last.
  const order = [...holders.toReversed(), ...waiting];
  const chosen = order.slice(0, rest);
  if (level === 0) {
    const passedOver = waiting.filter((job) => !chosen.includes(job));
    const due = holders.filter((job) => chosen.includes(job) && turn.now - job.since >= turn.quantum);
    for (const [index, waiter] of passedOver.entries()) {
      const holder = due[index];
      if (holder === undefined) break;
      chosen[chosen.indexOf(holder)] = waiter;
    }
  }
  return jobs.map((job) => Math.min(job.wanted, level) + (chosen.includes(job) ? 1 : 0));
};

/** In how many milliseconds the result of `fairShares` can change just because time passes; undefined if it cannot. */
export const nextTurn = (jobs: readonly Claimant[], shares: readonly number[], turn: Turn): number | undefined => {
  const waits = jobs.some((job, index) => job.wanted > 0 && shares[index] === 0);
  const holders = jobs.filter((job, index) => job.held > 0 && (shares[index] ?? 0) > 0);
  if (!waits || holders.length === 0) return undefined;
  return Math.max(0, Math.min(...holders.map((job) => job.since)) + turn.quantum - turn.now);
};
