import type { TaskRow } from "../../../shared/engine/machine.ts";
import type { MapInput } from "../../../shared/protocol/tasks.ts";
import type { Session } from "../session.ts";

/**
 * Neighbouring partitions lie side by side in each map's output. A runner that reduces several of them, one after another, reads
 * them by one request of each output. And a runner that knows which map it is given next opens its input while it writes its
 * output. So a runner is given the task behind the one that it has done, and others begin elsewhere.
 */

type Kind = "map" | "reduce";

/** The most tasks of a block, which one runner does as far as possible. The index of the shuffle has so many partitions together. */
const largestBlock = 16;

/** Blocks that are tried for one in which nobody works, so that a claim does not take longer with more runners. */
const mostTries = 8;

/** The most ranges of the next map's input that are told: about as many as a runner opens ahead. */
const mostRanges = 8;

/** How many tasks a block has: a power of two, and no more than there are for each runner. */
const blockLength = ({ job, peers }: Session, kind: Kind): number => {
  const { total } = kind === "map" ? job.maps : job.reduces;
  const each = total / Math.max(1, peers.count);
  return each < 2 ? 1 : Math.min(largestBlock, 2 ** Math.floor(Math.log2(each)));
};

/** The task that a runner should do next. @param done the one that it has just done */
export const nextNeighbour = (session: Session, kind: Kind, done: TaskRow | undefined): TaskRow | undefined => {
  const { store, now } = session;
  const { tasks } = store;
  const length = blockLength(session, kind);
  const after = done?.kind === kind ? done.index : undefined;
  if (after !== undefined && (after + 1) % length !== 0) {
    const behind = tasks.nextScheduled(kind, now, after + 1);
    if (behind?.index === after + 1) return behind;
  }
  const first = tasks.nextScheduled(kind, now);
  if (length === 1 || first === undefined) return first;
  let task: TaskRow | undefined = first;
  for (let tries = 0; task !== undefined && tries < mostTries; tries++) {
    const start = task.index - (task.index % length);
    if (!tasks.isAnyRunning(kind, start, start + length)) return task;
    task = tasks.nextScheduled(kind, now, start + length);
  }
  // What another runner does next it has begun to read, so it keeps the first half of what is left of its block.
  const left = tasksAhead(session, kind, first.index);
  return left === 0 ? first : tasks.get(kind, first.index + Math.ceil(left / 2));
};

/** How many of the tasks behind this one, in its block, the same runner is most likely given. */
export const tasksAhead = (session: Session, kind: Kind, index: number): number => {
  const length = blockLength(session, kind);
  const most = length - 1 - (index % length);
  return most === 0 ? 0 : session.store.tasks.scheduledBehind(kind, index, most, session.now);
};

/** The first ranges of the map that the same runner is most likely given after this one; undefined if nobody knows. */
export const nextInput = (session: Session, index: number): MapInput | undefined =>
  tasksAhead(session, "map", index) > 0 ? session.store.tasks.input(index + 1).slice(0, mostRanges) : undefined;
