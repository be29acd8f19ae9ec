import { commitBatch } from "../limits.ts";
import type { TaskCounts } from "../api/jobs.ts";
import { phaseEffects, type Effect, type JobChange } from "./effects.ts";
import { noTasks, type JobRow } from "./rows.ts";

/** The kind of task whose outputs are the job's. */
export const outputKind = ({ mapOnly }: JobRow): "map" | "reduce" => (mapOnly ? "map" : "reduce");

/** A failed task of a job that goes on is one that it tolerates. */
const isThrough = ({ completed, failed, total }: TaskCounts): boolean => completed + failed === total;

/** Enters a phase, and those after it that have nothing left to do. */
const enter = (job: JobRow, counts: TaskCounts, create: readonly Effect[]): JobChange => {
  const next = advance(job);
  const unstarted = counts.total - counts.running - counts.completed - counts.failed;
  return { job: next.job, effects: [...create, ...(next.effects.length > 0 ? next.effects : phaseEffects(unstarted))] };
};

/** The input is planned. @param total the number of maps */
export const startMapping = (job: JobRow, total: number): JobChange => {
  const maps = { ...noTasks, total };
  return enter({ ...job, status: "mapping", maps }, maps, [{ kind: "create", tasks: "map", total }]);
};

/** Enters the first phase again that has something left to do. */
export const reenter = (job: JobRow): JobChange => enter({ ...job, status: "mapping" }, job.maps, []);

const startReducing = (job: JobRow): JobChange =>
  enter(
    { ...job, status: "reducing", created: { ...job.created, reduces: true } },
    job.reduces,
    job.created.reduces ? [] : [{ kind: "create", tasks: "reduce", total: job.nReducers }],
  );

const startCommitting = (job: JobRow, outputs: number): JobChange => {
  const total = Math.ceil(outputs / commitBatch);
  const create: Effect[] = job.created.commits
    ? []
    : [
        { kind: "create", tasks: "commit", total },
        { kind: "create", tasks: "success", total: 1 },
      ];
  const commits = job.created.commits ? job.commits : { total, completed: 0 };
  return {
    job: { ...job, status: "committing", created: { ...job.created, commits: true }, commits },
    // Without a commit left there is `_SUCCESS` to write.
    effects: [...create, ...phaseEffects(Math.max(1, commits.total - commits.completed))],
  };
};

/** Goes on to the next phase when this one is through. */
export const advance = (job: JobRow): JobChange => {
  if (job.status === "mapping" && isThrough(job.maps) && !job.mapOnly) return startReducing(job);
  const [producing, outputs] = job.mapOnly ? (["mapping", job.maps] as const) : (["reducing", job.reduces] as const);
  if (job.status === producing && isThrough(outputs)) return startCommitting(job, outputs.total);
  return { job, effects: [] };
};
