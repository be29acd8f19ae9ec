import type { JobDetail, Program } from "../sdk/index.ts";
import { showBytes } from "./quantity.ts";

/** What a job is, in words. */

/** A program by its name, such as `map.py`, or `sum (built in)`. */
export const programName = ({ name, type }: Program): string => (type === "builtin" ? `${name} (built in)` : name);

/** A program with its arguments, type and size; undefined where the job has none in that role. */
export const programText = (
  job: Pick<JobDetail, "programs" | "request">,
  role: "mapper" | "reducer" | "combiner",
): string | undefined => {
  const program = job.programs?.[role];
  if (program === undefined) return undefined;
  if (program.type === "builtin") return programName(program);
  const args = job.request[`${role}Args`] ?? [];
  return `${[program.name, ...args].join(" ")} (${program.type}, ${showBytes(program.size)}, ${program.hash.slice(0, 12)})`;
};

/** Fields of a request that are shown by themselves. */
const shownElsewhere = new Set([
  "name",
  "tags",
  "inputPath",
  "outputPath",
  "mapperName",
  "reducerName",
  "combinerName",
  "aggregate",
  "cluster",
]);

/** The other fields of its request, as texts. */
export const optionsOf = ({ request }: Pick<JobDetail, "request">): [name: string, value: string][] =>
  Object.entries(request)
    .filter(([name]) => !shownElsewhere.has(name))
    .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);

/** The names and values of its counters, built-in ones first. */
export const countersOf = ({ counters: { builtin, user } }: JobDetail): [name: string, value: number][] => [
  ...Object.entries(builtin),
  ...Object.entries(user).flatMap(([group, counters]) =>
    Object.entries(counters).map(([name, value]): [string, number] => [`${group} / ${name}`, value]),
  ),
];
