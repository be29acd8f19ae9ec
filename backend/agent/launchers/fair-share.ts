/** A job that wants runners, as the sharing sees it. */
export type Claimant = {
  /** Runners that the job could use now. */
  readonly wanted: number;
  /** Runners that it has, those not counted that are to end after their task. */
  readonly held: number;
  /** Since when it has had runners without a break, or none while it wanted some: milliseconds of any monotonic clock. */
  readonly since: number;
};

/** The sharing at an instant: `now` by the clock of `since`, and after how long a job must take turns with those that wait. */
export type Turn = { readonly now: number; readonly quantum: number };

/** The highest level to which every job can be filled, each up to what it wants; and what is left over then. */
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
 * How many runners each of `jobs`, in order of arrival, should have out of `capacity`: max-min fair, so that none could have
 * more unless one that has no more than it had less. What does not divide stays with the jobs that have it, so that nobody
 * is moved for its sake; with one exception: where there are more jobs than runners, a job that has had its runner for a
 * quantum makes room for the one that has waited longest.
 */
export const fairShares = (jobs: readonly Claimant[], capacity: number, turn: Turn): number[] => {
  const { level, rest } = waterLevel(jobs, capacity);
  const thirsty = jobs.filter((job) => job.wanted > level);
  const bySince = (all: readonly Claimant[]): Claimant[] => all.toSorted((a, b) => a.since - b.since);
  const holders = bySince(thirsty.filter((job) => job.held > level));
  const waiting = bySince(thirsty.filter((job) => job.held <= level));
  // A unit each, holders first; the last of the holders in this order are those that have held longest.
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

/** In how many milliseconds `fairShares` may come to another result just by time; undefined when it will not. */
export const nextTurn = (jobs: readonly Claimant[], shares: readonly number[], turn: Turn): number | undefined => {
  const waits = jobs.some((job, index) => job.wanted > 0 && shares[index] === 0);
  const holders = jobs.filter((job, index) => job.held > 0 && (shares[index] ?? 0) > 0);
  if (!waits || holders.length === 0) return undefined;
  return Math.max(0, Math.min(...holders.map((job) => job.since)) + turn.quantum - turn.now);
};
