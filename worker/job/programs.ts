import type { Program } from "../../shared/api/artifacts.ts";
import type { JobRequest } from "../../shared/api/job-request.ts";
import { identity } from "../../shared/builtin-programs.ts";
import type { ProgramRole } from "../../shared/protocol/tasks.ts";
import type { PinRole } from "../contracts.ts";
import type { BuiltinProgram, JobProgram, JobPrograms, PinnedPrograms } from "./spec.ts";

/** What a job runs: artifacts that the Registry has pinned for it, and built-in programs. */

/** The built-in program that a name stands for where no artifact has it; undefined if there is none for that use. */
export const builtinFor = (role: PinRole, name: string): BuiltinProgram | undefined =>
  name === identity && (role === "mapper" || role === "reducer") ? { name, type: "builtin" } : undefined;

/** The programs of a job. @param pinned those that are artifacts @throws Error if one is neither pinned nor built in */
export const programsFor = (request: JobRequest, pinned: PinnedPrograms): JobPrograms => {
  const { mapperName, reducerName, combinerName } = request;
  const programOf = (role: ProgramRole, name: string): JobProgram =>
    pinned[role] ?? builtinFor(role, name) ?? unpinned(role, name);
  return {
    mapper: programOf("mapper", mapperName),
    reducer: aggregateOf(request) ?? (reducerName === undefined ? undefined : programOf("reducer", reducerName)),
    combiner: combinerName === undefined ? undefined : (pinned.combiner ?? unpinned("combiner", combinerName)),
  };
};

const aggregateOf = ({ aggregate }: JobRequest): BuiltinProgram | undefined =>
  aggregate && { name: aggregate, type: "builtin" };

const unpinned = (role: ProgramRole, name: string): never => {
  throw new Error(`the ${role} '${name}' is not pinned`);
};

/** A program as the REST API shows it. */
export const viewProgram = (program: JobProgram): Program => {
  if (program.type === "builtin") return { ...program, size: 0, hash: "" };
  const { name, type, size, hash } = program;
  return { name, type, size, hash };
};
