import type { TaskRow } from "../../../shared/engine/machine.ts";
import type { Session } from "../session.ts";

/**
 * Neighbouring partitions lie side by side in each map's output. A runner that reduces several of them, one after another, reads
 * them by one request of each output. So a runner is given the partition behind the one that it has done, and others begin elsewhere.
 */

/** The most partitions of a block, which one runner reduces as far as possible. The index of the shuffle has so many together. */
const largestBlock = 16;

/** Blocks that are tried for one in which nobody works, so that a claim does not take longer with more runners. */
const mostTries = 8;

/** How many partitions a block has: a power of two, and no more than there are for each runner. */
const blockLength = ({ job, peers }: Session): number => {
  const each = job.reduces.total / Math.max(1, peers.count);
  return each < 2 ? 1 : Math.min(largestBlock, 2 ** Math.floor(Math.log2(each)));
};

/** The reduce that a runner should do next. @param after the index of the one that it has just done */
export const nextReduce = (session: Session, after: number | undefined): TaskRow | undefined => {
  const { store, now } = session;
  const { tasks } = store;
  const length = blockLength(session);
  if (after !== undefined && (after + 1) % length !== 0) {
    const behind = tasks.nextScheduled("reduce", now, after + 1);
    if (behind?.index === after + 1) return behind;
  }
  const first = tasks.nextScheduled("reduce", now);
  if (length === 1) return first;
  let task = first;
  for (let tries = 0; task !== undefined && tries < mostTries; tries++) {
    const start = task.index - (task.index % length);
    if (!tasks.isAnyRunning("reduce", start, start + length)) return task;
    task = tasks.nextScheduled("reduce", now, start + length);
  }
  return first;
};

/** How many of the partitions behind this one the same runner is most likely given. */
export const partitionsAhead = (session: Session, index: number): number => {
  const length = blockLength(session);
  const most = length - 1 - (index % length);
  return most === 0 ? 0 : session.store.tasks.scheduledBehind("reduce", index, most, session.now);
};
