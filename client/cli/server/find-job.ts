import type { Job, JobDetail } from "../../sdk/index.ts";
import { CommandError, exitCodes } from "../failure.ts";
import { shortId } from "../../show/job-names.ts";
import type { Server } from "./server.ts";

/** Jobs as users name them: by an id, a part of it that only one has, or `@` for the latest one. */

const fullLength = 36;

/** Jobs among which a part of an id is looked for, newest first. */
const mostSearched = 10_000;

const unknown = (text: string): CommandError =>
  new CommandError(`There is no job '${text}'.`, exitCodes.unknown, ["See what there is: edgefold jobs"]);

/** The id of the job that a text names. @throws CommandError if there is none, or several */
export const findJobId = async ({ client }: Server, text: string): Promise<string> => {
  if (text === "@") {
    const { items } = await client.jobs.list().page({ limit: 1 });
    const [latest] = items;
    if (latest === undefined)
      throw new CommandError("There are no jobs yet.", exitCodes.unknown, ["Start one: edgefold run --help"]);
    return latest.id;
  }
  const part = text.toLowerCase();
  if (part.length === fullLength) return part;
  const found: Job[] = [];
  let searched = 0;
  for await (const job of client.jobs.list()) {
    if (job.id.startsWith(part) || job.id.endsWith(part)) found.push(job);
    if (++searched === mostSearched) break;
  }
  const [only, ...others] = found;
  if (only === undefined) throw unknown(text);
  if (others.length === 0) return only.id;
  const ids = found.slice(0, 5).map(({ id, status }) => `${shortId(id)}  ${id}  ${status}`);
  throw new CommandError(`'${text}' stands for ${found.length} jobs.`, exitCodes.usage, ids);
};

export const findJob = async (server: Server, text: string): Promise<JobDetail> =>
  await server.client.jobs.get(await findJobId(server, text));

/** The id of a task, which may be written without its job's: `m-3`. */
export const taskIdOf = (jobId: string, text: string): string =>
  text.startsWith(`${jobId}-`) ? text : `${jobId}-${text}`;
