import type { JobDetail } from "../sdk/index.ts";
import { showBytes } from "./quantity.ts";

/** What a job is, in words. */

/** A program with its arguments, type and size; undefined where the job has none in that role. */
export const programText = (job: JobDetail, role: "mapper" | "reducer" | "combiner"): string | undefined => {
  const program = job.programs?.[role];
  if (program === undefined) return undefined;
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
  "cluster",
]);

/** The other fields of its request, as texts. */
export const optionsOf = ({ request }: JobDetail): [name: string, value: string][] =>
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
